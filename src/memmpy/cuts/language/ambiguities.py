"""Refuses expressions that ROOT, C++ and Python read differently, and likely mistakes."""

import functools
import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from memmpy.cuts.language.grammar import TEXT
from memmpy.cuts.language.tree import (
    COMPARISONS,
    Binary,
    Element,
    Node,
    Number,
    Span,
    Unary,
    has_numbers_only,
    is_condition,
    nodes_in,
)

__all__ = ["check_alternative", "check_binary", "check_bits", "check_chain", "check_not"]

_SHIFTS = {"<<", ">>"}
#: For each operator, others that need parentheses beside it: ROOT has its own precedence of shifts.
_UNLIKE_ROOT = {
    **dict.fromkeys(_SHIFTS, _SHIFTS | {"+", "-"}),
    **dict.fromkeys(COMPARISONS, _SHIFTS),
}
#: Symbols of C++ that Python lacks; texts and quoted keys are skipped.
_CPP_ONLY = re.compile(
    rf"{TEXT}|`[^`]*`|(?P<cpp>&&|\|\||!(?!=)|\?|::|\$|@|\^)",
    re.DOTALL,
)


_PARENTHESES_HINT = "put parentheses around what belongs together"


def check_not(operand: Node, span: Span) -> None:
    """Refuse ``!a^b``."""
    if _is_bare(operand, {"**"}):
        raise span.error("ROOT reads !a^b as (!a)^b, though a power binds first", _PARENTHESES_HINT)


def check_binary(left: Node, operator: str, right: Node, span: Span) -> None:
    """Refuse neighbouring operators that have another precedence in ROOT."""
    signed = isinstance(right, Unary) and span.text[right.span.start] != "("
    if operator == "**" and _is_bare(right.operands[0] if signed else right, {"**"}):
        message = "ROOT reads a^b^c and a**b**c from the left, Python from the right"
        raise span.error(message, _PARENTHESES_HINT)
    if operator in {"*", "/"} and _is_bare(left, {"%"}):
        message = f"ROOT reads a % b {operator} c as a % (b {operator} c), C++ and Python as "
        message += f"(a % b) {operator} c"
        raise span.error(message, _PARENTHESES_HINT)
    if any(_is_bare(side, _UNLIKE_ROOT.get(operator, ())) for side in (left, right)):
        message = "<< and >> have another precedence in ROOT than in C++ and Python"
        raise span.error(message, _PARENTHESES_HINT)
    if operator in COMPARISONS:
        _check_comparison(left, operator, right, span)


def check_chain(parts: Sequence[Any], span: Span) -> None:  # nodes, and tokens between them
    """Refuse ``20 < pt < 50`` in a cut that is spelled in C++."""
    if not _is_in_cpp(span.text):
        return
    first, less, second, more, third = (
        str(part if isinstance(part, str) else part.span) for part in parts[:5]
    )
    raise span.error(
        f"C++ reads ({first} {less} {second}) {more} {third}, Python "
        f"({first} {less} {second}) and ({second} {more} {third}), and this is C++'s spelling",
        f"write {first} {less} {second} && {second} {more} {third}",
    )


def check_bits(left: Node, operator: str, right: Node) -> None:
    """Refuse ``flags & 4 == 4`` and ``4 == flags & 4``, which C++ and Python read differently.

    C++ reads ``flags & (4 == 4)``. Without a number beside the operator nothing is refused:
    ``nJets >= 6 & isGood`` means what C++ reads.
    """
    meant_right = (
        not is_condition(left) and _is_bare(right, COMPARISONS) and _is_integer(right.operands[0])
    )
    meant_left = _is_integer(right) and _is_bare(left, COMPARISONS)
    if meant_right or meant_left:
        whole = replace(left.span, stop=right.span.stop)
        sides = [
            f"({side.span})" if _is_bare(side, COMPARISONS) else str(side.span)
            for side in (left, right)
        ]
        message = f"C++ reads {f' {operator} '.join(sides)}, but Python binds {operator} tighter"
        raise whole.error(message, _PARENTHESES_HINT)


def check_alternative(primary: Node) -> None:
    """Refuse ``Alt$(x[i], b)``: the meaning of i would depend on the rest of the cut."""
    for node in nodes_in(primary):
        if isinstance(node, Element) and not has_numbers_only(node):
            column, index = (operand.span for operand in node.operands[:2])
            hint = f"write {index} < Length$({column}) ? {node.span} : ..."
            raise node.span.error("Alt$ takes elements picked by a number", hint)


def _check_comparison(left: Node, operator: str, right: Node, span: Span) -> None:
    """Refuse ``!nJets >= 6``, which C++ reads as ``(!nJets) >= 6``: it is never true."""
    is_not = isinstance(left, Unary) and left.operator == "!" and span.text[left.span.start] == "!"
    if not is_not or not isinstance(right, Number):
        return
    if operator not in {"==", "!="} or right.value not in {0, 1}:
        inner, whole = left.operands[0].span, f"{operator} {right.span}"
        message = f"C++ reads (!{inner}) {whole}, which compares 0 or 1 with {right.span}"
        raise span.error(message, f"write !({inner} {whole})")


@functools.lru_cache(maxsize=16)
def _is_in_cpp(text: str) -> bool:
    """Return whether a cut has a symbol of C++ that Python lacks."""
    return any(match["cpp"] for match in _CPP_ONLY.finditer(text))


def _is_bare(node: Node, operators: Collection[str]) -> bool:
    """Return whether a node is one of these operators without parentheses around it."""
    is_one = isinstance(node, Binary) and node.operator in operators
    return is_one and node.span.start == node.operands[0].span.start


def _is_integer(node: Node) -> bool:
    return isinstance(node, Number) and type(node.value) is int
