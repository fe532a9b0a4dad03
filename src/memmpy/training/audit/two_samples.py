"""Compares the values of two samples: the Kolmogorov-Smirnov distance, and areas under curves."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

__all__ = ["areas_under_curves", "ks_distance", "ks_p_value"]

#: Below this, the sum of Kolmogorov is 1 to double precision.
_LEAST_ROOT = 0.2


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


def areas_under_curves(
    values: Array, weights: NDArray[np.float64], labels: NDArray[np.int64], num: int
) -> NDArray[np.float64]:
    """Return, for each class, the area under the ROC curve of a value against all other classes.

    It is the probability that the value of an event of the class is greater than that of an event
    of another class; half of it for equal values.

    Parameters
    ----------
    values : array of shape (n,)
        Without NaN, not empty.
    weights : float64 array of shape (n,)
        Not negative.
    labels : int64 array of shape (n,)
        The classes, 0 to `num` - 1.
    num : int
        The number of classes.

    Returns
    -------
    float64 array of shape (num,)
        NaN where the class, or all others, have no weight.
    """
    order = np.argsort(values, kind="stable")
    ascending, sorted_labels, sorted_weights = values[order], labels[order], weights[order]
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    areas = np.full(num, np.nan)
    for number in range(num):
        is_own = sorted_labels == number
        own = np.add.reduceat(np.where(is_own, sorted_weights, 0.0), starts)
        others = np.add.reduceat(np.where(is_own, 0.0, sorted_weights), starts)
        product: Any = own.sum() * others.sum()
        if product > 0:
            areas[number] = own @ (np.cumsum(others) - others / 2) / product
    return areas
