"""Tests of text in cuts."""

import numpy as np
import pytest

from memmpy.cuts import parse, to_program
from memmpy.cuts.evaluation import ColumnLike, HashedText, passes
from memmpy.errors import CutError

TABLE = {2**64 - 1: "ttH", 5: "ttbb", 6: "mc16a"}
PROCESS = HashedText(np.array([2**64 - 1, 5, 5], np.uint64), TABLE)
NAME = np.array(["ttH", "ttbb", "ttH"], object)


def passing(text: str, **columns: ColumnLike) -> list[bool]:
    mask: list[bool] = passes(parse(text), columns, num_entries=3).tolist()
    return mask


@pytest.mark.parametrize("column", [PROCESS, NAME.take([0, 1, 1]), np.array(["ttH", "a", "b"])])
def test_a_text_is_compared_with_a_column(column: ColumnLike) -> None:
    assert passing("p == 'ttH'", p=column) == [True, False, False]
    assert passing('"ttH" != p', p=column) == [False, True, True]
    assert passing("p == 'ttH' || x > 2", p=column, x=np.array([1, 2, 3])) == [True, False, True]


def test_columns_of_text_are_compared_with_each_other() -> None:
    other = HashedText(np.array([5, 5, 6], np.uint64), TABLE)
    assert passing("p == q", p=PROCESS, q=other) == [False, True, False]
    assert passing("p != q", p=NAME, q=NAME[::-1]) == [False, False, False]


def test_texts_of_the_cut_are_compared_as_they_are() -> None:
    assert passing("'a' == 'a'") == [True] * 3
    assert passing("'a' == 'b'") == [False] * 3


@pytest.mark.parametrize(("text", "expected"), [("p == 'tth'", False), ("p != 'tth'", True)])
def test_a_text_that_no_entry_has_equals_nothing(text: str, expected: bool) -> None:
    assert passing(text, p=PROCESS) == [expected] * 3


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("'ttH'", "'ttH'"),
        ("x > 'a'", "'a'"),
        ("x + 'a' > 1", "'a'"),
        ("x && 'a'", "'a'"),
        ("!'a'", "'a'"),
        ("abs('a') > 1", "'a'"),
    ],
)
def test_a_text_out_of_place_is_refused_without_data(text: str, place: str) -> None:
    with pytest.raises(CutError) as caught:
        to_program(parse(text))
    assert caught.value.message == f"{place} is text, which can only be compared, by == or !="
    assert caught.value.hint == "for example process == 'ttH'"
    assert (caught.value.start, caught.value.stop) == (
        text.index(place),
        text.index(place) + len(place),
    )


@pytest.mark.parametrize("column", [PROCESS, NAME])
@pytest.mark.parametrize(
    "text", ["p", "p > 1", "x + p", "x && x && p", "p && x", "!p", "abs(p)", "min(x, x, p) > 1"]
)
def test_a_column_of_text_out_of_place_is_refused(text: str, column: ColumnLike) -> None:
    with pytest.raises(CutError) as caught:
        passing(text, p=column, x=np.ones(3))
    assert caught.value.message == "p is text, which can only be compared, by == or !="
    assert caught.value.text[caught.value.start : caught.value.stop] == "p"


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("x == 'a'", "x and 'a'"),
        ("p != 1", "p and 1"),
        ("p == x", "p and x"),
        ("p == q", "p and q"),
    ],
)
def test_text_is_compared_with_text_alone(text: str, pair: str) -> None:
    with pytest.raises(CutError) as caught:
        passing(f"1 && {text}", p=PROCESS, x=np.ones(3), q=NAME)
    assert caught.value.message == f"{pair} cannot be compared"
    assert caught.value.hint == "text is compared with text: process == 'ttH'"
    assert (caught.value.start, caught.value.stop) == (5, 5 + len(text))
