"""What the kernel is asked for ahead of its use, and what it may drop behind.

Where the rows of an epoch are not in memory, a thread that touches one waits for the disk, and the
kernel reads megabytes around it which nobody wants, at the cost of those that somebody does. So
the kernel is told which pages are read soon, many at once, and to read no others. Where all of
them are much more than memory holds, it is told which ones have been read, too.

Only maps that are read-only, and of files, are ever spoken of; to lose a page of them loses
nothing.
"""

import mmap
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array, Entries

__all__ = [
    "Advise",
    "Ahead",
    "Blocks",
    "Pager",
    "Reading",
    "advise_of",
    "in_memory",
    "is_much_more",
    "map_of",
    "page_ranges",
]

Part = TypeVar("Part")
Result = TypeVar("Result")

#: Starts and counts of runs of items.
Blocks: TypeAlias = tuple[Entries, Entries]

#: What Linux calls these; Python has no name for the last.
_NORMAL, _RANDOM, _WILL_NEED, _PAGE_OUT = 0, 1, 3, 21
#: Places of some rows of which it is asked whether they are in memory, at 0.5 us each.
_NUM_SAMPLES = 64
#: Below so many times the memory, what stays of an epoch serves the next one well.
_MUCH_MORE = 2


class Advise(Protocol):
    """Tells the kernel about pages: addresses where runs of them begin, and their bytes."""

    def __call__(self, starts: Entries, num_bytes: Entries, advice: int, /) -> None:
        """Tell it; whether it listens is its own affair."""
        ...


def advise_of(*, compiled: bool) -> Advise | None:
    """Return what tells the kernel; None where it could not, or would hold a lock of Python's."""
    if not (compiled and sys.platform == "linux" and hasattr(mmap, "MADV_WILLNEED")):
        return None
    from memmpy.compiling import ENABLED

    if not ENABLED:
        return None
    from memmpy.loaders.compiled_paging import advise

    return advise


