import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy.errors import LengthError, OptionError
from memmpy.order import Subset

MASKS = st.lists(st_numpy.arrays(np.bool_, st.integers(0, 150)), max_size=6)


@given(MASKS)
def test_select_gives_the_members_in_ascending_order_however_the_mask_is_cut(
    masks: list[np.ndarray],
) -> None:
    whole = np.concatenate([np.zeros(0, dtype=np.bool_), *masks])
    members = np.flatnonzero(whole)
    subset = Subset(masks, num=len(whole))
    assert len(subset) == len(members)
    for compiled in (False, True):
        ranks = np.arange(len(members))
        assert np.array_equal(subset.select(ranks, compiled=compiled), members)
        assert np.array_equal(subset.select(ranks[::-1], compiled=compiled), members[::-1])


@pytest.mark.parametrize("density", [0.0001, 0.01, 0.5, 0.999, 1.0])
def test_select_works_at_any_density(density: float) -> None:
    generator = np.random.default_rng(1)
    mask = generator.random(300_000) < density
    members = np.flatnonzero(mask)
    ranks = generator.permutation(len(members))
    subset = Subset(np.array_split(mask, 7), num=len(mask))
    for compiled in (False, True):
        assert np.array_equal(subset.select(ranks, compiled=compiled), members[ranks])


def test_memory_is_a_quarter_of_a_byte_for_each_position() -> None:
    assert Subset([np.ones(64_000, dtype=np.bool_)], num=64_000).nbytes <= 64_000 / 4 + 8


def test_an_empty_subset_has_no_members() -> None:
    for num in (0, 1, 64, 100):
        subset = Subset([np.zeros(num, dtype=np.bool_)], num=num)
        assert len(subset) == 0
        assert subset.select(np.array([], dtype=np.int64)).tolist() == []


@pytest.mark.parametrize("rank", [-1, 3])
def test_a_rank_out_of_range_is_refused(rank: int) -> None:
    with pytest.raises(OptionError, match=f"{rank} is out of range: there are 3 members"):
        Subset([np.ones(3, dtype=np.bool_)], num=3).select(np.array([rank]))


@pytest.mark.parametrize("size", [0, 7, 9, 65, 1000])
def test_masks_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(LengthError, match=f"have {size:,} positions together, not 8"):
        Subset([np.ones(size, dtype=np.bool_)], num=8)


def test_its_repr_tells_its_size() -> None:
    assert repr(Subset([np.array([True, False])], num=2)) == "Subset(1 of 2 positions)"
