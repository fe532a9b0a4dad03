"""What the kernel is asked for ahead of its use, and what it may drop behind.

Where the entries of an epoch are not in memory, a thread that touches one waits for the disk, and
the kernel reads megabytes around it which nobody wants, at the cost of those that somebody does.
So the kernel is told which pages are read soon, many at once, and to read no others but a few that
lie between two. Where all of them are much more than memory holds, it is told which ones have been
read, too.

Only maps that are read-only, and of files, are ever spoken of; to lose a page of them loses
nothing.
"""

import mmap
import sys
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, final

import numpy as np
from numpy.typing import NDArray

from memmpy.loaders.pagecache.pages import Blocks, MappedArray
from memmpy.parallel import memory_for_pages
from memmpy.typing import Array, Entries

__all__ = ["Advise", "Pager", "Reading", "System", "system_of"]

#: What Linux calls these; Python has no name for the last.
_NORMAL, _RANDOM, _WILL_NEED, _PAGE_OUT = 0, 1, 3, 21
#: Places of some entries of which it is asked whether they are in memory, at 0.5 us each.
_NUM_SAMPLES = 64
#: Pages between two that are read which a disk reads sooner than it begins anew.
_MAX_BETWEEN = 4
#: Below so many times the memory, what stays of an epoch serves the next one well.
_MUCH_MORE = 2
#: Epochs that read from a map at random now, by its address: who ends before others leaves it so.
_at_random: Counter[int] = Counter()


class Advise(Protocol):
    """Tells the kernel about pages: addresses where runs of them begin, and their bytes."""

    def __call__(self, starts: Entries, num_bytes: Entries, advice: int, /) -> None:
        """Tell it; whether it listens is its own affair."""
        ...


@final
@dataclass(frozen=True, slots=True)
class System:
    """What the operating system is told, and says.

    Parameters
    ----------
    advise : Advise or None
        Tells it which pages are needed soon, and which no more; None for nothing.
    memory : callable
        Returns how many bytes of files it can keep in memory now; None if unknown.
    """

    advise: Advise | None
    memory: Callable[[], int | None]

    def among(self, num: int) -> "System":
        """Return the system for one of so many processes, each of which has its part of memory."""
        memory = self.memory

        def part() -> int | None:
            found = memory()
            return None if found is None else found // num

        return System(self.advise, part)


def system_of(*, compiled: bool) -> System:
    """Return the system of this process, which is told nothing without kernels of Numba's.

    To tell it from Python would hold the GIL as long as it takes.
    """
    if not (compiled and sys.platform == "linux" and hasattr(mmap, "MADV_WILLNEED")):
        return System(None, memory_for_pages)
    from memmpy.kernels.madvise_numba import advise

    return System(advise, memory_for_pages)


@final
@dataclass(frozen=True, slots=True)
class Reading:
    """How an epoch is read.

    Parameters
    ----------
    is_ahead : bool
        Whether the kernel is asked for pages before they are needed.
    is_dropped : bool
        Whether they are dropped once they were.
    """

    is_ahead: bool
    is_dropped: bool


