"""What to say where a text stops being a cut: hints for habits from ROOT, C++ and Python."""

import re

from memmpy.cuts.grammar import TEXT

__all__ = ["hint_at"]

#: What stands at the place, and the way out. The first that matches is given.
_HINTS = tuple(
    (re.compile(pattern), hint)
    for pattern, hint in (
        (r"=>|=<", "'at least' is written >= and 'at most' <="),
        (r"=(?!=)", "to compare, write =="),
        (r"<>", "'not equal' is written !="),
        (r"\[", "elements cannot be picked: an entry passes if any of its elements passes"),
        (r"\?|if\b", "instead of c ? a : b, write (c && a) || (!c && b)"),
        (r"::", "functions have no namespace: write abs(x), sqrt(x), ..."),
        (r"\$", "ROOT's special names, such as Sum$ and Entry$, are not known here"),
        (r"@", "ROOT's @, the size of a collection, is not known here"),
        (r"[≥≤≠]", "write >=, <= or !="),
        (r"[\u2010-\u2015\u2212]", "write the minus of the keyboard: -"),
        (r"[\u2018\u2019\u201c\u201d]", "write the quotes of the keyboard: ' or \""),
        (rf"(?!(?s:{TEXT}))['\"]", "the text has no closing quote"),
        (r"(in|not\s+in)\b", "write a == 1 || a == 2"),
        (r"not\b", "write ! here, or put parentheses around (not ...)"),
        (r"is\b", "to compare, write =="),
        (r"(?i:and|or|not|xor)\b", "the words are and, or, not, in small letters"),
        (r"[;{}`#\\]", "a cut is one expression"),
    )
)
_CAST = re.compile(
    r"\(\s*(unsigned\s+|long\s+)*(bool|char|short|int|long|float|double|\w+_t)\s*\)\s*\Z"
)


def hint_at(text: str, place: int) -> str:
    """Return the way out of what stands at a place, or the empty string."""
    if _CAST.search(text, max(0, place - 40), place):
        return "casts are not needed: a cut computes in 64 bits"
    return next((hint for pattern, hint in _HINTS if pattern.match(text, place)), "")
