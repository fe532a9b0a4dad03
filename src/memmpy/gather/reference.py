"""The kernels in NumPy: slow, clear, and what defines a right answer."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.typing import Array, Entries

__all__ = ["offsets_of", "pad_jagged", "take_jagged"]


def offsets_of(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the n+1 offsets, starting at 0, of n counts."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def take_jagged(
    content: Array, offsets: NDArray[np.int64], entries: Entries
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of the given entries, in their order.

    Parameters
    ----------
    content : array of shape (offsets[-1], ...)
        The items of all entries.
    offsets : int64 array of shape (n + 1,)
        Where each entry starts and stops in `content`.
    entries : int64 array
        Each from 0 to n - 1; may repeat.

    Raises
    ------
    CorruptStoreError
        If the offsets of these entries cannot be right.
    """
    starts = offsets[entries]
    counts = offsets[entries + 1] - starts
    if len(entries) and (counts.min() < 0 or starts.min() < 0 or starts.max() > len(content)):
        raise CorruptStoreError("offsets fall or lead out of the content: verify the store")
    taken = offsets_of(counts)
    items = np.repeat(starts - taken[:-1], counts)
    items += np.arange(len(items))
    return np.take(content, items, axis=0), taken


def pad_jagged(content: Array, offsets: NDArray[np.int64], length: int, fill: Any) -> Array:
    """Return an array of shape (n, length, ...): entries cut or filled up to one length.

    The dtype stays that of `content`; `fill` must fit it.
    """
    num = len(offsets) - 1
    padded = np.full((num, length, *content.shape[1:]), fill, content.dtype)
    counts = np.minimum(np.diff(offsets), length)
    rows = np.repeat(np.arange(num), counts)
    columns = np.arange(len(rows)) - np.repeat(offsets_of(counts)[:-1], counts)
    padded[rows, columns] = content[offsets[rows] + columns]
    return padded
