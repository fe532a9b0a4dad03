"""Warnings of cuts that can be computed but are likely not what is meant."""

import warnings
from collections.abc import Iterable, Mapping

import numpy as np

from memmpy.cuts.evaluation.evaluate import evaluate
from memmpy.cuts.evaluation.values import ColumnLike, HashedText
from memmpy.cuts.evaluation.words import code_of, takes_text
from memmpy.cuts.language import Binary, Key, Node, Text, is_condition
from memmpy.errors import CutWarning, nearest

__all__ = ["warn_of", "warn_of_slips"]

_LOGICAL_OF = {"&": "&&", "|": "||"}


def warn_of_slips(root: Node, columns: Mapping[str, ColumnLike]) -> None:
    """Emit a `CutWarning` for each likely slip in a cut.

    Parameters
    ----------
    root : Node
        The cut.
    columns : mapping of str to array, jagged column or HashedText
        What it is evaluated on, without any entries.
    """
    pending = [root]
    while pending:
        node = pending.pop()
        pending.extend(node.operands)
        if takes_text(node):
            for key, text in (node.operands, node.operands[::-1]):
                column = columns.get(key.name) if isinstance(key, Key) else None
                if isinstance(text, Text) and isinstance(column, HashedText):
                    _warn_if_unknown(node, column, text.value)
        elif isinstance(node, Binary) and node.operator in _LOGICAL_OF:
            for condition, number in (node.operands, node.operands[::-1]):
                if is_condition(condition) and not is_condition(number):
                    _warn_of_bits(node, node.operator, number, columns)


def warn_of(notes: Iterable[str]) -> None:
    """Emit a `CutWarning` for each note that running a program has left."""
    for note in sorted(notes):
        warnings.warn(note, CutWarning, stacklevel=4)


def _warn_if_unknown(node: Node, column: HashedText, text: str) -> None:
    """Warn of a text that no entry of the column has."""
    if code_of(column, text) is None:
        near = nearest(text, column.table.values())
        _warn(node, f"no entry has the text {text!r}{near}")


def _warn_of_bits(
    node: Node, operator: str, number: Node, columns: Mapping[str, ColumnLike]
) -> None:
    """Warn of ``nJets >= 6 & nBTags``, which takes the lowest bit of a number, as in C++."""
    if evaluate(number, columns).content.dtype != np.bool_:
        left, right = (str(operand.span) for operand in node.operands)
        bits, logical = f"({number.span} {operator} 1)", _LOGICAL_OF[operator]
        _warn(
            node,
            f"{operator} of a condition and a number takes the number's bits, as in C++: "
            f"it reads {bits}",
            f"where you mean that {number.span} is not 0, write {left} {logical} {right}",
        )


def _warn(node: Node, message: str, hint: str = "") -> None:
    warnings.warn(str(node.span.error(message, hint)), CutWarning, stacklevel=7)
