"""What each rule of the grammar makes of its parts, and what it refuses as likely a slip."""

import functools
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias

from memmpy.cuts.language.functions import CONSTANTS, FUNCTIONS, SPELLINGS
from memmpy.cuts.language.grammar import TEXT
from memmpy.cuts.language.tree import (
    COMPARISONS,
    Alternative,
    Binary,
    Call,
    Element,
    Key,
    Loop,
    Node,
    Number,
    Reduction,
    Span,
    Text,
    Unary,
    binary,
    element,
    has_numbers_only,
    is_condition,
    logical,
    number,
    unary,
)
from memmpy.errors import nearest

__all__ = ["RULES", "Part", "place_of"]

#: A node, or a `lark.Token`: a str that knows its place. Any: lark is not imported here.
Part: TypeAlias = Any

#: Other spellings of operators.
_OPERATORS = {"not": "!", "^": "**"}
_SHIFTS = {"<<", ">>"}
#: Beside which operators these need parentheses, since ROOT does not bind shifts as others do.
_UNLIKE_ROOT = {
    **dict.fromkeys(_SHIFTS, _SHIFTS | {"+", "-"}),
    **dict.fromkeys(COMPARISONS, _SHIFTS),
}
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
#: From what may be called to the reduction it is, with the number of its arguments.
_REDUCTIONS = {
    **{name: (name, 1) for name in ("Sum$", "Min$", "Max$", "Length$", "any", "all", "count")},
    **{name: (name, 2) for name in ("MinIf$", "MaxIf$")},
    "sum": ("Sum$", 1),
    "len": ("Length$", 1),
}
#: Functions of several values that are reductions of one.
_OF_ONE = {name: f"{name.capitalize()}$" for name in ("min", "max")}
_LOOPS = {"Iteration$", "Length$"}
_OTHER_SPECIALS = {
    "Entry$": "an entry's number is not a property of the event: loaders split by tickets",
    "LocalEntry$": "an entry's number is not a property of the event: loaders split by tickets",
    "Entries$": "the number of entries is that of the store, len(store[key])",
}
_CALLABLE = {*SPELLINGS, *_REDUCTIONS, "Alt$", *(f"{n}" for n in CONSTANTS if "::" in n)}
_PARENTHESES_HINT = "put parentheses around what belongs together"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
#: What Python does not know; texts and quoted keys are skipped.
_CPP_ONLY = re.compile(
    rf"{TEXT}|`[^`]*`|(?P<cpp>&&|\|\||!(?!=)|\?|::|\$|@|\^)",
    re.DOTALL,
)


def place_of(part: Part) -> tuple[int, int]:
    """Return where in the text a part starts and stops."""
    if isinstance(part, Node):
        return part.span.start, part.span.stop
    if isinstance(part, list):
        return place_of(part[0])[0], place_of(part[-1])[1]
    return part.start_pos, part.end_pos


def _integer(parts: list[Part], span: Span) -> Node:
    digits = str(parts[0])
    if digits[:2] in {"0x", "0X"}:
        return number(int(digits, 16), span)
    if digits[0] == "0" and len(digits) > 1:
        plain = digits.lstrip("0") or "0"
        raise span.error(f"{digits} would be octal in C++", f"write {plain} for the decimal number")
    # Python refuses to read integers of thousands of digits; past 64 bits they are floats anyway.
    return number(int(digits) if len(digits) <= 20 else float(digits), span)


def _real(parts: list[Part], span: Span) -> Node:
    return number(float(parts[0]), span)


def _text(parts: list[Part], span: Span) -> Node:
    def plain(escape: re.Match[str]) -> str:
        if escape[1] in "\\'\"":
            return escape[1]
        place = replace(span, start=span.start + 1 + escape.start())
        place = replace(place, stop=place.start + 2)
        raise place.error(f"{escape[0]!r} is no escape", r"write \\ for a backslash")

    return Text(_ESCAPE.sub(plain, parts[0][1:-1]), span=span)


