"""Elements by number, by a computed index, and Alt$."""

from typing import Any

import numpy as np
import pytest

from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, evaluate
from memmpy.errors import CutError
from tests.cuts.evaluation.lists import Jagged, jagged, values

PT = jagged([50, 20], [], [30])
P4 = np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]])
N = np.array([2, 0, 1])
NAN = float("nan")


def test_an_element_is_picked_by_number() -> None:
    result = evaluate(parse("pt[1]"), {"pt": PT})
    assert result.present is not None
    assert result.present.tolist() == [True, False, False]
    assert result.content[0] == 20


def test_an_element_by_number_keeps_its_type() -> None:
    x = jagged([2**63 + 1], dtype="u8")
    assert evaluate(parse("x[0]"), {"x": x}).content.dtype == np.uint64
    assert values("x[0]", x=x) == [2**63 + 1]


def test_an_element_of_an_array_is_always_there() -> None:
    assert values("p4[2]", p4=P4) == [3, 6, 9]


def test_elements_of_arrays_in_lists_are_picked_by_two_numbers() -> None:
    vectors = Jagged(np.arange(6).reshape(3, 2), PT.offsets)
    assert evaluate(parse("v[0][1]"), {"v": vectors}).content[[0, 2]].tolist() == [1, 5]
    assert evaluate(parse("v[1]"), {"v": vectors}).content[0].tolist() == [2, 3]


def test_elements_of_arrays_of_arrays_are_picked_by_two_numbers() -> None:
    assert values("x[1][2]", x=np.arange(12).reshape(2, 2, 3)) == [5, 11]


def test_no_entry_has_an_element_past_all_lists() -> None:
    result = evaluate(parse("pt[2147483647]"), {"pt": PT})
    assert result.present is not None
    assert not result.present.any()


def test_a_computed_index_gives_nan_where_there_is_no_element() -> None:
    np.testing.assert_array_equal(values("pt[n - 1]", pt=PT, n=N), [20, NAN, 30])
    np.testing.assert_array_equal(values("p4[n + 1]", p4=P4, n=N), [NAN, 5, 9])


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", "f4", "f8"])
def test_an_index_may_have_any_type(dtype: str) -> None:
    np.testing.assert_array_equal(
        values("pt[n]", pt=PT, n=np.array([1, 0, 0], dtype)), [20, NAN, 30]
    )


def test_an_index_loses_what_is_behind_the_point() -> None:
    index = np.array([1.9, -0.9, NAN])
    np.testing.assert_array_equal(values("pt[n]", pt=PT, n=index), [20, NAN, NAN])


def test_an_index_past_64_bits_finds_nothing() -> None:
    index = np.array([1e30, -np.inf, np.inf])
    np.testing.assert_array_equal(values("pt[n]", pt=PT, n=index), [NAN] * 3)
    np.testing.assert_array_equal(
        values("pt[n]", pt=PT, n=np.array([2**64 - 1, 2**63, 2**32], np.uint64)), [NAN] * 3
    )


def test_integers_by_a_computed_index_are_floats() -> None:
    assert (
        evaluate(parse("x[n]"), {"x": jagged([7], dtype="i4"), "n": N[1:2]}).content.dtype == "f8"
    )


def test_float32_by_a_computed_index_stays() -> None:
    x = jagged([7], dtype="f4")
    assert evaluate(parse("x[n]"), {"x": x, "n": N[1:2]}).content.dtype == "f4"


def test_a_list_as_index_picks_for_each_of_its_elements() -> None:
    gen = jagged([1, 0, -1], [0], [0])
    np.testing.assert_array_equal(values("pt[i]", pt=PT, i=gen), [20, 50, NAN, NAN, 30])


def test_an_index_does_not_say_how_many_elements_a_formula_has() -> None:
    np.testing.assert_array_equal(values("pt[Iteration$ + 1] - pt", pt=PT), [-30, NAN, NAN])
    assert values("pt[Iteration$]", pt=jagged([5, 6], [7])) == [5, 7]


def test_an_alternative_takes_the_place_of_what_is_missing() -> None:
    assert values("Alt$(pt[1], -1)", pt=PT) == [20, -1, -1]
    assert values("Alt$(pt[0], n)", pt=PT, n=N) == [50, 0, 30]


