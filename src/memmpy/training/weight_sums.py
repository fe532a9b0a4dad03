"""Sums of weights by group, in float64 with the rounding errors carried along."""

from dataclasses import dataclass, fields
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["WeightSums", "num_effective"]

#: Values that are added without their rounding errors.
_RUN = 1024


@final
@dataclass(frozen=True, slots=True)
class WeightSums:
    """Counts and sums of the weights of g groups of events.

    Attributes
    ----------
    counts, num_negative : int64 arrays of shape (g,)
        The number of events, and of those with a negative weight.
    sums, positive, squares : float64 arrays of shape (g, 2)
        The sum of the weights, of the positive ones, and of the squares. Each is a number and its
        rounding error: see `totals`.
    """

    counts: NDArray[np.int64]
    num_negative: NDArray[np.int64]
    sums: NDArray[np.float64]
    positive: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, weights: NDArray[np.float64], groups: NDArray[np.int64], num: int) -> "WeightSums":
        """Return the sums of n weights, of which each has the number of its group, below `num`."""
        is_negative = weights < 0
        with np.errstate(over="ignore"):
            squares = np.square(weights)
        return cls(
            np.bincount(groups, minlength=num).astype(np.int64),
            np.bincount(groups[is_negative], minlength=num).astype(np.int64),
            _grouped_sums(weights, groups, num),
            _grouped_sums(np.maximum(weights, 0.0), groups, num),
            _grouped_sums(squares, groups, num),
        )

    @classmethod
    def zero(cls, num: int) -> "WeightSums":
        """Return the sums of no events."""
        return cls.of(np.empty(0), np.empty(0, np.int64), num)

    def __add__(self, other: "WeightSums") -> "WeightSums":
        return WeightSums(
            self.counts + other.counts,
            self.num_negative + other.num_negative,
            *(_added(getattr(self, name), getattr(other, name)) for name in _SUMS),
        )

    def merge(self, groups: NDArray[np.int64], num: int) -> "WeightSums":
        """Return the sums of coarser groups; `groups` has the number of the new group of each."""
        merged = WeightSums.zero(num)
        for group, new in enumerate(groups.tolist()):
            one = WeightSums.zero(num)
            for field in fields(self):
                getattr(one, field.name)[new] = getattr(self, field.name)[group]
            merged = merged + one
        return merged

    @property
    def totals(self) -> NDArray[np.float64]:
        """The sum of the weights of each group."""
        return _joined(self.sums)

    @property
    def positive_totals(self) -> NDArray[np.float64]:
        """The sum of the positive weights of each group."""
        return _joined(self.positive)

    @property
    def absolute_totals(self) -> NDArray[np.float64]:
        """The sum of the absolute weights of each group."""
        return 2.0 * self.positive_totals - self.totals

    @property
    def square_totals(self) -> NDArray[np.float64]:
        """The sum of the squared weights of each group."""
        return _joined(self.squares)

    @property
    def effective(self) -> NDArray[np.float64]:
        """The effective number of events of each group; see `num_effective`."""
        return num_effective(self.totals, self.square_totals)


def num_effective(totals: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``sum(w)**2 / sum(w**2)``, 0 without weights, NaN where squares overflow."""
    with np.errstate(over="ignore"):
        squared_sums = np.square(totals)
    is_finite = np.isfinite(squared_sums) & np.isfinite(squares)
    effective = np.where(is_finite, 0.0, np.nan)
    np.divide(squared_sums, squares, out=effective, where=is_finite & (squares > 0))
    return effective


_SUMS = ("sums", "positive", "squares")


def _grouped_sums(
    weights: NDArray[np.float64], groups: NDArray[np.int64], num: int
) -> NDArray[np.float64]:
    """Return the sum of each group and its rounding error, of shape (num, 2)."""
    total = np.zeros((num, 2))
    for start in range(0, len(weights), _RUN):
        run = slice(start, start + _RUN)
        part = np.zeros((num, 2))
        part[:, 0] = np.bincount(groups[run], weights[run], minlength=num)
        total = _added(total, part)
    return total


def _joined(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    joined: NDArray[np.float64] = sums[:, 0] + sums[:, 1]
    return joined


def _added(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of numbers with rounding errors: Knuth's two-sum."""
    with np.errstate(invalid="ignore", over="ignore"):
        high = first[..., 0] + second[..., 0]
        added = high - first[..., 0]
        error = (first[..., 0] - (high - added)) + (second[..., 0] - added)
        low = np.where(np.isfinite(high), first[..., 1] + second[..., 1] + error, 0.0)
    return np.stack([high, low], axis=-1)
