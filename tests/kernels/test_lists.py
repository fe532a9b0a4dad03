"""Lists in another order: NumPy and compiled, against a loop in plain Python."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, CorruptStoreError, OptionError
from memmpy.kernels import offsets_of, take_lists
from tests.kernels.kernels import spread_lists

DTYPES = ["?", "u1", "f2", "f4", ">i4", "f8", "S3", "M8[s]"]
SHAPES: list[tuple[int, ...]] = [(), (1,), (3,), (2, 5), (0,)]
COUNTS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 60)), max_size=40)
DAMAGED = [
    [0, 4, 3],
    [0, 2, 1],
    [-1, 2, 3],
    [0, 2, 4],
    [0, 2**62, 3],
    [-(2**63), 2**63 - 1, 3],
    [0, 1, -(2**63)],  # 2**63 - 1 items, if one subtracts
]


@pytest.fixture(params=[False, True], ids=["numpy", "compiled"], scope="module")
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@st.composite
def jaggeds(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Draw lists whose offsets may start anywhere in the content, which may go on behind them."""
    offsets = offsets_of(np.array(draw(COUNTS), np.int64)) + draw(st.sampled_from([0, 3]))
    dtype, shape = np.dtype(draw(st.sampled_from(DTYPES))), draw(st.sampled_from(SHAPES))
    num = int(offsets[-1]) + draw(st.sampled_from([0, 0, 1, 20]))
    octets = np.random.default_rng(num).integers(
        0, 2, num * int(np.prod(shape)) * dtype.itemsize, dtype=np.uint8
    )
    return octets.view(dtype).reshape(num, *shape), offsets


def lists_at(content: np.ndarray, offsets: np.ndarray, entries: np.ndarray) -> list[bytes]:
    return [content[offsets[entry] : offsets[entry + 1]].tobytes() for entry in entries]


def check(taken: tuple[np.ndarray, np.ndarray], content: np.ndarray, lists: list[bytes]) -> None:
    items, offsets = taken
    assert items.dtype == content.dtype
    assert items.shape == (offsets[-1], *content.shape[1:])
    assert offsets.dtype == np.int64
    assert offsets[0] == 0
    assert lists_at(items, offsets, np.arange(len(offsets) - 1)) == lists


@given(jagged=jaggeds(), draw=st.data())
def test_lists_are_taken_in_the_order_asked_for(
    compiled: bool, jagged: tuple[np.ndarray, np.ndarray], draw: st.DataObject
) -> None:
    content, offsets = jagged
    num = len(offsets) - 1
    entries = np.array(
        draw.draw(st.lists(st.integers(0, num - 1), max_size=60)) if num else [], np.int64
    )
    taken = take_lists(content, offsets, entries=entries, compiled=compiled)
    check(taken, content, lists_at(content, offsets, entries))


@given(jagged=jaggeds(), draw=st.data())
def test_lists_of_blocks_are_spread_to_their_places(
    jagged: tuple[np.ndarray, np.ndarray], draw: st.DataObject
) -> None:
    content, offsets = jagged
    edges = sorted(draw.draw(st.lists(st.integers(0, len(offsets) - 1), max_size=8)))
    bounds = np.array(edges, np.int64)
    starts, counts = bounds[:-1], bounds[1:] - bounds[:-1]
    if draw.draw(st.booleans()):
        starts, counts = starts[::-1], counts[::-1]
    read = np.concatenate([np.empty(0, np.int64), *map(np.arange, starts, starts + counts)])
    places = np.random.default_rng(len(read)).permutation(len(read)).astype(np.uint32)
    entries = np.empty_like(read)
    entries[places] = read
    starts, counts = np.ascontiguousarray(starts), np.ascontiguousarray(counts)
    taken = spread_lists(content, offsets, starts=starts, counts=counts, places=places)
    check(taken, content, lists_at(content, offsets, entries))


def test_lists_of_read_only_memory_maps_are_taken(compiled: bool, tmp_path: Path) -> None:
    np.save(tmp_path / "content.npy", np.arange(100, dtype=np.float32))
    np.save(tmp_path / "offsets.npy", np.arange(0, 101, 10))
    content = np.load(tmp_path / "content.npy", mmap_mode="r")
    offsets = np.load(tmp_path / "offsets.npy", mmap_mode="r")[3:]
    items, taken = take_lists(content, offsets, entries=np.array([6, 0]), compiled=compiled)
    assert items.tolist() == [*range(90, 100), *range(30, 40)]
    assert taken.tolist() == [0, 10, 20]
    items[0] = 1  # and are the caller's own


@pytest.mark.parametrize("offsets", DAMAGED)
def test_damaged_offsets_are_an_error(compiled: bool, offsets: list[int]) -> None:
    with pytest.raises(CorruptStoreError, match=r"is damaged at entry .* its offsets say"):
        take_lists(np.ones(3), np.array(offsets), entries=np.array([1, 0]), compiled=compiled)


def test_damage_elsewhere_does_not_matter(compiled: bool) -> None:
    offsets = np.array([2**60, 0, 2, 1, -5])
    items, taken = take_lists(np.arange(3), offsets, entries=np.array([1]), compiled=compiled)
    assert (items.tolist(), taken.tolist()) == ([0, 1], [0, 2])


@pytest.mark.parametrize("wrong", [-1, 2, 2**62])
def test_a_list_out_of_range_is_refused(wrong: int) -> None:
    with pytest.raises(OptionError, match=f"{wrong} is out of range: there are 2 lists"):
        take_lists(np.ones(3), np.array([0, 1, 3]), entries=np.array([wrong]), compiled=False)


@pytest.mark.parametrize("content", [np.ones(6)[::2], np.array([None]), np.array(1.0)])
def test_content_of_another_form_is_refused(content: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="expected contiguous content without Python objects"):
        take_lists(content, np.array([0, 1]), entries=np.array([0]), compiled=False)


@pytest.mark.parametrize(
    "offsets", [np.array([0.0]), np.empty(0, "i8"), np.zeros((1, 1), "i8"), np.arange(6)[::2]]
)
def test_offsets_of_another_form_are_refused(offsets: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="expected contiguous offsets of int64"):
        take_lists(np.ones(9), offsets, entries=np.array([0]), compiled=False)
