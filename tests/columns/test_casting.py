"""Tests of casts to another dtype."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.columns.casting import cast
from memmpy.errors import ColumnError


@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.sampled_from(["f2", "f4", "f8"]))
def test_integers_that_a_float_rounds_are_counted(values: list[int], dtype: str) -> None:
    held, num_lost = cast(np.array(values, np.int64), np.dtype(dtype), key="x")
    found = zip(held.tolist(), values, strict=True)
    assert held.dtype == dtype
    assert num_lost == sum(not np.isfinite(h) or int(h) != v for h, v in found)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_integers_that_float64_may_have_rounded_are_counted(dtype: str) -> None:
    values = np.array([1, 2**53, 2**60, -(2**60), np.nan])
    assert cast(values, np.dtype(dtype), key="x", are_integers=True)[1] == 3
    assert cast(values, np.dtype(dtype), key="x")[1] == 0


@given(st.lists(st.floats(width=64)))
def test_floats_that_become_infinite_are_counted(values: list[float]) -> None:
    held, num_lost = cast(np.array(values, np.float64), np.dtype("f4"), key="x")
    assert num_lost == np.count_nonzero(np.isinf(held) & np.isfinite(np.array(values)))


def test_a_wider_dtype_loses_nothing() -> None:
    values = np.array([1, 2], np.int16)
    assert cast(values, np.dtype("f4"), key="x")[1] == 0


@pytest.mark.parametrize(
    ("value", "given_as", "dtype"),
    [(300, "i4", "i1"), (-1, "i4", "u8"), (2**63, "u8", "i8"), (-1, "i8", "u4")],
)
def test_an_integer_that_does_not_fit_is_an_error(value: int, given_as: str, dtype: str) -> None:
    with pytest.raises(ColumnError, match=f"'x' has the value {value}, which does not fit into"):
        cast(np.array([value], given_as), np.dtype(dtype), key="x")
