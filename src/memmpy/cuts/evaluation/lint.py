"""Finds likely mistakes in cuts that can be computed."""

from collections.abc import Iterator, Mapping

import numpy as np

from memmpy.cuts.evaluation.operands import ColumnLike, HashedText
from memmpy.cuts.evaluation.program import evaluate
from memmpy.cuts.evaluation.text_comparison import hash_in_column, takes_text
from memmpy.cuts.language import LOGICAL_OF, Binary, Key, Node, Text, is_condition, nodes_in
from memmpy.errors import nearest

__all__ = ["find_mistakes"]


def find_mistakes(root: Node, columns: Mapping[str, ColumnLike]) -> frozenset[str]:
    """Return a warning for each likely mistake in a cut.

    Parameters
    ----------
    root : Node
        The cut.
    columns : mapping of str to array, jagged column or HashedText
        Its columns, without entries.
    """
    notes: list[str] = []
    for node in nodes_in(root):
        if takes_text(node):
            notes += _notes_on_texts(node, columns)
        elif isinstance(node, Binary) and node.operator in LOGICAL_OF:
            notes += _notes_on_bits(node, columns)
    return frozenset(notes)


def _notes_on_texts(node: Node, columns: Mapping[str, ColumnLike]) -> Iterator[str]:
    """Yield a note if no entry of the column has the text."""
    for key, text in (node.operands, node.operands[::-1]):
        column = columns.get(key.name) if isinstance(key, Key) else None
        if not isinstance(text, Text) or not isinstance(column, HashedText):
            continue
        if hash_in_column(column, text.value) is None:
            near = nearest(text.value, column.table.values())
            yield str(node.span.error(f"no entry has the text {text.value!r}{near}"))


def _notes_on_bits(node: Binary, columns: Mapping[str, ColumnLike]) -> Iterator[str]:
    """Yield a note for ``nJets >= 6 & nBTags``, which takes the lowest bit, as in C++."""
    for condition, number in (node.operands, node.operands[::-1]):
        if not is_condition(condition) or is_condition(number):
            continue
        if evaluate(number, columns).content.dtype != np.bool_:
            left, right = (str(operand.span) for operand in node.operands)
            error = node.span.error(
                f"{node.operator} of a condition and a number takes the number's bits, as in C++: "
                f"it reads ({number.span} {node.operator} 1)",
                f"if you mean that {number.span} is not 0, "
                f"write {left} {LOGICAL_OF[node.operator]} {right}",
            )
            yield str(error)