@final
class Pager:
    """Speaks with the kernel about the entries of columns, and of lists.

    Parameters
    ----------
    columns : iterable of arrays of shape (n, ...)
        Columns, or rows.
    lists : iterable of (content, offsets)
        Arrays of shape (k, ...) and (n + 1,).
    system : System
        What is told. Nothing is said of arrays that are no read-only memory map of a file.
    """

    def __init__(
        self,
        columns: Iterable[Array],
        lists: Iterable[tuple[Array, NDArray[np.int64]]],
        *,
        system: System,
    ) -> None:
        self._system = system
        found = [MappedArray.over(column) for column in columns]
        self._columns = [mapped for mapped in found if mapped is not None]
        self._lists = [
            (MappedArray.over(content), MappedArray.over(offsets), offsets)
            for content, offsets in lists
        ]
        lengths = [len(mapped.array) for mapped in self._columns]
        lengths += [len(offsets) - 1 for _, _, offsets in self._lists]
        self._num_entries = max(lengths, default=0)
        pairs = [mapped for content, offsets, _ in self._lists for mapped in (content, offsets)]
        self._maps = [*self._columns, *(mapped for mapped in pairs if mapped is not None)]

    @property
    def num_bytes(self) -> int:
        """Bytes of all maps."""
        return sum(mapped.array.nbytes for mapped in self._maps)

    @property
    def entry_bytes(self) -> float:
        """Bytes of an entry in the maps, on average."""
        return self.num_bytes / max(1, self._num_entries)

    @property
    def scattered_bytes(self) -> float:
        """Bytes that are read for an entry by itself, about: whole pages of each map."""
        return max(self.entry_bytes, mmap.PAGESIZE * len(self._maps))

    @property
    def has_lists(self) -> bool:
        """Whether offsets must be read before all of an entry can be asked for."""
        return bool(self._lists)

    def memory(self) -> int | None:
        """Return how many bytes of files the system can keep in memory now; None if unknown."""
        return self._system.memory()

    def reading(self, ranges: Sequence[range], *, is_scattered: bool) -> Reading:
        """Return how an epoch that began now would read some entries.

        Parameters
        ----------
        ranges : sequence of range
            The entries.
        is_scattered : bool
            Whether each is read by itself. A page holds many, and so none is dropped.
        """
        if self._system.advise is None or not self._maps:
            return Reading(False, False)
        num_bytes, share = self.measure(ranges)
        is_ahead = share < 1
        memory = self.memory() if is_ahead and not is_scattered else None
        return Reading(is_ahead, memory is not None and num_bytes > _MUCH_MORE * memory)

    def measure(self, ranges: Sequence[range]) -> tuple[int, float]:
        """Return the bytes of some entries in maps, and which part of that is in memory."""
        sizes, shares = [0], [1.0]
        for entries in ranges:
            first, last = entries.start, entries.stop
            spans = [(mapped, first, last) for mapped in self._columns]
            for content, places, offsets in self._lists:
                if places is not None:
                    spans.append((places, first, last + 1))
                if content is not None:
                    run = np.array([first]), np.array([last - first])
                    (item,), (num,) = _items(offsets, *run, len(content.array))
                    spans.append((content, int(item), int(item + num)))
            for mapped, start, stop in spans:
                sizes.append((stop - start) * mapped.item_bytes)
                shares.append(mapped.in_memory(start, stop, num_samples=_NUM_SAMPLES))
        return sum(sizes), float(np.average(shares, weights=sizes)) if any(sizes) else 1.0

    @contextmanager
    def reading_at_random(self) -> Generator[None, None, None]:
        """Let the kernel read only what is asked for, and nothing around it."""
        addresses = [mapped.array.ctypes.data for mapped in self._maps]
        _at_random.update(addresses)
        try:
            for mapped in self._maps:
                self._tell(mapped, _whole(mapped), _RANDOM)
            yield
        finally:
            _at_random.subtract(addresses)
            for mapped, address in zip(self._maps, addresses, strict=True):
                if _at_random[address] <= 0:
                    del _at_random[address]
                    self._tell(mapped, _whole(mapped), _NORMAL)

    def ask_offsets(self, blocks: Blocks) -> None:
        """Ask for the pages that tell where the lists of entries lie."""
        starts, counts = blocks
        for _, places, _ in self._lists:
            self._tell(places, (starts, counts + 1), _WILL_NEED)

    def ask(self, blocks: Blocks) -> None:
        """Ask for the pages of entries and of their lists; reads where these lie."""
        for mapped in self._columns:
            self._tell(mapped, blocks, _WILL_NEED)
        for content, _, offsets in self._lists:
            self._tell_items(content, offsets, blocks, _WILL_NEED)

    def drop(self, blocks: Blocks) -> None:
        """Drop the pages of entries and of their lists, where other processes allow."""
        starts, counts = blocks
        for content, places, offsets in self._lists:
            self._tell_items(content, offsets, blocks, _PAGE_OUT)
            self._tell(places, (starts, counts + 1), _PAGE_OUT)
        for mapped in self._columns:
            self._tell(mapped, blocks, _PAGE_OUT)

    def _tell_items(
        self,
        content: MappedArray | None,
        offsets: NDArray[np.int64],
        blocks: Blocks,
        advice: int,
    ) -> None:
        if content is not None:
            self._tell(content, _items(offsets, *blocks, len(content.array)), advice)

    def _tell(self, mapped: MappedArray | None, blocks: Blocks, advice: int) -> None:
        if sys.is_finalizing():  # NumPy is no more, and an iterator that was left still ends
            return
        if mapped is not None and self._system.advise is not None:
            max_between = _MAX_BETWEEN if advice == _WILL_NEED else 0
            self._system.advise(*mapped.pages(blocks, max_between=max_between), advice)


def _whole(mapped: MappedArray) -> Blocks:
    return np.zeros(1, np.int64), np.array([len(mapped.array)])


def _items(offsets: NDArray[np.int64], starts: Entries, counts: Entries, num_items: int) -> Blocks:
    """Return the items of the lists of blocks, none past the content, whatever a file says."""
    first = np.clip(offsets[starts], 0, num_items)
    return first, np.clip(offsets[starts + counts], first, num_items) - first
