"""One normal form for one meaning."""

import pytest

from memmpy.cuts import normal, parse, substitute


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nJets>=6 & nBTags >= 2", "((nBTags >= 2) && (nJets >= 6))"),
        ("not a == b or 1", "((!(a == b)) || 1)"),
        ("-a**2", "(-(a ** 2))"),
        ("min(a, -1, 1e3)", "min(a, (-1), 1000.0)"),
        ('p != "it\'s"', r"(p != 'it\'s')"),
        ("true", "true"),
        ("1e999", "(1e999)"),
        ("-1e999", "(-1e999)"),
        ("-.0", "(-0.0)"),
        ("a & b", "(a & b)"),
    ],
)
def test_normal_form_is_written_in_full(text: str, expected: str) -> None:
    assert normal(parse(text)) == expected
    assert normal(parse(expected)) == expected


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
    ],
)
def test_equal_meanings_share_a_normal_form(one: str, other: str) -> None:
    assert normal(parse(one)) == normal(parse(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a == 1", "a == 1.0"),
        ("a == 1", "a == true"),
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
    assert normal(parse(one)) != normal(parse(other))


def test_a_number_said_twice_stays_a_condition() -> None:
    assert normal(parse("(nJets && nJets) == 1")) == "((!(!nJets)) == 1)"


def test_nan_has_a_normal_form() -> None:
    node = substitute(parse("a == fill"), constants={"fill": float("nan")})
    assert normal(node) == "(a == (1e999 - 1e999))"


def test_normal_form_of_thousands_of_alternatives() -> None:
    runs = [f"(run == {run})" for run in range(3_000)]
    assert normal(parse("||".join(runs))) == f"({' || '.join(sorted(runs))})"
