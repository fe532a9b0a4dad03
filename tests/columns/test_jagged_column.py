"""Tests of jagged columns."""

from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

from memmpy.columns import ReadJagged, WriteJagged
from memmpy.errors import ColumnError, CorruptStoreError
from memmpy.jagged import Jagged
from memmpy.store import read_metadata


def write(store: Path, *pieces: Any, **options: Any) -> ReadJagged:
    with WriteJagged(store, "key", **options) as column:
        for piece in pieces:
            column.extend(piece)
    return ReadJagged(store, "key")


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u8", "f2", "f4", "f8", "c8", "M8[ns]", ">f4", [("a", "f4"), ("b", "i8")]]
)
def test_items_of_any_dtype_survive(store: Path, dtype: Any) -> None:
    items = np.array([0, 1, 1], "i8").astype(dtype)
    column = write(store, [items, items[:0], items[1:]])
    assert column.dtype == np.dtype(dtype).newbyteorder("<")
    assert column.content.tolist() == np.concatenate([items, items[1:]]).tolist()
    assert column.counts.tolist() == [3, 0, 2]


def test_entries_may_be_given_in_every_way(store: Path) -> None:
    pieces = [
        [np.array([1, 2]), np.array([], np.int64)],
        [[3], []],
        Jagged(np.array([4, 5]), np.array([0, 1, 2])),
        ak.Array([[6, 7], []]),
        np.array([[8, 9]]),
        (np.array([i]) for i in (10, 11)),
    ]
    column = write(store, *pieces)
    expected = [[1, 2], [], [3], [], [4], [5], [6, 7], [], [8, 9], [10], [11]]
    assert [entry.tolist() for entry in column] == expected


def test_a_column_may_be_copied_into_another(store: Path) -> None:
    first = write(store, [np.array([1.5]), np.array([])])
    with WriteJagged(store, "copy") as column:
        column.extend(first)
        column.extend(first[::-1])
    copied = ReadJagged(store, "copy")
    assert [entry.tolist() for entry in copied] == [[1.5], [], [], [1.5]]


@pytest.mark.parametrize("first", [[[]], [np.empty(0, np.int32)], ak.Array([[]])])
def test_an_empty_first_entry_is_fine(store: Path, first: Any) -> None:
    column = write(store, first, [np.array([1], np.int32)])
    assert [entry.tolist() for entry in column] == [[], [1]]
    assert column.dtype == np.int32


def test_only_empty_lists_need_a_dtype(store: Path) -> None:
    with pytest.raises(ColumnError, match=r"its dtype is not known; give dtype="):
        write(store, [[], []])
    assert write(store, [[], []], dtype="f4").counts.tolist() == [0, 0]


def test_items_may_have_a_shape(store: Path) -> None:
    column = write(store, [np.zeros((2, 3)), np.zeros((0, 3))])
    assert column[0].shape == (2, 3)
    assert column[1].shape == (0, 3)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([np.zeros(1, np.float32)], "column 'key' holds float64, got float32"),
        ([np.zeros((1, 2))], r"column 'key' has entries of shape \(\), got \(2,\)"),
        ([5], "column 'key' takes several values at a time, got 5"),
        (["text"], "column 'key' takes several values at a time, got 'text'"),
        ("text", "extend takes a sequence of arrays, got 'text'"),
        (5, "extend takes a sequence of arrays, got 5"),
        (ak.Array(["text"]), "not lists of numbers: 1 \\* string"),
        ([np.array(["text"])], "cannot hold text .*use WriteText"),
    ],
)
def test_what_does_not_fit_is_refused(store: Path, value: Any, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        write(store, [np.zeros(2)], value)


def test_a_refused_entry_leaves_those_before(store: Path) -> None:
    with WriteJagged(store, "key") as column:
        column.append(np.array([1.5]))
        with pytest.raises(ColumnError):
            column.append(np.array([1]))
        column.append(np.array([2.5]))
    assert [entry.tolist() for entry in ReadJagged(store, "key")] == [[1.5], [2.5]]


def test_a_slice_is_over_the_mapped_memory(store: Path) -> None:
    column = write(store, [np.array([1.0, 2.0]), np.array([3.0])])
    assert np.shares_memory(column[1:].content, column.content)
    assert not column.content.flags.writeable


def test_awkward_sees_the_mapped_memory(store: Path) -> None:
    column = write(store, [np.array([1.0, 2.0]), np.array([3.0])])
    assert np.shares_memory(ak.flatten(column.to_awkward()).to_numpy(), column.content)


def test_ten_thousand_entries_one_by_one(store: Path) -> None:
    counts = np.arange(10_000) % 7
    with WriteJagged(store, "key") as column:
        for count in counts:
            column.append(np.arange(count))
    assert np.array_equal(ReadJagged(store, "key").counts, counts)


@pytest.mark.parametrize(("place", "value"), [(0, 1), (-1, 10**6), (-1, 0)])
def test_offsets_that_miss_the_ends_are_damage(store: Path, place: int, value: int) -> None:
    _overwrite_offset(store, place, value)
    with pytest.raises(CorruptStoreError, match="its offsets do not go from 0 to the end"):
        ReadJagged(store, "key")


@pytest.mark.parametrize("value", [-5, 0, 10**6])
def test_offsets_that_lead_astray_are_damage_when_they_are_used(store: Path, value: int) -> None:
    _overwrite_offset(store, 50, value)
    column = ReadJagged(store, "key")
    with pytest.raises(
        CorruptStoreError, match=r"is damaged at entry (49|50): .*run `memmpy verify`"
    ):
        column[np.array([50, 49])]
    with pytest.raises(
        CorruptStoreError, match=r"is damaged at entry (49|50): .*run `memmpy verify`"
    ):
        column[40:60]


@pytest.mark.parametrize(("value", "index"), [(-5, slice(50, 60)), (10**6, slice(40, 50))])
def test_offsets_that_lead_out_at_the_end_of_a_slice_are_damage(
    store: Path, value: int, index: slice
) -> None:
    _overwrite_offset(store, 50, value)
    with pytest.raises(CorruptStoreError, match=r"is damaged at entry (49|50): its offsets say"):
        ReadJagged(store, "key")[index]


def _overwrite_offset(store: Path, place: int, value: int) -> None:
    with WriteJagged(store, "key") as column:
        column.extend([np.arange(3)] * 100)
    file = read_metadata(store).columns["key"].arrays["offsets"].file
    offsets = np.load(store / file, mmap_mode="r+")
    offsets[place] = value
    offsets.flush()