def test_an_alternative_of_a_list_gives_its_first_element() -> None:
    assert values("Alt$(pt, 7)", pt=PT) == [50, 7, 30]


def test_an_alternative_of_a_list_follows_the_elements_of_the_formula() -> None:
    other = jagged([1, 2, 3], [4], [])
    assert values("Alt$(pt, 7) + 0 * other", pt=PT, other=other) == [50, 20, 7, 7]
    assert values("Alt$(pt, n) + 0 * p4", pt=PT, n=N, p4=P4) == [[50, 20, 2], [0, 0, 0], [30, 1, 1]]


def test_an_alternative_takes_the_place_of_lists_that_lack_an_element() -> None:
    assert values("Alt$(pt * pt[1], -1)", pt=PT) == [1000, -1, -1]


def test_an_alternative_takes_the_place_of_arrays_that_lack_an_element() -> None:
    assert values("Alt$(p4 + pt[0], -1)", p4=P4, pt=PT) == [51, -1, 37]


def test_an_alternative_of_an_element_is_for_all_elements() -> None:
    other = jagged([1, 2], [4, 5], [])
    assert values("Alt$(pt[0], 7) + other", pt=PT, other=other) == [51, 52, 11, 12]


@pytest.mark.parametrize("entries", [([1, 2], [3]), ([1, 2], [])])
def test_the_type_of_an_alternative_does_not_depend_on_what_is_missing(entries: Any) -> None:
    x = jagged(*entries, dtype="i4")
    assert evaluate(parse("Alt$(x[0], 0.5)"), {"x": x}).content.dtype == np.float64
    assert evaluate(parse("Alt$(x[0], 1)"), {"x": x}).content.dtype == np.int64


def test_no_entries_are_no_trouble() -> None:
    columns: dict[str, ColumnLike] = {"pt": jagged(), "n": N[:0], "p4": P4[:0]}
    for text in ("pt[0]", "pt[n]", "Alt$(pt[0], 1)", "Alt$(pt, 1)", "p4[1]", "p4[n]"):
        assert values(text, **columns) == []


REFUSED = [
    ("n[0] > 1", "n[0]", "n has one value in each entry", "write n"),
    ("n[n] > 1", "n[n]", "n has one value in each entry", "write n"),
    ("p4[3] > 1", "3", "p4 has 3 elements in each entry", "the first is [0]"),
    ("pt[0][7] > 1", "7", "pt has 1 axis to pick from", ""),
    ("v[0][1][0]", "0", "v has 2 axes to pick from", ""),
    (
        "v[n] > 1",
        "v[n]",
        "a computed index picks from one axis, and v has more",
        "pick by numbers, such as [0][1]",
    ),
    ("Alt$(n, pt)", "pt", "pt has many values in an entry", "Alt$ takes a single one here"),
    ("Alt$(n, p4)", "p4", "p4 has many values in an entry", "Alt$ takes a single one here"),
    ("Alt$(v, 1)", "Alt$(v, 1)", "Alt$ takes lists of one axis", ""),
    ("p[0] == 'a'", "p", "p is text, which can only be compared, by == or !=", "for example"),
]


@pytest.mark.parametrize(("text", "place", "message", "hint"), REFUSED)
def test_what_cannot_be_picked_is_refused(text: str, place: str, message: str, hint: str) -> None:
    vectors = Jagged(np.zeros((3, 2)), PT.offsets)
    columns: dict[str, ColumnLike] = {"pt": PT, "n": N, "p4": P4, "v": vectors}
    columns["p"] = np.array(["a", "b", "c"])
    with pytest.raises(CutError) as caught:
        values(text, **columns)
    error = caught.value
    assert error.message == message
    assert error.hint.startswith(hint)
    assert bool(error.hint) == bool(hint)
    assert text[error.start : error.stop] == place
    assert error.start == text.rindex(place)


def test_a_column_of_booleans_is_no_index() -> None:
    columns = {"pt": np.zeros((3, 2)), "good": np.zeros((3, 2), np.bool_)}
    with pytest.raises(CutError, match="an index is a number, and good is a condition"):
        evaluate(parse("pt[good]"), columns)
