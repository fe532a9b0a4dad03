"""Rows and their lists, moved to where a window has them: by NumPy, or by kernels.

Threads that gather, and the one that trains, wait for each other each time that one of them takes
the GIL again. So a kernel does all at once, without it: it makes the order and moves the rows.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from memmpy.gather import RowField
from memmpy.loaders.batching import Lists
from memmpy.loaders.ranges import Ranges
from memmpy.order import BlockWindows, Permutation
from memmpy.typing import Entries

__all__ = ["Moved", "Mover", "mover_of"]


class Moved(NamedTuple):
    """Rows of a window.

    Attributes
    ----------
    pieces : sequence of uint8 arrays of shape (num_rows, k)
        Bytes of each row, for each piece asked for.
    lists : mapping of str to (array, int64 array)
        Content and offsets by key.
    """

    pieces: Sequence[NDArray[np.uint8]]
    lists: Mapping[str, Lists]


class Mover(Protocol):
    """Moves rows and lists; in any thread."""

    def take(self, permutation: Permutation | None, start: int, stop: int) -> Moved:
        """Return the rows of some positions: of a permutation of the members, or of themselves."""
        ...

    def take_rows(self, row_numbers: Entries) -> Moved:
        """Return rows by their numbers."""
        ...

    def spread(self, windows: BlockWindows) -> Moved:
        """Return the rows of windows of blocks, each in its place."""
        ...


def mover_of(
    rows: NDArray[np.uint8],
    lists: Mapping[str, Lists],
    *,
    ranges: Ranges,
    pieces: Sequence[RowField],
    num_windows: int,
    compiled: bool,
) -> Mover:
    """Return what moves rows.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        All rows.
    lists : mapping of str to (array, int64 array)
        Content and offsets of all rows, contiguous.
    ranges : Ranges
        Rows that an epoch has.
    pieces : sequence of RowField
        Bytes of a row to move, as uint8.
    num_windows : int
        Number of windows whose memory is kept to serve again.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.
    """
    if compiled:
        from memmpy.loaders.compiled_mover import CompiledMover

        return CompiledMover(rows, lists, ranges=ranges, pieces=pieces, num_windows=num_windows)
    from memmpy.loaders.numpy_mover import NumpyMover

    return NumpyMover(rows, lists, ranges=ranges, pieces=pieces)
