"""Divides 0..num-1, or the tickets, into splits by fractions: exact, disjoint, complete."""

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from memmpy.errors import OptionError, nearest
from memmpy.kernels import Words
from memmpy.typing import Mask

__all__ = [
    "NUM_TICKETS",
    "SPLIT_NAMES",
    "Fractions",
    "check_fractions",
    "in_ticket_ranges",
    "position_ranges",
    "split_number",
    "ticket_ranges",
]

Fractions: TypeAlias = tuple[Fraction, ...]

#: The names of the first three splits.
SPLIT_NAMES = ("train", "val", "test")
_TOLERANCE = Fraction(1, 10**9)
_NO_TURN = Fraction(0)
#: The number of tickets.
NUM_TICKETS = 2**64


def check_fractions(fractions: Sequence[float | Fraction]) -> Fractions:
    """Return the fractions as exact decimals, as they are written.

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
    """Return the number of a split, given by number or as 'train', 'val' or 'test' for 0, 1, 2."""
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


def position_ranges(
    num: int, fractions: Fractions, split: int, *, turn: Fraction = _NO_TURN
) -> list[tuple[int, int]]:
    """Return the (start, stop) of a split of `num` positions on a ring that is turned by `turn`.

    Splits are disjoint and complete, and so is one split over turns by its own fraction: every
    boundary is rounded once. An empty split has no range, and one that goes over the end has two.
    """
    edges = [*accumulate(fractions, initial=Fraction(0))]
    # The sum may miss 1 by the tolerance: the last split that has a share goes up to it.
    start, stop = (
        min(edge, Fraction(1)) if any(fractions[number:]) else Fraction(1)
        for number, edge in ((split, edges[split]), (split + 1, edges[split + 1]))
    )
    start, stop = start + turn, stop + turn
    if start >= 1:
        start, stop = start - 1, stop - 1
    ranges = [(start, stop)] if stop <= 1 else [(start, Fraction(1)), (Fraction(0), stop - 1)]
    rounded = [(_rounded(num * a), _rounded(num * b)) for a, b in ranges]
    return [(a, b) for a, b in rounded if a < b]


def ticket_ranges(
    fractions: Fractions, split: int, *, turn: Fraction = _NO_TURN
) -> list[tuple[int, int]]:
    """Return the (start, stop) of a split among the tickets; `stop` is up to 2**64.

    A boundary depends only on the fractions before it: the first split stays if its fraction does.
    """
    return position_ranges(NUM_TICKETS, fractions, split, turn=turn)


def in_ticket_ranges(tickets: Words, ranges: Sequence[tuple[int, int]]) -> Mask:
    """Return which tickets lie in one of the ranges, start <= ticket < stop <= 2**64."""
    mask: Mask = np.zeros(tickets.shape, dtype=np.bool_)
    for start, stop in ranges:
        mask |= (tickets >= np.uint64(start)) & (tickets <= np.uint64(stop - 1))
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


def _rounded(number: Fraction) -> int:
    """Return the nearest integer, the greater of two."""
    return (2 * number.numerator + number.denominator) // (2 * number.denominator)
