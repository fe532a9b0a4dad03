"""A cut as a program, which runs on one range of entries after another."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from memmpy.cuts.evaluation.formula import Formula, to_formula
from memmpy.cuts.evaluation.interpreter import Interpreter
from memmpy.cuts.evaluation.operands import (
    ColumnLike,
    HashedText,
    Operand,
    Values,
    length_of,
    operand_of,
)
from memmpy.cuts.evaluation.text_comparison import check_texts, missing_quotes, text_error
from memmpy.cuts.language import Key, Node, keys_in, keys_of, selected
from memmpy.errors import LengthError, nearest
from memmpy.kernels import count_true
from memmpy.typing import Mask

__all__ = ["Program", "check_keys", "evaluate", "passes", "to_program"]


@dataclass(frozen=True, slots=True)
class Program:
    """A cut that is ready to run, on any number of threads.

    Attributes
    ----------
    node : Node
        The cut.
    formula : Formula
        The operations of the cut, in the order in which they run.
    compiled : bool
        Whether to use compiled kernels.
    """

    node: Node
    formula: Formula
    compiled: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The columns it needs."""
        return keys_of(self.node)

    def __call__(self, columns: Mapping[str, ColumnLike]) -> Values:
        """Return the values of the cut for a range of entries.

        Parameters
        ----------
        columns : mapping of str to array, jagged column or HashedText
            The entries of one range, for each key that the cut uses; more do no harm.

        Raises
        ------
        CutError
            If a key is missing, or its values cannot be used in that way.
        LengthError
            If columns differ in their number of entries.
        """
        interpreter = Interpreter(_operands(self.node, columns), self.compiled)
        with np.errstate(all="ignore"):
            (result,), shape = interpreter.evaluate(self.formula)
        if not isinstance(result, Values):
            raise text_error(self.node)
        return replace(result, present=shape.present, notes=frozenset(interpreter.notes))

    def mask(self, values: Values, num_entries: int) -> Mask:
        """Return which entries pass, from the values that a call returned, as `passes` does."""
        length = length_of(values)
        if length is None:
            return np.full(num_entries, selected(values.content))
        if length != num_entries:
            raise LengthError(f"the columns of the cut have {length} entries, not {num_entries}")
        mask = selected(values.content)
        if mask.ndim > 1:
            mask = np.logical_or.reduce(mask, axis=tuple(range(1, mask.ndim)))
        if values.offsets is not None:
            mask = count_true(mask, values.offsets, compiled=self.compiled) > 0
        elif mask is values.content:
            # Not the column itself: the mask is the caller's own.
            mask = mask.copy()
        return mask if values.present is None else mask & values.present


def to_program(root: Node) -> Program:
    """Return a cut as a program.

    Raises
    ------
    CutError
        If a text is not compared.
    """
    check_texts(root)
    return Program(root, to_formula(root))


def evaluate(cut: Node | Program, columns: Mapping[str, ColumnLike]) -> Values:
    """Return the values of a cut: booleans or numbers, one an entry, or one an element.

    Parameters
    ----------
    cut : Node or Program
        The cut; a program if it is evaluated more than once.
    columns : mapping of str to array, jagged column or HashedText
        The entries, for each key that the cut uses.
    """
    program = cut if isinstance(cut, Program) else to_program(cut)
    return program(columns)


def passes(cut: Node | Program, columns: Mapping[str, ColumnLike], *, num_entries: int) -> Mask:
    """Return which entries pass a cut, as ROOT's ``TTree::GetEntries(cut)`` counts them.

    A number passes if it is neither zero nor NaN; an array if any of its elements passes.

    Parameters
    ----------
    cut : Node or Program
        The cut; a program if it is evaluated more than once.
    columns : mapping of str to array, jagged column or HashedText
        The entries, for each key that the cut uses.
    num_entries : int
        The number of entries, which a cut without a key does not tell.

    Returns
    -------
    bool array of shape (num_entries,)
    """
    program = cut if isinstance(cut, Program) else to_program(cut)
    return program.mask(program(columns), num_entries)


def check_keys(
    node: Node,
    known: Iterable[str],
    *,
    stale: Mapping[str, str] | None = None,
    texts: Collection[str] | None = None,
    where: str = "",
) -> None:
    """Raise `CutError` if a cut uses a key that is unknown.

    Parameters
    ----------
    node : Node
        The cut.
    known : iterable of str
        The keys of the columns.
    stale : mapping of str to str, optional
        The keys of stale columns, and why they are stale.
    texts : collection of str, optional
        The keys whose columns hold text; None if that is unknown.
    where : str
        For the message: where the keys should be.
    """
    names = frozenset(known)
    for key in keys_in(node):
        if key.name in names:
            continue
        if stale is not None and key.name in stale:
            raise key.span.error(f"column {key.name!r}{where} is stale: {stale[key.name]}")
        near = nearest(key.name, sorted(names.union(key.span.names)))
        hint = _in_backquotes(key, names)
        if not hint and (texts is not None or not near):
            # The other key may be unknown too: the misspelled name of a column of text.
            maybe_text = (keys_of(node) - names).union(names if texts is None else texts)
            hint = missing_quotes(node, key.name, texts=maybe_text)
        raise key.span.error(f"no key {key.name!r}{where}{near}", hint)


def _in_backquotes(key: Key, names: Collection[str]) -> str:
    """Return a hint if a key such as ``hit.p[3]`` stands without backquotes."""
    rest = key.span.text[key.span.start :]
    longer = [name for name in names if len(name) > len(key.name) and rest.startswith(name)]
    if not longer:
        return ""
    return f"a key with such characters stands in backquotes: `{max(longer, key=len)}`"


def _operands(node: Node, columns: Mapping[str, ColumnLike]) -> dict[str, Operand]:
    if not keys_of(node) <= columns.keys():
        check_keys(node, columns, texts=_texts_in(columns))
    keys = {key.name: key for key in keys_in(node)}
    operands = {name: operand_of(columns[name], key) for name, key in keys.items()}
    lengths = {length_of(operand): name for name, operand in operands.items()}
    if len(lengths) > 1:
        (one, first), (other, second) = sorted(lengths.items())[:2]
        raise LengthError(f"{first!r} has {one} entries, {second!r} has {other}")
    return operands


def _texts_in(columns: Mapping[str, ColumnLike]) -> set[str]:
    """Return the keys of columns that hold text."""
    return {
        name
        for name, column in columns.items()
        if isinstance(column, HashedText)
        or (isinstance(column, np.ndarray) and column.dtype.kind in "OUT")
    }
