"""`Reweight`: gives all classes one distribution of some variables, by factors fitted on train."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag, is_number
from memmpy.display import Table
from memmpy.errors import OptionError, argument_hints
from memmpy.training.weight_sums import num_effective

__all__ = ["BinFactors", "Reweight", "fit_bin_factors"]

#: Bins of all variables together, at most.
_MAX_BINS = 1_000_000


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Reweight:
    """Factors that give all classes the same distribution of some variables.

    They are fitted on the weighted events of the training split, and act on train, val and test
    alike. An event outside the edges takes the factor of the nearest bin. The factor is 1 for bins
    in which the sum of weights of the class, or of the target, is not positive, and for events
    without a value (NaN). Then all factors of a class are multiplied by one number, so that the sum
    of its weights stays.

    Parameters
    ----------
    variables : mapping of str to sequence of float
        Expressions, one number for each event, with the edges of their bins, in ascending order.
        Several variables have bins of all combinations.
    to : str, optional
        The class whose distribution the other classes get.
    flat : bool
        Give all classes a flat distribution: equal sums of weights in all bins. Give `to` or
        `flat`.
    max_ratio : float, optional
        Limits the factors to the range from ``1 / max_ratio`` to `max_ratio`, before the sums are
        restored.

    Raises
    ------
    OptionError
        If an option is invalid.

    Examples
    --------
    >>> Reweight({"jet_pt": [20, 50, 100, 500], "abs(jet_eta)": [0, 1, 2.5]}, to="signal")
    """

    variables: Mapping[str, Sequence[float]]
    _: KW_ONLY
    to: str | None = None
    flat: bool = False
    max_ratio: float | None = None

    def __post_init__(self) -> None:
        given: object = self.variables
        if not isinstance(given, Mapping) or not given:
            message = (
                "Reweight takes a mapping of expression to edges, such as {'pt': [0, 50, 100]}"
            )
            raise OptionError(f"{message}; got {given!r}")
        edges = {text: _edges(text, values) for text, values in self.variables.items()}
        object.__setattr__(self, "variables", edges)
        if math.prod(self.shape) > _MAX_BINS:
            message = f"Reweight has {math.prod(self.shape):,} bins, and may have {_MAX_BINS:,}"
            raise OptionError(message)
        if (self.to is not None) == check_flag("flat", self.flat):
            raise OptionError("Reweight needs to= (a class) or flat=True, and not both")
        target: object = self.to
        if target is not None and not isinstance(target, str):
            raise OptionError(f"to of Reweight is the name of a class, got {target!r}")
        ratio: Any = self.max_ratio
        if ratio is not None and not (is_number(ratio) and ratio >= 1):
            raise OptionError(f"max_ratio of Reweight is a number of at least 1, got {ratio!r}")
        if ratio is not None:
            object.__setattr__(self, "max_ratio", float(ratio))

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of bins of each variable."""
        return tuple(len(edges) - 1 for edges in self.variables.values())

    @property
    def num_bins(self) -> int:
        """The number of bins of all variables together."""
        return math.prod(self.shape)

    def bins_of(self, values: Sequence[NDArray[Any]]) -> NDArray[np.int32]:
        """Return the bin of each event from the values of all variables; -1 where one is NaN."""
        bins = np.zeros(len(values[0]), np.int64)
        is_missing = np.zeros(len(values[0]), np.bool_)
        for column, edges in zip(values, self.variables.values(), strict=True):
            numbers = column.astype(np.float64)
            is_missing |= np.isnan(numbers)
            number = np.searchsorted(np.array(edges), numbers, side="right") - 1
            bins = bins * (len(edges) - 1) + np.clip(number, 0, len(edges) - 2)
        return np.where(is_missing, -1, bins).astype(np.int32)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "variables": [[text, list(edges)] for text, edges in self.variables.items()],
            "to": self.to,
            "flat": self.flat,
            "max_ratio": self.max_ratio,
        }


@final
@dataclass(frozen=True, slots=True)
class BinFactors:
    """The factors of a `Reweight`, as fitted.

    Attributes
    ----------
    factors : float64 array of shape (classes, bins + 1)
        The last one is for events without a bin.
    num_unusable, num_capped : int64 arrays of shape (classes,)
        The bins with factor 1, and those that `max_ratio` limits.
    effective : float64 array of shape (classes, 2)
        The effective number of training events, before and after.
    """

    factors: NDArray[np.float64]
    num_unusable: NDArray[np.int64]
    num_capped: NDArray[np.int64]
    effective: NDArray[np.float64]

    def table(self, classes: Sequence[str]) -> Table:
        """Return the counts of each class as a table."""
        rows = [
            (name, f"{unusable:,}", f"{capped:,}", f"{before:,.0f}", f"{after:,.0f}")
            for name, unusable, capped, (before, after) in zip(
                classes,
                self.num_unusable.tolist(),
                self.num_capped.tolist(),
                self.effective.tolist(),
                strict=True,
            )
        ]
        headings = ("class", "bins of factor 1", "capped bins", "effective before", "after")
        return Table(headings, 1, [rows], title="Reweighting")


def fit_bin_factors(
    reweight: Reweight,
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    classes: Sequence[str],
) -> BinFactors:
    """Return the factors from the sums of training weights, and of their squares, in each bin.

    Parameters
    ----------
    reweight : Reweight
        The bins and the target.
    sums, squares : float64 arrays of shape (classes, bins + 1)
        The last column has the events without a bin.
    classes : sequence of str
        The names of the classes.
    """
    inside = sums[:, :-1]
    target = np.full(reweight.num_bins, 1.0 / reweight.num_bins)
    if reweight.to is not None:
        reference = inside[classes.index(reweight.to)]
        target = reference / reference.sum() if reference.sum() > 0 else np.zeros_like(reference)
    factors = np.ones_like(sums)
    totals = inside.sum(axis=1, keepdims=True)
    is_usable = (inside > 0) & (target > 0) & (totals > 0)
    np.divide(target * totals, inside, out=factors[:, :-1], where=is_usable)
    is_capped = np.zeros_like(is_usable)
    if reweight.max_ratio is not None:
        limited = np.clip(factors[:, :-1], 1.0 / reweight.max_ratio, reweight.max_ratio)
        is_capped = limited != factors[:, :-1]
        factors[:, :-1] = limited
    after, before = (factors * sums).sum(axis=1), sums.sum(axis=1)
    scale = np.divide(before, after, out=np.ones_like(after), where=(after > 0) & (before > 0))
    if reweight.to is not None:
        number = classes.index(reweight.to)
        factors[number], scale[number] = 1.0, 1.0
    factors *= scale[:, np.newaxis]
    with np.errstate(over="ignore", invalid="ignore"):
        weighted = factors * sums, factors**2 * squares
    effective = np.stack(
        [num_effective(*(one.sum(axis=1) for one in pair)) for pair in ((sums, squares), weighted)]
    )
    return BinFactors(
        factors,
        np.count_nonzero(~is_usable, axis=1),
        np.count_nonzero(is_capped, axis=1),
        effective.T,
    )


def _edges(text: object, values: object) -> tuple[float, ...]:
    if not isinstance(text, str):
        raise OptionError(f"a variable of Reweight is an expression, got {text!r}")
    try:
        edges = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        edges = np.empty(0)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
        message = f"the edges of {text!r} are at least two numbers in ascending order"
        raise OptionError(f"{message}, got {values!r}")
    return tuple(edges.tolist())
