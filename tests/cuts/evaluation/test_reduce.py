"""Tests of sums, extremes and counts of the elements of an entry."""

from typing import Any

import numpy as np
import pytest

from memmpy.cuts import parse
from memmpy.cuts.evaluation import evaluate
from memmpy.errors import CutError
from tests.cuts.evaluation.lists import Jagged, jagged, values

PT = jagged([50, 20], [], [30])
TAG = jagged([True, False], [], [True], dtype="?")
P4 = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
N = np.array([2, 0, 1], np.int8)
NAN = float("nan")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sum$(pt)", [70, 0, 30]),
        ("Min$(pt)", [20, 0, 30]),
        ("Max$(pt)", [50, 0, 30]),
        ("Length$(pt)", [2, 0, 1]),
        ("any(pt > 40)", [True, False, False]),
        ("all(pt > 25)", [False, True, True]),
        ("all(pt)", [True, True, True]),
        ("count(pt > 25)", [1, 0, 1]),
        ("count(tag)", [1, 0, 1]),
        ("MinIf$(pt, tag)", [50, 0, 30]),
        ("MaxIf$(pt, !tag)", [20, 0, 0]),
        ("MaxIf$(n, pt > 25)", [2, 0, 1]),
        ("MinIf$(pt, n > 1)", [20, 0, 0]),
        ("MinIf$(n, n > 1)", [2, 0, 0]),
        ("Sum$(p4)", [6, 15, 24]),
        ("Max$(p4)", [3, 6, 9]),
        ("MinIf$(p4, p4 > 2)", [3, 4, 7]),
        ("MinIf$(p4, n > 0)", [1, 0, 7]),
        ("Length$(p4)", 3),
        ("any(p4 > 8)", [False, False, True]),
        ("all(p4 > 3)", [False, True, True]),
        ("count(p4 > 3)", [0, 3, 3]),
        ("Sum$(n)", [2, 0, 1]),
        ("Max$(n)", [2, 0, 1]),
        ("any(n)", [True, False, True]),
        ("all(n)", [True, False, True]),
        ("Length$(n)", 1),
        ("Sum$(3)", 3),
        ("MaxIf$(3, 1)", 3),
        ("MaxIf$(3, 0)", 0),
        ("Sum$(pt * n)", [140, 0, 30]),
        ("Sum$(pt * Iteration$)", [20, 0, 0]),
        ("Sum$(pt > Max$(pt) / 2)", [1, 0, 1]),
        ("Sum$(Sum$(pt) + 0 * pt)", [140, 0, 30]),
        ("Max$(pt) + Sum$(n) + pt[0]", [102, 0, 61]),
    ],
)
def test_a_reduction_gives_one_value_of_all_elements(text: str, expected: Any) -> None:
    entries = slice(0, 3, 2) if "[0]" in text else slice(None)  # where all are there
    found = evaluate(parse(text), {"pt": PT, "tag": TAG, "p4": P4, "n": N})
    assert found.offsets is None
    content = found.content[entries] if found.content.ndim else found.content
    assert content.tolist() == (expected[entries] if isinstance(expected, list) else expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sum$(pt[1])", [20, 0, 0]),
        ("Min$(pt[1])", [20, 0, 0]),
        ("Length$(pt[0])", [1, 0, 1]),
        ("any(pt[0] > 1)", [True, False, True]),
        ("all(pt[1] > 30)", [False, True, True]),
        ("count(pt[1] > 0)", [1, 0, 0]),
        ("Sum$(pt * pt[1])", [1400, 0, 0]),
        ("MaxIf$(pt, pt[1] > 0)", [50, 0, 0]),
    ],
)
def test_an_entry_that_lacks_an_element_picked_by_number_has_no_elements(
    text: str, expected: list[float]
) -> None:
    assert values(text, pt=PT) == expected


def test_extremes_pass_over_nan() -> None:
    x = jagged([NAN, 3, 1], [NAN, NAN], [NAN])
    np.testing.assert_array_equal(values("Min$(x)", x=x), [1, NAN, NAN])
    np.testing.assert_array_equal(values("Max$(x)", x=x), [3, NAN, NAN])
    np.testing.assert_array_equal(values("Min$(p)", p=np.array([[NAN, 2], [NAN, NAN]])), [2, NAN])


def test_nan_makes_a_sum_nan_and_a_condition_true() -> None:
    x = jagged([NAN, 3], [0])
    np.testing.assert_array_equal(values("Sum$(x)", x=x), [NAN, 0])
    assert values("any(x)", x=x) == [True, False]


@pytest.mark.parametrize(
    ("dtype", "total", "least"),
    [
        ("?", "i8", "?"),
        ("i1", "i8", "i1"),
        ("u4", "i8", "u4"),
        ("u8", "u8", "u8"),
        ("f4", "f8", "f4"),
        ("f8", "f8", "f8"),
    ],
)
def test_sums_are_wide_and_extremes_keep_their_type(dtype: str, total: str, least: str) -> None:
    for x in (jagged([1, 1], [], dtype=dtype), np.ones((2, 2), dtype), np.ones(2, dtype)):
        assert evaluate(parse("Sum$(x)"), {"x": x}).content.dtype == total
        assert evaluate(parse("Max$(x)"), {"x": x}).content.dtype == least


def test_sums_of_integers_and_of_floats_stand_side_by_side() -> None:
    x = jagged([2**53 + 1], dtype="i8")
    assert values("Sum$(x * 1.0) > 0 ? Sum$(x * 1) % 2 : 5", x=x) == [1]
    assert values("(Sum$(x * 1) & 1) == 1 && Sum$(x * 1.0) > 0", x=x) == [True]


def test_sums_of_integers_wrap_at_64_bits() -> None:
    assert values("Sum$(x)", x=jagged([2**63, 2**63, 5], dtype="u8")) == [5]
    assert values("Sum$(x)", x=jagged([2**63 - 1, 1], dtype="i8")) == [-(2**63)]


def test_elements_that_are_arrays_are_reduced_as_a_whole() -> None:
    vectors = Jagged(np.arange(6).reshape(3, 2), PT.offsets)
    assert values("Sum$(v)", v=vectors) == [6, 0, 9]
    assert values("Max$(v)", v=vectors) == [3, 0, 5]
    assert values("count(v > 1)", v=vectors) == [2, 0, 2]
    assert values("MinIf$(v, v > 1)", v=vectors) == [2, 0, 4]
    assert values("Length$(v)", v=vectors) == [4, 0, 2]


def test_arrays_of_no_elements_are_reduced() -> None:
    nothing = np.zeros((2, 0))
    assert values("Max$(x)", x=nothing) == [0, 0]
    assert values("Sum$(x)", x=nothing) == [0, 0]
    assert values("all(x)", x=nothing) == [True, True]


def test_no_entries_are_no_trouble() -> None:
    for x in (jagged(), np.zeros((0, 3)), np.zeros(0)):
        for name in ("Sum$", "Min$", "Max$", "any", "all"):
            assert values(f"{name}(x)", x=x) == []
        assert values("MaxIf$(x, x > 1)", x=x) == []


@pytest.mark.parametrize("of", ["pt", "pt + n", "n"])
def test_count_refuses_numbers(of: str) -> None:
    text = f"true && count({of}) > 1"
    with pytest.raises(CutError) as caught:
        values(text, pt=PT, n=N)
    error = caught.value
    assert error.message == f"count takes a condition, and {of} is a number"
    assert error.hint == (f"len({of}) counts all elements, count({of} != 0) those that are not 0")
    assert text[error.start : error.stop] == f"count({of})"