def page_ranges(address: int, item_bytes: int, blocks: Blocks) -> Blocks:
    """Return the pages that hold blocks of items, each once.

    Parameters
    ----------
    address : int
        Of the first item.
    item_bytes : int
        Bytes of an item.
    blocks : (starts, counts)
        Of items, in any order; may overlap.

    Returns
    -------
    starts, num_bytes : int64 arrays
        The addresses of runs of pages, ascending, apart from each other, and their bytes.
    """
    starts, counts = blocks
    first = (address + starts * item_bytes) // mmap.PAGESIZE
    stop = -(-(address + (starts + counts) * item_bytes) // mmap.PAGESIZE)
    some = counts * item_bytes > 0
    first, stop = first[some], stop[some]
    order = np.argsort(first, kind="stable")
    first, stop = first[order], np.maximum.accumulate(stop[order])
    begins = np.flatnonzero(np.append(True, first[1:] > stop[:-1])[: len(first)])
    ends = np.append(begins[1:], len(first))[: len(begins)] - 1
    return first[begins] * mmap.PAGESIZE, (stop[ends] - first[begins]) * mmap.PAGESIZE


def is_much_more(num_bytes: int, memory: int | None) -> bool:
    """Say whether data is so much more than memory that none of it stays until it is read again."""
    return memory is not None and num_bytes > _MUCH_MORE * memory


def map_of(array: Any) -> Any:  # Any: a memory map of any dtype
    """Return the memory map that an array is a view of, or None."""
    found = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(array.filename, str | Path):
            found = array
        array = array.base
    return found


def in_memory(array: Array, *, start: int, stop: int, num_samples: int) -> float:
    """Return which part of an array's bytes start..stop-1 is in memory, seen in samples.

    All of it is, where there is no file, or the system cannot tell. To ask for a page makes some
    kernels read it, so each call looks at other places.
    """
    mapped = map_of(array)
    if mapped is None or start >= stop or not hasattr(os, "RWF_NOWAIT"):
        return 1.0
    first = mapped.offset + array.ctypes.data - mapped.ctypes.data
    places = first + np.random.default_rng().integers(start, stop, num_samples)
    try:
        file = os.open(str(mapped.filename), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # removed since: who has it mapped keeps it
        return 1.0
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_RANDOM)  # and nothing around it
        return sum(_is_in_memory(file, place) for place in places.tolist()) / len(places)
    finally:
        os.close(file)


def _is_in_memory(file: int, place: int) -> bool:
    try:
        return os.preadv(file, [bytearray(1)], place, os.RWF_NOWAIT) == 1
    except BlockingIOError:
        return False
    except OSError:  # the file system cannot tell
        return True


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
@dataclass(frozen=True, slots=True)
class Ahead:
    """How far ahead the kernel is asked for parts of an epoch, and how far behind they are dropped.

    Parameters
    ----------
    num_ahead : int
        In parts, at least 1. What tells where lists lie is asked for that many before again.
    num_behind : int or None
        In parts: as many as are on their way at once, at least. None where nothing is dropped.
    """

    num_ahead: int
    num_behind: int | None

    def tasks(
        self,
        parts: Iterable[Part],
        do: Callable[[Part], Result],
        *,
        blocks_of: Callable[[Part], Blocks],
        pager: "Pager",
    ) -> Generator[Callable[[], Result], None, None]:
        """Yield what does the parts, in order: each asks for a later one, and drops an earlier one.

        Tasks may run in any thread.
        """
        waiting = iter(parts)
        soon: deque[Part] = deque()  # from the one to do to the last one asked for
        done: deque[Part] = deque()
        num_asked = 0  # of those in `soon` that are wholly asked for
        while True:
            told = list(islice(waiting, 2 * self.num_ahead + 1 - len(soon)))
            soon.extend(told)
            if not soon:
                return
            num_wanted = min(len(soon), self.num_ahead + 1)
            asked = list(islice(soon, num_asked, num_wanted))
            num_asked = num_wanted - 1
            part = soon.popleft()
            if self.num_behind is not None:
                done.append(part)
            is_left = self.num_behind is not None and len(done) > self.num_behind
            dropped = [done.popleft()] if is_left else []
            yield partial(_do, part, do, told, asked, dropped, blocks_of, pager)


def _do(
    part: Part,
    do: Callable[[Part], Result],
    told: Sequence[Part],
    asked: Sequence[Part],
    dropped: Sequence[Part],
    blocks_of: Callable[[Part], Blocks],
    pager: "Pager",
) -> Result:
    for later in told:
        pager.ask_offsets(later, blocks_of)
    for later in asked:
        pager.ask(blocks_of(later))
    result = do(part)
    for earlier in dropped:
        pager.drop(blocks_of(earlier))
    return result


@final
class Pager:
    """Speaks with the kernel about the rows of a skim, and the lists beside them.

    Parameters
    ----------
    rows : array of shape (n,)
        The rows.
    lists : mapping of key to (content, offsets)
        The lists.
    advise : Advise or None
        What tells the kernel; where it is None, and of arrays that are no memory map of a file,
        nothing is said.
    """

    def __init__(
        self,
        rows: Array,
        lists: Mapping[str, tuple[Array, NDArray[np.int64]]],
        *,
        advise: Advise | None,
    ) -> None:
        self._advise = advise
        self._rows = _Mapped.over(rows)
        self._lists = [
            (_Mapped.over(content), _Mapped.over(offsets), offsets)
            for content, offsets in lists.values()
        ]

    @property
    def _maps(self) -> "list[_Mapped]":
        lists = [mapped for content, offsets, _ in self._lists for mapped in (content, offsets)]
        return [mapped for mapped in (self._rows, *lists) if mapped is not None]

    @property
    def can_ask(self) -> bool:
        """Whether there is anything to speak of."""
        return self._advise is not None and bool(self._maps)

    def measure(self, ranges: Sequence[range]) -> tuple[int, float]:
        """Return the bytes of some rows with their lists, and which part of that is in memory."""
        sizes, shares = [0], [1.0]
        for rows in ranges:
            spans = [(self._rows, rows.start, rows.stop)]
            for content, places, offsets in self._lists:
                spans.append((places, rows.start, rows.stop + 1))
                spans.append((content, int(offsets[rows.start]), int(offsets[rows.stop])))
            for mapped, first, end in spans:
                if mapped is not None:
                    start, stop = first * mapped.item_bytes, end * mapped.item_bytes
                    share = in_memory(
                        mapped.array, start=start, stop=stop, num_samples=_NUM_SAMPLES
                    )
                    sizes.append(stop - start)
                    shares.append(share)
        return sum(sizes), float(np.average(shares, weights=sizes)) if any(sizes) else 1.0

    def read_at_random(self, at_random: bool) -> None:
        """Tell whether to read only what is asked for, or what lies around that as well."""
        for mapped in self._maps:
            whole = np.zeros(1, np.int64), np.array([len(mapped.array)])
            self._tell(mapped, whole, _RANDOM if at_random else _NORMAL)

    def ask_offsets(self, part: Part, blocks_of: Callable[[Part], Blocks]) -> None:
        """Ask for the pages that tell where the lists of a part lie, where there are lists."""
        if self._lists:
            starts, counts = blocks_of(part)
            for _, places, _ in self._lists:
                self._tell(places, (starts, counts + 1), _WILL_NEED)

    def ask(self, blocks: Blocks) -> None:
        """Ask for the pages of rows and of their lists; reads where these lie."""
        self._tell(self._rows, blocks, _WILL_NEED)
        for content, _, offsets in self._lists:
            self._tell(content, _items(offsets, blocks), _WILL_NEED)

    def drop(self, blocks: Blocks) -> None:
        """Drop the pages of rows and of their lists from memory, where other processes allow."""
        starts, counts = blocks
        for content, places, offsets in self._lists:
            self._tell(content, _items(offsets, blocks), _PAGE_OUT)
            self._tell(places, (starts, counts + 1), _PAGE_OUT)
        self._tell(self._rows, blocks, _PAGE_OUT)

    def _tell(self, mapped: "_Mapped | None", blocks: Blocks, advice: int) -> None:
        if mapped is not None and self._advise is not None:
            self._advise(*page_ranges(mapped.address, mapped.item_bytes, blocks), advice)


@final
@dataclass(frozen=True, slots=True)
class _Mapped:
    """An array that lies in a read-only map of a file."""

    array: Array
    address: int
    item_bytes: int

    @staticmethod
    def over(array: Array) -> "_Mapped | None":
        mapped = map_of(array)
        if mapped is None or mapped.mode != "r" or not array.nbytes:
            return None
        if not array.flags.c_contiguous:
            return None
        return _Mapped(array, array.ctypes.data, array.nbytes // len(array))


def _items(offsets: NDArray[np.int64], blocks: Blocks) -> Blocks:
    """Return the items of the lists of blocks."""
    starts, counts = blocks
    first = offsets[starts]
    return first, offsets[starts + counts] - first
