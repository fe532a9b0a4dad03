"""Hints for syntax errors, by habits from ROOT, C++ and Python."""

import re

from memmpy.cuts.language.grammar import TEXT

__all__ = ["hint_at"]

#: For the text at the place: a pattern and its hint. The first that matches is given.
_HINTS = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (r"=>|=<", "'at least' is written >= and 'at most' <="),
        (r"=(?!=)", "to compare, write =="),
        (r"<>", "'not equal' is written !="),
        (r"\[", "an element is picked from a column: jet_pt[0]"),
        (r":(?=[A-Za-z_])", "namespaces have two colons: TMath::Abs"),
        (r"if\b", "write c ? a : b, or where(c, a, b)"),
        (r"`", "the name has no closing backquote"),
        (r"\$", "ROOT's special names end in $: Sum$(jet_pt), Iteration$"),
        (r"[≥≤≠]", "write >=, <= or !="),
        (r"[\u2010-\u2015\u2212]", "write the minus of the keyboard: -"),
        (r"[\u2018\u2019\u201c\u201d]", "write the quotes of the keyboard: ' or \""),
        (rf"(?!(?s:{TEXT}))['\"]", "the text has no closing quote"),
        (r"not\b", "write ! here, or put parentheses around (not ...)"),
        (r"is\b", "to compare, write =="),
        (r"(?i:xor)\b", "of two conditions, exclusive or is !="),
        (r"(?!and|or|not)(?i:and|or|not)\b", "the words are and, or, not, in small letters"),
        (r"[^\x00-\x7f]", "a key with such characters stands in backquotes: `µ_pt`"),
        (r"[;{}`#\\]", "a cut is one expression"),
    )
)
#: For the text before the place.
_HINTS_BEFORE = tuple(
    (re.compile(rf"{pattern}\s*\Z"), hint)
    for pattern, hint in (
        (
            r"\(\s*(unsigned\s+|long\s+)*(bool|char|short|int|long|float|double|\w+_t)\s*\)",
            "a cast is written like a call: int(x)",
        ),
        (r"\bin", "for example process in ('ttH', 'ttbb')"),
        (r"\[", "jet_pt[0] is one element, jet_pt are all; Iteration$ < 2 picks the first two"),
        (r"@[\w.]*", "the size of a collection is @jet_pt.size(), or len(jet_pt)"),
    )
)


def hint_at(text: str, place: int) -> str:
    """Return the hint for an error at a place of a text, or the empty string."""
    at_place = (hint for pattern, hint in _HINTS if pattern.match(text, place))
    before = text[max(0, place - 40) : place]
    before_place = (hint for pattern, hint in _HINTS_BEFORE if pattern.search(before))
    return next(at_place, "") or next(before_place, "")
