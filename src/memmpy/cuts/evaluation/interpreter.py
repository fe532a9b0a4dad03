"""How the steps of formulas are carried out on the columns of one range of entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memmpy.cuts.evaluation.elements import alternative, picked_by_number, picked_by_value
from memmpy.cuts.evaluation.formula import Formula, Step
from memmpy.cuts.evaluation.operands import Operand, Values
from memmpy.cuts.evaluation.reduce import reduce
from memmpy.cuts.evaluation.shapes import Shape, joint
from memmpy.cuts.evaluation.text_comparison import compared, misplaced, takes_text
from memmpy.cuts.language import (
    BINARY,
    FUNCTIONS,
    INTEGERS_ONLY,
    LOGICAL,
    UNARY,
    Alternative,
    Binary,
    Call,
    Element,
    Key,
    Logical,
    Loop,
    Node,
    Number,
    Reduction,
    Text,
    Unary,
    truth,
)
from memmpy.typing import Array

__all__ = ["Run"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program on columns, and what it knows already.

    Attributes
    ----------
    columns : mapping of str to Operand
        The entries of one range, by key.
    compiled : bool
        Whether there is enough to do that loading compiled kernels pays.
    known : dict of (name, Formula) to Values
        The reductions that were evaluated, one value an entry each.
    notes : set of str
        What the user should be warned of.
    """

    columns: Mapping[str, Operand]
    compiled: bool
    known: dict[tuple[str, Formula], Values] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)

    def formula(self, formula: Formula) -> tuple[list[Operand], Shape]:
        """Return the values of a formula's nodes, and its shape."""
        leaves = {leaf: self._leaf(leaf) for leaf in formula.leaves}
        shape = joint([values for values in leaves.values() if isinstance(values, Values)])
        if shape.unlike is not None:
            self.notes.add(_note(formula, shape.unlike))
        stack: list[Operand] = []
        for step in formula.steps:
            start = len(stack) - len(step.operands)
            stack[start:] = [self._step(step, stack[start:], leaves, shape)]
        return stack, shape

    def _reduced(self, node: Reduction, formula: Formula) -> Values:
        """Return a reduction; its elements are let go, and what is asked for again is kept."""
        if (node.name, formula) not in self.known:
            operands, shape = self.formula(formula)
            values = _numbers(node.operands, operands)
            self.known[node.name, formula] = reduce(node, values, shape, compiled=self.compiled)
        return self.known[node.name, formula]

    def _leaf(self, leaf: Key | Element) -> Operand:
        if isinstance(leaf, Key):
            return self.columns[leaf.name]
        return picked_by_number(self._picked_from(leaf), leaf)

    def _picked_from(self, node: Element) -> Values:
        (key, *_) = node.operands
        assert isinstance(key, Key)
        column = self.columns[key.name]
        if not isinstance(column, Values):
            raise misplaced(key)
        return column

    def _step(
        self,
        step: Step,
        operands: list[Operand],
        leaves: Mapping[Key | Element, Operand],
        shape: Shape,
    ) -> Operand:
        match step.node:
            case Key() | Element() as node if node in leaves:
                leaf = leaves[node]
                return shape.trim(leaf) if isinstance(leaf, Values) else leaf
            case Text(value=text):
                return text
            case Number(value=value):
                return Values(_constant(value))
            case Loop(name="Iteration$"):
                return Values(shape.local_index(), shape.offsets)
            case Loop():
                return Values(shape.lengths())
            case Reduction() as node:
                assert step.inner is not None
                return self._reduced(node, step.inner)
            case Alternative() as node:
                assert step.inner is not None
                inner, inner_shape = self.formula(step.inner)
                values, other = _numbers(node.operands, [*inner, *operands])
                primary = replace(values, present=inner_shape.present)
                return alternative(primary, other, node=node, shape=shape)
            case Element() as node:
                indices = _numbers(step.operands, operands)
                return picked_by_value(self._picked_from(node), indices, node=node, shape=shape)
            case node if takes_text(node) and not all(isinstance(o, Values) for o in operands):
                return compared(node, operands)
            case _:
                return _applied(step, _numbers(step.operands, operands), shape)


def _numbers(nodes: Sequence[Node], operands: Sequence[Operand]) -> list[Values]:
    """Return operands that are no text; raise a `CutError` at the first that is."""
    values = [operand for operand in operands if isinstance(operand, Values)]
    if len(values) < len(operands):
        pairs = zip(nodes, operands, strict=True)
        raise misplaced(next(node for node, value in pairs if not isinstance(value, Values)))
    return values


def _applied(step: Step, operands: Sequence[Values], shape: Shape) -> Values:
    """Return what an operator or a function makes of operands of one shape."""
    node = step.node
    contents = shape.broadcast(operands)
    match node:
        case Unary(operator=operator) | Binary(operator=operator):
            if operator in INTEGERS_ONLY:
                _check_integers(step, contents)
            table = UNARY if isinstance(node, Unary) else BINARY
            result = table[operator](*contents)
        case Logical(operator=operator):
            result = LOGICAL[operator](*map(truth, contents))
        case Call(name=name):
            result = FUNCTIONS[name].apply(*contents)
        case _:
            raise NotImplementedError(type(node))
    model = next((values for values in operands if values.offsets is not None), operands[0])
    return Values(np.asarray(result), model.offsets, model.key)


def _constant(value: bool | float) -> Array:
    return np.asarray(value, np.uint64 if isinstance(value, int) and value >= 2**63 else None)


def _check_integers(step: Step, contents: Sequence[Array]) -> None:
    for node, content in zip(step.operands, contents, strict=True):
        if content.dtype.kind == "f":
            operator = step.node.operator if isinstance(step.node, Unary | Binary) else ""
            raise node.span.error(
                f"{operator} is for integers and conditions, and {node.span} is a float",
                "to combine conditions, compare first: met > 50",
            )


def _note(formula: Formula, keys: tuple[str, str]) -> str:
    """Return the warning for lists of different lengths that are matched one to one."""
    one, other = keys
    error = formula.nodes[0].span.error(
        f"{one!r} and {other!r} differ in length; elements are matched one to one, and the longer "
        "one's others are left out",
        f"to ask each on its own, reduce them: any({one} > ...) && any({other} > ...)",
    )
    return str(error)
