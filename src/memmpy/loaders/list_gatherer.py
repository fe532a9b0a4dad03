"""Gathers the lists of rows, or of entries, of several columns."""

from collections.abc import Mapping
from typing import final

import numpy as np

from memmpy.kernels import take_lists
from memmpy.loaders.buffer_pool import BufferPool
from memmpy.loaders.chunk import Lists
from memmpy.loaders.pagecache.pages import describe_mapped_column
from memmpy.typing import Entries

__all__ = ["ListGatherer"]


@final
class ListGatherer:
    """Gathers lists of several columns at the same places.

    Parameters
    ----------
    lists : mapping of str to (array, int64 array)
        Content and offsets of all entries, contiguous.
    num_chunks : int
        Number of chunks whose buffers are kept.
    compiled : bool
        Whether to use Numba, into buffers that are reused, rather than NumPy.
    """

    def __init__(self, lists: Mapping[str, Lists], *, num_chunks: int, compiled: bool) -> None:
        self._lists = {
            key: (pair, describe_mapped_column(key, pair[1])) for key, pair in lists.items()
        }
        self._compiled = compiled
        self._begins, self._offsets = BufferPool(num_chunks), BufferPool(num_chunks * len(lists))
        self._contents = {key: BufferPool(num_chunks) for key in lists}

    def take(self, numbers: Entries) -> dict[str, Lists]:
        """Return content and offsets by key of the lists at some places, which are in range.

        Raises
        ------
        CorruptStoreError
            If the offsets of these lists fall or lead out of the content.
        """
        if not self._lists:
            return {}
        if not self._compiled:
            return {
                key: take_lists(*pair, entries=numbers, compiled=False, of=name)
                for key, (pair, name) in self._lists.items()
            }
        from memmpy.kernels.lists_numba import take_lists_into

        num = len(numbers)
        begins = self._begins.take(8 * num).view(np.int64)
        return {
            key: take_lists_into(
                *pair,
                numbers,
                of=name,
                begins=begins,
                taken=self._offsets.take(8 * (num + 1)).view(np.int64),
                empty=self._contents[key].take,
            )
            for key, (pair, name) in self._lists.items()
        }