def _key(parts: list[Part], span: Span) -> Node:
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
        near = nearest(name, [*_REDUCTIONS, *_LOOPS, "Alt$"])
        raise span.error(f"no special name {name!r}{near}", _OTHER_SPECIALS.get(name, ""))
    if name in CONSTANTS and "::" not in name:
        return number(CONSTANTS[name], span)
    if "::" in name:
        hint = f"write {name}()" if name in CONSTANTS else "write true, false or the number"
        raise span.error(f"no constant {name!r}", hint)
    return Key(name, span=span)


def _element(parts: list[Part], span: Span) -> Node:
    return element((parts[0], *parts[2::3]), span)


def _size(parts: list[Part], span: Span) -> Node:
    """Return the length of ``@x.size()`` and of ``x@.size()``."""
    column = parts[0] if isinstance(parts[0], Node) else parts[1]
    if isinstance(column, Key) and not isinstance(parts[0], Node):
        name, dot, method = column.name.rpartition(".")
        if not dot or method != "size":
            raise span.error("of a collection, only its size is known", "write @jet_pt.size()")
        column = Key(name, span=replace(column.span, stop=column.span.stop - len(".size")))
    return Reduction("Length$", operands=(column,), span=span)


def _call(parts: list[Part], span: Span) -> Node:
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
        _refuse_computed_index(operands[0])
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


def _refuse_computed_index(primary: Node) -> None:
    """Refuse ``Alt$(x[i], b)``: which i is meant depends on what it stands beside."""
    pending = [primary]
    while pending:
        node = pending.pop()
        pending.extend(node.operands)
        if isinstance(node, Element) and not has_numbers_only(node):
            column, index = (operand.span for operand in node.operands[:2])
            hint = f"write {index} < Length$({column}) ? {node.span} : ..."
            raise node.span.error("Alt$ takes elements picked by a number", hint)


def _hint_of(name: str) -> str:
    """Return the way out where a name is called that is no function."""
    if name in _LOOPS:
        return f"write {name}"
    last = re.split(r"\.|::", name)[-1]
    known = last if last in _CALLABLE else last.lower()
    if known != name and known in _CALLABLE:
        return f"write {known}(...)"
    return "a cut is data: it has no methods" if "." in name else ""


def _check_arity(name: str, given: int, arity: int, span: Span, *, variadic: bool = False) -> None:
    if given < arity or (given > arity and not variadic):
        least = "at least " if variadic else ""
        wanted = f"{least}{arity or 'no'} argument{'s' if arity != 1 else ''}"
        raise span.error(f"{name} takes {wanted}, not {given}")


def _group(parts: list[Part], span: Span) -> Node:
    node: Node = replace(parts[1], span=span)
    return node


def _where(parts: list[Part], span: Span) -> Node:
    return Call("where", operands=tuple(parts[::2]), span=span)


def _unary(parts: list[Part], span: Span) -> Node:
    operator, operand = parts
    if operator == "!" and _is_bare(operand, {"**"}):
        raise span.error("ROOT reads !a^b as (!a)^b, though a power binds first", _PARENTHESES_HINT)
    return unary(_OPERATORS.get(operator, str(operator)), operand, span)


def _binary(parts: list[Part], span: Span) -> Node:
    left, operator, right = parts
    plain = _OPERATORS.get(operator, str(operator))
    signed = isinstance(right, Unary) and span.text[right.span.start] != "("
    if plain == "**" and _is_bare(right.operands[0] if signed else right, {"**"}):
        message = f"ROOT reads a{operator}b{operator}c from the left, Python from the right"
        raise span.error(message, _PARENTHESES_HINT)
    if plain in {"*", "/"} and _is_bare(left, {"%"}):
        raise span.error(
            "ROOT binds * and / tighter than %, C++ and Python from the left", _PARENTHESES_HINT
        )
    if any(_is_bare(side, _UNLIKE_ROOT.get(plain, ())) for side in (left, right)):
        message = "ROOT does not bind << and >> as C++ and Python do"
        raise span.error(message, _PARENTHESES_HINT)
    if plain in COMPARISONS:
        _refuse_not_of_number(left, plain, right, span)
    return binary(plain, (left, right), span)


