"""Which rows of a skim an epoch has: ranges of them, one after the other."""

from collections.abc import Sequence
from typing import final

import numpy as np

from memmpy.kernels import Words
from memmpy.typing import Entries

__all__ = ["Ranges", "cut_ranges", "rows_between"]


@final
class Ranges:
    """Ranges of rows, one after the other: their members are 0..num-1.

    Parameters
    ----------
    ranges : sequence of range
        Not empty, each.
    """

    def __init__(self, ranges: Sequence[range]) -> None:
        # Member i is row i + shifts[k], where ends[k - 1] <= i < ends[k].
        self.ends = np.cumsum([len(rows) for rows in ranges], dtype=np.int64)
        firsts = np.concatenate([[0], self.ends[:-1]]) if ranges else self.ends
        self.shifts = np.array([rows.start for rows in ranges], np.int64) - firsts

    def __len__(self) -> int:
        return int(self.ends[-1]) if len(self.ends) else 0

    def rows(self, members: Entries) -> Entries:
        """Return the row of each member."""
        which = 0 if len(self.shifts) == 1 else np.searchsorted(self.ends, members, side="right")
        rows: Entries = members + self.shifts[which]
        return rows

    def blocks(self, starts: Entries, counts: Entries) -> tuple[Entries, Entries]:
        """Return blocks of members as blocks of rows: one over the edge of a range is two.

        After the last member comes the first.
        """
        num, stops = len(self), starts + counts
        for edge in (*self.ends, *(num + self.ends[:-1])):
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
        Apart from each other.
    """
    ends = [(_row_of(tickets, start), _row_of(tickets, stop)) for start, stop in intervals]
    return [range(first, last) for first, last in ends if first < last]


def cut_ranges(ranges: Sequence[range], start: int, stop: int) -> list[range]:
    """Return the members start..stop-1 of ranges that follow each other."""
    found = []
    for rows in ranges:
        part = rows[max(0, start) : max(0, stop)]
        if part:
            found.append(part)
        start, stop = start - len(rows), stop - len(rows)
    return found


def _row_of(tickets: Words, ticket: int) -> int:
    """Return the first row of that ticket or of a greater one."""
    if ticket >= 2**64:
        return len(tickets)
    return int(np.searchsorted(tickets, np.uint64(ticket), side="left"))
