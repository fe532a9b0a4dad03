"""One text for all spellings of a cut: what its cached selection is filed under."""

import math

from memmpy.cuts.tree import (
    Binary,
    Call,
    Key,
    Logical,
    Node,
    Number,
    Text,
    Unary,
    fold,
    is_condition,
)

__all__ = ["normal"]


def normal(node: Node) -> str:
    """Return the canonical text of a cut.

    Spelling, white space, and the order and repetition of the operands of ``&&`` and ``||`` leave
    no trace; everything else does, down to the type of a number. Cuts of equal normal form mean the
    same, and the normal form is itself a cut of that meaning.

    Examples
    --------
    >>> normal(parse("not(b>1)&a==2"))
    '((!(b > 1)) && (a == 2))'
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
            return name
        case Call(name=name):
            return f"{name}({', '.join(operands)})"
        case Unary(operator=operator):
            return f"({operator}{operands[0]})"
        case Binary(operator=operator):
            return f"({operands[0]} {operator} {operands[1]})"
        case Logical(operator=operator):
            distinct = sorted(set(operands))
            if len(distinct) > 1:
                return f"({f' {operator} '.join(distinct)})"
            return distinct[0] if is_condition(node.operands[0]) else f"(!(!{distinct[0]}))"
        case _:
            raise NotImplementedError(type(node))


def _printed_number(value: bool | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not math.isfinite(value):
        # Numbers too large for a float, so that these are cuts as well.
        return "(1e999 - 1e999)" if math.isnan(value) else f"({'-' * (value < 0)}1e999)"
    return repr(value) if math.copysign(1, value) > 0 else f"({value!r})"
