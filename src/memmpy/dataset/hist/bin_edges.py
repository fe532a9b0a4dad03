"""The bins of a histogram: as the user gives them, or chosen from a sample of the values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import is_number
from memmpy.errors import OptionError
from memmpy.typing import Array

__all__ = ["BinEdges", "BinsOption", "auto_edges", "check_bins"]

#: ``"auto"``, a number of bins, a number and a range, or edges.
BinsOption: TypeAlias = (
    str | int | tuple[int, float, float] | Sequence[float] | NDArray[np.floating] | None
)

#: Bins at most.
_MAX_BINS = 1_000_000
#: Bins that an automatic choice aims at.
_NUM_BINS = 50
#: Integers in the range of a histogram of which each has its own bin.
_MAX_INTEGERS = 100
#: Beyond this, a difference of numbers may be infinite.
_GREATEST = 1e300
#: Widths of bins that are easy to read, between 1 and 10.
_WIDTHS = np.array([1, 2, 2.5, 4, 5, 10])
_EXPECTED = "bins are 'auto', a number, a tuple such as (50, 0, 500), or a list of ascending edges"


@final
@dataclass(frozen=True, slots=True, eq=False)
class BinEdges:
    """The edges of bins. Bin i holds the values with ``edges[i] <= value < edges[i + 1]``.

    Parameters
    ----------
    edges : float64 array of shape (k + 1,)
        Finite and ascending.
    is_regular : bool
        Whether they are those of ``hist.axis.Regular(k, edges[0], edges[-1])``.
    """

    edges: NDArray[np.float64]
    is_regular: bool

    @classmethod
    def regular(cls, num: int, low: float, high: float) -> "BinEdges":
        """Return bins of equal width, with the edges of boost-histogram to the last bit."""
        share = np.arange(num + 1) / num
        return cls((1 - share) * low + share * (low + (high - low)), is_regular=True)

    @property
    def is_ascending(self) -> bool:
        """Whether float64 can tell the edges apart."""
        with np.errstate(invalid="ignore"):
            return bool(np.isfinite(self.edges).all() and (np.diff(self.edges) > 0).all())


def check_bins(bins: BinsOption) -> BinEdges | int | None:
    """Return the bins that a user gives: edges, a number of bins, or None to choose them.

    Raises
    ------
    OptionError
        If they are something else.
    """
    if bins is None or (isinstance(bins, str) and bins == "auto"):
        return None
    if isinstance(bins, int | np.integer) and not isinstance(bins, bool):
        return _check_num(bins)
    if isinstance(bins, tuple) and len(bins) == 3:
        num, low, high = bins
        is_num = isinstance(num, int | np.integer) and not isinstance(num, bool)
        if not (is_num and is_number(low) and is_number(high)):
            message = f"a tuple of three is (number of bins, low, high), got {bins!r}"
            raise OptionError(f"{message}; write edges as a list")
        chosen = BinEdges.regular(_check_num(int(num)), float(low), float(high))
    else:
        if isinstance(bins, str) or not np.iterable(bins):
            raise OptionError(f"{_EXPECTED}; got {bins!r}")
        try:
            edges = np.array(list(bins), np.float64)
        except (TypeError, ValueError, OverflowError):
            edges = np.empty(0)
        if edges.ndim != 1 or len(edges) < 2:
            raise OptionError(f"{_EXPECTED}; got {bins!r}")
        _check_num(len(edges) - 1)
        chosen = BinEdges(edges, is_regular=False)
    if not chosen.is_ascending:
        raise OptionError(f"bins need finite, ascending edges, got {bins!r}")
    return chosen


def _check_num(num: int | np.integer) -> int:
    if not 1 <= num <= _MAX_BINS:
        raise OptionError(f"a histogram has 1 to {_MAX_BINS:,} bins, got {num}")
    return int(num)


def auto_edges(sample: Array, num: int | None) -> BinEdges:
    """Choose bins from a sample of the values.

    Integers get bins of width one around them, or of some integers each if their range is long. The
    other bins have a width that is easy to read. The range leaves out long tails, and numbers far
    from all others such as -999: they are in the underflow or in the overflow.

    Parameters
    ----------
    sample : array of shape (n,)
        Values of one dtype: bool, integers or floats, and NaN or infinite ones among them.
    num : int or None
        The number of bins; None for about 50.
    """
    if sample.dtype == np.bool_ and num is None:
        return BinEdges.regular(2, -0.5, 1.5)
    numbers = np.sort(sample.astype(np.float64))
    numbers = numbers[np.abs(numbers) <= _GREATEST]
    if not len(numbers):
        return BinEdges.regular(num or _NUM_BINS, 0.0, 1.0)
    numbers = _without_isolated(numbers)
    is_integer = sample.dtype.kind in "biu"
    if is_integer or (np.ptp(numbers) < _MAX_INTEGERS and (numbers == np.rint(numbers)).all()):
        chosen = _integer_edges(numbers, num)
    else:
        chosen = _float_edges(numbers, num)
    return chosen if chosen.is_ascending else _edges_around(float(numbers[0]), num)


def _without_isolated(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Leave out numbers at either end that are farther from the others than these are apart."""
    is_left_out = True
    while is_left_out:
        is_left_out = False
        for end in (0, -1):
            others = numbers[numbers != numbers[end]]
            if len(np.unique(others[:: max(1, len(others) // 1000)])) < 3:
                continue
            nearest = others[end]
            if abs(nearest - numbers[end]) > 2 * (others[-1] - others[0]):
                numbers, is_left_out = others, True
    return numbers


def _integer_edges(numbers: NDArray[np.float64], num: int | None) -> BinEdges:
    low, high = float(numbers[0]), float(numbers[-1])
    if num is None and high - low < _MAX_INTEGERS:
        return BinEdges.regular(int(high - low) + 1, low - 0.5, high + 0.5)
    low, high = _tails_cut(numbers)
    least = (np.floor(high) - np.floor(low) + 1) / (num or _NUM_BINS)
    width = max(1.0, float(np.ceil(_readable(least) if num is None else least)))
    low = np.floor(low / width) * width if num is None else np.floor(low)
    num = num or int((np.floor(high) - low) // width) + 1
    return BinEdges.regular(num, low - 0.5, low - 0.5 + num * width)


def _float_edges(numbers: NDArray[np.float64], num: int | None) -> BinEdges:
    low, high = _tails_cut(numbers)
    if high - low < 1 / _GREATEST:
        return _edges_around(low, num)
    width = _readable((high - low) / (num or _NUM_BINS))
    if num is None:
        first, last = np.floor(low / width) * width, (np.floor(high / width) + 1) * width
        num = round((last - first) / width)
    else:
        # A start at whole widths could leave no room for the last values.
        while not (first := np.floor(low / width * 10) * width / 10) + num * width > high:
            width = _readable(width * 1.01)
        last = first + num * width
    # As decimals: 23 times 0.2 would be 4.6000000000000005.
    return BinEdges.regular(num, *(float(f"{edge:.15g}") for edge in (first, last)))


def _edges_around(value: float, num: int | None) -> BinEdges:
    half = max(0.5, abs(value) / 100)
    return BinEdges.regular(num or _NUM_BINS, value - half, value + half)


def _tails_cut(numbers: NDArray[np.float64]) -> tuple[float, float]:
    """Return a range without tails that are longer than half of what 99 % of the numbers take."""
    low, high = (float(value) for value in np.quantile(numbers, [0.005, 0.995]))
    least, greatest, tail = float(numbers[0]), float(numbers[-1]), 0.25 * (high - low)
    low = least if low - least <= 2 * tail else low - tail
    high = greatest if greatest - high <= 2 * tail else high + tail
    return low, high


def _readable(width: float) -> float:
    """Return the least readable number that is not below a width."""
    unit = 10.0 ** np.floor(np.log10(width))
    return float(unit * _WIDTHS[np.searchsorted(_WIDTHS, width / unit * (1 - 1e-12))])
