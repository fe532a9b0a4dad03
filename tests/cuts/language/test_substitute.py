"""Tests of aliases and constants."""

from decimal import Decimal

import numpy as np
import pytest

from memmpy.cuts import Constant, keys_in, parse, rename_keys, substitute
from memmpy.cuts.evaluation import evaluate
from memmpy.cuts.language import Number, Text
from memmpy.errors import CutError, OptionError


def test_aliases_are_expressions_and_keep_together() -> None:
    node = substitute(parse("2 * total > 5"), aliases={"total": "a + b"})
    assert node == parse("2 * (a + b) > 5")


def test_renamed_columns_keep_their_places() -> None:
    cut = parse("a > 2 && Sum$(a[0] * b) < 3")
    other = rename_keys(cut, {"a": "of_a", "c": "of_c"})
    assert other == parse("of_a > 2 && Sum$(of_a[0] * b) < 3")
    assert [key.span for key in keys_in(other)] == [key.span for key in keys_in(cut)]


def test_aliases_may_use_each_other_and_constants() -> None:
    aliases = {"x": "y * k", "y": "z + z", "z": "a - 1"}
    node = substitute(parse("x > 2 && z"), aliases=aliases, constants={"k": 3})
    assert node == parse("((a - 1) + (a - 1)) * 3 > 2 && (a - 1)")


def test_an_alias_may_be_a_number() -> None:
    assert substitute(parse("a > b"), aliases={"b": 2.5}) == parse("a > 2.5")


def test_an_alias_that_is_a_condition_joins_conditions() -> None:
    node = substitute(parse("tight & a > 1 & ~loose"), aliases={"tight": "b > 1", "loose": "c > 1"})
    assert node == parse("b > 1 && a > 1 && !(c > 1)")


def test_aliases_that_are_not_used_are_not_read() -> None:
    assert substitute(parse("a"), aliases={"b": "((("}) == parse("a")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        (np.True_, True),
        (7, 7),
        (np.uint64(2**63 + 1), 2**63 + 1),
        (np.int8(-3), -3),
        (2.5, 2.5),
        (np.float32(0.1), float(np.float32(0.1))),
        (float("inf"), float("inf")),
        (2**70, 2.0**70),
    ],
)
def test_constants_keep_value_and_type(value: Constant, expected: float) -> None:
    node = substitute(parse("k"), constants={"k": value})
    assert isinstance(node, Number)
    assert (node.value, type(node.value)) == (expected, type(expected))


def test_nan_may_be_a_constant() -> None:
    node = substitute(parse("isnan(k)"), constants={"k": np.float64("nan")})
    assert evaluate(node, {}).content


@pytest.mark.parametrize("value", ["b > (", np.str_("b > (")])
def test_a_constant_text_is_no_expression(value: Constant) -> None:
    node = substitute(parse("p == k"), constants={"k": value})
    assert node.operands[1] == Text("b > (", span=node.span)


@pytest.mark.parametrize("value", [None, [1], Decimal(1), 1j, np.array(1)])
def test_a_constant_is_a_bool_a_number_or_a_text(value: object) -> None:
    with pytest.raises(OptionError, match=r"'k' is a \w+; expected a bool, a number or a text"):
        substitute(parse("k"), constants={"k": value})  # type: ignore[dict-item]


def test_a_name_is_an_alias_or_a_constant_but_not_both() -> None:
    with pytest.raises(OptionError, match="'k': both an alias and a constant; drop one"):
        substitute(parse("a"), aliases={"k": "1"}, constants={"k": 1})


@pytest.mark.parametrize(
    ("aliases", "circle"),
    [
        ({"a": "a / 1000"}, "a -> a"),
        ({"a": "b", "b": "2 * c", "c": "a + b"}, "a -> b -> c -> a"),
        ({"a": "1 + b", "b": "c", "c": "b + 1"}, "b -> c -> b"),
    ],
)
def test_aliases_that_go_in_a_circle_are_refused(aliases: dict[str, str], circle: str) -> None:
    with pytest.raises(CutError) as caught:
        substitute(parse("a > 1"), aliases=aliases)
    error, last = caught.value, circle.split(" -> ")[-2:]
    assert error.message == f"in the alias {last[0]!r}: aliases form a cycle: {circle}"
    assert error.text == aliases[last[0]]
    assert error.text[error.start : error.stop] == last[1]


def test_an_error_in_an_alias_shows_the_alias() -> None:
    with pytest.raises(CutError) as caught:
        substitute(parse("ht > 500"), aliases={"ht": "a + = b"})
    assert str(caught.value).splitlines() == [
        "in the alias 'ht': '=' has no meaning here",
        "  a + = b",
        "      ^",
        "to compare, write ==",
    ]


@pytest.mark.slow
def test_a_long_line_of_aliases_is_followed() -> None:
    aliases = {f"a{i}": f"a{i - 1}" for i in range(1, 5_000)}
    assert substitute(parse("a4999"), aliases=aliases) == parse("a0")


def test_aliases_that_double_each_time_are_refused() -> None:
    aliases = {f"a{i}": f"a{i - 1} + a{i - 1}" for i in range(1, 100)}
    with pytest.raises(CutError, match="more than 262144 parts once aliases are put in"):
        substitute(parse("a99"), aliases=aliases)


def test_aliases_that_nest_too_deep_are_refused() -> None:
    aliases = {f"a{i}": f"-a{i - 1}" for i in range(1, 300)}
    with pytest.raises(CutError, match="nested deeper than 200 levels"):
        substitute(parse("a299"), aliases=aliases)


@pytest.mark.parametrize("name", ["pi", "true", "in"])
@pytest.mark.parametrize("kind", ["aliases", "constants"])
def test_words_of_cuts_are_no_names(kind: str, name: str) -> None:
    with pytest.raises(OptionError, match=f"{name!r}: reserved in cuts; take another name"):
        substitute(parse("x > 1"), **{kind: {name: "1"}})
