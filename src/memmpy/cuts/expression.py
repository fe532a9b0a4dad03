"""From text to tree, or to an error that says where and why.

The parser is LALR, the tree is made from the bottom up without recursion, and both the length of
the text and the depth of the tree are limited: no text can exhaust the stack or the time.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memmpy.cuts.functions import FUNCTIONS
from memmpy.cuts.grammar import TEXT, parser
from memmpy.cuts.hints import hint_at
from memmpy.cuts.tree import (
    COMPARISONS,
    MAX_DEPTH,
    Binary,
    Call,
    Key,
    Node,
    Number,
    Span,
    Text,
    Unary,
    binary,
    fold,
    is_condition,
    logical,
    number,
    unary,
)
from memmpy.errors import CutError, OptionError, nearest

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

__all__ = ["MAX_LENGTH", "parse"]

#: How long a text may be, in characters.
MAX_LENGTH = 65_536

_SPELLINGS = {"not": "!", "^": "**"}
_SHIFTS = {"<<", ">>"}
#: Beside which operators these need parentheses, since ROOT does not bind shifts as others do.
_UNLIKE_ROOT = {
    **dict.fromkeys(_SHIFTS, _SHIFTS | {"+", "-"}),
    **dict.fromkeys(COMPARISONS, _SHIFTS),
}
_BOOLEANS = {"true": True, "True": True, "false": False, "False": False}
_PARENTHESES = re.compile(rf"{TEXT}|(?P<open>\()|(?P<close>\))", re.DOTALL)
_PARENTHESES_HINT = "put parentheses around what belongs together"
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)

#: A node, or a `lark.Token`: a str that knows its place. Any: lark is not imported here.
_Part = Any


def parse(text: str, *, alias: str = "") -> Node:
    """Read a cut.

    Parameters
    ----------
    text : str
        An expression in the spelling of ROOT (C++) or Python, with C++'s precedence.
    alias : str
        The name whose text this is, to be named in errors.

    Returns
    -------
    Node
        The tree. Equal trees mean the same, whatever their spelling.

    Raises
    ------
    CutError
        If the text is no expression, or is too long or too deep.

    Examples
    --------
    >>> parse("nJets >= 6 & nBTags >= 2") == parse("(nJets >= 6) and (nBTags >= 2)")
    True
    """
    if not isinstance(text, str):
        raise OptionError(f"a cut is a text such as 'nJets >= 6', not {type(text).__name__}")
    source = Span(text, 0, len(text), alias)
    if len(text) > MAX_LENGTH:
        place = replace(source, start=MAX_LENGTH)
        raise place.error(f"the cut has {len(text):,} characters; at most {MAX_LENGTH:,} are read")
    _open_parentheses(source, limit=MAX_DEPTH)

    def visit(part: _Part, parts: list[_Part]) -> _Part:
        if isinstance(part, str):
            return part
        start, stop = _place(parts[0])[0], _place(parts[-1])[1]
        return _RULES[part.data](parts, replace(source, start=start, stop=stop))

    node: Node = fold(_syntax(source), visit, lambda part: getattr(part, "children", ()))
    return node


def _place(part: _Part) -> tuple[int, int]:
    return (
        (part.span.start, part.span.stop)
        if isinstance(part, Node)
        else (part.start_pos, part.end_pos)
    )


def _syntax(source: Span) -> Any:  # lark's tree, which lark itself leaves untyped
    from lark.exceptions import UnexpectedInput

    try:
        return parser().parse(source.text)
    except UnexpectedInput as error:
        raise _explained(error, source) from None


def _explained(error: "UnexpectedInput", source: Span) -> CutError:
    """Return the parser's complaint in the user's words."""
    if not source.text.strip():
        return source.error("the cut is empty", "to let every entry pass, write true")
    expected = getattr(error, "expected", None) or ()
    token = getattr(error, "token", None)
    start: int = getattr(error, "pos_in_stream", 0)
    if token is None:
        place = replace(source, start=start, stop=start + 1)
        message = f"{source.text[start]!r} has no meaning here"
        return place.error(message, hint_at(source.text, start))
    at_end = token.type == "$END"
    start, stop = (len(source.text.rstrip()),) * 2 if at_end else (start, start + len(token))
    place = replace(source, start=start, stop=stop)
    opened = _open_parentheses(replace(source, stop=start))
    if "NAME" in expected:
        wanted = "a number, a text, a key or '('"
    else:
        wanted = "an operator or ')'" if opened else "an operator or the end"
    found = "the cut ends too early" if at_end else f"unexpected {str(token)!r}"
    return place.error(f"{found}; expected {wanted}", hint_at(source.text, start))


def _open_parentheses(span: Span, limit: int = MAX_LENGTH) -> int:
    """Return how many parentheses are open at the end of a span."""
    depth = 0
    for match in _PARENTHESES.finditer(span.text, span.start, span.stop):
        depth = max(0, depth + (match["open"] is not None) - (match["close"] is not None))
        if depth > limit:
            place = replace(span, start=match.start(), stop=match.end())
            raise place.error(f"the cut is nested deeper than {limit} levels")
    return depth


def _integer(parts: list[_Part], span: Span) -> Node:
    digits = str(parts[0])
    if digits[:2] in {"0x", "0X"}:
        return number(int(digits, 16), span)
    if digits[0] == "0" and len(digits) > 1:
        plain = digits.lstrip("0") or "0"
        raise span.error(f"{digits} would be octal in C++", f"write {plain} for the decimal number")
    # Python refuses to read integers of thousands of digits; past 64 bits they are floats anyway.
    return number(int(digits) if len(digits) <= 20 else float(digits), span)


def _real(parts: list[_Part], span: Span) -> Node:
    return number(float(parts[0]), span)


def _text(parts: list[_Part], span: Span) -> Node:
    def plain(escape: re.Match[str]) -> str:
        if escape[1] in "\\'\"":
            return escape[1]
        place = replace(span, start=span.start + 1 + escape.start())
        place = replace(place, stop=place.start + 2)
        raise place.error(f"{escape[0]!r} is no escape", r"write \\ for a backslash")

    return Text(_ESCAPE.sub(plain, parts[0][1:-1]), span=span)


def _name(parts: list[_Part], span: Span) -> Node:
    name = str(parts[0])
    return Number(_BOOLEANS[name], span=span) if name in _BOOLEANS else Key(name, span=span)


def _call(parts: list[_Part], span: Span) -> Node:
    token, operands = parts[0], parts[2:-1]
    name = str(token)
    function = FUNCTIONS.get(name)
    if function is None:
        place = replace(span, stop=token.end_pos)
        last = name.rpartition(".")[2]
        hint = f"write {last}(...)" if last in FUNCTIONS else "a cut is data: it has no methods"
        near = nearest(name, FUNCTIONS)
        raise place.error(f"no function {name!r}{near}", hint if "." in name else "")
    given, arity = len(operands), function.arity
    if given < arity or (given > arity and not function.variadic):
        least = "at least " if function.variadic else ""
        wanted = f"{least}{arity} argument{'s' if arity > 1 else ''}"
        raise span.error(f"{name} takes {wanted}, not {given}")
    return Call(name, operands=tuple(operands), span=span)


def _group(parts: list[_Part], span: Span) -> Node:
    node: Node = replace(parts[1], span=span)
    return node


def _unary(parts: list[_Part], span: Span) -> Node:
    operator, operand = parts
    if operator == "!" and _is_bare(operand, {"**"}):
        raise span.error("ROOT reads !a^b as (!a)^b, though a power binds first", _PARENTHESES_HINT)
    return unary(_SPELLINGS.get(operator, str(operator)), operand, span)


def _binary(parts: list[_Part], span: Span) -> Node:
    left, operator, right = parts
    plain = _SPELLINGS.get(operator, str(operator))
    signed = isinstance(right, Unary) and span.text[right.span.start] != "("
    if operator == "^" and _is_bare(right.operands[0] if signed else right, {"**"}):
        raise span.error("ROOT reads a^b^c from the left, Python from the right", _PARENTHESES_HINT)
    if any(_is_bare(side, _UNLIKE_ROOT.get(plain, ())) for side in (left, right)):
        message = "ROOT does not bind << and >> as C++ and Python do"
        raise span.error(message, _PARENTHESES_HINT)
    return binary(plain, (left, right), span)


def _comparison(parts: list[_Part], span: Span) -> Node:
    if len(parts) == 3:
        return _binary(parts, span)
    first, less, second, more, third = (
        str(part if isinstance(part, str) else part.span) for part in parts[:5]
    )
    raise span.error(
        "a chain of comparisons means one thing in C++ and another in Python",
        f"write {first} {less} {second} && {second} {more} {third}",
    )


def _bitwise(parts: list[_Part], span: Span) -> Node:
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


def _any(parts: list[_Part], span: Span) -> Node:
    return logical("||", parts, span)


def _all(parts: list[_Part], span: Span) -> Node:
    return logical("&&", parts, span)


#: What each rule of the grammar makes of its parts.
_RULES: Mapping[str, Callable[[list[_Part], Span], Node]] = {
    "integer": _integer,
    "real": _real,
    "text": _text,
    "name": _name,
    "call": _call,
    "group": _group,
    "unary": _unary,
    "binary": _binary,
    "comparison": _comparison,
    "bitwise_and": _bitwise,
    "bitwise_or": _bitwise,
    "conjunction": _all,
    "disjunction": _any,
}
