"""Cut 0..num-1, or the tickets, into splits by fractions: exact, disjoint, complete."""

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from memmpy.errors import OptionError, nearest
from memmpy.order.mixing import Words
from memmpy.typing import Mask

__all__ = [
    "SPLIT_NAMES",
    "Fractions",
    "check_fractions",
    "in_ticket_range",
    "position_range",
    "split_number",
    "ticket_range",
]

Fractions: TypeAlias = tuple[Fraction, ...]

#: What the first three splits may be called.
SPLIT_NAMES = ("train", "val", "test")
_TOLERANCE = Fraction(1, 10**9)
_NUM_TICKETS = 2**64


def check_fractions(fractions: Sequence[float | Fraction]) -> Fractions:
    """Return the fractions as the exact decimals they are written as.

    Raises
    ------
    OptionError
        If one is negative or no number, or if their sum is not 1 (to 1e-9).

    Examples
    --------
    >>> check_fractions((0.8, 0.1, 0.1))
    (Fraction(4, 5), Fraction(1, 10), Fraction(1, 10))
    """
    try:
        exact = tuple(map(_exact, fractions))
    except TypeError:
        message = (
            f"fractions must be numbers that sum to 1, such as (0.8, 0.1, 0.1), not {fractions!r}"
        )
        raise OptionError(message) from None
    total = sum(exact, start=Fraction(0))
    if abs(total - 1) > _TOLERANCE:
        message = (
            f"fractions {tuple(fractions)} sum to {float(total):.10g}, not 1: "
            "name the part you do not use as another split"
        )
        raise OptionError(message)
    return exact


def split_number(split: int | str, num_splits: int) -> int:
    """Return which split is meant, from its number or from 'train', 'val' or 'test' for 0, 1, 2."""
    names = SPLIT_NAMES[:num_splits]
    if isinstance(split, str) and split in names:
        return names.index(split)
    is_number = isinstance(split, int | np.integer) and not isinstance(split, bool)
    if is_number and 0 <= int(split) < num_splits:
        return int(split)
    hint = nearest(split, names) if isinstance(split, str) else ""
    allowed = f"0 to {num_splits - 1}" if num_splits > 1 else "0"
    message = (
        f"no split {split!r} in {num_splits} fractions: "
        f"give {allowed}, or {' or '.join(map(repr, names))}{hint}"
    )
    raise OptionError(message)


def position_range(num: int, fractions: Fractions, split: int) -> tuple[int, int]:
    """Return the (start, stop) of a split of `num` positions: disjoint, complete, rounded once."""
    return _boundary(num, fractions, split), _boundary(num, fractions, split + 1)


def ticket_range(fractions: Fractions, split: int) -> tuple[int, int]:
    """Return the (start, stop) of a split among the tickets; `stop` is up to 2**64.

    A boundary depends only on the fractions before it: with the first one kept, cutting the rest
    in another way leaves the first split as it is.
    """
    return position_range(_NUM_TICKETS, fractions, split)


def in_ticket_range(tickets: Words, start: int, stop: int) -> Mask:
    """Return which tickets lie in start <= ticket < stop, for 0 <= start <= stop <= 2**64."""
    if start >= stop:
        return np.zeros(tickets.shape, dtype=np.bool_)
    mask: Mask = tickets >= np.uint64(start)
    mask &= tickets <= np.uint64(stop - 1)
    return mask


def _exact(fraction: float | Fraction) -> Fraction:
    if isinstance(fraction, int | float | np.integer | np.floating | Fraction):
        # str: np.float32(0.1) prints as 0.1, and that is what was meant
        with suppress(ValueError):  # nan, inf, True
            number = Fraction(str(fraction))
            if number >= 0:
                return number
    message = f"a fraction must be a number of at least 0, not {fraction!r}"
    raise OptionError(message)


def _boundary(num: int, fractions: Fractions, split: int) -> int:
    """Return ``num * sum(fractions[:split])``, rounded; past the last positive fraction, num."""
    if not any(fractions[split:]):
        return num
    below = min(Fraction(1), list(accumulate(fractions, initial=Fraction(0)))[split])
    return (2 * num * below.numerator + below.denominator) // (2 * below.denominator)
