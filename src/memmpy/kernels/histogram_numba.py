"""Fills values into the bins of a histogram, compiled by Numba."""

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Array, Entries

__all__ = ["fill_bins"]

#: Other dtypes go into one of these without loss; int64 and uint64 are compared as float64.
_WIDER = dict.fromkeys(("b1", "i1", "u1", "i2", "u2"), "i4")
_WIDER |= {"f2": "f4", "u4": "f8", "i8": "f8", "u8": "f8"}
#: Values that are searched together; they stay in the nearest cache.
_BLOCK = 1024
_NONE = np.empty(0, np.int64)


def fill_bins(
    values: Array,
    edges: NDArray[np.float64],
    offsets: Entries | None,
    groups: Entries | None,
    num_groups: int,
    weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of weights of each bin: see `memmpy.kernels.fill_bins`."""
    native = values.dtype.newbyteorder("=")
    plain = np.ascontiguousarray(values, _WIDER.get(native.str[1:], native))
    plain = plain.view()
    plain.flags.writeable = False
    bins = np.empty(len(plain), np.int32)
    if _is_even(edges):
        run_kernel(_find_even_bins, plain, edges, bins)
    else:
        # A search halves the edges again and again: with infinity, they are 2**k - 1.
        num = len(edges)
        steps = np.full((1 << num.bit_length()) - 1, np.inf)
        steps[:num] = edges
        run_kernel(_find_bins, plain, steps, np.int32(num), bins)
    if offsets is not None and groups is None:
        groups = np.zeros(len(offsets) - 1, np.int64)
    starts = _NONE if offsets is None else offsets - offsets[0]
    rows = _NONE if groups is None else np.ascontiguousarray(groups)
    # Entries with -1 are added to the last row, which is dropped.
    shape = num_groups + 1, len(edges) + 2
    if weights is None:
        counts = np.zeros(shape, np.int64)
        run_kernel(_count, bins, starts, rows, counts)
        sums = counts[:-1].astype(np.float64)
        return sums, sums.copy()
    sums, squares = np.zeros((2, *shape))
    run_kernel(_sum, bins, starts, rows, np.ascontiguousarray(weights), sums, squares)
    return sums[:-1], squares[:-1]


def _is_even(edges: NDArray[np.float64]) -> bool:
    """Return whether a division finds the bin of any value, or one beside it.

    The place of a value rises with the value, also when rounded. So if the edges have the right
    places to half a bin, the values between them have those to one bin.
    """
    num = len(edges) - 1
    with np.errstate(all="ignore"):
        places = (edges - edges[0]) * (num / (edges[-1] - edges[0]))
        return bool((np.abs(places - np.arange(num + 1)) < 0.5).all())


@kernel
def _find_even_bins(values: Array, edges: NDArray[np.float64], bins: NDArray[np.int32]) -> None:
    num = len(edges) - 1
    low, last = edges[0], np.float64(num - 1)
    factor = num / (edges[num] - low)
    for i in range(len(values)):
        value = np.float64(values[i])
        place = (value - low) * factor
        place = place if place > 0.0 else 0.0  # noqa: FURB136 - 0 for NaN, too
        place = min(place, last)
        at = np.int32(place)
        found = at + np.int32(value >= edges[at]) + np.int32(value >= edges[at + 1])
        bins[i] = found if value == value else num + 2  # noqa: PLR0124 - NaN


@kernel
def _find_bins(
    values: Array, steps: NDArray[np.float64], num: np.int32, bins: NDArray[np.int32]
) -> None:
    for start in range(0, len(values), _BLOCK):
        own = values[start : start + _BLOCK]
        at = bins[start : start + _BLOCK]
        at[:] = 0
        half = np.int32(np.int64(len(steps) + 1) >> 1)
        # All values take each step together, so that no branch depends on a value.
        while half > 0:
            for i in range(len(own)):
                at[i] += half * np.int32(steps[at[i] + half - 1] <= np.float64(own[i]))
            half >>= np.int32(1)
        for i in range(len(own)):
            at[i] = min(at[i], num) if own[i] == own[i] else num + 1


@kernel
def _count(
    bins: NDArray[np.int32], offsets: Entries, rows: Entries, counts: NDArray[np.int64]
) -> None:
    if len(offsets):
        for entry in range(len(rows)):
            row = counts[rows[entry]]
            for i in range(offsets[entry], offsets[entry + 1]):
                row[bins[i]] += 1
    elif len(rows):
        for i in range(len(bins)):
            counts[rows[i], bins[i]] += 1
    else:
        row = counts[0]
        for i in range(len(bins)):
            row[bins[i]] += 1


@kernel
def _sum(
    bins: NDArray[np.int32],
    offsets: Entries,
    rows: Entries,
    weights: NDArray[np.float64],
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
) -> None:
    if len(offsets):
        for entry in range(len(rows)):
            row, weight = rows[entry], weights[entry]
            for i in range(offsets[entry], offsets[entry + 1]):
                sums[row, bins[i]] += weight
                squares[row, bins[i]] += weight * weight
    else:
        for i in range(len(bins)):
            row = rows[i] if len(rows) else 0
            sums[row, bins[i]] += weights[i]
            squares[row, bins[i]] += weights[i] * weights[i]
