"""Summarizes values in one pass, compiled by Numba."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import inlined, inlined_sum, kernel, run_kernel
from memmpy.typing import Array

__all__ = ["summarize"]

#: Values that are summarized together; they stay in the nearest cache, so that more than one loop
#: over them costs one pass over the memory.
_BLOCK = 1024
#: Other dtypes go into one of these without loss, so that few versions are compiled.
_WIDER = dict.fromkeys(("b1", "i1", "u1", "i2", "u2"), "i4") | {"f2": "f4", "u4": "i8"}
#: Counts of neighbours go to different places, so that none waits for the one before.
_NUM_LANES = 4


def summarize(
    values: Array, low: float, high: float, num_bins: int, shift: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], Array, NDArray[np.int64]]:
    """Return counts, moments, extremes and bins: see `memmpy.kernels.summarize`."""
    native = values.dtype.newbyteorder("=")
    plain: Array = np.ascontiguousarray(values, _WIDER.get(native.str[1:], native)).view()
    plain.flags.writeable = False
    counts, moments = np.zeros(4, np.int64), np.zeros(2)
    extremes: Array = np.zeros(2, plain.dtype)
    bins = np.zeros((_NUM_LANES, num_bins), np.int64)
    numbers = np.array([low, num_bins / (high - low), shift])
    scratch: Array = np.empty((2, _BLOCK), plain.dtype)
    distances = np.empty(_BLOCK)
    run_kernel(_summarize, plain, numbers, scratch, distances, counts, moments, extremes, bins)
    return counts, moments, extremes, bins.sum(axis=0)


@inlined_sum
def _doubt(values: Array) -> Any:
    """Return NaN if a value is not finite, else 0."""
    doubt = values[0] - values[0]
    for i in range(len(values)):
        doubt += values[i] - values[i]
    return np.float64(doubt)


@inlined_sum
def _num_zero(values: Array) -> Any:
    num = np.int64(0)
    for i in range(len(values)):
        num += values[i] == 0
    return num


@inlined
def _find_distances(values: Array, shift: float, distances: NDArray[np.float64]) -> None:
    # Not where sums are made: there LLVM would subtract the mean and the shift in one.
    for i in range(len(values)):
        distances[i] = np.float64(values[i]) - shift


@inlined_sum
def _mean(distances: NDArray[np.float64]) -> Any:
    total = np.float64(0)
    for i in range(len(distances)):
        total += distances[i]
    return total / len(distances)


@inlined_sum
def _squares(distances: NDArray[np.float64], mean: float) -> Any:
    total = np.float64(0)
    for i in range(len(distances)):
        total += (distances[i] - mean) * (distances[i] - mean)
    return total


@inlined
def _least(values: Array, scratch: Array) -> Any:
    """Return the least value: halves are compared place by place, which LLVM does at a time."""
    num = len(values)
    half = (num + 1) >> 1
    for i in range(half):
        one, other = values[i], values[num - half + i]
        scratch[i] = one if one < other else other  # noqa: FURB136 - Numba's min looks for NaN
    while half > 1:
        num = half
        half = (num + 1) >> 1
        for i in range(half):
            one, other = scratch[i], scratch[num - half + i]
            scratch[i] = one if one < other else other  # noqa: FURB136
    return scratch[0]


@inlined
def _greatest(values: Array, scratch: Array) -> Any:
    """Return the greatest value; see `_least`."""
    num = len(values)
    half = (num + 1) >> 1
    for i in range(half):
        one, other = values[i], values[num - half + i]
        scratch[i] = one if one > other else other  # noqa: FURB136
    while half > 1:
        num = half
        half = (num + 1) >> 1
        for i in range(half):
            one, other = scratch[i], scratch[num - half + i]
            scratch[i] = one if one > other else other  # noqa: FURB136
    return scratch[0]


@inlined
def _find_bins(
    values: Array, low: float, factor: float, last: float, places: NDArray[np.float64]
) -> None:
    for i in range(len(values)):
        place = (np.float64(values[i]) - low) * factor
        place = place if place > 0.0 else 0.0  # noqa: FURB136
        places[i] = place if place < last else last  # noqa: FURB136


@inlined
def _finite_of(values: Array, scratch: Array, counts: NDArray[np.int64]) -> Array:
    """Return the finite values of a block, and count the others."""
    num = 0
    for value in values:
        if value != value:  # noqa: PLR0124 - NaN
            counts[1] += 1
        elif value - value != 0:
            counts[2] += 1
        else:
            scratch[num] = value
            num += 1
    return scratch[:num]


@kernel
def _summarize(
    values: Array,
    numbers: NDArray[np.float64],
    scratch: Array,
    distances: NDArray[np.float64],
    counts: NDArray[np.int64],
    moments: NDArray[np.float64],
    extremes: Array,
    bins: NDArray[np.int64],
) -> None:
    low, factor, shift = numbers[0], numbers[1], numbers[2]
    last = np.float64(bins.shape[1] - 1)
    rest, halves = scratch[0], scratch[1]
    for start in range(0, len(values), _BLOCK):
        block = values[start : start + _BLOCK]
        if _doubt(block) != 0:
            block = _finite_of(block, rest, counts)
            if not len(block):
                continue
        counts[3] += _num_zero(block)
        _find_distances(block, shift, distances)
        mean = _mean(distances[: len(block)])
        squares = _squares(distances[: len(block)], mean)
        least, greatest = _least(block, halves), _greatest(block, halves)
        num, more = counts[0], len(block)
        if num:
            share = more / (num + more)
            between = mean - moments[0]
            moments[0] += between * share
            moments[1] += squares + between * between * num * share
            extremes[0] = min(extremes[0], least)
            extremes[1] = max(extremes[1], greatest)
        else:
            moments[0], moments[1] = mean, squares
            extremes[0], extremes[1] = least, greatest
        counts[0] = num + more
        _find_bins(block, low, factor, last, distances)
        for i in range(more):
            bins[np.uint64(i & (_NUM_LANES - 1)), np.uint64(np.int64(distances[i]))] += 1
