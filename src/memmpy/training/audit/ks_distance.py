"""The Kolmogorov-Smirnov distance of two samples, or of files, and its p-value."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from memmpy.training.audit.input_samples import InputSample
from memmpy.typing import Array

__all__ = ["file_distances", "ks_distance", "ks_p_value"]

#: Below this, the sum of Kolmogorov is 1 to double precision.
_LEAST_ROOT = 0.2
#: Values of a file whose distribution is compared.
_MIN_VALUES = 100


def ks_distance(first: Array, second: Array) -> float:
    """Return the greatest distance of the cumulative distributions of two samples.

    Parameters
    ----------
    first, second : arrays of shape (n,) and (m,)
        Ascending, without NaN, not empty.
    """
    points = np.concatenate([first, second])
    below = np.searchsorted(first, points, side="right") / len(first)
    distances = below - np.searchsorted(second, points, side="right") / len(second)
    return float(np.abs(distances).max())


def ks_p_value(distance: float, num_first: float, num_second: float) -> float:
    """Return the probability of a distance at least as large by chance, from one distribution.

    The asymptotic formula with the correction of Stephens (J. R. Stat. Soc. B 32 (1970) 115). With
    ties the true probability is smaller.

    Parameters
    ----------
    distance : float
        The Kolmogorov-Smirnov distance.
    num_first, num_second : float
        The independent values of the samples.
    """
    if not (num_first > 0 and num_second > 0):
        return 1.0
    root = math.sqrt(num_first * num_second / (num_first + num_second))
    scaled = (root + 0.12 + 0.11 / root) * distance
    if scaled < _LEAST_ROOT:
        return 1.0
    terms = ((-1) ** (j - 1) * math.exp(-2.0 * (j * scaled) ** 2) for j in range(1, 101))
    return min(1.0, max(0.0, 2.0 * math.fsum(terms)))


def file_distances(
    sample: InputSample, values: Array, counts: NDArray[np.int64], files: NDArray[np.int64]
) -> Iterator[tuple[int, float, int, float]]:
    """Yield for each file its number, its distance from all others, its values and the p-value.

    The distance of a part from the rest is that of the part from the whole, divided by the share of
    the rest; that from the whole is greatest at a value of the part, or just before one.
    """
    item_files, whole = np.repeat(files, counts), np.sort(values)
    numbers = np.unique(files).tolist()
    if len(numbers) < 2:
        return
    order = np.argsort(item_files, kind="stable")
    edges = np.searchsorted(item_files[order], [*numbers, numbers[-1] + 1])
    for i, file in enumerate(numbers):
        own = np.sort(values[order[edges[i] : edges[i + 1]]])
        num, num_rest = len(own), len(whole) - len(own)
        if min(num, num_rest) < _MIN_VALUES:
            continue
        distance = 0.0
        for side in ("left", "right"):
            of_whole = np.searchsorted(whole, own, side=side) / len(whole)
            of_own = np.searchsorted(own, own, side=side) / num
            distance = max(distance, float(np.abs(of_whole - of_own).max()))
        distance *= len(whole) / num_rest
        is_own = files == file
        chance = ks_p_value(
            distance,
            sample.num_effective(np.where(is_own, counts, 0), weighted=False),
            sample.num_effective(np.where(is_own, 0, counts), weighted=False),
        )
        yield file, distance, num, chance
