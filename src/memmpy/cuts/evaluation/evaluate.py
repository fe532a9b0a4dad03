"""From tree to values: a cut as a program, run on the columns of a range of entries."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from memmpy.cuts.evaluation.elements import alternative, picked_by_number, picked_by_value
from memmpy.cuts.evaluation.program import Formula, Step, to_formula
from memmpy.cuts.evaluation.reduce import reduced
from memmpy.cuts.evaluation.shapes import Shape, joint
from memmpy.cuts.evaluation.values import ColumnLike, Operand, Values, length_of, operand_of
from memmpy.cuts.evaluation.words import check_texts, compared, misplaced, takes_text
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
    keys_in,
    keys_of,
    truth,
)
from memmpy.errors import LengthError, nearest
from memmpy.gather import count_true
from memmpy.typing import Array, Mask

__all__ = ["Program", "any_of_entry", "check_keys", "evaluate", "passes", "to_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """A cut, ready to be run on one range of entries after another, on any number of threads.

    Attributes
    ----------
    node : Node
        The cut.
    formula : Formula
        The same in the order of work.
    compiled : bool
        Whether there is enough to do that loading compiled kernels pays.
    """

    node: Node
    formula: Formula
    compiled: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The columns it needs."""
        return keys_of(self.node)

    def __call__(self, columns: Mapping[str, ColumnLike], notes: set[str] | None = None) -> Values:
        """Run it.

        Parameters
        ----------
        columns : mapping of str to array, jagged column or HashedText
            The entries of one range, for each key that the cut uses; more do no harm.
        notes : set of str, optional
            Gets what the user should be warned of.

        Raises
        ------
        CutError
            If a key is missing, or its values cannot be used so.
        LengthError
            If columns differ in their number of entries.
        """
        run = _Run(_loaded(self.node, columns), self.compiled, set() if notes is None else notes)
        with np.errstate(all="ignore"):
            (result,), shape = run.formula(self.formula)
        if not isinstance(result, Values):
            raise misplaced(self.node)
        return replace(result, present=shape.present)


def to_program(root: Node) -> Program:
    """Return a cut as a program.

    Raises
    ------
    CutError
        If a text stands where no text can.
    """
    check_texts(root)
    return Program(root, to_formula(root))


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


def passes(
    cut: Node | Program,
    columns: Mapping[str, ColumnLike],
    *,
    num_entries: int,
    notes: set[str] | None = None,
) -> Mask:
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
    notes : set of str, optional
        Gets what the user should be warned of.

    Returns
    -------
    bool array of shape (num_entries,)
    """
    program = cut if isinstance(cut, Program) else to_program(cut)
    values = program(columns, notes)
    length = length_of(values)
    if length is None:
        return np.full(num_entries, truth(values.content))
    if length != num_entries:
        raise LengthError(f"the columns of the cut have {length} entries, not {num_entries}")
    return any_of_entry(values, compiled=program.compiled)


def any_of_entry(values: Values, *, compiled: bool) -> Mask:
    """Return whether any element of each entry is true; an entry without elements is not."""
    mask = truth(values.content)
    if mask.ndim > 1:
        mask = np.logical_or.reduce(mask, axis=tuple(range(1, mask.ndim)))
    if values.offsets is not None:
        mask = count_true(mask, values.offsets, compiled=compiled) > 0
    elif mask is values.content:
        # Not the column itself: the mask is the caller's own.
        mask = mask.copy()
    return mask if values.present is None else mask & values.present


def check_keys(node: Node, known: Iterable[str]) -> None:
    """Raise `CutError` if a cut uses a key that is not known."""
    names = frozenset(known)
    for key in keys_in(node):
        if key.name not in names:
            raise key.span.error(f"no key {key.name!r}{nearest(key.name, sorted(names))}")


def _loaded(node: Node, columns: Mapping[str, ColumnLike]) -> dict[str, Operand]:
    check_keys(node, columns)
    keys = {key.name: key for key in keys_in(node)}
    loaded = {name: operand_of(columns[name], key) for name, key in keys.items()}
    lengths = {length_of(operand): name for name, operand in loaded.items()}
    if len(lengths) > 1:
        (one, first), (other, second) = sorted(lengths.items())[:2]
        raise LengthError(f"{first!r} has {one} entries, {second!r} has {other}")
    return loaded


@dataclass(frozen=True, slots=True)
class _Run:
    """One run of a program: its columns, and the formulas that are known already."""

    columns: Mapping[str, Operand]
    compiled: bool
    notes: set[str]
    known: dict[Formula, tuple[list[Operand], Shape]] = field(default_factory=dict)

    def formula(self, formula: Formula) -> tuple[list[Operand], Shape]:
        """Return the values of a formula's nodes, and its shape."""
        if formula not in self.known:
            leaves = {leaf: self._leaf(leaf) for leaf in formula.leaves}
            shape = joint([v for v in leaves.values() if isinstance(v, Values)])
            if shape.unlike is not None:
                self.notes.add(_unlike(formula, shape.unlike))
            stack: list[Operand] = []
            for step in formula.steps:
                start = len(stack) - len(step.operands)
                stack[start:] = [self._step(step, stack[start:], leaves, shape)]
            self.known[formula] = stack, shape
        return self.known[formula]

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
        node = step.node
        match node:
            case Key() | Element() if node in leaves:
                leaf = leaves[node]
                return shape.cut(leaf) if isinstance(leaf, Values) else leaf
            case Text(value=text):
                return text
            case Number(value=value):
                return Values(_constant(value))
            case Loop(name="Iteration$"):
                return Values(shape.numbers(), shape.offsets)
            case Loop():
                return Values(shape.lengths())
        inner_shape = shape
        if step.inner is not None:
            inner, inner_shape = self.formula(step.inner)
            operands = [*inner, *operands]
        if not all(isinstance(operand, Values) for operand in operands):
            if takes_text(node):
                return compared(node, operands)
            parts = node.operands if step.inner is not None else step.operands
            pairs = zip(parts, operands, strict=True)
            raise misplaced(next(part for part, value in pairs if not isinstance(value, Values)))
        values = [operand for operand in operands if isinstance(operand, Values)]
        match node:
            case Reduction():
                return reduced(node, values, inner_shape, compiled=self.compiled)
            case Alternative():
                primary = replace(values[0], present=inner_shape.present)
                return alternative(primary, values[1], node=node, shape=shape)
            case Element():
                column = self._picked_from(node)
                return picked_by_value(column, values[0], node=node, shape=shape)
        return _applied(step, values, shape)


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


def _unlike(formula: Formula, keys: tuple[str, str]) -> str:
    """Return the warning for lists of different lengths that are matched one to one."""
    one, other = keys
    error = formula.nodes[0].span.error(
        f"{one!r} and {other!r} differ in length; elements are matched one to one, and the longer "
        "one's others are left out",
        f"to ask each on its own, reduce them: any({one} > ...) && any({other} > ...)",
    )
    return str(error)
