from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.order import SeenEntries, check_selection
from memmpy.order.selection import STEP_SIZE, steps


@pytest.mark.parametrize("num", [0, 1, STEP_SIZE - 1, STEP_SIZE, STEP_SIZE + 1, 3 * STEP_SIZE])
def test_chunks_cover_everything_once(num: int) -> None:
    covered = [np.arange(*step) for step in steps(num)]
    assert np.array_equal(np.concatenate([np.arange(0), *covered]), np.arange(num))


def test_an_array_is_not_copied() -> None:
    subindex = np.array([3, 1, 2], dtype=np.int32)
    assert check_selection(subindex, 4) is subindex


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "s.npy", np.arange(0, 100, 3))
    mapped = np.load(tmp_path / "s.npy", mmap_mode="r")
    checked = check_selection(mapped, 100)
    assert type(checked) is np.ndarray
    assert np.shares_memory(checked, mapped)


@given(st.lists(st.integers(-3, 40), max_size=30))
def test_only_entries_in_range_and_once_pass(entries: list[int]) -> None:
    is_fine = len(set(entries)) == len(entries) and all(0 <= entry < 30 for entry in entries)
    if is_fine:
        assert check_selection(entries, 30).tolist() == entries
    else:
        with pytest.raises(OptionError, match="subindex holds entry"):
            check_selection(entries, 30)


@pytest.mark.parametrize("wrong", [-1, 10])
def test_an_entry_out_of_range_is_named(wrong: int) -> None:
    with pytest.raises(OptionError, match=rf"entry {wrong}, which is out of range: there are 10 e"):
        check_selection([0, wrong, 3], 10)


def test_unsigned_entries_beyond_int64_are_out_of_range() -> None:
    with pytest.raises(OptionError, match="18446744073709551615, which is out of range"):
        check_selection(np.array([2**64 - 1], dtype=np.uint64), 10)


@pytest.mark.parametrize("place", [1, 70_000, 2 * STEP_SIZE])
def test_an_entry_that_is_there_twice_is_named_wherever_it_comes_again(place: int) -> None:
    subindex = np.arange(2 * STEP_SIZE + 1)[::-1].copy()
    subindex[place] = subindex[0]
    with pytest.raises(OptionError, match=f"entry {2 * STEP_SIZE} more than once"):
        check_selection(subindex, len(subindex))


def test_a_repeat_over_the_edge_of_two_chunks_is_found() -> None:
    subindex = np.arange(STEP_SIZE + 1)
    subindex[STEP_SIZE] = STEP_SIZE - 1
    with pytest.raises(OptionError, match="more than once"):
        check_selection(subindex, len(subindex))


def test_a_mask_needs_a_boolean_for_each_entry() -> None:
    assert check_selection([True, False], 2).tolist() == [True, False]
    with pytest.raises(LengthError, match="has 2 booleans for 3 entries"):
        check_selection([True, False], 3)


def test_an_empty_list_selects_nothing() -> None:
    assert check_selection([], 5).shape == (0,)
    assert check_selection([], 5).dtype == np.int64


@pytest.mark.parametrize("wrong", [np.array([1.0]), np.array(["a"]), np.array([], dtype=float)])
def test_what_is_neither_entries_nor_a_mask_is_refused(wrong: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="subindex has dtype"):
        check_selection(wrong, 5)


@pytest.mark.parametrize("wrong", [np.zeros((2, 2), dtype=np.int64), np.array(3)])
def test_a_selection_has_one_dimension(wrong: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="must be one-dimensional"):
        check_selection(wrong, 5)


@given(st.lists(st.lists(st.integers(0, 99), max_size=20), max_size=10))
def test_entries_are_seen_once_they_are_added_or_follow_an_equal_one(
    groups: list[list[int]],
) -> None:
    seen, known = SeenEntries(100), set[int]()
    for group in map(sorted, groups):
        repeated = seen.repeated(np.array(group, np.int64))
        expected = [e in known or e in group[:i] for i, e in enumerate(group)]
        assert repeated.tolist() == expected
        seen.add(np.array(group, np.int64))
        known.update(group)
