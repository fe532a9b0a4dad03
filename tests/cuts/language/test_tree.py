"""Tests of walks over trees, and of their limits."""

import pickle

import pytest

from memmpy.cuts import Key, keys_of, parse
from memmpy.cuts.language import Number, Span
from memmpy.cuts.language.tree import MAX_SIZE, fold, keys_in, logical, number, rebuild
from memmpy.errors import CutError

SPAN = Span("a", 0, 1)


def test_fold_gives_results_of_operands_from_left_to_right() -> None:
    def visit(node: object, operands: list[str]) -> str:
        return str(node.name) if isinstance(node, Key) else f"({' '.join(operands)})"

    assert fold(parse("min(a, b, c) < d && !e"), visit) == "(((a b c) d) (e))"


def test_keys_are_the_names_in_use_but_not_functions() -> None:
    node = parse("abs(x.y) > 1 && x.y < a")
    assert [key.name for key in keys_in(node)] == ["x.y", "x.y", "a"]
    assert keys_of(node) == {"x.y", "a"}


def test_places_do_not_count_in_comparing_nodes() -> None:
    assert parse("a   && b") == parse("a && b")
    assert hash(parse("a   && b")) == hash(parse("a && b"))
    assert parse("a && b") != parse("b && a")


@pytest.mark.parametrize("text", ["a + 1.0", "a + true", "a + 2"])
def test_numbers_of_different_types_are_different_nodes(text: str) -> None:
    assert parse("a + 1") != parse(text)
    assert parse("a * 0.0") != parse("a * -0.0")


def test_nodes_travel_to_other_processes() -> None:
    node = parse("abs(a) > 1 && p == 'x'")
    assert pickle.loads(pickle.dumps(node)) == node


def test_a_node_rebuilt_of_its_operands_is_itself() -> None:
    for text in ("min(a, 1)", "-a", "~a", "a & b", "a + 1", "a || b", "1"):
        node = parse(text)
        assert rebuild(node, node.operands) == node


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2**64, 2.0**64), (-(2**63) - 1, -(2.0**63)), (10**400, float("inf")), (-(10**400), -1e999)],
)
def test_integers_past_64_bits_are_floats(value: int, expected: float) -> None:
    node = number(value, SPAN)
    assert isinstance(node.value, float)
    assert node.value == expected


def test_a_tree_of_too_many_parts_is_refused() -> None:
    one = logical("||", [Number(1, span=SPAN)] * (MAX_SIZE - 1), SPAN)
    with pytest.raises(CutError, match=f"more than {MAX_SIZE} parts once aliases are put in"):
        logical("||", [one, Key("a", span=SPAN)], SPAN)


def test_a_place_that_is_long_is_shown_in_part() -> None:
    text = "a" * 500
    span = Span(text, 0, 500)
    assert str(span) == "a" * 59 + "…"
    assert span.error("wrong").stop == CutError.MARGIN


def test_an_error_in_an_alias_names_it() -> None:
    assert Span("a", 0, 1, alias="ht").error("wrong").message == "in the alias 'ht': wrong"
