"""Tests of the order of work of a cut."""

from memmpy.cuts import parse
from memmpy.cuts.evaluation.formula import to_formula
from memmpy.cuts.language import Logical


def names(text: str) -> list[str]:
    """Return the places of the steps, in order."""
    return [str(step.node.span) for step in to_formula(parse(text)).steps]


def test_operands_come_before_what_needs_them() -> None:
    assert names("a + b * c") == ["a", "b", "c", "b * c", "a + b * c"]


def test_a_reduction_is_one_step_with_a_formula_of_its_own() -> None:
    formula = to_formula(parse("Sum$(x + y) > n"))
    steps = {str(step.node.span): step for step in formula.steps}
    inner = steps["Sum$(x + y)"].inner
    assert [str(leaf.span) for leaf in formula.leaves] == ["n"]
    assert inner is not None
    assert [str(leaf.span) for leaf in inner.leaves] == ["x", "y"]


def test_an_alternative_has_its_primary_within_and_the_other_outside() -> None:
    formula = to_formula(parse("Alt$(x[0], y)"))
    assert [str(leaf.span) for leaf in formula.leaves] == ["y"]


def test_elements_by_number_are_leaves_and_computed_ones_are_not() -> None:
    formula = to_formula(parse("x[0] + y[n - 1]"))
    assert [str(leaf.span) for leaf in formula.leaves] == ["x[0]", "n"]


def test_a_formula_that_is_there_twice_is_known() -> None:
    formula = to_formula(parse("Sum$(x) > 1 || sum( x ) < -1"))
    first, second = (step.inner for step in formula.steps if step.inner is not None)
    assert first is second


def test_formulas_of_numbers_of_different_types_are_not_the_same() -> None:
    formula = to_formula(parse("Sum$(x * 1) > 1 || Sum$(x * 1.0) > 1"))
    first, second = (step.inner for step in formula.steps if step.inner is not None)
    assert first is not second


def test_operands_of_a_long_or_are_joined_two_at_a_time() -> None:
    formula = to_formula(parse(" || ".join("a" * 1_000)))
    joined = [step for step in formula.steps if isinstance(step.node, Logical)]
    assert len(joined) == 999
    assert {len(step.operands) for step in joined} == {2}
