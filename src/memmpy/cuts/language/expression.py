"""Parses a cut: from text to a tree, or to an error that says where and why.

The parser is LALR, the tree is built from the bottom up without recursion, and both the length of
the text and the depth of the tree are limited: no text can exhaust the stack or the time.
"""

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from memmpy.cuts.language.grammar import TEXT, parser
from memmpy.cuts.language.hints import hint_at
from memmpy.cuts.language.transformer import RULES, RulePart, place_of
from memmpy.cuts.language.tree import MAX_DEPTH, Node, Span, fold
from memmpy.errors import CutError, OptionError

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

__all__ = ["MAX_LENGTH", "parse"]

#: Characters of a text, at most.
MAX_LENGTH = 32_768

_BRACKETS = re.compile(rf"{TEXT}|`[^`]*`|::|(?P<open>[(\[?])|(?P<close>[)\]:])", re.DOTALL)


def parse(text: str, *, alias: str = "") -> Node:
    """Read a cut.

    Parameters
    ----------
    text : str
        An expression in the spelling of ROOT (C++) or Python, with C++'s precedence.
    alias : str
        The alias that the text belongs to, for messages.

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
        raise OptionError(
            f"a cut or a weight is a text such as 'nJets >= 6', not {type(text).__name__}"
        )
    source = Span(text, 0, len(text), alias)
    if len(text) > MAX_LENGTH:
        place = replace(source, start=MAX_LENGTH)
        raise place.error(f"the cut has {len(text):,} characters; at most {MAX_LENGTH:,} are read")
    _check_depth(source)

    def visit(part: RulePart, parts: list[RulePart]) -> RulePart:
        if isinstance(part, str):
            return part
        start, stop = place_of(parts[0])[0], place_of(parts[-1])[1]
        return RULES[part.data](parts, replace(source, start=start, stop=stop))

    node: Node = fold(_parse_tree(source), visit, lambda part: getattr(part, "children", ()))
    return node


def _parse_tree(source: Span) -> Any:  # lark leaves the type of its tree open
    from lark.exceptions import UnexpectedInput

    try:
        return parser().parse(source.text)
    except UnexpectedInput as error:
        raise _to_cut_error(error, source) from None


def _to_cut_error(error: "UnexpectedInput", source: Span) -> CutError:
    """Return an error of the parser in the user's words."""
    if not source.text.strip():
        return source.error("the cut is empty", "to let every entry pass, write true")
    expected = frozenset(getattr(error, "expected", None) or ())
    token = getattr(error, "token", None)
    start: int = getattr(error, "pos_in_stream", 0)
    if token is None:
        place = replace(source, start=start, stop=start + 1)
        message = f"{source.text[start]!r} has no meaning here"
        return place.error(message, hint_at(source.text, start))
    at_end = token.type == "$END"
    start, stop = (len(source.text.rstrip()),) * 2 if at_end else (start, start + len(token))
    place = replace(source, start=start, stop=stop)
    if "NAME" in expected:
        expectation = "a number, a text, a key or '('"
    elif expected and expected <= {"LPAR", "LSQB"}:
        expectation = "values in parentheses" if "LSQB" in expected else "'('"
    else:
        expectation = f"an operator or {_closing(replace(source, stop=start))}"
    problem = "the cut ends too early" if at_end else f"unexpected {str(token)!r}"
    return place.error(f"{problem}; expected {expectation}", hint_at(source.text, start))


def _check_depth(span: Span) -> None:
    """Raise `CutError` where more brackets are open than a tree may have levels."""
    depth = 0
    for match in _BRACKETS.finditer(span.text, span.start, span.stop):
        depth = max(0, depth + (match["open"] in {"(", "["}) - (match["close"] in {")", "]"}))
        if depth > MAX_DEPTH:
            place = replace(span, start=match.start(), stop=match.end())
            raise place.error(f"the cut is nested deeper than {MAX_DEPTH} levels")


def _closing(span: Span) -> str:
    """Return the symbol that closes the last open bracket of a span."""
    opened: list[str] = []
    for match in _BRACKETS.finditer(span.text, span.start, span.stop):
        if match["open"]:
            opened.append(match["open"])
        elif match["close"] and opened:
            opened.pop()
    return {"(": "')'", "[": "']'", "?": "':'"}[opened[-1]] if opened else "the end"
