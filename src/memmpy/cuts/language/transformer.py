"""Builds the tree: for each rule of the grammar, a function from its parts to a node."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

from memmpy.cuts.language.ambiguities import (
    check_alternative,
    check_binary,
    check_bits,
    check_chain,
    check_not,
)
from memmpy.cuts.language.functions import CONSTANTS, FUNCTIONS, SPELLINGS
from memmpy.cuts.language.tree import (
    Alternative,
    Call,
    Key,
    Loop,
    Node,
    Number,
    Reduction,
    Span,
    Text,
    binary,
    element,
    is_condition,
    logical,
    number,
    unary,
)
from memmpy.errors import nearest

__all__ = ["RULES", "RulePart", "place_of"]

#: A node, or a `lark.Token`, a str that knows its place. Any, since lark is not imported here.
RulePart: TypeAlias = Any

#: Other spellings of operators.
_OPERATORS = {"not": "!", "^": "**"}
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
#: From each spelling to the name of the reduction and the number of its arguments.
_REDUCTIONS = {
    **{name: (name, 1) for name in ("Sum$", "Min$", "Max$", "Length$", "any", "all", "count")},
    **{name: (name, 2) for name in ("MinIf$", "MaxIf$")},
    "sum": ("Sum$", 1),
    "len": ("Length$", 1),
}
#: Functions that are reductions if they have one argument.
_OF_ONE = {name: f"{name.capitalize()}$" for name in ("min", "max")}
_LOOPS = {"Iteration$", "Length$"}
_OTHER_SPECIALS = {
    "Entry$": "an entry's number is not a property of the event: loaders split by tickets",
    "LocalEntry$": "an entry's number is not a property of the event: loaders split by tickets",
    "Entries$": "the number of entries is that of the store, len(store[key])",
}
_CALLABLE = {*SPELLINGS, *_REDUCTIONS, "Alt$", *(f"{n}" for n in CONSTANTS if "::" in n)}
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def place_of(part: RulePart) -> tuple[int, int]:
    """Return where in the text a part starts and stops."""
    if isinstance(part, Node):
        return part.span.start, part.span.stop
    if isinstance(part, list):
        return place_of(part[0])[0], place_of(part[-1])[1]
    return part.start_pos, part.end_pos


def _integer(parts: list[RulePart], span: Span) -> Node:
    digits = str(parts[0])
    if digits[:2] in {"0x", "0X"}:
        return number(int(digits, 16), span)
    if digits[0] == "0" and len(digits) > 1:
        plain = digits.lstrip("0") or "0"
        raise span.error(f"{digits} would be octal in C++", f"write {plain} for the decimal number")
    # Python refuses to read integers of thousands of digits; past 64 bits they are floats anyway.
    return number(int(digits) if len(digits) <= 20 else float(digits), span)


def _real(parts: list[RulePart], span: Span) -> Node:
    return number(float(parts[0]), span)


def _text(parts: list[RulePart], span: Span) -> Node:
    def plain(escape: re.Match[str]) -> str:
        if escape[1] in "\\'\"":
            return escape[1]
        place = replace(span, start=span.start + 1 + escape.start())
        place = replace(place, stop=place.start + 2)
        raise place.error(f"{escape[0]!r} is no escape", r"write \\ for a backslash")

    return Text(_ESCAPE.sub(plain, parts[0][1:-1]), span=span)


def _key(parts: list[RulePart], span: Span) -> Node:
    name = str(parts[0])
    if name[0] == "`":
        return Key(name[1:-1], span=span)
    if name in _BOOLEANS:
        return Number(_BOOLEANS[name], span=span)
    if name in _LOOPS:
        return Loop(name, span=span)
    if "$" in name:
        if name in _REDUCTIONS or name == "Alt$":
            raise span.error(f"{name} is a function", f"write {name}(...)")
        if name in _OTHER_SPECIALS:
            raise span.error(f"no special name {name!r}", _OTHER_SPECIALS[name])
        near = nearest(name, [*_REDUCTIONS, *_LOOPS, "Alt$"])
        raise span.error(f"no special name {name!r}{near}", "")
    if name in CONSTANTS and "::" not in name:
        return number(CONSTANTS[name], span)
    if "::" in name:
        hint = f"write {name}()" if name in CONSTANTS else "write true, false or the number"
        raise span.error(f"no constant {name!r}", hint)
    return Key(name, span=span)


def _element(parts: list[RulePart], span: Span) -> Node:
    return element((parts[0], *parts[2::3]), span)


def _size(parts: list[RulePart], span: Span) -> Node:
    """Return the length of ``@x.size()`` and of ``x@.size()``."""
    column = parts[0] if isinstance(parts[0], Node) else parts[1]
    if isinstance(column, Key) and not isinstance(parts[0], Node):
        name, dot, method = column.name.rpartition(".")
        if not dot or method != "size":
            raise span.error("of a collection, only its size is known", "write @jet_pt.size()")
        column = Key(name, span=replace(column.span, stop=column.span.stop - len(".size")))
    return Reduction("Length$", operands=(column,), span=span)


def _call(parts: list[RulePart], span: Span) -> Node:
    token, operands = parts[0], tuple(parts[2:-1])
    name = str(token)
    place = replace(span, start=token.start_pos, stop=token.end_pos)
    column, dot, method = name.rpartition(".")
    if dot and method == "size" and not operands:
        key = Key(column, span=replace(place, stop=place.stop - len(".size")))
        return Reduction("Length$", operands=(key,), span=span)
    if name in CONSTANTS and "::" in name:
        _check_arity(name, len(operands), 0, span)
        return number(CONSTANTS[name], span)
    if name == "Alt$":
        _check_arity(name, len(operands), 2, span)
        check_alternative(operands[0])
        return Alternative(operands=operands, span=span)
    if len(operands) == 1 and SPELLINGS.get(name) in _OF_ONE:
        return Reduction(_OF_ONE[SPELLINGS[name]], operands=operands, span=span)
    if name in _REDUCTIONS:
        reduction, arity = _REDUCTIONS[name]
        _check_arity(name, len(operands), arity, span)
        if reduction == "count" and is_condition(operands[0]):
            reduction = "Sum$"
        return Reduction(reduction, operands=operands, span=span)
    if name not in SPELLINGS:
        raise place.error(f"no function {name!r}{nearest(name, _CALLABLE)}", _hint_of(name))
    function = FUNCTIONS[SPELLINGS[name]]
    _check_arity(name, len(operands), function.arity, span, variadic=function.variadic)
    return Call(SPELLINGS[name], operands=operands, span=span)


def _hint_of(name: str) -> str:
    """Return a hint for the call of an unknown function."""
    if name in _LOOPS:
        return f"write {name}"
    last = re.split(r"\.|::", name)[-1]
    known = last if last in _CALLABLE else last.lower()
    if known != name and known in _CALLABLE:
        return f"write {known}(...)"
    return "a cut is data: it has no methods" if "." in name else ""


def _check_arity(name: str, num: int, arity: int, span: Span, *, variadic: bool = False) -> None:
    if num < arity or (num > arity and not variadic):
        least = "at least " if variadic else ""
        arguments = f"{least}{arity or 'no'} argument{'s' if arity != 1 else ''}"
        raise span.error(f"{name} takes {arguments}, not {num}")


def _group(parts: list[RulePart], span: Span) -> Node:
    node: Node = replace(parts[1], span=span)
    return node


def _where(parts: list[RulePart], span: Span) -> Node:
    return Call("where", operands=tuple(parts[::2]), span=span)


def _unary(parts: list[RulePart], span: Span) -> Node:
    operator, operand = parts
    if operator == "!":
        check_not(operand, span)
    return unary(_OPERATORS.get(operator, str(operator)), operand, span)


def _binary(parts: list[RulePart], span: Span) -> Node:
    left, operator, right = parts
    plain = _OPERATORS.get(operator, str(operator))
    check_binary(left, plain, right, span)
    return binary(plain, (left, right), span)


def _comparison(parts: list[RulePart], span: Span) -> Node:
    """Return one comparison, or a chain of them: ``20 < pt < 50`` as in Python."""
    if len(parts) == 3:
        return _binary(parts, span)
    check_chain(parts, span)
    sides, operators = parts[::2], parts[1::2]
    pairs = []
    for (left, right), operator in zip(pairwise(sides), operators, strict=True):
        place = replace(span, start=left.span.start, stop=right.span.stop)
        pairs.append(_binary([left, operator, right], place))
    return logical("&&", pairs, span)


def _values(parts: list[RulePart], _: Span) -> list[RulePart]:
    return parts


def _membership(parts: list[RulePart], span: Span) -> Node:
    """Return ``x in (a, b)`` as ``x == a || x == b``."""
    left, values = parts[0], [part for part in parts[-1] if isinstance(part, Node)]
    same = [binary("==", (left, value), span) for value in values]
    is_member = same[0] if len(same) == 1 else logical("||", same, span)
    return unary("!", is_member, span) if len(parts) == 4 else is_member


def _bitwise(parts: list[RulePart], span: Span) -> Node:
    operator, operands = str(parts[1]), parts[::2]
    if all(map(is_condition, operands)):
        return binary(operator, operands, span)
    node: Node = operands[0]
    for right in operands[1:]:
        check_bits(node, operator, right)
        node = binary(operator, (node, right), replace(span, stop=right.span.stop))
    return node


def _any(parts: list[RulePart], span: Span) -> Node:
    return logical("||", parts, span)


def _all(parts: list[RulePart], span: Span) -> Node:
    return logical("&&", parts, span)


#: From the name of a rule to a function of its parts, nodes and tokens, and the place of them all.
RULES: Mapping[str, Callable[[list[RulePart], Span], RulePart]] = {
    "integer": _integer,
    "real": _real,
    "text": _text,
    "key": _key,
    "element": _element,
    "size": _size,
    "call": _call,
    "group": _group,
    "unary": _unary,
    "binary": _binary,
    "comparison": _comparison,
    "values": _values,
    "membership": _membership,
    "bitwise_and": _bitwise,
    "bitwise_or": _bitwise,
    "conjunction": _all,
    "disjunction": _any,
    "where": _where,
}
