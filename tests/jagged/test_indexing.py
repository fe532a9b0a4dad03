"""Tests of indices between brackets."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.jagged import resolve

SLICES = st.slices(20) | st.builds(
    slice,
    st.none() | st.integers(-30, 30),
    st.none() | st.integers(-30, 30),
    st.none() | st.integers(-30, 30).filter(bool),
)


@given(SLICES, st.integers(0, 20))
def test_a_slice_is_what_it_is_of_a_list(index: slice, num_entries: int) -> None:
    resolved = resolve(index, num_entries)
    assert np.arange(num_entries)[resolved].tolist() == list(range(num_entries))[index]


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_a_slice_of_step_one_stays_a_slice_within_bounds(start: int, stop: int, num: int) -> None:
    resolved = resolve(slice(start, stop), num)
    assert isinstance(resolved, slice)
    assert 0 <= resolved.start <= resolved.stop <= num


@given(st.lists(st.integers(-10, 9)), st.sampled_from("bhilq"))
def test_entries_of_any_signed_dtype_count_from_the_end_where_negative(
    entries: list[int], dtype: str
) -> None:
    resolved = resolve(np.array(entries, dtype), 10)
    assert isinstance(resolved, np.ndarray)
    assert resolved.dtype == np.int64
    assert resolved.tolist() == [entry % 10 for entry in entries]


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "u8"])
def test_entries_of_any_unsigned_dtype_are_int64(dtype: str) -> None:
    resolved = resolve(np.array([9, 0, 9], dtype), 10)
    assert isinstance(resolved, np.ndarray)
    assert resolved.dtype == np.int64
    assert resolved.tolist() == [9, 0, 9]


@given(st.lists(st.booleans(), max_size=30))
def test_a_mask_is_the_entries_where_it_is_true(mask: list[bool]) -> None:
    resolved = resolve(np.array(mask, np.bool_), len(mask))
    assert isinstance(resolved, np.ndarray)
    assert resolved.dtype == np.int64
    assert resolved.tolist() == [i for i, passes in enumerate(mask) if passes]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (3, "entry 3 of a column of 3 entries"),
        (-4, "entry -4 of a column of 3 entries"),
        (10**30, "of a column of 3 entries"),
        ([0, 3], "entry 3 of a column of 3 entries"),
        ([-4, 5], "entry -4 of a column of 3 entries"),
        (np.array([2**63], np.uint64), "entry 9223372036854775808 of a column of 3 entries"),
        (np.array([2**64 - 1], np.uint64), "entry 18446744073709551615 of a column"),
        ([True, False], "a mask of 2 for a column of 3 entries"),
        (np.zeros(0, np.bool_), "a mask of 0 for a column of 3 entries"),
        (np.zeros((1, 1), np.int64), "an index has one dimension, not 2"),
    ],
)
def test_what_is_not_there_is_an_index_error(index: Any, message: str) -> None:
    with pytest.raises(IndexError, match=message):
        resolve(index, 3)


@pytest.mark.parametrize(
    "index", [1.0, np.float64(1), [0.0, 1.0], np.array([0.5]), "1", None, ..., (0, 1), True, ["a"]]
)
def test_what_is_no_index_is_a_type_error(index: Any) -> None:
    with pytest.raises(TypeError, match="index with an int, a slice, an array of integers or a"):
        resolve(index, 3)


def test_a_truth_value_without_axes_is_no_entry() -> None:
    with pytest.raises(TypeError, match="not True"):
        resolve(np.array(True), 3)


@pytest.mark.parametrize("index", [np.int8(-1), np.uint64(2), np.array(2), np.array(-1, np.int16)])
def test_an_integer_of_numpy_is_an_int(index: Any) -> None:
    assert resolve(index, 3) == 2


def test_an_empty_list_is_no_entries() -> None:
    resolved = resolve([], 3)
    assert isinstance(resolved, np.ndarray)
    assert resolved.dtype == np.int64
    assert len(resolved) == 0
