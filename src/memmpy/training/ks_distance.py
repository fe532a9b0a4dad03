"""The Kolmogorov-Smirnov distance of two samples, and its p-value."""

import math

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

__all__ = ["ks_distance", "ks_p_value"]

#: Below this, the sum of Kolmogorov is 1 to double precision.
_LEAST_ROOT = 0.2


def ks_distance(
    first: Array,
    second: Array,
    *,
    weights: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
) -> float:
    """Return the greatest distance of the cumulative distributions of two samples.

    Parameters
    ----------
    first, second : arrays of shape (n,) and (m,)
        Ascending, without NaN, not empty.
    weights : pair of float64 arrays of shape (n,) and (m,), or None
        The weights of both, of any sign and with positive sums; None if all are 1.
    """
    points = np.concatenate([first, second])
    samples = zip((first, second), weights or (None, None), strict=True)
    shares = [_shares_up_to(points, *sample) for sample in samples]
    return float(np.abs(shares[0] - shares[1]).max())


def _shares_up_to(
    points: Array, values: Array, weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Return the share of the sum of weights of the values up to each point."""
    numbers = np.searchsorted(values, points, side="right")
    if weights is None:
        return numbers / len(values)
    sums = np.append(0.0, np.cumsum(weights))
    shares: NDArray[np.float64] = sums[numbers] / sums[-1]
    return shares


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
