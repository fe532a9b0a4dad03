"""Carries out the steps of formulas on the columns of one range of entries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memmpy.cuts.evaluation.elements import alternative, pick_by_number, pick_by_value
from memmpy.cuts.evaluation.formula import Formula, Step
from memmpy.cuts.evaluation.operands import Operand, Values
from memmpy.cuts.evaluation.reduce import reduce
from memmpy.cuts.evaluation.shapes import Shape, shape_of
from memmpy.cuts.evaluation.text_comparison import compare_texts, takes_text, text_error
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

__all__ = ["Interpreter"]


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Evaluates the formulas of one program on one range of entries.

    Attributes
    ----------
    columns : mapping of str to Operand
        The entries of one range, by key.
    compiled : bool
        Whether to use compiled kernels.
    reductions : dict of (name, Formula) to Values
        The reductions evaluated so far, one value an entry each.
    notes : set of str
        Warnings for the user.
    """

    columns: Mapping[str, Operand]
    compiled: bool
    reductions: dict[tuple[str, Formula], Values] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)

    def evaluate(self, formula: Formula) -> tuple[list[Operand], Shape]:
        """Return the values of a formula's nodes, and its shape."""
        leaves = {leaf: self._leaf(leaf) for leaf in formula.leaves}
        shape = shape_of([values for values in leaves.values() if isinstance(values, Values)])
        if shape.unequal is not None:
            self.notes.add(_length_note(formula, shape.unequal))
        stack: list[Operand] = []
        for step in formula.steps:
            start = len(stack) - len(step.operands)
            stack[start:] = [self._step(step, stack[start:], leaves, shape)]
        return stack, shape

    def _reduce(self, node: Reduction, formula: Formula) -> Values:
        """Return a reduction; it is evaluated once, and its elements are freed."""
        if (node.name, formula) not in self.reductions:
            operands, shape = self.evaluate(formula)
            values = _numbers(node.operands, operands)
            result = reduce(node, values, shape, compiled=self.compiled)
            self.reductions[node.name, formula] = result
        return self.reductions[node.name, formula]

    def _leaf(self, leaf: Key | Element) -> Operand:
        if isinstance(leaf, Key):
            return self.columns[leaf.name]
        return pick_by_number(self._column_of(leaf), leaf)

    def _column_of(self, node: Element) -> Values:
        (key, *_) = node.operands
        assert isinstance(key, Key)
        column = self.columns[key.name]
        if not isinstance(column, Values):
            raise text_error(key)
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
                return self._reduce(node, step.inner)
            case Alternative() as node:
                assert step.inner is not None
                inner, inner_shape = self.evaluate(step.inner)
                values, other = _numbers(node.operands, [*inner, *operands])
                primary = replace(values, present=inner_shape.present)
                return alternative(primary, other, node=node, shape=shape)
            case Element() as node:
                indices = _numbers(step.operands, operands)
                return pick_by_value(self._column_of(node), indices, node=node, shape=shape)
            case node if takes_text(node) and not all(isinstance(o, Values) for o in operands):
                return compare_texts(node, operands)
            case _:
                return _apply(step, _numbers(step.operands, operands), shape)


def _numbers(nodes: Sequence[Node], operands: Sequence[Operand]) -> list[Values]:
    """Return operands that are numbers; raise a `CutError` at the first text."""
    values = [operand for operand in operands if isinstance(operand, Values)]
    if len(values) < len(operands):
        pairs = zip(nodes, operands, strict=True)
        raise text_error(next(node for node, value in pairs if not isinstance(value, Values)))
    return values


def _apply(step: Step, operands: Sequence[Values], shape: Shape) -> Values:
    """Return the result of an operator or a function on operands of one shape."""
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


def _length_note(formula: Formula, keys: tuple[str, str]) -> str:
    """Return the warning for lists that differ in length and are matched one to one."""
    one, other = keys
    error = formula.nodes[0].span.error(
        f"{one!r} and {other!r} differ in length; elements are matched one to one, and the rest of "
        "the longer one is left out",
        f"to test each on its own, reduce them: any({one} > ...) && any({other} > ...)",
    )
    return str(error)
