"""Where arrays lie in files: the pages of their items, and which share of these is in memory."""

import mmap
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, final

import numpy as np

from memmpy.typing import Array, Entries

__all__ = [
    "Blocks",
    "MappedArray",
    "describe_mapped_column",
    "in_memory",
    "map_of",
    "one_by_one",
    "page_ranges",
    "release_pages",
]

#: Starts and counts of runs of items.
Blocks: TypeAlias = tuple[Entries, Entries]


def one_by_one(entries: Entries) -> Blocks:
    """Return items as blocks of one."""
    return entries, np.ones(len(entries), np.int64)


def page_ranges(address: int, item_bytes: int, blocks: Blocks, *, max_between: int = 0) -> Blocks:
    """Return the pages of blocks of items, each once.

    Parameters
    ----------
    address : int
        The address of the first item.
    item_bytes : int
        Bytes of an item.
    blocks : (starts, counts)
        Blocks of items, in any order; may overlap.
    max_between : int
        Runs with at most this many pages between them become one, with these pages.

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
    begins = np.flatnonzero(np.append(True, first[1:] > stop[:-1] + max_between)[: len(first)])
    ends = np.append(begins[1:], len(first))[: len(begins)] - 1
    return first[begins] * mmap.PAGESIZE, (stop[ends] - first[begins]) * mmap.PAGESIZE


def map_of(array: Any) -> Any:  # Any: a memory map of any dtype
    """Return the memory map that an array is a view of, or None."""
    mapped = None
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap) and isinstance(array.filename, str | Path):
            mapped = array
        array = array.base
    return mapped


def release_pages(arrays: Iterable[Array]) -> None:
    """Take the pages of read-only maps out of this process; they stay in the memory of the OS.

    They no longer count for the process, and come back when they are read.
    """
    if not hasattr(mmap, "MADV_DONTNEED"):  # only on Linux and macOS
        return
    for array in arrays:
        mapped = map_of(array)
        if mapped is not None and mapped.mode == "r" and isinstance(mapped.base, mmap.mmap):
            mapped.base.madvise(mmap.MADV_DONTNEED)


def describe_mapped_column(key: str, array: Array) -> str:
    """Return the name of a column in errors: its key, and the store of its file."""
    mapped = map_of(array)
    where = "" if mapped is None else f" of {str(Path(mapped.filename).parent)!r}"
    return f"column {key!r}{where}"


def in_memory(array: Array, *, start: int, stop: int, num_samples: int) -> float:
    """Return which share of an array's bytes start..stop-1 is in memory, estimated from samples.

    It is 1 if there is no file, or the OS cannot tell. On some systems the question itself makes
    the OS read the page, so each call samples other places.
    """
    mapped = map_of(array)
    if mapped is None or start >= stop or not hasattr(os, "RWF_NOWAIT"):
        return 1.0
    first = mapped.offset + array.ctypes.data - mapped.ctypes.data
    places = first + np.random.default_rng().integers(start, stop, num_samples)
    try:
        file = os.open(str(mapped.filename), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # removed since then: the map keeps its data
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
class MappedArray:
    """An array that lies in a read-only map of a file.

    Parameters
    ----------
    array : array of shape (n, ...)
        Not empty, and contiguous.
    """

    array: Array

    @staticmethod
    def over(array: Array) -> "MappedArray | None":
        """Return the array with its map; None if it lies in no such map."""
        mapped = map_of(array)
        if mapped is None or mapped.mode != "r" or not array.nbytes:
            return None
        return MappedArray(array) if array.flags.c_contiguous else None

    @property
    def item_bytes(self) -> int:
        """Bytes of an item."""
        return self.array.nbytes // len(self.array)

    def pages(self, blocks: Blocks, *, max_between: int = 0) -> Blocks:
        """Return the pages of blocks of items: see `page_ranges`."""
        address, size = self.array.ctypes.data, self.item_bytes
        return page_ranges(address, size, blocks, max_between=max_between)

    def in_memory(self, start: int, stop: int, *, num_samples: int) -> float:
        """Return which share of the items start..stop-1 is in memory: see `in_memory`."""
        size = self.item_bytes
        return in_memory(self.array, start=start * size, stop=stop * size, num_samples=num_samples)
