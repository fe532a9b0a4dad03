"""The normal form of a cut: one text for all spellings, by which its selection is cached."""

import math
import re

from memmpy.cuts.language.grammar import KEYWORDS
from memmpy.cuts.language.tree import (
    COMPARISONS,
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
    fold,
    is_condition,
)

__all__ = ["LANGUAGE", "normal_form"]

#: Version of the language: raised when a cut changes its meaning, so that old results are not used.
LANGUAGE = 3

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MIRRORED = {">": "<", ">=": "<="}
#: Below it, an integer column and the same one rounded to float64 are on one side of a number.
_EXACT = 2**53


def normal_form(node: Node) -> str:
    """Return the normal form of a cut.

    Cuts of equal normal form mean the same, and the normal form is itself a cut of that meaning. It
    does not depend on spelling, white space, the direction of comparisons, or the order and
    repetition of the operands of ``&&`` and ``||``; it does depend on all else, down to the type of
    a number that is not compared.

    Examples
    --------
    >>> normal_form(parse("not(b>1.0)&2==a"))
    '((!(1 < b)) && (2 == a))'
    """
    return fold(node, _printed)


def _printed(node: Node, operands: list[str]) -> str:
    match node:
        case Number(value=value):
            return _printed_number(value)
        case Text(value=value):
            escaped = value.replace("\\", "\\\\").replace("'", "\\'")
            return f"'{escaped}'"
        case Key(name=name):
            return name if _PLAIN.fullmatch(name) and name not in KEYWORDS else f"`{name}`"
        case Loop(name=name):
            return name
        case Call(name=name) | Reduction(name=name):
            return f"{name}({', '.join(operands)})"
        case Alternative():
            return f"Alt$({', '.join(operands)})"
        case Element():
            return operands[0] + "".join(f"[{index}]" for index in operands[1:])
        case Unary(operator=operator):
            return f"({operator}{operands[0]})"
        case Binary(operator=operator) if operator in COMPARISONS:
            return _printed_comparison(node, operands)
        case Binary(operator=operator):
            return f"({operands[0]} {operator} {operands[1]})"
        case Logical(operator=operator):
            distinct = sorted(set(operands))
            if len(distinct) > 1:
                return f"({f' {operator} '.join(distinct)})"
            return distinct[0] if is_condition(node.operands[0]) else f"(!(!{distinct[0]}))"
        case _:
            raise NotImplementedError(type(node))


def _printed_comparison(node: Binary, operands: list[str]) -> str:
    left, right = map(_compared, node.operands, operands)
    if node.operator in {"==", "!="}:
        left, right = sorted((left, right))
    elif node.operator in _MIRRORED:
        return f"({right} {_MIRRORED[node.operator]} {left})"
    return f"({left} {node.operator} {right})"


def _compared(node: Node, printed: str) -> str:
    """Return a side of a comparison: 1.0 as 1, which compares alike."""
    match node:
        case Number(value=float() as value) if value.is_integer() and abs(value) < _EXACT:
            return _printed_number(int(value))
    return printed


def _printed_number(value: bool | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not math.isfinite(value):
        # Numbers too large for a float, so that these are cuts as well.
        return "(1e999 - 1e999)" if math.isnan(value) else f"({'-' * (value < 0)}1e999)"
    return repr(value) if math.copysign(1, value) > 0 else f"({value!r})"
