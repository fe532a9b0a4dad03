"""Summarizes values in one pass: counts, moments, extremes and a coarse distribution."""

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError
from memmpy.typing import Array

__all__ = ["BinFrame", "ValueSummary", "distances_from", "places_of", "summarize"]


@final
@dataclass(frozen=True, slots=True)
class BinFrame:
    """The bins of a distribution, and a value near the mean.

    Attributes
    ----------
    low, high : float
        The range of the bins; ``low < high``, both finite.
    num_bins : int
        The number of bins, of equal width.
    shift : float
        A finite value of about the size of the others, such as their median: means are sums of
        distances from it, so that values close to each other and far from zero lose no digits.
    """

    low: float
    high: float
    num_bins: int
    shift: float = 0.0


@final
@dataclass(frozen=True, slots=True, eq=False)
class ValueSummary:
    """Counts of values, and moments and extremes of the finite ones.

    Two can be added if their frame is the same.

    Attributes
    ----------
    num_finite, num_nan, num_infinite, num_zero : int
        Numbers of values; zero is finite.
    shift, distance, squares : float
        Of the finite values: the mean is ``shift + distance``, and `squares` is the sum of the
        squared distances from it; 0 without any.
    least, greatest : scalar of the dtype of the values, or None
        Of the finite values, exactly; None without any.
    bins : int64 array of shape (num_bins,)
        Finite values in bins of equal width; the first and the last one hold those outside, too.
    """

    num_finite: int
    num_nan: int
    num_infinite: int
    num_zero: int
    shift: float
    distance: float
    squares: float
    least: Any  # a number of some dtype
    greatest: Any
    bins: NDArray[np.int64]

    @property
    def num_values(self) -> int:
        """All values."""
        return self.num_finite + self.num_nan + self.num_infinite

    @property
    def mean(self) -> float:
        """The mean of the finite values; `shift` without any."""
        return self.shift + self.distance

    def __add__(self, other: "ValueSummary") -> "ValueSummary":
        num, more = self.num_finite, other.num_finite
        first = self if num else other
        distance, squares = first.distance, first.squares
        least, greatest = first.least, first.greatest
        if num and more:
            with np.errstate(all="ignore"):
                between = np.float64(other.distance) - distance
                distance = float(distance + between * (more / (num + more)))
                cross = between * between * (num * (more / (num + more)))
                squares = float(squares + other.squares + cross)
            least, greatest = min(least, other.least), max(greatest, other.greatest)
        return ValueSummary(
            num_finite=num + more,
            num_nan=self.num_nan + other.num_nan,
            num_infinite=self.num_infinite + other.num_infinite,
            num_zero=self.num_zero + other.num_zero,
            shift=self.shift,
            distance=distance,
            squares=squares,
            least=least,
            greatest=greatest,
            bins=self.bins + other.bins,
        )


def summarize(values: Array, frame: BinFrame, *, compiled: bool) -> ValueSummary:
    """Return the summary of values.

    Parameters
    ----------
    values : array of shape (n,)
        Of bool, integers or floats of up to 64 bits.
    frame : BinFrame
        The bins.
    compiled : bool
        Whether to use Numba, in one pass over the memory, and without the GIL. Counts, bins and
        extremes are equal; moments are, up to rounding.

    Raises
    ------
    ColumnError
        If the values have another shape or dtype.

    Examples
    --------
    >>> summary = summarize(np.array([1.0, 3.0, np.nan]), BinFrame(0, 4, 2), compiled=False)
    >>> summary.mean, summary.num_nan, summary.bins.tolist()
    (2.0, 1, [1, 1])
    """
    dtype = values.dtype.newbyteorder("=")
    if values.ndim != 1 or dtype.kind not in "biuf" or dtype.itemsize > 8:
        message = f"expected numbers of up to 64 bits, not {values.dtype} of shape {values.shape}"
        raise ColumnError(message)
    if compiled:
        from memmpy.kernels.value_summary_numba import summarize as summarize_compiled

        counts, moments, extremes, bins = summarize_compiled(
            values, frame.low, frame.high, frame.num_bins, frame.shift
        )
        if len(values) and _is_beyond(values, frame.shift):
            wide = values.astype(np.float64)
            moments = _moments(distances_from(values, wide, frame.shift))
        return _summary(counts, moments, extremes, bins, frame.shift, dtype)
    return _summary(*_summarize(values, frame), frame.shift, dtype)


def _summary(
    counts: NDArray[np.int64],
    moments: NDArray[np.float64],
    extremes: Array,
    bins: NDArray[np.int64],
    shift: float,
    dtype: np.dtype[Any],
) -> ValueSummary:
    num_finite, num_nan, num_infinite, num_zero = counts.tolist()
    least, greatest = extremes.astype(dtype) if num_finite else (None, None)
    distance, squares = moments.tolist()
    return ValueSummary(
        num_finite, num_nan, num_infinite, num_zero, shift, distance, squares, least, greatest, bins
    )


def _summarize(
    values: Array, frame: BinFrame
) -> tuple[NDArray[np.int64], NDArray[np.float64], Array, NDArray[np.int64]]:
    finite, num_nan, num_infinite = values, 0, 0
    if values.dtype.kind == "f":
        num_nan = int(np.count_nonzero(np.isnan(values)))
        num_infinite = int(np.count_nonzero(np.isinf(values)))
        finite = values[np.isfinite(values)] if num_nan or num_infinite else values
    num_zero = len(finite) - int(np.count_nonzero(finite))
    counts = np.array([len(finite), num_nan, num_infinite, num_zero])
    if not len(finite):
        return counts, np.zeros(2), finite, np.zeros(frame.num_bins, np.int64)
    wide = finite.astype(np.float64)
    moments = _moments(distances_from(finite, wide, frame.shift))
    extremes = np.array([finite.min(), finite.max()], finite.dtype)
    return counts, moments, extremes, np.bincount(places_of(wide, frame), minlength=frame.num_bins)


def _moments(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(all="ignore"):
        mean = distances.mean()
        return np.array([mean, np.square(distances - mean).sum()])


def distances_from(values: Array, wide: NDArray[np.float64], center: float) -> NDArray[np.float64]:
    """Return ``values - center`` of finite values, and `wide` is these as float64, perhaps rounded.

    Integers that float64 would round are subtracted as integers.
    """
    with np.errstate(all="ignore"):
        if not _is_beyond(values, center):
            return wide - center
        whole = values.dtype.type(min(int(center), np.iinfo(values.dtype).max))
        is_above = values >= whole
        apart: Array = np.where(is_above, values - whole, whole - values).astype(np.uint64)
        apart = np.where(is_above, 1.0, -1.0) * apart
        distances: NDArray[np.float64] = apart + float(int(whole) - int(center))
        return distances


def _is_beyond(values: Array, center: float) -> bool:
    """Return whether float64 would round integers near a center."""
    return values.dtype.kind in "iu" and values.dtype.itemsize == 8 and abs(center) >= 2**53


def places_of(values: NDArray[np.float64], frame: BinFrame) -> NDArray[np.int64]:
    """Return the bin of each finite value, as `summarize` counts them."""
    factor = frame.num_bins / (frame.high - frame.low)
    with np.errstate(all="ignore"):
        places = np.clip((values - frame.low) * factor, 0, frame.num_bins - 1)
    return places.astype(np.int64)
