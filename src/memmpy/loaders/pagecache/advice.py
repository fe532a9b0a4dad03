"""Advice to the OS on the pages of columns and lists: which are needed soon, and which no more.

If the entries of an epoch are not in memory, a thread that touches one waits for the disk, and the
OS reads megabytes around it that nobody needs. So memmpy tells the OS which pages it will read
soon, many at once, and to read no others but a few that lie between two. If the data is much larger
than memory, it also tells it which pages have been read.

Only read-only maps of files get advice: a page of them can be dropped without loss.
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

__all__ = ["Advise", "MappedData", "PageCache", "ReadMode", "os_page_cache"]

#: Linux's numbers of the advice; Python has no name for the last.
_NORMAL, _RANDOM, _WILL_NEED, _PAGE_OUT = 0, 1, 3, 21
#: How many places of a range are sampled for whether they are in memory, at 0.5 us each.
_NUM_SAMPLES = 64
#: Up to this many pages between two that are needed are read with them: faster than two reads.
_MAX_BETWEEN = 4
#: Data of up to this many times the memory stays there, as far as it fits, for the next epoch.
_MUCH_MORE = 2
#: Number of epochs that read each map at random, by address; the last to end resets the advice.
_at_random: Counter[int] = Counter()


class Advise(Protocol):
    """Gives the OS advice on pages: the addresses of runs of them, and their bytes."""

    def __call__(self, starts: Entries, num_bytes: Entries, advice: int, /) -> None:
        """Give the advice; the OS may ignore it."""
        ...


@final
@dataclass(frozen=True, slots=True)
class PageCache:
    """The page cache of the OS.

    Parameters
    ----------
    advise : Advise or None
        Tells the OS which pages are needed soon, and which no more; None for no advice.
    memory : callable
        Returns how many bytes of files it can keep in memory now; None if unknown.
    """

    advise: Advise | None
    memory: Callable[[], int | None]


def os_page_cache(*, compiled: bool) -> PageCache:
    """Return the page cache of this machine; it gets no advice without Numba.

    From Python, a call that gives advice would hold the GIL.
    """
    if not (compiled and sys.platform == "linux" and hasattr(mmap, "MADV_WILLNEED")):
        return PageCache(None, memory_for_pages)
    from memmpy.kernels.jit import advise

    return PageCache(advise, memory_for_pages)


@final
@dataclass(frozen=True, slots=True)
class ReadMode:
    """How an epoch is read.

    Parameters
    ----------
    is_ahead : bool
        Whether pages are read ahead of their use.
    is_dropped : bool
        Whether they are dropped after it.
    """

    is_ahead: bool
    is_dropped: bool


@final
class MappedData:
    """The maps of files that hold columns and lists, and advice on their entries.

    Parameters
    ----------
    columns : iterable of arrays of shape (n, ...)
        Columns, or rows. Arrays that are no read-only map of a file get no advice.
    lists : iterable of (content, offsets)
        Arrays of shape (k, ...) and (n + 1,).
    page_cache : PageCache
        The page cache that gets the advice.
    """

    def __init__(
        self,
        columns: Iterable[Array],
        lists: Iterable[tuple[Array, NDArray[np.int64]]],
        *,
        page_cache: PageCache,
    ) -> None:
        self._page_cache = page_cache
        maps = [MappedArray.over(column) for column in columns]
        self._columns = [mapped for mapped in maps if mapped is not None]
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
        """About how many bytes are read for a single entry: whole pages of each map."""
        return max(self.entry_bytes, mmap.PAGESIZE * len(self._maps))

    @property
    def has_lists(self) -> bool:
        """Whether offsets must be read before all of an entry can be prefetched."""
        return bool(self._lists)

    def memory(self) -> int | None:
        """Return how many bytes of files the OS can keep in memory now; None if unknown."""
        return self._page_cache.memory()

    def read_mode(self, ranges: Sequence[range], *, is_scattered: bool) -> ReadMode:
        """Return how an epoch that began now would read some entries.

        Parameters
        ----------
        ranges : sequence of range
            The entries.
        is_scattered : bool
            Whether each is read by itself. A page holds many, so none is dropped.
        """
        if self._page_cache.advise is None or not self._maps:
            return ReadMode(False, False)
        num_bytes, share = self.measure(ranges)
        is_ahead = share < 1
        memory = self.memory() if is_ahead and not is_scattered else None
        return ReadMode(is_ahead, memory is not None and num_bytes > _MUCH_MORE * memory)

    def measure(self, ranges: Sequence[range]) -> tuple[int, float]:
        """Return the bytes of some entries in maps, and which share of them is in memory."""
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
    def random_access(self) -> Generator[None, None, None]:
        """Make the OS read only the pages that are needed, and none around them."""
        addresses = [mapped.array.ctypes.data for mapped in self._maps]
        _at_random.update(addresses)
        try:
            for mapped in self._maps:
                self._advise(mapped, _whole(mapped), _RANDOM)
            yield
        finally:
            _at_random.subtract(addresses)
            for mapped, address in zip(self._maps, addresses, strict=True):
                if _at_random[address] <= 0:
                    del _at_random[address]
                    self._advise(mapped, _whole(mapped), _NORMAL)

    def prefetch_offsets(self, blocks: Blocks) -> None:
        """Read the pages that tell where the lists of entries lie, in the background."""
        starts, counts = blocks
        for _, places, _ in self._lists:
            self._advise(places, (starts, counts + 1), _WILL_NEED)

    def prefetch(self, blocks: Blocks) -> None:
        """Read the pages of entries and of their lists in the background; waits for offsets."""
        for mapped in self._columns:
            self._advise(mapped, blocks, _WILL_NEED)
        for content, _, offsets in self._lists:
            self._advise_items(content, offsets, blocks, _WILL_NEED)

    def drop(self, blocks: Blocks) -> None:
        """Drop the pages of entries and of their lists, unless other processes use them."""
        starts, counts = blocks
        for content, places, offsets in self._lists:
            self._advise_items(content, offsets, blocks, _PAGE_OUT)
            self._advise(places, (starts, counts + 1), _PAGE_OUT)
        for mapped in self._columns:
            self._advise(mapped, blocks, _PAGE_OUT)

    def _advise_items(
        self,
        content: MappedArray | None,
        offsets: NDArray[np.int64],
        blocks: Blocks,
        advice: int,
    ) -> None:
        if content is not None:
            self._advise(content, _items(offsets, *blocks, len(content.array)), advice)

    def _advise(self, mapped: MappedArray | None, blocks: Blocks, advice: int) -> None:
        if sys.is_finalizing():  # NumPy is gone, but an unfinished iterator still ends
            return
        if mapped is not None and self._page_cache.advise is not None:
            max_between = _MAX_BETWEEN if advice == _WILL_NEED else 0
            self._page_cache.advise(*mapped.pages(blocks, max_between=max_between), advice)


def _whole(mapped: MappedArray) -> Blocks:
    return np.zeros(1, np.int64), np.array([len(mapped.array)])


def _items(offsets: NDArray[np.int64], starts: Entries, counts: Entries, num_items: int) -> Blocks:
    """Return the items of the lists of blocks, none past the content, even in damaged files."""
    first = np.clip(offsets[starts], 0, num_items)
    return first, np.clip(offsets[starts + counts], first, num_items) - first
