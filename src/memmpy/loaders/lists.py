"""Lists moved to a window, beside its rows: by NumPy, or by kernels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from memmpy.gather import spread_lists, take_lists
from memmpy.loaders.batching import Lists
from memmpy.typing import Entries

__all__ = ["ListMover", "NumpyListMover", "list_mover_of"]


class ListMover(Protocol):
    """Moves lists."""

    def take(self, entries: Entries) -> dict[str, Lists]:
        """Return the lists of rows by key."""
        ...

    def spread(
        self, starts: Entries, counts: Entries, places: NDArray[np.uint32]
    ) -> dict[str, Lists]:
        """Return the lists of blocks of rows by key, each in its place."""
        ...


@final
@dataclass(frozen=True, slots=True)
class NumpyListMover:
    """Moves lists by NumPy.

    Parameters
    ----------
    lists : mapping of str to (array, int64 array)
        Content and offsets of all rows.
    """

    lists: Mapping[str, Lists]

    def take(self, entries: Entries) -> dict[str, Lists]:
        """Return the lists of rows by key."""
        return {
            key: take_lists(*held, entries=entries, compiled=False)
            for key, held in self.lists.items()
        }

    def spread(
        self, starts: Entries, counts: Entries, places: NDArray[np.uint32]
    ) -> dict[str, Lists]:
        """Return the lists of blocks of rows by key, each in its place."""
        return {
            key: spread_lists(*held, starts=starts, counts=counts, places=places, compiled=False)
            for key, held in self.lists.items()
        }


def list_mover_of(lists: Mapping[str, Lists], *, num_windows: int, compiled: bool) -> ListMover:
    """Return what moves lists: compiled where that is asked for, and possible.

    Parameters
    ----------
    num_windows : int
        Of how many windows memory is kept to serve again.
    """
    if compiled and lists:
        from memmpy.compiling import ENABLED

        if ENABLED:
            from memmpy.loaders.compiled_lists import CompiledListMover

            return CompiledListMover(lists, num_windows=num_windows)
    return NumpyListMover(lists)
