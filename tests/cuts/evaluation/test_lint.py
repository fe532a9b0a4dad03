"""Tests of warnings of likely mistakes in cuts."""

import warnings

import numpy as np
import pytest

from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, HashedText
from memmpy.cuts.evaluation.lint import find_mistakes

PROCESS = HashedText(np.array([], np.uint64), {5: "ttH", 6: "ttbb"})
NAME = np.array([], str)
NUMBERS = np.array([], np.int32)
FLAG = np.array([], np.bool_)
COLUMNS: dict[str, ColumnLike] = {
    "p": PROCESS,
    "q": PROCESS,
    "name": NAME,
    "n": NUMBERS,
    "m": NUMBERS,
    "flag": FLAG,
}


def warned(text: str) -> list[str]:
    """Return the lines of the one note that a cut brings."""
    (note,) = find_mistakes(parse(text), COLUMNS)
    return note.splitlines()


@pytest.mark.parametrize("text", ["p == 'tth'", "'tth' != p"])
def test_a_text_that_no_entry_has_brings_a_warning(text: str) -> None:
    assert warned(f"true && {text}") == [
        "no entry has the text 'tth'; nearest: 'ttH'",
        f"  true && {text}",
        "          ^^^^^^^^^^",
    ]


def test_each_text_of_a_list_is_looked_for() -> None:
    assert warned("p in ('ttH', 'mc16a')")[0] == "no entry has the text 'mc16a'"


def test_bits_of_a_number_beside_a_condition_bring_a_warning() -> None:
    assert warned("true && n >= 6 & m") == [
        "& of a condition and a number takes the number's bits, as in C++: it reads (m & 1)",
        "  true && n >= 6 & m",
        "          ^^^^^^^^^^",
        "if you mean that m is not 0, write n >= 6 && m",
    ]


def test_bits_on_the_left_of_a_condition_bring_a_warning() -> None:
    message, *_, hint = warned("(n + m) | n > 1")
    assert message.endswith("it reads ((n + m) | 1)")
    assert hint == "if you mean that (n + m) is not 0, write (n + m) || n > 1"


def test_mistakes_are_found_within_reductions() -> None:
    assert warned("any(n > 1 & m)")[0].startswith("& of a condition and a number")


@pytest.mark.parametrize(
    "text",
    [
        *("p == 'ttH'", "p != q", "n > 2", "name == 'tth'", "p in ('ttH', 'ttbb')"),
        *("n > 1 & flag", "flag | n > 1", "n & m", "n & 4", "n > 1 & m > 1", "(n & 4) == 4"),
        "n > 1 & bool(m)",
    ],
)
def test_what_is_likely_meant_brings_no_warning(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        find_mistakes(parse(text), COLUMNS)
