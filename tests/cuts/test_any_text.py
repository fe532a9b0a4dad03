"""Tests that any text is quickly a cut or a `CutError`."""

import contextlib
import time
from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from memmpy.cuts import normal_form, parse
from memmpy.cuts.language.expression import MAX_LENGTH
from memmpy.errors import CutError
from tests.cuts.root_selections import CASES
from tests.cuts.spellings import spelled
from tests.cuts.trees import trees

PIECES = [
    *("a", "b.c", "`a b`", "process", "pi", "1", "2.5", "0x1", "07", "1e999", "'x'", "true"),
    *("abs(", "min(", "Sum$(", "any(", "Alt$(", "count(", "where(", "MinIf$(", "TMath::Abs("),
    *("TMath::Pi()", "std::max(", "Iteration$", "Length$", "Entry$", "@a.size()", "a@.size()"),
    *("+", "-", "*", "/", "%", "**", "^", "<<", ">>", "<", "<=", "==", "!=", "=", "!", "~"),
    *("&", "|", "&&", "||", "and", "or", "not", "in", "not in", "is", "if", "else", "lambda"),
    *("(", ")", "[", "]", "[0]", "[-1]", "{", "}", "?", ":", "::", "$", "@", ",", ";", "."),
    *('"', "'", "`", "\\", " ", "\n", "\t", "\0", "\x1f", "\u00e9", "\u2028", "\u2265", "\ud800"),
]
VALID = [text for case in CASES for text in (case.cut, case.python) if text is not None]

soon = settings(deadline=timedelta(seconds=1))


def valid() -> st.SearchStrategy[str]:
    printed = st.builds(
        lambda node, is_python: spelled(node, is_python=is_python, seed=0), trees(), st.booleans()
    )
    return st.sampled_from(VALID) | printed


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return a valid cut with some pieces left out, put in, doubled or moved."""
    text = draw(valid())
    for _ in range(draw(st.integers(1, 4))):
        start, stop = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(st.sampled_from(["", text[start:stop] * 2, *PIECES]) | st.text(max_size=2))
        text = text[:start] + piece + text[draw(st.sampled_from([start, stop])) :]
    return text


def texts() -> st.SearchStrategy[str]:
    soup = st.lists(st.sampled_from(PIECES), max_size=40)
    return st.one_of(st.text(), soup.map("".join), soup.map(" ".join), mutated())


@soon
@given(texts())
@example("\x1f")
@example("a\u2028b")
@example("\ud800")
def test_any_text_is_a_cut_or_a_cut_error(text: str) -> None:
    with contextlib.suppress(CutError):
        assert normal_form(parse(text))


@soon
@given(texts())
def test_any_cut_error_points_into_the_text(text: str) -> None:
    try:
        parse(text)
    except CutError as caught:
        error = caught
    else:
        return
    assert 0 <= error.start <= error.stop <= len(text)
    assert error.message
    assert "^" in str(error)


@soon
@given(texts())
def test_what_is_read_has_a_normal_form_that_is_read_the_same(text: str) -> None:
    with contextlib.suppress(CutError):
        node = parse(text)
        assert normal_form(parse(normal_form(node))) == normal_form(node)


#: What is repeated, what stands before it, and what behind it.
REPEATED = [
    *[(piece, "", "") for piece in PIECES],
    *[(f"{piece} ", "", "a") for piece in PIECES],
    *[(f"a {sign} ", "", "a") for sign in ("+", "-", "*", "/", "%", "**", "^", "<<", ">>", "&")],
    *[(f"a {sign} ", "", "a") for sign in ("|", "&&", "||", "and", "or", "<", "==", "?", "in")],
    *[("a < ", "!b || ", "a"), ("a ? b : ", "", "c"), ("a > 1 & ", "", "b > 1"), ("not ", "", "a")],
    *[("b, ", "a in (", "b)"), ("1, ", "a in [", "1]"), ("a, ", "min(", "a)"), ("a[", "", "")],
    *[("[0]", "a", ""), ("[", "a", ""), ("a & not ", "", "b"), ("a < b < c || ", "", "d")],
    *[("a < b < c or ", "", "d"), ("(!a) >= 2 or ", "", "d"), ("a & b == c or ", "", "d")],
    *[("p == 'a' || ", "", "q"), ("(float) ", "", "a"), ("long ", "(", ") a"), ("a.", "", "b")],
    *[("a::", "", "b"), ("1", "", ""), ("1", "1e", ""), ("f", "0x", ""), ("1", "1.", "")],
    *[("a", "'", "'"), ("a", "'", ""), ("\\\\", "'", "'"), ("\\", "'", ""), ("a", "`", "`")],
    *[("a", "", "(b)"), ("A", "", "$"), ("a.", "", "b(c)"), ("'a", "", ""), ("'\"", "", "")],
    *[(" ", "a@.size", "()"), ("@a", "", ""), ("a@.size()", "", ""), (" ", "", "a")],
]


@pytest.mark.slow_together
@pytest.mark.parametrize(("piece", "before", "behind"), REPEATED)
def test_no_text_of_full_length_takes_long(piece: str, before: str, behind: str) -> None:
    num = (MAX_LENGTH - len(before) - len(behind)) // len(piece)
    text = before + piece * num + behind
    start = time.process_time()
    with contextlib.suppress(CutError):
        assert normal_form(parse(text))
    # Less than one on an idle machine. What grows with the square of the length takes minutes.
    assert time.process_time() - start < 2
