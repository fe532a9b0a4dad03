"""Gathers lists, compiled by Numba."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import (
    address_of,
    copy_bytes,
    kernel,
    load_int64,
    move_32,
    prefetch,
    run_kernel,
)
from memmpy.kernels.offsets import wrong_lists
from memmpy.typing import Array, Entries

__all__ = ["place_entries", "take_lists", "take_lists_into"]

_LINE = np.uint64(64)
#: How many lists ahead memory is prefetched.
_AHEAD = np.uint64(16)
#: How many bytes of a long list are prefetched: the processor foresees the rest.
_MAX_AHEAD = np.uint64(256)


def take_lists(
    content: Array, offsets: NDArray[np.int64], entries: Entries, *, of: str
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of the given lists: see `memmpy.kernels.take_lists`."""
    return take_lists_into(
        content,
        offsets,
        entries,
        of=of,
        begins=np.empty(len(entries), np.int64),
        taken=np.empty(len(entries) + 1, np.int64),
        empty=lambda num_bytes: np.empty(num_bytes, np.uint8),
    )


def take_lists_into(
    content: Array,
    offsets: NDArray[np.int64],
    entries: Entries,
    *,
    of: str,
    begins: NDArray[np.int64],
    taken: NDArray[np.int64],
    empty: Callable[[int], NDArray[np.uint8]],
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of the given lists, in memory of the caller's.

    Parameters
    ----------
    content, offsets, entries, of
        See `memmpy.kernels.take_lists`; entries are not checked.
    begins : int64 array of shape (m,)
        Memory to work with.
    taken : int64 array of shape (m + 1,)
        Filled with the offsets that are returned.
    empty : callable
        Returns memory of a number of bytes, aligned for the content.
    """
    num, num_items = len(entries), len(content)
    where = address_of(offsets), address_of(entries)
    # From here on only checked numbers are used, even if someone writes to the offsets.
    counted = run_kernel(
        count_items, *where, np.uint64(num), num_items, begins, taken, owners=(offsets, entries)
    )
    if not counted:
        raise wrong_lists(offsets, num_items, entries=entries, of=of)
    num_taken = int(taken[-1])
    item_bytes = content.nbytes // num_items if num_items else 0
    items = empty(num_taken * item_bytes).view(content.dtype)
    run_kernel(
        copy_lists,
        address_of(content),
        np.uint64(content.nbytes),
        np.uint64(item_bytes),
        begins,
        taken,
        address_of(items),
        owners=(content, items),
    )
    return items.reshape(num_taken, *content.shape[1:]), taken


@kernel
def place_entries(
    starts: Entries, counts: Entries, places: NDArray[np.uint32], entries: Entries
) -> None:
    """Fill each place of `entries` with the entry of the blocks that goes there."""
    done = 0
    for b in range(len(starts)):
        for i in range(counts[b]):
            entries[places[done + i]] = starts[b] + i
        done += counts[b]


@kernel
def count_items(
    offsets: np.uint64,
    entries: np.uint64,
    num: np.uint64,
    num_items: int,
    begins: NDArray[np.int64],
    taken: NDArray[np.int64],
) -> bool:
    """Find where each list begins in the content, and where in the result."""
    total = np.int64(0)
    taken[0] = 0
    for i in range(num):
        if i + _AHEAD < num:
            entry = load_int64(entries + np.uint64(8) * (i + _AHEAD))
            prefetch(offsets + np.uint64(8) * np.uint64(entry))
        place = offsets + np.uint64(8) * np.uint64(load_int64(entries + np.uint64(8) * i))
        start, stop = load_int64(place), load_int64(place + np.uint64(8))
        if not 0 <= start <= stop <= num_items:
            return False
        total += stop - start
        begins[i] = start
        taken[i + np.uint64(1)] = total
    return True


@kernel
def copy_lists(
    content: np.uint64,
    num_bytes: np.uint64,
    item_bytes: np.uint64,
    begins: NDArray[np.int64],
    taken: NDArray[np.int64],
    items: np.uint64,
) -> None:
    """Copy the lists that `count_items` found."""
    stop_of_content = content + num_bytes
    stop_of_items = items + np.uint64(taken[-1]) * item_bytes
    for i in range(len(begins)):
        ahead = i + np.int64(_AHEAD)
        if ahead < len(begins):
            line = content + np.uint64(begins[ahead]) * item_bytes
            stop = line + min(np.uint64(taken[ahead + 1] - taken[ahead]) * item_bytes, _MAX_AHEAD)
            while line < stop:
                prefetch(line)
                line += _LINE
        source = content + np.uint64(begins[i]) * item_bytes
        destination = items + np.uint64(taken[i]) * item_bytes
        size = np.uint64(taken[i + 1] - taken[i]) * item_bytes
        whole = (size + np.uint64(31)) & ~np.uint64(31)
        if source + whole <= stop_of_content and destination + whole <= stop_of_items:
            # The next lists overwrite the bytes that are moved too much.
            for at in range(np.uint64(0), size, np.uint64(32)):
                move_32(destination + at, source + at)
        else:
            copy_bytes(destination, source, size)
