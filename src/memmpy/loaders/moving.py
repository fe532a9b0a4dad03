"""Rows moved to a window: by NumPy, or by a kernel that holds no lock of Python's meanwhile.

Threads that gather, and the one that trains, wait for each other each time that one of them takes
that lock again. So the kernel does all at once: it makes the order and moves the rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from memmpy.gather import RowField, spread_rows, take_rows
from memmpy.order import BlockWindows, Permutation
from memmpy.typing import Entries

__all__ = ["Mover", "NumpyMover", "Ranges", "mover_of"]

Pieces = Sequence[NDArray[np.uint8]]


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
        """Return blocks of members as blocks of rows: one over the edge of a range is two."""
        stops = starts + counts
        for edge in self.ends[:-1]:
            over = np.flatnonzero((starts < edge) & (edge < stops))
            starts = np.insert(starts, over + 1, edge)
            stops = np.insert(stops, over, edge)
        return self.rows(starts), stops - starts


class Mover(Protocol):
    """Moves pieces of rows."""

    def take(self, permutation: Permutation | None, start: int, stop: int, out: Pieces) -> Entries:
        """Fill the pieces with the rows of positions, and return which rows these are."""
        ...

    def spread(
        self, windows: BlockWindows, starts: Entries, counts: Entries, out: Pieces
    ) -> NDArray[np.uint32]:
        """Fill the pieces with the rows of blocks, and return the places of these."""
        ...


@final
@dataclass(frozen=True, slots=True)
class NumpyMover:
    """Moves pieces of rows by NumPy.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        All rows.
    ranges : Ranges
        Those that an epoch has.
    pieces : sequence of RowField
        What is moved.
    """

    rows: NDArray[np.uint8]
    ranges: Ranges
    pieces: Sequence[RowField]

    def take(self, permutation: Permutation | None, start: int, stop: int, out: Pieces) -> Entries:
        """Fill the pieces with the rows of positions, and return which rows these are."""
        if permutation is None:
            members = np.arange(start, stop)
        else:
            members = permutation.run(start, stop, compiled=False)
        entries = self.ranges.rows(members)
        take_rows(self.rows, entries, fields=self.pieces, out=out, compiled=False)
        return entries

    def spread(
        self, windows: BlockWindows, starts: Entries, counts: Entries, out: Pieces
    ) -> NDArray[np.uint32]:
        """Fill the pieces with the rows of blocks, and return the places of these."""
        places = windows.places(compiled=False)
        spread_rows(
            self.rows,
            starts,
            counts=counts,
            places=places,
            fields=self.pieces,
            out=out,
            compiled=False,
        )
        return places


def mover_of(
    rows: NDArray[np.uint8], ranges: Ranges, pieces: Sequence[RowField], *, compiled: bool
) -> Mover:
    """Return what moves rows: compiled where that is asked for, and possible."""
    if compiled:
        from memmpy.compiling import ENABLED

        if ENABLED:
            from memmpy.loaders.compiled import CompiledMover

            return CompiledMover(rows, ranges, pieces)
    return NumpyMover(rows, ranges, pieces)
