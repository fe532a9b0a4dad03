"""Rows and their lists, moved by NumPy: for data so small that to load kernels takes longer."""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField
from memmpy.loaders.batching import Lists
from memmpy.loaders.list_gather_numpy import NumpyListTaker
from memmpy.loaders.row_gather import Moved
from memmpy.loaders.row_ranges import Ranges
from memmpy.order import BlockWindows, Permutation
from memmpy.typing import Entries

__all__ = ["NumpyMover"]


@final
class NumpyMover:
    """Moves rows and lists: see `mover_of`."""

    def __init__(
        self,
        rows: NDArray[np.uint8],
        lists: Mapping[str, Lists],
        *,
        ranges: Ranges,
        pieces: Sequence[RowField],
    ) -> None:
        self._columns = [rows[:, piece.offset : piece.offset + piece.nbytes] for piece in pieces]
        self._taker, self._ranges = NumpyListTaker(lists), ranges

    def take(self, permutation: Permutation | None, start: int, stop: int) -> Moved:
        """Return the rows of some positions."""
        if permutation is None:
            members = np.arange(start, stop)
        else:
            members = permutation.run(start, stop, compiled=False)
        return self.take_rows(self._ranges.rows(members))

    def spread(self, windows: BlockWindows) -> Moved:
        """Return the rows of windows of blocks, each in its place."""
        starts, counts = self._ranges.blocks(windows.starts, windows.counts)
        read = np.repeat(starts - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())
        row_numbers = np.empty(windows.num_rows, np.int64)
        row_numbers[windows.places(compiled=False)] = read
        return self.take_rows(row_numbers)

    def take_rows(self, row_numbers: Entries) -> Moved:
        """Return rows by their numbers."""
        pieces = [column[row_numbers] for column in self._columns]
        return Moved(pieces, self._taker.take(row_numbers))
