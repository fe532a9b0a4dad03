"""Compares text, the only thing that a cut can do with it."""

from collections.abc import Container, Sequence

import numpy as np

from memmpy.cuts.evaluation.operands import HashedText, Operand, PlainText, Values
from memmpy.cuts.language import Binary, Key, Node, Text, nodes_in
from memmpy.errors import CutError
from memmpy.typing import Mask

__all__ = [
    "check_texts",
    "compare_texts",
    "hash_in_column",
    "keys_of_texts",
    "missing_quotes",
    "takes_text",
    "text_error",
]


def takes_text(node: Node) -> bool:
    """Return whether the operands of a node may be text."""
    return isinstance(node, Binary) and node.operator in {"==", "!="}


def keys_of_texts(root: Node) -> frozenset[str]:
    """Return the keys that a cut compares with a text, so that their columns must hold text."""
    return frozenset(
        key.name
        for node in nodes_in(root)
        if takes_text(node) and any(isinstance(operand, Text) for operand in node.operands)
        for key in node.operands
        if isinstance(key, Key)
    )


def check_texts(root: Node) -> None:
    """Raise `CutError` if a text of the cut is not compared."""
    if isinstance(root, Text):
        raise text_error(root)
    for node in nodes_in(root):
        if not takes_text(node):
            for operand in node.operands:
                if isinstance(operand, Text):
                    raise text_error(operand)


def text_error(node: Node) -> CutError:
    """Return the error for a text that is not compared."""
    return node.span.error(
        f"{node.span} is text, which can only be compared, by == or !=",
        "for example process == 'ttH'",
    )


def missing_quotes(root: Node, name: str, *, texts: Container[str]) -> str:
    """Return a hint if a name that is no key is a text without quotes: ``process == ttH``.

    Parameters
    ----------
    root : Node
        The cut.
    name : str
        The name that is no key.
    texts : container of str
        The keys whose columns hold text, or may hold it.

    Returns
    -------
    str
        Empty unless the name is compared with such a key by ``==`` or ``!=``.
    """
    for node in nodes_in(root):
        if not takes_text(node):
            continue
        for one, other in (node.operands, node.operands[::-1]):
            if (
                isinstance(one, Key)
                and isinstance(other, Key)
                and one.name == name
                and other.name in texts
            ):
                return f"a text is written in quotes: {name!r}"
    return ""


def compare_texts(node: Node, operands: Sequence[Operand]) -> Values:
    """Return the comparison of two operands, at least one of which is text.

    Parameters
    ----------
    node : Node
        The ``==`` or ``!=``.
    operands : sequence of Operand
        The two sides of the comparison.
    """
    same: Mask = np.asarray(_equal(node, operands), np.bool_)
    is_equality = isinstance(node, Binary) and node.operator == "=="
    return Values(same if is_equality else ~same, key=str(node.span))


def _equal(node: Node, operands: Sequence[Operand]) -> Mask | bool:
    match operands:
        case [str() as left, str() as right]:
            return left == right
        case [HashedText() as column, str() as text] | [str() as text, HashedText() as column]:
            return _equal_hashes(column, text)
        case [HashedText() as one, HashedText() as other]:
            return np.equal(one.values, other.values)
        case [PlainText() as column, str() as text] | [str() as text, PlainText() as column]:
            return np.asarray(column.values == text)
        case [PlainText() as one, PlainText() as other]:
            return np.asarray(one.values == other.values)
        case _:
            left, right = (str(operand.span) for operand in node.operands)
            hint = "text is compared with text: process == 'ttH'"
            raise node.span.error(f"{left} and {right} cannot be compared", hint)


def _equal_hashes(column: HashedText, text: str) -> Mask:
    code = hash_in_column(column, text)
    if code is None:  # no entry has it
        return np.zeros(column.values.shape, np.bool_)
    same: Mask = np.equal(column.values, np.uint64(code))
    return same


def hash_in_column(column: HashedText, text: str) -> int | None:
    """Return the hash of a text, if an entry of the column has it."""
    return next((code for code, known in column.table.items() if known == text), None)
