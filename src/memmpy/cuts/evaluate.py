"""From tree to booleans: a cut as a list of steps, run on the columns of a range of entries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from memmpy.cuts.arithmetic import BINARY, INTEGERS_ONLY, LOGICAL, UNARY, truth
from memmpy.cuts.functions import FUNCTIONS
from memmpy.cuts.tree import (
    Binary,
    Call,
    Key,
    Logical,
    Node,
    Number,
    Text,
    Unary,
    keys_in,
    keys_of,
)
from memmpy.cuts.values import (
    ColumnLike,
    Operand,
    Values,
    aligned,
    any_of_entry,
    length_of,
    operand_of,
)
from memmpy.cuts.words import check_texts, compared, misplaced, takes_text
from memmpy.errors import LengthError, nearest
from memmpy.typing import Array, Mask

__all__ = ["Program", "Step", "check_keys", "evaluate", "passes", "to_program"]


@dataclass(frozen=True, slots=True)
class Step:
    """Take the results of the last operands, leave that of the node."""

    node: Node
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """A cut, ready to be run on one range of entries after another.

    Attributes
    ----------
    node : Node
        The cut.
    steps : tuple of Step
        The same in the order of work: operands before what needs them.
    """

    node: Node
    steps: tuple[Step, ...]

    @property
    def keys(self) -> frozenset[str]:
        """The columns it needs."""
        return keys_of(self.node)

    def __call__(self, columns: Mapping[str, ColumnLike]) -> Values:
        """Run it.

        Parameters
        ----------
        columns : mapping of str to array, jagged column or HashedText
            The entries of one range, for each key that the cut uses; more do no harm.

        Raises
        ------
        CutError
            If a key is missing, or its values cannot be used so.
        LengthError
            If columns differ in their number of entries.
        """
        loaded = _loaded(self.node, columns)
        stack: list[Operand] = []
        with np.errstate(all="ignore"):
            for step in self.steps:
                start = len(stack) - len(step.operands)
                stack[start:] = [self._run(step, stack[start:], loaded)]
        (result,) = stack
        if not isinstance(result, Values):
            raise misplaced(self.node)
        return result

    def _run(self, step: Step, operands: list[Operand], loaded: Mapping[str, Operand]) -> Operand:
        match step.node:
            case Key(name=name):
                return loaded[name]
            case Text(value=text):
                return text
            case Number(value=value):
                return Values(_constant(value))
        if all(isinstance(operand, Values) for operand in operands):
            return _applied(step, [values for values in operands if isinstance(values, Values)])
        if not takes_text(step.node):
            pairs = zip(step.operands, operands, strict=True)
            raise misplaced(next(node for node, value in pairs if not isinstance(value, Values)))
        return compared(step.node, operands)


def to_program(root: Node) -> Program:
    """Return a cut as a program.

    Raises
    ------
    CutError
        If a text stands where no text can.
    """
    check_texts(root)
    steps: list[Step] = []
    pending: list[Node | Step] = [root]
    while pending:
        match pending.pop():
            case Step() as step:
                steps.append(step)
            case Logical(operands=(first, *_)) as node:
                # Two at a time: thousands of operands need no more memory than two.
                for left, right in reversed([*pairwise(node.operands)]):
                    pending += [Step(node, (left, right)), right]
                pending.append(first)
            case node:
                pending.append(Step(node, node.operands))
                pending.extend(reversed(node.operands))
    return Program(root, tuple(steps))


def evaluate(cut: Node | Program, columns: Mapping[str, ColumnLike]) -> Values:
    """Return the values of a cut: booleans or numbers, one an entry, or one an element.

    Parameters
    ----------
    cut : Node or Program
        The cut; a program where it is evaluated more than once.
    columns : mapping of str to array, jagged column or HashedText
        The entries, for each key that the cut uses.
    """
    program = cut if isinstance(cut, Program) else to_program(cut)
    return program(columns)


def passes(cut: Node | Program, columns: Mapping[str, ColumnLike], *, num_entries: int) -> Mask:
    """Return which entries pass a cut, as ROOT's ``TTree::GetEntries(cut)`` counts them.

    A number passes if it is not zero, NaN too; an array if any of its elements passes.

    Parameters
    ----------
    cut : Node or Program
        The cut; a program where it is evaluated more than once.
    columns : mapping of str to array, jagged column or HashedText
        The entries, for each key that the cut uses.
    num_entries : int
        Their number, which a cut without any key could not know.

    Returns
    -------
    bool array of shape (num_entries,)
    """
    values = evaluate(cut, columns)
    length = length_of(values)
    if length is None:
        return np.full(num_entries, truth(values.content))
    if length != num_entries:
        raise LengthError(f"the columns of the cut have {length} entries, not {num_entries}")
    return any_of_entry(values)


def check_keys(node: Node, known: Iterable[str]) -> None:
    """Raise `CutError` if a cut uses a key that is not known."""
    names = frozenset(known)
    for key in keys_in(node):
        if key.name not in names:
            raise key.span.error(f"no key {key.name!r}{nearest(key.name, sorted(names))}")


def _loaded(node: Node, columns: Mapping[str, ColumnLike]) -> dict[str, Operand]:
    check_keys(node, columns)
    loaded = {key.name: operand_of(columns[key.name], key) for key in keys_in(node)}
    lengths = {length_of(operand): name for name, operand in loaded.items()}
    if len(lengths) > 1:
        (one, first), (other, second) = sorted(lengths.items())[:2]
        raise LengthError(f"{first!r} has {one} entries, {second!r} has {other}")
    return loaded


def _constant(value: bool | float) -> Array:
    return np.asarray(value, np.uint64 if isinstance(value, int) and value >= 2**63 else None)


def _applied(step: Step, operands: Sequence[Values]) -> Values:
    node = step.node
    contents, model = aligned(operands, node.span)
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
    return Values(np.asarray(result), model.offsets, model.key)


def _check_integers(step: Step, contents: Sequence[Array]) -> None:
    for node, content in zip(step.operands, contents, strict=True):
        if content.dtype.kind == "f":
            operator = step.node.operator if isinstance(step.node, Unary | Binary) else ""
            raise node.span.error(
                f"{operator} is for integers and conditions, and {node.span} is a float",
                "to combine conditions, compare first: met > 50",
            )
