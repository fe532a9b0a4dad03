"""The kernels in NumPy: slow and clear; they define the right result."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.kernels.offsets import check_offsets, offsets_of, wrong_lists
from memmpy.typing import Array, Entries, Mask

__all__ = [
    "count_true",
    "fill_bins",
    "join_arrays",
    "max_lists",
    "min_lists",
    "pad_jagged",
    "strip_headers",
    "sum_lists",
    "take_jagged",
]


def join_arrays(arrays: Sequence[Array]) -> Array:
    """Return the entries of arrays, at least one, one after the other: a copy.

    If all have one dtype, so has the result, with its byte order, padding and metadata, which
    `np.concatenate` loses. Else it has the dtype to which NumPy promotes them.
    """
    first = arrays[0]
    if any(array.dtype != first.dtype for array in arrays):
        return np.concatenate(arrays)
    joined: Array = np.empty((sum(map(len, arrays)), *first.shape[1:]), first.dtype)
    return np.concatenate(arrays, out=joined)


def take_jagged(
    content: Array, offsets: NDArray[np.int64], entries: Entries, *, of: str = ""
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of the given lists, in their order.

    Parameters
    ----------
    content : array of shape (k, ...)
        The items of all lists, of any dtype and strides.
    offsets : int64 array of shape (n + 1,)
        Where each list starts and stops in `content`.
    entries : int64 array
        The lists, each from 0 to n - 1; may repeat.
    of : str
        The name of the lists in errors.

    Raises
    ------
    CorruptStoreError
        If the offsets of these lists fall or lead out of the content.
    """
    starts, stops = offsets[entries], offsets[entries + 1]
    # Before anything is subtracted, which might overflow.
    if np.any((starts < 0) | (starts > stops) | (stops > len(content))):
        raise wrong_lists(offsets, len(content), entries=entries, of=of)
    counts = stops - starts
    taken = offsets_of(counts)
    items = np.repeat(starts - taken[:-1], counts)
    items += np.arange(len(items))
    return np.take(content, items, axis=0), taken


def pad_jagged(content: Array, offsets: NDArray[np.int64], length: int, fill: Any) -> Array:
    """Return an array of shape (n, length, ...): lists truncated or padded to one length.

    The dtype stays that of `content`; `fill` must fit it.
    """
    num = len(offsets) - 1
    padded = np.full((num, length, *content.shape[1:]), fill, content.dtype)
    counts = np.minimum(np.diff(offsets), length)
    rows = np.repeat(np.arange(num), counts)
    columns = np.arange(len(rows)) - np.repeat(offsets_of(counts)[:-1], counts)
    padded[rows, columns] = content[offsets[rows] + columns]
    return padded


def sum_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the sum of each list: see `memmpy.kernels.sum_lists`."""
    starts, content = _starts_and_items(content, offsets)
    if content.dtype.kind == "f":
        counts = np.diff(starts)
        rows = np.repeat(np.arange(len(counts)), counts)
        # Adds in order, which reduceat does not.
        sums = np.bincount(rows, weights=content, minlength=len(counts))
        return sums.astype(np.float64, copy=False)  # int64 where there is no list
    # Differences of sums modulo 2**64 are right even where the sums wrap.
    totals = np.zeros(len(content) + 1, np.uint64 if content.dtype == np.uint64 else np.int64)
    np.cumsum(content, out=totals[1:])
    return np.diff(totals[starts])


def count_true(mask: Mask, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many items of each list are true: see `memmpy.kernels.count_true`."""
    return sum_lists(mask, offsets)


def min_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the least item of each list: see `memmpy.kernels.min_lists`."""
    return _reduce(np.fmin, content, offsets)


def max_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the greatest item of each list: see `memmpy.kernels.max_lists`."""
    return _reduce(np.fmax, content, offsets)


def _reduce(reduction: np.ufunc, content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the reduction of each list, and 0 for the empty ones."""
    starts, content = _starts_and_items(content, offsets)
    dtype = np.dtype(np.float32) if content.dtype == np.float16 else content.dtype
    reduced = np.zeros(len(starts) - 1, dtype.newbyteorder("="))
    filled = np.flatnonzero(np.diff(starts))
    # Without the empty lists, each of which reduceat would take for one item.
    if len(filled):
        reduced[filled] = reduction.reduceat(content, starts[filled])
    return reduced


def _starts_and_items(
    content: Array, offsets: NDArray[np.int64]
) -> tuple[NDArray[np.int64], Array]:
    """Return the n+1 places in the content, and the content up to the last of them."""
    starts = offsets - offsets[0]
    check_offsets(starts, len(content))
    return starts, content[: starts[-1]]


def strip_headers(
    octets: NDArray[np.uint8], bounds: NDArray[np.integer[Any]], header: int, dtype: np.dtype[Any]
) -> Array:
    """Return the items of records that each begin with bytes to skip, in the byte order of `dtype`.

    Parameters
    ----------
    octets : uint8 array
        The records.
    bounds : integer array of shape (n + 1,)
        Record i is ``octets[bounds[i] : bounds[i + 1]]``.
    header : int
        Bytes to skip at the beginning of each.
    dtype : np.dtype
        The dtype that items have in the records, of any byte order.

    Returns
    -------
    array of shape (m,)

    Raises
    ------
    CorruptStoreError
        If the bounds fall or lead out, or a record is not a header and whole items.
    """
    starts = bounds[:-1].astype(np.int64) + header
    counts = bounds[1:] - starts
    if len(counts) and (
        starts.min() < header
        or counts.min() < 0
        or bounds.max() > len(octets)
        or np.any(counts % dtype.itemsize)
    ):
        raise CorruptStoreError("records do not hold a header and whole items")
    keep = np.zeros(len(octets) + 1, np.int8)
    np.add.at(keep, starts, 1)
    np.add.at(keep, bounds[1:], -1)
    items = octets[np.cumsum(keep[:-1], dtype=np.int8).view(np.bool_)]
    return items.view(dtype)


def fill_bins(
    values: Array,
    edges: NDArray[np.float64],
    offsets: Entries | None,
    groups: Entries | None,
    num_groups: int,
    weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of weights of each bin: see `memmpy.kernels.fill_bins`."""
    if offsets is not None:
        counts = np.diff(offsets)
        values = values[: counts.sum()]
        groups = None if groups is None else np.repeat(groups, counts)
        weights = None if weights is None else np.repeat(weights, counts)
    if groups is not None:
        is_kept = groups >= 0
        values, groups = values[is_kept], groups[is_kept]
        weights = None if weights is None else weights[is_kept]
    numbers = values.astype(np.float64, copy=False)
    bins = np.searchsorted(edges, numbers, side="right")
    bins[np.isnan(numbers)] = len(edges) + 1
    shape = num_groups, len(edges) + 2
    if groups is not None:
        bins += groups * shape[1]
    size = shape[0] * shape[1]
    with np.errstate(all="ignore"):
        sums, squares = (
            np.bincount(bins, factors, minlength=size).astype(np.float64).reshape(shape)
            for factors in (weights, None if weights is None else weights**2)
        )
    return sums, squares
