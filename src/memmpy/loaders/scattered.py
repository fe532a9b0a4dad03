"""Entries in random order that are not in memory: windows of them, in passes over their files.

To read each by itself takes the disk a read for each entry and column. The entries of a window are
read in the order of the files instead, and pages that lie close together in one go: the larger the
window, the more entries share a page, until to gather it is to read all files once, at the full
rate of the disk. Then it is put into the order of the epoch, in memory.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np

from memmpy.loaders.ahead import ReadAhead, parts_ahead
from memmpy.loaders.batching import Window
from memmpy.loaders.pages import Blocks
from memmpy.loaders.paging import Pager, Reading
from memmpy.loaders.windows import Gather, num_in_memory
from memmpy.order import plan_windows
from memmpy.typing import Entries

__all__ = ["Scattered"]

#: Entries of the first window, for which nobody should wait long; each next one has twice as many.
_FIRST_ROWS = 1 << 12
#: A window has so many bytes at most, as who keeps a batch keeps its window.
_MAX_WINDOW_BYTES = 256 << 20
#: All windows together may take such a part of the memory there is.
_SHARE_OF_MEMORY = 0.5
#: Where a window has pages of less than that part of the files, these lie far apart.
_LEAST_SHARE = 0.2
#: What an entry takes beside its bytes: its number, and its place in both orders.
_BYTES_BESIDE = 4 * 8
#: Bytes that are read in one go.
_PART_BYTES = 8 << 20


@final
@dataclass(frozen=True, slots=True)
class Scattered:
    """How entries at random places are gathered.

    Parameters
    ----------
    pager : Pager
        What speaks with the kernel about them.
    reading : callable
        Returns how they would be read now.
    gather : callable
        Gathers the entries at the positions start..stop-1, in memory.
    entries_of : callable
        Returns the entries at these positions.
    gather_at : callable
        Gathers given entries, ascending.
    window_rows : int
        Entries of a window that is in memory.
    entry_bytes, total_bytes : float
        Bytes of an entry, and of all.
    num_threads : int
        How many threads gather beside the caller's.
    compiled : bool
        Whether kernels are Numba's.
    """

    pager: Pager
    reading: Callable[[], Reading]
    gather: Callable[[int, int], Window]
    entries_of: Callable[[int, int], Entries]
    gather_at: Callable[[Entries], Window]
    window_rows: int
    entry_bytes: float
    total_bytes: float
    num_threads: int
    compiled: bool

    def tasks(self, num: int, *, position: int, batch_size: int) -> Iterator[Gather]:
        """Yield what gathers the windows of `num` entries from a position on.

        Where all fits into memory, it is looked each time anew whether it is there by now.
        """
        if self.reading().is_ahead:
            memory = self.pager.memory()
            size, most = min(self.window_rows, _FIRST_ROWS), self._most_rows(memory)
            stays = memory is not None and memory >= self.total_bytes
            with self.pager.reading_at_random():
                while position < num and (not stays or self.reading().is_ahead):
                    runs = plan_windows(num, batch_size, rows_per_window=size, position=position)
                    start, position = next(runs)
                    yield partial(self._gather_in_pass, start, position)
                    size = max(size, min(2 * size, most))
        num_rows = self.window_rows
        for run in plan_windows(num, batch_size, rows_per_window=num_rows, position=position):
            yield partial(self.gather, *run)

    def _most_rows(self, memory: int | None) -> int:
        """Return how many entries a window may have in that much memory; 0 to leave it small."""
        if memory is None:
            return 0
        # Each thread has a window in both orders at once.
        num_windows = num_in_memory(self.num_threads) + 2 * (self.num_threads + 1)
        num_bytes = min(_SHARE_OF_MEMORY * memory / num_windows, _MAX_WINDOW_BYTES)
        most = int(num_bytes / (self.entry_bytes + _BYTES_BESIDE))
        pages_share = most * self.pager.scattered_bytes(self.entry_bytes) / self.total_bytes
        own_pages = self.entry_bytes >= self.pager.scattered_bytes(0)
        return 0 if own_pages or pages_share < _LEAST_SHARE else most

    def _gather_in_pass(self, start: int, stop: int) -> Window:
        entries = self.entries_of(start, stop)
        order = np.argsort(entries)
        scattered_bytes = len(order) * self.pager.scattered_bytes(self.entry_bytes)
        num_parts = max(1, round(min(scattered_bytes, self.total_bytes) / _PART_BYTES))
        num = -(-len(order) // num_parts)
        parts = (entries[order[first : first + num]] for first in range(0, len(order), num))
        num_ahead = parts_ahead(_PART_BYTES)
        ahead = ReadAhead(self.pager, _one_by_one, num_ahead=num_ahead, num_behind=None)
        ascending = Window.joined([task() for task in ahead.tasks(parts, self.gather_at)])
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return ascending.taken(places, compiled=self.compiled)


def _one_by_one(entries: Entries) -> Blocks:
    """Return entries as blocks of one."""
    return entries, np.ones(len(entries), np.int64)
