"""Lists moved to a window by kernels, into memory that serves again.

Rows lie in range here; where lists begin and end is checked by the kernel, as a file says it.
"""

from collections.abc import Mapping
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.compiling import address_of, run_kernel
from memmpy.errors import CorruptStoreError
from memmpy.gather.compiled_lists import copy_lists, count_items, place_entries
from memmpy.loaders.batching import Lists
from memmpy.loaders.buffers import Buffers
from memmpy.typing import Entries

__all__ = ["CompiledListMover"]


@final
class CompiledListMover:
    """Moves lists: see `ListMover`.

    Parameters
    ----------
    lists : mapping of str to (array, int64 array)
        Content and offsets of all rows, contiguous.
    num_windows : int
        Of how many windows memory is kept to serve again.
    """

    def __init__(self, lists: Mapping[str, Lists], *, num_windows: int) -> None:
        self._lists = lists
        self._scratch = Buffers(2 * num_windows)
        self._offsets = Buffers(num_windows * len(lists))
        self._contents = {key: Buffers(num_windows) for key in lists}

    def take(self, entries: Entries) -> dict[str, Lists]:
        """Return the lists of rows by key."""
        num = len(entries)
        begins = self._scratch.take(8 * num).view(np.int64)
        return {key: self._taken(key, entries, begins) for key in self._lists}

    def spread(
        self, starts: Entries, counts: Entries, places: NDArray[np.uint32]
    ) -> dict[str, Lists]:
        """Return the lists of blocks of rows by key, each in its place."""
        entries = self._scratch.take(8 * len(places)).view(np.int64)
        run_kernel(
            place_entries,
            address_of(starts),
            address_of(counts),
            np.uint64(len(starts)),
            address_of(places),
            entries,
        )
        return self.take(entries)

    def _taken(self, key: str, entries: Entries, begins: NDArray[np.int64]) -> Lists:
        content, offsets = self._lists[key]
        num, num_items = len(entries), len(content)
        taken = self._offsets.take(8 * (num + 1)).view(np.int64)
        # From here on only numbers that were checked are used, whoever writes to the offsets.
        where = address_of(offsets), address_of(entries)
        if not run_kernel(count_items, *where, np.uint64(num), num_items, begins, taken):
            raise CorruptStoreError("offsets fall or lead out of the content: verify the store")
        item_bytes = content.nbytes // num_items if num_items else 0
        memory = self._contents[key].take(int(taken[-1]) * item_bytes)
        items = memory.view(content.dtype).reshape(int(taken[-1]), *content.shape[1:])
        run_kernel(
            copy_lists,
            address_of(content),
            np.uint64(content.nbytes),
            np.uint64(item_bytes),
            begins,
            taken,
            address_of(items),
        )
        return items, taken