def _refuse_not_of_number(left: Node, operator: str, right: Node, span: Span) -> None:
    """Refuse ``!nJets >= 6``, which C++ reads as ``(!nJets) >= 6``: it is never true."""
    is_not = isinstance(left, Unary) and left.operator == "!" and span.text[left.span.start] == "!"
    if not is_not or not isinstance(right, Number):
        return
    if operator not in {"==", "!="} or right.value not in {0, 1}:
        inner, whole = left.operands[0].span, f"{operator} {right.span}"
        message = f"C++ reads (!{inner}) {whole}, which compares 0 or 1 with {right.span}"
        raise span.error(message, f"write !({inner} {whole})")


def _comparison(parts: list[Part], span: Span) -> Node:
    """Return one comparison, or a chain of them: ``20 < pt < 50`` as Python has it."""
    if len(parts) == 3:
        return _binary(parts, span)
    if _is_in_cpp(span.text):
        first, less, second, more, third = (
            str(part if isinstance(part, str) else part.span) for part in parts[:5]
        )
        raise span.error(
            f"C++ reads ({first} {less} {second}) {more} {third}, Python "
            f"({first} {less} {second}) and ({second} {more} {third}), and this is C++'s spelling",
            f"write {first} {less} {second} && {second} {more} {third}",
        )
    pairs = []
    for (left, operator), (right, _) in pairwise(
        zip(parts[::2], [*parts[1::2], None], strict=True)
    ):
        place = replace(span, start=left.span.start, stop=right.span.stop)
        pairs.append(_binary([left, operator, right], place))
    return logical("&&", pairs, span)


@functools.lru_cache(maxsize=16)
def _is_in_cpp(text: str) -> bool:
    """Whether a cut is spelled as Python would not have it."""
    return any(match["cpp"] for match in _CPP_ONLY.finditer(text))


def _values(parts: list[Part], _: Span) -> list[Part]:
    return parts


def _membership(parts: list[Part], span: Span) -> Node:
    """Return ``x in (a, b)`` as ``x == a || x == b``."""
    left, values = parts[0], [part for part in parts[-1] if isinstance(part, Node)]
    same = [binary("==", (left, value), span) for value in values]
    found = same[0] if len(same) == 1 else logical("||", same, span)
    return unary("!", found, span) if len(parts) == 4 else found


def _bitwise(parts: list[Part], span: Span) -> Node:
    operator, operands = str(parts[1]), parts[::2]
    if all(map(is_condition, operands)):
        return binary(operator, operands, span)
    node: Node = operands[0]
    for right in operands[1:]:
        _refuse_two_readings(node, operator, right)
        node = binary(operator, (node, right), replace(span, stop=right.span.stop))
    return node


def _refuse_two_readings(left: Node, operator: str, right: Node) -> None:
    """Refuse ``flags & 4 == 4`` and ``4 == flags & 4``, which C++ and Python read differently.

    C++ reads ``flags & (4 == 4)``. Without a plain number beside the operator nothing is refused:
    in ``nJets >= 6 & isGood`` what C++ reads is what is meant.
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


def _is_bare(node: Node, operators: Collection[str]) -> bool:
    """Whether a node is one of these operators without parentheses around it."""
    is_one = isinstance(node, Binary) and node.operator in operators
    return is_one and node.span.start == node.operands[0].span.start


def _is_integer(node: Node) -> bool:
    return isinstance(node, Number) and type(node.value) is int


def _any(parts: list[Part], span: Span) -> Node:
    return logical("||", parts, span)


def _all(parts: list[Part], span: Span) -> Node:
    return logical("&&", parts, span)


#: By the name of the rule; each takes its parts, nodes and tokens, and the place of all of them.
RULES: Mapping[str, Callable[[list[Part], Span], Part]] = {
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
