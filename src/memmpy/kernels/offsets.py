"""Offsets of lists: where each begins in the content, and where the last one ends."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError, damaged
from memmpy.typing import Entries

__all__ = ["check_lists", "check_offsets", "offsets_of", "wrong_lists"]

#: Offsets that are compared at a time.
_STEP = 1 << 20


def offsets_of(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the n+1 offsets, starting at 0, of n counts."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def check_offsets(
    offsets: NDArray[np.int64], num_items: int, *, of: str = "", first: int = 0
) -> None:
    """Raise a `CorruptStoreError` if offsets fall or lead out of a content.

    Parameters
    ----------
    offsets : int64 array of shape (n + 1,)
        Where each list starts and stops.
    num_items : int
        Length of the content.
    of : str
        The name of the lists in errors, such as ``column 'jet_pt' of 'data.mmpy'``.
    first : int
        The entry of the first list, for errors.
    """
    for start in range(0, max(1, len(offsets) - 1), _STEP):
        own = offsets[start : start + _STEP + 1]
        if own[0] < 0 or own[-1] > num_items or (own[1:] < own[:-1]).any():
            entries = np.arange(len(own) - 1)
            raise wrong_lists(own, num_items, entries=entries, of=of, first=first + start)


def check_lists(offsets: NDArray[np.int64], num_items: int, *, entries: Entries, of: str) -> None:
    """Raise a `CorruptStoreError` if the offsets of some lists, or beside them, fall or lead out.

    If one offset is wrong, one of the two lists beside it may look right.
    """
    last = len(offsets) - 1
    around = [np.clip(entries + place, 0, last) for place in (-1, 0, 1, 2)]
    before, starts, stops, behind = (offsets[places] for places in around)
    is_right = (before <= starts) & (starts <= stops) & (stops <= behind)
    if not (is_right & (starts >= 0) & (stops <= num_items)).all():
        beside = np.unique(np.clip(entries[:, None] + (-1, 0, 1), 0, last - 1))
        raise wrong_lists(offsets, num_items, entries=beside, of=of)


def wrong_lists(
    offsets: NDArray[np.int64],
    num_items: int,
    *,
    entries: Entries,
    of: str = "",
    first: int = 0,
) -> CorruptStoreError:
    """Return the error for lists if the offsets of one fall or lead out of the content."""
    starts, stops = offsets[entries], offsets[entries + 1]
    wrong = np.flatnonzero((starts < 0) | (starts > stops) | (stops > num_items))
    at = wrong[0] if len(wrong) else 0
    entry, start, stop = 0, offsets[0], offsets[0]
    if len(entries):
        entry, start, stop = entries[at], starts[at], stops[at]
    what = f"its offsets say that the list goes from item {start} to item {stop} of {num_items}"
    return damaged(of or "a jagged column", what, entry=int(first + entry))
