"""Tests of paddings and fill values."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.jagged import Padding, check_fill, check_padding, fits

DTYPES = st.sampled_from(["i1", "u1", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
STRUCTURED = np.dtype([("a", "f4"), ("b", "i4")])


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5), DTYPES)
def test_integers_fit_where_each_of_them_survives(values: list[int], dtype: str) -> None:
    array = np.array(values, np.int64)
    with np.errstate(all="ignore"):
        held = array.astype(dtype).tolist()
    assert fits(array, np.dtype(dtype)) == (held == values)


def test_an_event_number_beyond_2_to_53_does_not_fit_a_double() -> None:
    assert not fits(np.array([2**53 + 1]), np.dtype("f8"))


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [
        (float("nan"), "f4"),
        (-np.inf, "f2"),
        (0.1, "f4"),
        (-1, "i1"),
        (1.0, "i4"),
        (0, "?"),
        (True, "u1"),
        (1j, "c8"),
        (2**64 - 1, "u8"),
        (np.datetime64("NaT", "ns"), "M8[s]"),
        (np.zeros((), STRUCTURED), STRUCTURED),
    ],
)
def test_padding_takes_a_fill_that_the_dtype_holds(fill: Any, dtype: Any) -> None:
    check_fill(fill, np.dtype(dtype))


@pytest.mark.parametrize(
    ("fill", "dtype"),
    [
        (float("nan"), "i4"),
        (float("nan"), "?"),
        (0.5, "i4"),
        (-1, "u8"),
        (256, "u1"),
        (2**63, "i8"),
        (np.float64(2**63), "i8"),
        (2**24 + 1, "f4"),
        (1e300, "f4"),
        (1 + 2j, "f8"),
        (2, "?"),
        (None, "f4"),
        ("nan", "f4"),
        ([1.0, 2.0], "f4"),
        ([[1.0], [1.0, 2.0]], "f4"),
        (0, STRUCTURED),
        (10**40, "f8"),
    ],
)
def test_padding_refuses_a_fill_that_the_dtype_does_not_hold(fill: Any, dtype: Any) -> None:
    with pytest.raises(OptionError, match=r"cannot fill with .* among values of dtype"):
        check_fill(fill, np.dtype(dtype))


@pytest.mark.parametrize(
    ("option", "length", "fill"),
    [((3, 0), 3, 0), ([0, -1.5], 0, -1.5), ((np.uint8(7), np.float32(2)), 7, 2.0)],
)
def test_a_padding_is_a_length_and_a_fill(option: Any, length: int, fill: float) -> None:
    padding = check_padding("x", option)
    assert padding == Padding(length, fill)
    assert (type(padding.length), type(padding.fill)) == (int, type(fill))


@pytest.mark.parametrize(
    "option",
    [3, "30", (3,), (3, 0, 0), (3.0, 0), (np.float64(3), 0), (True, 0), (-1, 0), (2**31, 0)],
)
def test_what_is_no_padding_is_an_error(option: Any) -> None:
    message = "keys_padded takes {key: (length, fill value)}, got 'x': " + repr(option)
    with pytest.raises(OptionError, match=re.escape(message)):
        check_padding("x", option)
