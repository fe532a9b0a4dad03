"""Tests of shaped columns."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

from memmpy.columns import ReadShaped, WriteShaped, load_memmaps
from memmpy.errors import ColumnError

SHAPES = st_numpy.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)


def write(store: Path, *entries: Any, **options: Any) -> ReadShaped:
    with WriteShaped(store, "key", **options) as column:
        column.extend(entries)
    return ReadShaped(store, "key")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(shapes=st.lists(SHAPES, max_size=6))
def test_each_entry_keeps_its_shape(store: Path, shapes: list[tuple[int, ...]]) -> None:
    entries = [np.arange(np.prod(shape, dtype=int)).reshape(shape) for shape in shapes]
    column = write(store, *entries, dtype=np.int64)
    assert [entry.shape for entry in column] == shapes
    assert [entry.tolist() for entry in column] == [entry.tolist() for entry in entries]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data(), num_axes=st.integers(0, 3))
def test_awkward_sees_lists_of_lists(store: Path, data: Any, num_axes: int) -> None:
    same = st_numpy.array_shapes(min_dims=num_axes, max_dims=num_axes, min_side=0, max_side=3)
    shapes = data.draw(st.lists(st.just(()) if num_axes == 0 else same, max_size=5))
    entries = [np.arange(np.prod(shape, dtype=int)).reshape(shape) for shape in shapes]
    column = write(store, *entries, dtype=np.int64)
    assert column.to_awkward().to_list() == [entry.tolist() for entry in entries]


def test_it_opens_with_its_shapes_through_load_memmaps(store: Path) -> None:
    write(store, np.zeros((2, 3)), np.zeros((4, 4)))
    column = load_memmaps(store)["key"]
    assert isinstance(column, ReadShaped)
    assert column[1].shape == (4, 4)


def test_awkward_needs_one_number_of_axes(store: Path) -> None:
    with pytest.raises(ColumnError, match=r"entries have \[1, 2\] axes: awkward arrays need one"):
        write(store, np.zeros(1), np.zeros((1, 1))).to_awkward()


def test_an_empty_first_entry_is_fine(store: Path) -> None:
    column = write(store, [], np.zeros((0, 3), np.int8), [[1]])
    assert [entry.shape for entry in column] == [(0,), (0, 3), (1, 1)]
    assert column.dtype == np.int8


@pytest.mark.parametrize("dtype", ["?", "u8", ">f4", "c16", "M8[s]"])
def test_values_of_any_dtype_survive(store: Path, dtype: str) -> None:
    entry = np.array([[0, 1]]).astype(dtype)
    column = write(store, entry)
    assert column.dtype == np.dtype(dtype).newbyteorder("<")
    assert np.array_equal(column[0], entry)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (np.zeros(1, np.float32), "column 'key' holds float64, got float32"),
        ([[1.0], [2.0, 3.0]], "lists that differ in length; use WriteJagged or WriteNested"),
        (np.array([None]), "cannot hold Python objects"),
    ],
)
def test_what_does_not_fit_is_refused(store: Path, entry: Any, message: str) -> None:
    with pytest.raises(ColumnError, match=message):
        write(store, np.zeros(1), entry)


def test_entries_share_the_mapped_memory(store: Path) -> None:
    column = write(store, np.zeros((2, 2)))
    assert np.shares_memory(column[0], column[:][0])
