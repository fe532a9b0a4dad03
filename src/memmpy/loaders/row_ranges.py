"""Ranges of rows of a skim, one after the other: the members of an epoch."""

from collections.abc import Iterator, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words
from memmpy.typing import Entries

__all__ = ["RowRanges", "rows_between", "slice_ranges", "steps_of"]


@final
class RowRanges:
    """Ranges of rows, one after the other: their members are 0..num-1.

    Parameters
    ----------
    ranges : sequence of range
        None of them is empty.

    Attributes
    ----------
    table : int64 array of shape (2, k)
        Member i is row ``i + table[1, j]`` for the first j with ``i < table[0, j]``.
    """

    def __init__(self, ranges: Sequence[range]) -> None:
        sizes = np.array([len(rows) for rows in ranges], np.int64)
        ends, starts = np.cumsum(sizes), np.array([rows.start for rows in ranges], np.int64)
        self.table: NDArray[np.int64] = np.stack([ends, starts - (ends - sizes)])
        self._ends, self._shifts = self.table

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def rows(self, members: Entries) -> Entries:
        """Return the row of each member."""
        which = 0 if len(self._shifts) == 1 else np.searchsorted(self._ends, members, side="right")
        rows: Entries = members + self._shifts[which]
        return rows

    def blocks(self, starts: Entries, counts: Entries) -> tuple[Entries, Entries]:
        """Return blocks of members as blocks of rows: one over the edge of a range is two.

        After the last member comes the first.
        """
        num, stops = len(self), starts + counts
        for edge in (*self._ends, *(num + self._ends[:-1])):
            over = np.flatnonzero((starts < edge) & (edge < stops))
            if over.size:
                starts = np.insert(starts, over + 1, edge)
                stops = np.insert(stops, over, edge)
        return self.rows(starts % num), stops - starts


def rows_between(tickets: Words, intervals: Sequence[tuple[int, int]]) -> list[range]:
    """Return the rows whose tickets lie in intervals, start <= ticket < stop <= 2**64.

    Parameters
    ----------
    tickets : uint64 array of shape (n,)
        Ticket of each row, ascending.
    intervals : sequence of (int, int)
        Disjoint.
    """
    ends = [(_row_of(tickets, start), _row_of(tickets, stop)) for start, stop in intervals]
    return [range(first, last) for first, last in ends if first < last]


def slice_ranges(ranges: Sequence[range], start: int, stop: int) -> list[range]:
    """Return the members start..stop-1 of ranges that follow each other."""
    parts = []
    for rows in ranges:
        part = rows[max(0, start) : max(0, stop)]
        if part:
            parts.append(part)
        start, stop = start - len(rows), stop - len(rows)
    return parts


def steps_of(ranges: Sequence[range], num_rows: int) -> Iterator[range]:
    """Yield the rows of ranges in steps of at most `num_rows` rows."""
    for rows in ranges:
        for start in range(rows.start, rows.stop, num_rows):
            yield range(start, min(start + num_rows, rows.stop))


def _row_of(tickets: Words, ticket: int) -> int:
    """Return the first row of a ticket or of a greater one."""
    if ticket >= 2**64:
        return len(tickets)
    return int(np.searchsorted(tickets, np.uint64(ticket), side="left"))
