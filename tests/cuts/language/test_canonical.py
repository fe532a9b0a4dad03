"""Tests of the normal form: one for each meaning."""

import numpy as np
import pytest

from memmpy.cuts import normal_form, parse, substitute
from memmpy.cuts.evaluation import evaluate

A = {"a": np.array([1.0, 2.0])}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nJets>=6 & nBTags >= 2", "((2 <= nBTags) && (6 <= nJets))"),
        ("not a == b or 1", "((!(a == b)) || 1)"),
        ("-a**2", "(-(a ** 2))"),
        ("min(a, -1, 1e3)", "min(a, (-1), 1000.0)"),
        ('p != "it\'s"', r"('it\'s' != p)"),
        ("true", "true"),
        ("1e999", "(1e999)"),
        ("-1e999", "(-1e999)"),
        ("-.0", "(-0.0)"),
        ("a & b", "(a & b)"),
        ("c ? a : b", "where(c, a, b)"),
        ("20 < a < 50", "((20 < a) && (a < 50))"),
        ("sum(x[0]) + len(x)", "(Sum$(x[0]) + Length$(x))"),
        ("Alt$(x[2], -1)", "Alt$(x[2], (-1))"),
        ("x[Length$ - Iteration$]", "x[(Length$ - Iteration$)]"),
        ("`a b` + `a` + `pi`", "((`a b` + a) + `pi`)"),
        ("`in` + `x[0]`", "(`in` + `x[0]`)"),
    ],
)
def test_normal_form_is_written_in_full(text: str, expected: str) -> None:
    assert normal_form(parse(text)) == expected
    assert normal_form(parse(expected)) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a && b", "b and a"),
        ("a || b || a", "a || b"),
        ("a > 1 && a > 1", "a>1"),
        ("(b > 1) & (a > 1)", "a > 1 && b > 1"),
        ("~(a > 1) | !(b > 1)", "not b > 1 || not a > 1"),
        ("(a && (b && c)) && d", "d && c && b && a"),
        ("16 < a", "0x10 < a"),
        ("0.1 < a", "1e-1 < a"),
        ("a > b", "b < a"),
        ("a >= 2", "2 <= a"),
        ("a == b", "b == a"),
        ("'x' != a", "a != 'x'"),
        ("a == 1", "a == 1.0"),
        ("a < -0.0", "a < 0"),
        ("a in (1, 2)", "a == 2.0 || 1 == a"),
        ("20 < a < 50", "a < 50 && a > 20"),
        ("c ? a : b", "where(c, a, b)"),
        ("Sum$(x > 1)", "count(1 < x)"),
        ("@x.size()", "len(x)"),
        ("TMath::Abs(a)", "std::abs(a)"),
        ("`a`", "a"),
    ],
)
def test_equal_meanings_share_a_normal_form(one: str, other: str) -> None:
    assert normal_form(parse(one)) == normal_form(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a + 1", "a + 1.0"),
        ("a == 1", "a == true"),
        ("a == 9007199254740992", "a == 9007199254740992.0"),
        ("a < b", "a <= b"),
        ("a < b", "b < a"),
        ("x[0]", "x"),
        ("x[0]", "x[1]"),
        ("any(x)", "all(x)"),
        ("Min$(x)", "Max$(x)"),
        ("min(x, y)", "min(y, x)"),
        ("Alt$(x, 1)", "Alt$(x, 1.0)"),
        ("Iteration$", "Length$"),
        ("Length$", "Length$(x)"),
        ("`x[0]`", "x[0]"),
        ("a == 0.1", "a == 0.10000000000000002"),
        ("a & b", "a && b"),
        ("~a", "!a"),
        ("a - b", "b - a"),
        ("a && a", "a"),
        ("p == 'a'", "p == a"),
        ("p == ' a'", "p == 'a'"),
        ("abs(a)", "fabs(a)"),
        ("a == 9007199254740993", "a == 9007199254740992"),
        ("a * 0.0", "a * -0.0"),
    ],
)
def test_different_meanings_differ_in_normal_form(one: str, other: str) -> None:
    assert normal_form(parse(one)) != normal_form(parse(other))


def test_a_number_said_twice_stays_a_condition() -> None:
    assert normal_form(parse("(nJets && nJets) == 1")) == "((!(!nJets)) == 1)"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_has_a_normal_form(value: float) -> None:
    node = substitute(parse("a == fill"), constants={"fill": value})
    again = parse(normal_form(node).replace("==", "+"))
    np.testing.assert_array_equal(evaluate(again, A).content, A["a"] + value)


def test_normal_form_of_thousands_of_alternatives() -> None:
    runs = [f"({run} == run)" for run in range(2_000)]
    assert normal_form(parse("||".join(runs))) == f"({' || '.join(sorted(runs))})"
