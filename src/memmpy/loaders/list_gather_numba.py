"""Lists of rows, or of entries, taken by kernels into memory that serves again."""

from collections.abc import Mapping
from typing import final

import numpy as np

from memmpy.kernels.lists_numba import take_lists_into
from memmpy.loaders.batching import Lists
from memmpy.loaders.buffers import Buffers
from memmpy.loaders.pagecache.pages import describe_mapped_column
from memmpy.typing import Entries

__all__ = ["ListTaker"]


@final
class ListTaker:
    """Takes lists of several columns at the same places.

    Parameters
    ----------
    lists : mapping of str to (array, int64 array)
        Content and offsets of all entries, contiguous.
    num_windows : int
        Number of windows whose memory is kept to serve again.
    """

    def __init__(self, lists: Mapping[str, Lists], *, num_windows: int) -> None:
        self._lists = lists
        self._names = {
            key: describe_mapped_column(key, offsets) for key, (_, offsets) in lists.items()
        }
        self._begins, self._offsets = Buffers(num_windows), Buffers(num_windows * len(lists))
        self._contents = {key: Buffers(num_windows) for key in lists}

    def take(self, numbers: Entries) -> dict[str, Lists]:
        """Return content and offsets by key of the lists at some places, which are in range.

        Raises
        ------
        CorruptStoreError
            If the offsets of these lists fall or lead out of the content.
        """
        if not self._lists:
            return {}
        num = len(numbers)
        begins = self._begins.take(8 * num).view(np.int64)
        return {
            key: take_lists_into(
                *held,
                numbers,
                of=self._names[key],
                begins=begins,
                taken=self._offsets.take(8 * (num + 1)).view(np.int64),
                empty=self._contents[key].take,
            )
            for key, held in self._lists.items()
        }
