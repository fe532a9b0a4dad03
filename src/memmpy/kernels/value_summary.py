"""Summarizes values in one pass: counts, moments, extremes and a coarse distribution."""

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError
from memmpy.typing import Array

__all__ = ["ValueSummary", "summarize"]


@final
@dataclass(frozen=True, slots=True, eq=False)
class ValueSummary:
    """Counts of values, and moments and extremes of the finite ones. Two can be added.

    Attributes
    ----------
    num_finite, num_nan, num_infinite, num_zero : int
        Numbers of values; zero is finite.
    mean, squares : float
        Of the finite values: the mean, and the sum of the squared distances from it; 0 without any.
    least, greatest : scalar of the dtype of the values, or None
        Of the finite values, exactly; None without any.
    bins : int64 array of shape (num_bins,)
        Finite values in bins of equal width; the first and the last one hold those outside, too.
    """

    num_finite: int
    num_nan: int
    num_infinite: int
    num_zero: int
    mean: float
    squares: float
    least: "np.generic | None"
    greatest: "np.generic | None"
    bins: NDArray[np.int64]

    @property
    def num_values(self) -> int:
        """All values."""
        return self.num_finite + self.num_nan + self.num_infinite

    def __add__(self, other: "ValueSummary") -> "ValueSummary":
        if not (self.num_finite and other.num_finite):
            first = self if self.num_finite else other
            mean, squares = first.mean, first.squares
            least, greatest = first.least, first.greatest
        else:
            num, more = self.num_finite, other.num_finite
            with np.errstate(all="ignore"):
                distance = np.float64(other.mean) - self.mean
                mean = float(self.mean + distance * (more / (num + more)))
                cross = distance * distance * (num * (more / (num + more)))
                squares = float(self.squares + other.squares + cross)
            least = min(self.least, other.least)  # type: ignore[type-var]
            greatest = max(self.greatest, other.greatest)  # type: ignore[type-var]
        return ValueSummary(
            self.num_finite + other.num_finite,
            self.num_nan + other.num_nan,
            self.num_infinite + other.num_infinite,
            self.num_zero + other.num_zero,
            mean,
            squares,
            least,
            greatest,
            self.bins + other.bins,
        )


def summarize(
    values: Array, *, low: float, high: float, num_bins: int, compiled: bool
) -> ValueSummary:
    """Return the summary of values.

    Parameters
    ----------
    values : array of shape (n,)
        Of bool, integers or floats of up to 64 bits.
    low, high : float
        The range of the bins; ``low < high``, both finite.
    num_bins : int
        The number of bins.
    compiled : bool
        Whether to use Numba, in one pass over the memory, and without the GIL. Counts, bins and
        extremes are equal; moments are, up to rounding.

    Raises
    ------
    ColumnError
        If the values have another shape or dtype.

    Examples
    --------
    >>> summary = summarize(np.array([1.0, 3.0, np.nan]), low=0, high=4, num_bins=2, compiled=False)
    >>> summary.mean, summary.num_nan, summary.bins.tolist()
    (2.0, 1, [1, 1])
    """
    dtype = values.dtype.newbyteorder("=")
    if values.ndim != 1 or dtype.kind not in "biuf" or dtype.itemsize > 8:
        message = f"expected numbers of up to 64 bits, not {values.dtype} of shape {values.shape}"
        raise ColumnError(message)
    if compiled:
        from memmpy.kernels.value_summary_numba import summarize as compiled_summary

        counts, moments, extremes, bins = compiled_summary(values, low, high, num_bins)
    else:
        counts, moments, extremes, bins = _summarize(values, low, high, num_bins)
    has_any = bool(counts[0])
    return ValueSummary(
        *map(int, counts),
        *map(float, moments),
        dtype.type(extremes[0]) if has_any else None,
        dtype.type(extremes[1]) if has_any else None,
        bins,
    )


def _summarize(
    values: Array, low: float, high: float, num_bins: int
) -> tuple[list[int], list[float], list[np.generic], NDArray[np.int64]]:
    num_nan = num_infinite = 0
    finite = values
    if values.dtype.kind == "f":
        num_nan = int(np.count_nonzero(np.isnan(values)))
        num_infinite = int(np.count_nonzero(np.isinf(values)))
        if num_nan or num_infinite:
            finite = values[np.isfinite(values)]
    counts = [len(finite), num_nan, num_infinite, len(finite) - int(np.count_nonzero(finite))]
    if not len(finite):
        return counts, [0.0, 0.0], [], np.zeros(num_bins, np.int64)
    wide = finite.astype(np.float64)
    with np.errstate(all="ignore"):
        mean = wide.mean()
        squares = np.square(wide - mean).sum()
        places = np.clip((wide - low) * (num_bins / (high - low)), 0, num_bins - 1)
    bins = np.bincount(places.astype(np.int64), minlength=num_bins)
    return counts, [mean, squares], [finite.min(), finite.max()], bins
