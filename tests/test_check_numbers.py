"""Tests of how numbers of rows, entries and positions are checked."""

import numpy as np
import pytest

from memmpy.checks import check_numbers
from memmpy.errors import OptionError


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i4", "u8", "i8"])
def test_numbers_become_contiguous_int64(dtype: str) -> None:
    numbers = check_numbers(np.arange(8, dtype=dtype)[::-2], 8, of="rows")
    assert numbers.tolist() == [7, 5, 3, 1]
    assert numbers.dtype == np.int64
    assert numbers.flags.c_contiguous


def test_numbers_that_are_right_are_not_copied() -> None:
    numbers = np.arange(3)
    assert np.shares_memory(check_numbers(numbers, 3, of="rows"), numbers)


@pytest.mark.parametrize("wrong", [-1, 1000, 2**62, -(2**63)])
def test_a_number_out_of_range_is_named(wrong: int) -> None:
    with pytest.raises(OptionError, match=f"{wrong} is out of range: there are 1,000 rows, from 0"):
        check_numbers(np.array([5, wrong, 7]), 1000, of="rows")


def test_a_number_beyond_int64_does_not_wrap() -> None:
    with pytest.raises(OptionError, match=f"{2**64 - 1} is out of range"):
        check_numbers(np.array([2**64 - 1], np.uint64), 10, of="rows")


def test_nothing_is_in_range_of_no_rows() -> None:
    assert check_numbers(np.empty(0, np.int64), 0, of="rows").shape == (0,)


@pytest.mark.parametrize(
    "numbers", [np.array([0.0]), np.array([[0]]), np.array(0), np.array([True])]
)
def test_what_is_no_array_of_integers_is_refused(numbers: np.ndarray) -> None:
    with pytest.raises(
        OptionError, match="numbers of rows are a one-dimensional array of integers"
    ):
        check_numbers(numbers, 10, of="rows")
