"""`Moments`: means and widths of the finite values of columns, block by block, in float64."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

__all__ = ["Moments"]

#: The first finite values of a column, whose median is its shift.
_NUM_FIRST = 256


@final
@dataclass(frozen=True, slots=True)
class Moments:
    """Moments of the finite values of k columns.

    A mean is kept as its distance from a shift, a value of the column itself. So columns whose
    values are close to each other and far from zero, such as times, lose no digits.

    Attributes
    ----------
    counts : int64 array of shape (k,)
        The number of finite values.
    shifts, means : float64 arrays of shape (k,)
        The mean is ``shifts + means``.
    squares : float64 array of shape (k,)
        The sum of the squared distances from the mean.
    least, greatest : float64 arrays of shape (k,)
        Infinity and minus infinity without values.
    """

    counts: NDArray[np.int64]
    shifts: NDArray[np.float64]
    means: NDArray[np.float64]
    squares: NDArray[np.float64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]

    @classmethod
    def of(cls, values: Array, shifts: NDArray[np.float64] | None = None) -> "Moments":
        """Return the moments of values of shape (n, k), around shifts of shape (k,) if given."""
        wide = values.astype(np.float64)
        if shifts is None:
            shifts = _shifts_of(wide)
        is_finite = np.isfinite(wide)
        counts = np.count_nonzero(is_finite, axis=0).astype(np.int64)
        if not len(wide):
            zeros, infinite = np.zeros(len(shifts)), np.full(len(shifts), np.inf)
            return cls(counts, shifts, zeros, zeros, infinite, -infinite)
        if is_finite.all():
            least, greatest = wide.min(axis=0), wide.max(axis=0)
        else:
            least = np.where(is_finite, wide, np.inf).min(axis=0)
            greatest = np.where(is_finite, wide, -np.inf).max(axis=0)
        with np.errstate(invalid="ignore", over="ignore"):
            distances = np.where(is_finite, wide - shifts, 0.0)
            means = distances.sum(axis=0) / np.maximum(counts, 1)
            distances -= means
            squares = np.square(distances, out=distances).sum(axis=0, where=is_finite)
        return cls(counts, shifts, means, squares, least, greatest)

    def __add__(self, other: "Moments") -> "Moments":
        counts = self.counts + other.counts
        num = np.maximum(counts, 1)
        with np.errstate(invalid="ignore", over="ignore"):
            distances = (other.shifts - self.shifts) + (other.means - self.means)
            means = self.means + distances * (other.counts / num)
            cross = np.square(distances) * (self.counts / num) * other.counts
            squares = self.squares + other.squares + cross
        # Of two parts, one may be empty: then the other is the whole, with its own shift.
        is_first, is_second = other.counts == 0, self.counts == 0
        return Moments(
            counts,
            np.where(is_second, other.shifts, self.shifts),
            np.where(is_second, other.means, np.where(is_first, self.means, means)),
            np.where(is_second, other.squares, np.where(is_first, self.squares, squares)),
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
        )

    @classmethod
    def join(cls, parts: Iterable["Moments"]) -> "Moments":
        """Return the moments of several pieces, at least one, in the order given."""
        return reduce(Moments.__add__, parts)

    @property
    def centers(self) -> NDArray[np.float64]:
        """The mean of each column; NaN without values."""
        with np.errstate(invalid="ignore"):
            return np.where(self.counts > 0, self.shifts + self.means, np.nan)

    @property
    def widths(self) -> NDArray[np.float64]:
        """The standard deviation of each column (dividing by n); NaN without values."""
        with np.errstate(invalid="ignore"):
            widths = np.sqrt(self.squares / np.maximum(self.counts, 1))
        return np.where(self.counts > 0, widths, np.nan)


def _shifts_of(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the upper median of the first finite values of each column; 0 without any."""
    shifts = np.zeros(values.shape[1])
    for i, column in enumerate(values.T):
        first = column[np.isfinite(column)][:_NUM_FIRST]
        if first.size:
            shifts[i] = np.partition(first, first.size // 2)[first.size // 2]
    return shifts
