"""Turns the tree of a cut into formulas: steps for a stack machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from memmpy.cuts.language import (
    Alternative,
    Call,
    Element,
    Key,
    Logical,
    Node,
    Reduction,
    has_numbers_only,
)

__all__ = ["Formula", "Step", "to_formula"]


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """Replace the results of the operands, last on the stack, by that of the node.

    Attributes
    ----------
    node : Node
        The operation.
    operands : tuple of Node
        Its operands on the stack.
    inner : Formula, optional
        The formula to evaluate first: the argument of a reduction, the primary of an alternative.
    """

    node: Node
    operands: tuple[Node, ...]
    inner: "Formula | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class Formula:
    """A part of a cut whose lists are matched element by element.

    Attributes
    ----------
    nodes : tuple of Node
        The nodes whose values are the results: the cut, or the arguments of a reduction.
    steps : tuple of Step
        The operations, operands first.
    leaves : tuple of Key and Element
        The columns and elements that determine how many elements an entry has.
    """

    nodes: tuple[Node, ...]
    steps: tuple[Step, ...]
    leaves: tuple[Key | Element, ...]


def to_formula(node: Node) -> Formula:
    """Return a cut as a formula; equal parts share one inner formula."""
    return _formula((node,), {})


def _formula(nodes: tuple[Node, ...], formulas: dict[tuple[Node, ...], Formula]) -> Formula:
    if nodes in formulas:
        return formulas[nodes]
    steps: list[Step] = []
    leaves: dict[Key | Element, None] = {}
    pending: list[Node | Step] = list(reversed(nodes))
    while pending:
        match pending.pop():
            case Step() as step:
                steps.append(step)
            case Reduction() as node:
                steps.append(Step(node, (), _formula(node.operands, formulas)))
            case Alternative(operands=(primary, other)) as node:
                pending += [Step(node, (other,), _formula((primary,), formulas)), other]
            case Key() as node:
                leaves[node] = None
                steps.append(Step(node, ()))
            case Element() as node if has_numbers_only(node):
                leaves[node] = None
                steps.append(Step(node, ()))
            case Element(operands=(_, *indices)) as node:
                _push(pending, node, indices)
            case (Logical() | Call(name="min" | "max")) as node if len(node.operands) > 2:
                # Two at a time: thousands of operands need no more memory than two.
                first, *others = node.operands
                for right in reversed(others):
                    pending += [Step(node, (first, right)), right]
                pending.append(first)
            case node:
                _push(pending, node, node.operands)
    formulas[nodes] = Formula(nodes, tuple(steps), tuple(leaves))
    return formulas[nodes]


def _push(pending: list[Node | Step], node: Node, operands: Sequence[Node]) -> None:
    pending.append(Step(node, tuple(operands)))
    pending.extend(reversed(operands))
