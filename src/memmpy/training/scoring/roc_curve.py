"""The ROC curve of weighted events, negative weights included, and the area under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import OptionError, argument_hints
from memmpy.typing import Array, Mask

__all__ = ["RocCurve", "points_of", "roc_band", "roc_curve"]

#: A sum of weights below this share of the sum of their absolute values is rounding.
_ROUNDING = 1e-12


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """The signal efficiency against the background efficiency of a cut on a score.

    Point i is the cut ``score >= thresholds[i]``. The first point has the threshold infinity, and
    no event passes; the last point has the lowest score, and all events pass.

    Parameters
    ----------
    signal : str
        The class that counts as signal; all other classes are background.
    thresholds : float64 array of shape (n,)
        The scores, descending. Equal scores are one point.
    signal_efficiency, background_efficiency : float64 array of shape (n,)
        The share of the sum of weights that passes. With negative weights, it need not ascend, and
        it can leave 0 to 1.

    Examples
    --------
    >>> curve = scores.roc()
    >>> plt.plot(curve.background_efficiency, curve.signal_efficiency, label=f"{curve.auc:.3f}")
    """

    signal: str
    thresholds: NDArray[np.float64]
    signal_efficiency: NDArray[np.float64]
    background_efficiency: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """The area under the curve, by the trapezoidal rule."""
        heights = self.signal_efficiency[1:] + self.signal_efficiency[:-1]
        return float(np.diff(self.background_efficiency) @ heights) / 2


def roc_curve(values: Array, weights: Array, is_signal: Mask, *, signal: str) -> RocCurve:
    """Return the ROC curve of scores, from the running sums of the weights of both sides.

    Parameters
    ----------
    values : float array of shape (n,)
        The scores, without NaN.
    weights : float64 array of shape (n,)
        The weights, finite, of any sign.
    is_signal : bool array of shape (n,)
        Which events are signal.
    signal : str
        The class of the signal.

    Raises
    ------
    OptionError
        If signal or background has no events, or a sum of weights that is not positive.
    """
    order = np.argsort(values)[::-1]
    descending = values[order]
    # The last event of each run of equal scores.
    ends = np.flatnonzero(np.append(descending[1:] != descending[:-1], len(descending) > 0))
    efficiencies = []
    sides = ((is_signal, f"class {signal!r}"), (~is_signal, f"the classes other than {signal!r}"))
    for side, of in sides:
        if not side.any():
            message = f"no scored event is of {of}"
            raise OptionError(f"{message}: a ROC curve needs signal and background")
        signed = np.where(side, weights, 0.0)[order]
        sums = np.cumsum(signed)
        if sums[-1] <= _ROUNDING * np.abs(signed).sum():
            message = (
                f"the weights of {of} sum to {sums[-1]:.6g} over {np.count_nonzero(side):,} scored "
                "events, and efficiencies are shares of a positive sum"
            )
            raise OptionError(message)
        efficiencies.append(np.append(0.0, sums[ends] / sums[-1]))
    thresholds = np.append(np.inf, descending[ends].astype(np.float64, copy=False))
    return RocCurve(signal, thresholds, *efficiencies)


def roc_band(
    curves: Sequence[RocCurve],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the spread of the curves of folds: mean minus and plus one standard deviation.

    Parameters
    ----------
    curves : sequence of RocCurve
        At least two.

    Returns
    -------
    background_efficiency, low, high : float64 arrays of shape (n,)
        Background efficiencies from 0 to 1, and the band of the signal efficiency there.
    """
    grid = np.unique([0.0, *np.geomspace(1e-6, 1, 200), *np.linspace(0, 1, 200)])
    efficiencies = [
        # With negative weights an efficiency can fall.
        np.interp(grid, np.maximum.accumulate(one.background_efficiency), one.signal_efficiency)
        for one in curves
    ]
    mean, spread = np.mean(efficiencies, axis=0), np.std(efficiencies, axis=0, ddof=1)
    return grid, mean - spread, mean + spread


def points_of(curve: RocCurve, num: int, *, least: float | None = None) -> Array:
    """Return points that lie about equally far apart on the curve, the first and the last too.

    With `least`, the background efficiency counts by its logarithm, from this value on.
    """
    ways = [curve.background_efficiency, curve.signal_efficiency]
    if least is not None:
        ways[0] = np.log10(np.clip(curve.background_efficiency, least, None)) / -np.log10(least)
    way = np.append(0.0, np.cumsum(np.abs(np.diff(ways)).sum(axis=0)))
    points = np.searchsorted(way, np.linspace(0, way[-1], num))
    return np.unique(np.append(points, len(way) - 1))
