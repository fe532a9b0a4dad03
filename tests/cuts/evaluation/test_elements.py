"""Tests of elements by number, by a computed index, and of Alt$."""

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


MATRIX = np.arange(18.0).reshape(3, 2, 3)
PAIRS = Jagged(np.arange(100.0, 106).reshape(3, 2), PT.offsets)
K = np.array([1, -1, 0])
F = np.array([0.9, 1.2, NAN])


def picked(entries: Any, *indices: Any) -> list[float]:
    """Return an element of each entry by indices of each entry, or by one for all."""
    found = []
    for entry, *own in zip(entries, *(np.broadcast_to(index, 3) for index in indices), strict=True):
        element = np.asarray(entry)
        for index in own:
            is_there = not np.isnan(index) and 0 <= int(index) < len(element)
            element = element[int(index)] if is_there else np.full(element.shape[1:], NAN)
        found.append(float(element))
    return found


@pytest.mark.parametrize(
    ("text", "column", "indices"),
    [
        ("m[1][k]", MATRIX, (1, K)),
        ("m[k][1]", MATRIX, (K, 1)),
        ("m[k][n]", MATRIX, (K, N)),
        ("m[k][k + 1]", MATRIX, (K, K + 1)),
        ("m[1-1][2]", MATRIX, (0, 2)),
        ("m[1][f]", MATRIX, (1, F)),
        ("m[f][n]", MATRIX, (F, N)),
        ("m[1][Iteration$]", MATRIX, (1, 0)),
        ("m[n - 1][Length$(pt) - 1]", MATRIX, (N - 1, np.array([1, -1, 0]))),
        ("w[1][k][2]", np.stack([MATRIX] * 4, axis=3), (1, K, 2)),
        ("w[k][1][n]", np.stack([MATRIX, -MATRIX], axis=3), (K, 1, N)),
        ("v[0][k]", PAIRS, (0, K)),
        ("v[k][1]", PAIRS, (K, 1)),
        ("v[n - 1][k]", PAIRS, (N - 1, K)),
    ],
)
def test_computed_indices_pick_from_several_axes(text: str, column: Any, indices: Any) -> None:
    columns = {"pt": PT, "k": K, "n": N, "f": F, text[0]: column}
    entries = column
    if isinstance(column, Jagged):
        parts = zip(column.offsets[:-1], column.offsets[1:], strict=True)
        entries = [column.content[start:stop] for start, stop in parts]
    np.testing.assert_array_equal(values(text, **columns), picked(entries, *indices))


def test_a_list_as_one_of_two_indices_picks_for_each_of_its_elements() -> None:
    gen = jagged([1, 0, 3], [-1], [2])
    np.testing.assert_array_equal(values("m[1][i]", m=MATRIX, i=gen), [4, 3, NAN, NAN, 17])
    np.testing.assert_array_equal(values("v[i][k]", v=PAIRS, i=gen, k=K), [103, 101] + [NAN] * 3)
    assert values("Sum$(m[i % 2][i] > 1)", m=MATRIX, i=gen) == [1, 0, 1]


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
        "v has 2 axes, and a computed index picks from all of them",
        "give each an index, such as v[0][0]",
    ),
    ("v[n][2] > 1", "2", "v has 2 elements in each entry", "the first is [0]"),
    ("v[n][n][0]", "0", "v has 2 axes to pick from", ""),
    ("v[n][n > 1]", "n > 1", "an index is a number, and n > 1 is a condition", "to pick by it"),
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
