"""Entries in random order that are not in memory: windows of them, in passes over their files.

To read each by itself takes the disk a read for each entry and column. The entries of a window are
read in the order of the files instead, and pages that lie close together in one go: the larger the
window, the more entries share a page, until to gather it is to read all files once, at the full
rate of the disk. Then it is put into the order of the epoch, in memory.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import repeat
from typing import final

import numpy as np

from memmpy.loaders.batching import Window
from memmpy.loaders.pagecache.advice import Pager, Reading
from memmpy.loaders.pagecache.pages import one_by_one
from memmpy.loaders.readahead import AHEAD_BYTES, ReadAhead
from memmpy.loaders.windows import Gather, Plan, num_in_memory
from memmpy.order import plan_windows
from memmpy.typing import Entries

__all__ = ["Scattered"]

#: Bytes that the first windows read, about, as nobody should wait long for them; the next ones read
#: so many times as much,
_FIRST_BYTES, _GROWTH = 16 << 20, 4
#: until one reads that part of the files: as many entries as memory holds take little longer.
_NEARLY_ALL = 0.5
#: A window has so many bytes at most, as who keeps a batch keeps its window.
_MAX_WINDOW_BYTES = 256 << 20
#: All windows together may take such a part of the memory there is.
_SHARE_OF_MEMORY = 0.5
#: Where a window has pages of less than that part of the files, these lie far apart.
_LEAST_SHARE = 0.2
#: What an entry takes beside its bytes: its number in both orders, and its place in each.
_BYTES_BESIDE = 4 * 8
#: Bytes, about, that are asked for at once, and of which all are there before the next are.
_PART_BYTES = 8 << 20


@final
class Scattered:
    """The windows of one epoch of entries at random places.

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
        Entries of a window where all are in memory.
    may_grow : bool
        Whether windows may have more where they are not.
    entry_bytes : float
        Bytes that an entry takes in a window.
    file_bytes : float
        Bytes of the files that hold all entries of the epoch.
    num_threads : int
        How many threads gather beside the caller's.
    num_processes : int, optional
        How many processes have such windows in the memory that the system tells of.
    """

    def __init__(
        self,
        pager: Pager,
        reading: Callable[[], Reading],
        *,
        gather: Callable[[int, int], Window],
        entries_of: Callable[[int, int], Entries],
        gather_at: Callable[[Entries], Window],
        window_rows: int,
        may_grow: bool,
        entry_bytes: float,
        file_bytes: float,
        num_threads: int,
        num_processes: int = 1,
    ) -> None:
        self._pager, self._reading = pager, reading
        self._gather, self._entries_of, self._gather_at = gather, entries_of, gather_at
        self._window_rows, self._may_grow, self._num_threads = window_rows, may_grow, num_threads
        self._entry_bytes, self._file_bytes = entry_bytes, file_bytes
        self._num_processes = num_processes
        self._is_left = False

    def plan(self, num_entries: int, *, position: int, batch_size: int) -> Plan:
        """Return how the windows of so many entries from a position on are gathered."""
        if not self._reading().is_ahead:
            return Plan(self._in_memory(num_entries, position, batch_size), position)
        return Plan(self._passes(num_entries, position, batch_size), position, self._meanwhile())

    def _in_memory(self, num_entries: int, position: int, batch_size: int) -> Iterator[Gather]:
        rows = self._window_rows
        for run in plan_windows(num_entries, batch_size, rows_per_window=rows, position=position):
            yield partial(self._gather, *run)

    def _passes(self, num_entries: int, position: int, batch_size: int) -> Iterator[Gather]:
        """Yield what gathers the windows of entries that are not in memory to begin with.

        Where all fits into memory, it is looked each time anew whether it is there by now.
        """
        memory = self._pager.memory()
        fits = memory is not None and memory >= self._file_bytes
        for rows in self._sizes(memory):
            if position >= num_entries or (fits and not self._reading().is_ahead):
                break
            runs = plan_windows(num_entries, batch_size, rows_per_window=rows, position=position)
            start, position = next(runs)
            yield partial(self._gather_in_pass, start, position)
        yield from self._in_memory(num_entries, position, batch_size)

    def _sizes(self, memory: int | None) -> Iterator[int]:
        """Yield how many entries windows have: as many as are gathered at once have the same."""
        most = self._most_rows(memory)
        rows = max(1, min(self._window_rows, int(_FIRST_BYTES / self._pager.scattered_bytes)))
        while True:
            yield from repeat(rows, self._num_threads + 1)
            reads_nearly_all = self._read_bytes(rows) >= _NEARLY_ALL * self._file_bytes
            rows = max(rows, most if reads_nearly_all else min(_GROWTH * rows, most))

    def _most_rows(self, memory: int | None) -> int:
        """Return how many entries a window may have in that much memory; 0 to leave it small."""
        has_own_pages = self._pager.entry_bytes >= self._pager.scattered_bytes
        if memory is None or has_own_pages or not self._may_grow:
            return 0
        # Each thread has the parts of a window, and the same ones joined, beside what it returns.
        num_windows = num_in_memory(self._num_threads) + 2 * (self._num_threads + 1)
        num_bytes = _SHARE_OF_MEMORY * memory / self._num_processes / num_windows
        num_bytes = min(num_bytes, _MAX_WINDOW_BYTES)
        most = int(num_bytes / (self._entry_bytes + _BYTES_BESIDE))
        return most if self._read_bytes(most) >= _LEAST_SHARE * self._file_bytes else 0

    def _read_bytes(self, num_entries: int) -> float:
        """Return about how many bytes are read for so many entries."""
        return min(num_entries * self._pager.scattered_bytes, self._file_bytes)

    @contextmanager
    def _meanwhile(self) -> Generator[None, None, None]:
        with self._pager.reading_at_random():
            try:
                yield
            finally:
                self._is_left = True

    def _gather_in_pass(self, start: int, stop: int) -> Window:
        entries = self._entries_of(start, stop)
        order = np.argsort(entries)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        return self._gather_ascending(entries[order]).taken(places)

    def _gather_ascending(self, entries: Entries) -> Window:
        num = -(-len(entries) // max(1, round(self._read_bytes(len(entries)) / _PART_BYTES)))
        parts = (entries[first : first + num] for first in range(0, len(entries), num))
        num_ahead = max(1, AHEAD_BYTES // _PART_BYTES // (self._num_threads + 1))
        ahead = ReadAhead(self._pager, one_by_one, num_ahead=num_ahead, num_behind=None)
        gathered = []
        for task in ahead.tasks(parts, self._gather_at):
            if self._is_left:
                raise InterruptedError("nobody waits for this window any more")
            gathered.append(task())
        return Window.joined(gathered)
