"""Cut 0..num-1, or the tickets, into splits by fractions: exact, disjoint, complete."""

from collections.abc import Sequence
from contextlib import suppress
from fractions import Fraction
from itertools import accumulate
from typing import TypeAlias

import numpy as np

from memmpy.errors import OptionError, nearest
from memmpy.order.mixing import Words
from memmpy.order.options import check_integer
from memmpy.typing import Mask

__all__ = [
    "SPLIT_NAMES",
    "Fractions",
    "check_fractions",
    "check_turn",
    "in_ticket_ranges",
    "position_ranges",
    "split_number",
    "ticket_ranges",
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


def check_turn(
    fractions: Fractions, fold: int | None, num_folds: int | None
) -> tuple[Fractions, Fraction]:
    """Return the fractions, and by how much a fold turns the circle of all events.

    Parameters
    ----------
    fractions : tuple of Fraction
        One of them is the share of a fold, ``1 / num_folds``, to 1e-9: what a fold holds out.
    fold, num_folds : int or None
        Which fold of how many; None for no folds.

    Raises
    ------
    OptionError
        If only one is given, there are fewer than two folds or no such fold, or no split is as
        large as a fold: then folds would hold out events twice, or never.
    """
    if fold is None and num_folds is None:
        return fractions, Fraction(0)
    if fold is None or num_folds is None:
        raise OptionError("give both fold and num_folds, such as fold=2, num_folds=5")
    num_folds = check_integer("num_folds", num_folds, minimum=2)
    fold = check_integer("fold", fold, minimum=0)
    if fold >= num_folds:
        raise OptionError(f"no fold {fold} of {num_folds} folds: give 0 to {num_folds - 1}")
    # 1/3 has no decimals that would end.
    whole = [round(fraction * num_folds) for fraction in fractions]
    snapped = tuple(
        Fraction(num, num_folds) if abs(f - Fraction(num, num_folds)) <= _TOLERANCE else f
        for num, f in zip(whole, fractions, strict=True)
    )
    if Fraction(1, num_folds) not in snapped:
        shares = tuple(map(float, fractions))
        message = (
            f"none of the fractions {shares} is 1/{num_folds}, what each of {num_folds} folds "
            "holds out: leave fractions to their default, or let one of them be that"
        )
        raise OptionError(message)
    return snapped, Fraction(fold, num_folds)


def position_ranges(
    num: int, fractions: Fractions, split: int, *, turn: Fraction
) -> list[tuple[int, int]]:
    """Return the (start, stop) of a split of `num` positions on a circle turned by `turn`.

    Splits are disjoint and complete, and so is one split over turns by its own fraction: every
    boundary is rounded once. There are none where a split is empty, and two where it goes over the
    end.
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
    pieces = [(start, stop)] if stop <= 1 else [(start, Fraction(1)), (Fraction(0), stop - 1)]
    rounded = [(_rounded(num * a), _rounded(num * b)) for a, b in pieces]
    return [(a, b) for a, b in rounded if a < b]


def ticket_ranges(fractions: Fractions, split: int, *, turn: Fraction) -> list[tuple[int, int]]:
    """Return the (start, stop) of a split among the tickets; `stop` is up to 2**64.

    A boundary depends only on the fractions before it: with the first one kept, cutting the rest
    in another way leaves the first split as it is.
    """
    return position_ranges(_NUM_TICKETS, fractions, split, turn=turn)


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
