"""Rows and their lists, moved to where a window has them: by NumPy, or by kernels.

Threads that gather, and the one that trains, wait for each other each time that one of them takes
the GIL again. So a kernel does all at once, without it: it makes the order and moves the rows.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from memmpy.loaders.batching import Lists
from memmpy.order import BlockWindows, Permutation
from memmpy.typing import Entries

__all__ = ["Moved", "Mover"]


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
