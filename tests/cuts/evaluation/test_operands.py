"""Tests of operands: flat, fixed and jagged, and how they broadcast."""

import itertools
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, evaluate, passes
from memmpy.errors import CutError, LengthError
from memmpy.typing import Array


@dataclass
class Jagged:
    content: Array
    offsets: NDArray[np.int64]


def jagged(*entries: list[float]) -> Jagged:
    counts = [0, *(len(entry) for entry in entries)]
    content = np.array(list(itertools.chain.from_iterable(entries)), np.float64)
    return Jagged(content, np.cumsum(counts, dtype=np.int64))


def passing(text: str, num_entries: int = 3, **columns: ColumnLike) -> list[bool]:
    mask = passes(parse(text), columns, num_entries=num_entries)
    assert mask.dtype == np.bool_
    assert mask.shape == (num_entries,)
    passed: list[bool] = mask.tolist()
    return passed


PT = jagged([50, 20], [], [30])


def test_an_entry_passes_if_any_of_its_elements_does() -> None:
    assert passing("pt > 25", pt=PT) == [True, False, True]
    assert passing("pt > 40", pt=PT) == [True, False, False]


def test_an_entry_without_elements_does_not_pass() -> None:
    assert passing("true || pt > 0", pt=PT) == [True, False, True]
    assert passing("pt > 0", pt=jagged([], [], [])) == [False] * 3
    assert passing("pt > 0", 0, pt=jagged()) == []


@given(st.lists(st.lists(st.sampled_from([0.0, 1.0, np.nan]), max_size=4), max_size=8))
def test_an_entry_passes_if_an_element_is_neither_0_nor_nan(entries: list[list[float]]) -> None:
    assert passing("x", len(entries), x=jagged(*entries)) == [1.0 in entry for entry in entries]


def test_a_cut_that_is_nan_fails_and_an_operand_that_is_nan_is_true() -> None:
    x, p = np.array([np.nan, 1.0, 0.0]), np.array([[0, np.nan], [np.nan, 1], [0, 0]])
    assert passing("x", x=x) == passing("x * 2", x=x) == [False, True, False]
    assert passing("p", p=p) == [False, True, False]
    assert passing("1 / x", x=x) == passing("Sum$(x)", x=x) == [False, True, False]
    assert passing("x && true", x=x) == passing("!!x", x=x) == [True, True, False]
    assert passing("x ? true : false", x=x) == passing("any(x)", x=x) == [True, True, False]
    assert passing("!x", x=x) == passing("x == 0", x=x) == [False, False, True]
    assert passing("1e999 - 1e999", 2) == [False, False]


def test_one_number_an_entry_is_repeated_for_each_element() -> None:
    values = evaluate(parse("pt * x + y"), {"pt": PT, "x": np.array([1, 2, 3]), "y": PT})
    assert values.content.tolist() == [100, 40, 120]
    assert values.offsets is not None
    assert values.offsets.tolist() == [0, 2, 2, 3]


def test_jagged_columns_of_equal_counts_go_element_by_element() -> None:
    eta = jagged([3, 1], [], [1])
    assert passing("pt > 40 && eta < 2", pt=PT, eta=eta) == [False, False, False]
    assert passing("pt > 25 && eta < 2", pt=PT, eta=eta) == [False, False, True]


def test_a_fixed_column_is_jagged_of_constant_count() -> None:
    fixed = np.array([[50, 20], [0, 0], [30, 30]])
    assert passing("x > 25", x=fixed) == [True, False, True]
    same = jagged([1, 40], [1, 1], [1, 40])
    assert passing("x > 25 && y > 25", x=fixed, y=same) == [False, False, True]
    assert passing("x > 25 && y > 25", x=same, y=fixed) == [False, False, True]


def test_fixed_columns_take_numbers_of_fewer_dimensions() -> None:
    x, y, z = np.ones((3, 2, 4)), np.array([[1, 2]] * 3), np.array([1, 2, 3])
    content = evaluate(parse("x * y + z"), {"x": x, "y": y, "z": z}).content
    np.testing.assert_array_equal(content, x * y[:, :, None] + z[:, None, None])
    assert passing("x * y * z > 5", x=x, y=y, z=z) == [False, False, True]


def test_elements_may_be_arrays_themselves() -> None:
    vectors = Jagged(np.arange(6).reshape(3, 2), PT.offsets)
    assert passing("v > 3", v=vectors) == [False, False, True]
    assert passing("v + pt > 51", v=vectors, pt=PT) == [False, False, False]
    fixed = np.zeros((3, 1, 2))
    single = jagged([1], [2], [3])
    assert passing("v + x > 1", v=fixed, x=single) == [False, True, True]


def test_functions_take_many_shapes_at_once() -> None:
    columns: dict[str, ColumnLike] = {"a": np.array([1, 2, 35]), "b": PT, "c": np.full((3,), 60)}
    assert evaluate(parse("min(c, b, max(a, 25))"), columns).content.tolist() == [25, 20, 30]


def test_no_entries_are_no_trouble() -> None:
    assert passing("x > 1", 0, x=np.zeros((0, 3))) == []
    assert passing("x > 1", 2, x=np.zeros((2, 0))) == [False, False]
    assert passing("x > y", 0, x=np.zeros((0, 3)), y=jagged()) == []


def test_columns_of_different_lengths_are_refused() -> None:
    with pytest.raises(LengthError, match="'y' has 2 entries, 'x' has 3"):
        evaluate(parse("x > y"), {"x": PT, "y": np.ones(2)})


@pytest.mark.parametrize("dtype", [np.complex128, "S3", "M8[s]", [("a", "f4")]])
def test_values_that_are_no_numbers_are_refused(dtype: object) -> None:
    x = np.zeros(3, dtype)  # type: ignore[call-overload]
    with pytest.raises(CutError, match="a cut cannot use 'x', which has dtype") as caught:
        evaluate(parse("1 < x"), {"x": x})
    assert caught.value.hint == "it takes booleans, integers, floats and texts"
    assert (caught.value.start, caught.value.stop) == (4, 5)


def test_a_single_value_is_no_column() -> None:
    with pytest.raises(CutError, match="'x' is a single value, not a column"):
        evaluate(parse("x > 1"), {"x": np.array(3)})


@pytest.mark.parametrize("dtype", [">f4", ">i8", np.float16, np.longdouble, "?"])
def test_any_real_dtype_can_be_cut_on(dtype: str) -> None:
    assert passing("2 * x > 1.5", x=np.array([0, 1, 0]).astype(dtype)) == [False, True, False]
    assert passing("x > 0", x=np.array([0, 1, 0]).astype(dtype)) == [False, True, False]


def test_columns_are_left_as_they_were() -> None:
    x = np.array([3.0, -1.0])
    x.flags.writeable = False
    assert passing("-x > 0 || +x > 2 || abs(x) > 5", 2, x=x) == [True, True]
    assert x.tolist() == [3, -1]
