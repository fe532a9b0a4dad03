"""Tests of findings on the values of a key."""

from functools import reduce
from typing import Any

import awkward as ak
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

import memmpy
from memmpy.training.audit.entry_words import read_slice
from memmpy.training.audit.value_findings import KeyValues, count_values, findings_of_values

SPECIAL = st.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf])


def seen_in(column: Any, step: int) -> KeyValues:
    starts = range(0, len(column), step)
    return reduce(
        KeyValues.joined,
        [count_values(read_slice(column, slice(start, start + step)), start) for start in starts],
    )


@given(arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(1, 2)), elements=SPECIAL))
def test_entries_are_counted_in_any_number_of_chunks(values: Any) -> None:
    is_nan, is_infinite = np.isnan(values).any(1), np.isinf(values).any(1)
    for step in (1, 3, 20):
        seen = seen_in(values, step)
        assert (seen.num_entries, seen.num_items) == (len(values), values.size)
        assert (seen.num_nan, seen.num_infinite) == (is_nan.sum(), is_infinite.sum())
        assert seen.first_nan == (int(is_nan.argmax()) if is_nan.any() else None)
        assert seen.first_infinite == (int(is_infinite.argmax()) if is_infinite.any() else None)
        assert seen.is_constant == (len({one.tobytes() for one in values}) == 1)


@given(st.lists(st.lists(SPECIAL, max_size=3), min_size=1, max_size=20))
def test_entries_of_lists_are_counted(lists: list[list[float]]) -> None:
    column = object.__new__(memmpy.ReadJagged)
    column._jagged = memmpy.Jagged.from_arrays([np.array(one, np.float64) for one in lists])
    for step in (1, 3, 20):
        seen = seen_in(column, step)
        assert seen.num_items == sum(map(len, lists))
        assert seen.num_nan == sum(bool(np.isnan(one).any()) for one in lists)
        assert seen.num_infinite == sum(bool(np.isinf(one).any()) for one in lists)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        (np.zeros(3), ["constant"]),
        (np.zeros(1), []),
        (np.zeros(0), []),
        (np.array([True, False]), []),
        (np.array(["a", "a"], "S1"), ["constant"]),
        (np.full(3, np.nan), ["empty"]),
        (np.array([1.0, np.nan]), ["NaN"]),
        (np.full(2, np.inf), ["constant", "infinite"]),
        (np.zeros((3, 0)), ["empty"]),
        (np.array([0, 1j * np.nan]), ["NaN"]),
    ],
)
def test_odd_values_have_kinds(values: Any, kinds: list[str]) -> None:
    seen = count_values(read_slice(values, slice(None)), 0)
    assert [one.kind for one in findings_of_values("x", seen)] == kinds


def test_nested_columns_may_be_constant(tmp_path: Any) -> None:
    with memmpy.WriteNested(tmp_path / "s", "x") as column:
        column.extend(ak.Array([[[1], [2]], [[1], [2]]]))
    seen = seen_in(memmpy.load_memmaps(tmp_path / "s")["x"], 1)
    assert [one.kind for one in findings_of_values("x", seen)] == ["constant"]
