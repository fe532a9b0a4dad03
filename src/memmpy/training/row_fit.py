"""What a fit does to gathered rows: inputs are scaled and filled, weights are multiplied."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField, multiply_weights
from memmpy.loaders import Lists
from memmpy.training.event_groups import EventGroups
from memmpy.training.scaling import Scaling
from memmpy.training.training_request import BIN, LABEL, PHYSICS, WEIGHT, Negative
from memmpy.typing import Array

__all__ = ["RowFit", "WeightFactors", "treat_negative"]

#: The least bytes of an input that a kernel scales while it copies it: 8 float32.
_MIN_BYTES = 32


@final
@dataclass(frozen=True, slots=True)
class WeightFactors:
    """The factors from the weights of physics to those of a training.

    Attributes
    ----------
    by_bin : float64 array of shape (classes + 1, bins + 1)
        The factor of the class times that of its bin. The last row is for events of no class, the
        last column for events without a bin.
    negative : str
        How negative weights are treated; ``"keep"`` for val and test.
    by_group : float64 array of shape (groups,)
        The factor that restores the signed sum of each group of `groups`.
    groups : EventGroups
        The groups.
    without_label : int
        The row of events that have no labels: 0 if there are no classes, else -1.
    """

    by_bin: NDArray[np.float64]
    negative: Negative
    by_group: NDArray[np.float64]
    groups: EventGroups
    without_label: int

    def weights_of(self, rows: Mapping[str, Array], *, compiled: bool) -> NDArray[np.float32]:
        """Return the weights of gathered rows."""
        weights, labels = rows[PHYSICS], rows.get(LABEL)
        if self.negative in {"abs", "drop"}:
            groups = self.groups(rows["_index"], labels)
            weights = treat_negative(weights, self.negative) * self.by_group[groups]
        classes = np.full(len(weights), self.without_label) if labels is None else labels
        bins = rows[BIN] if BIN in rows else np.full(len(weights), -1, np.int32)
        return multiply_weights(weights, classes, bins, factors=self.by_bin, compiled=compiled)


def treat_negative(weights: NDArray[np.float64], negative: Negative) -> NDArray[np.float64]:
    """Return weights without negative ones, before their sums are restored."""
    if negative == "abs":
        return np.abs(weights)
    return np.maximum(weights, 0.0) if negative == "drop" else weights


@final
@dataclass(frozen=True, slots=True)
class RowFit:
    """Scales the inputs of gathered rows in place, fills what is missing, and adds the weights.

    Attributes
    ----------
    scalings : mapping of str to Scaling
        By input.
    fill : float or None
        The value for what is missing; None keeps NaN.
    factors : WeightFactors or None
        None for batches without weights.
    """

    scalings: Mapping[str, Scaling]
    fill: float | None
    factors: WeightFactors | None

    @property
    def hidden(self) -> Collection[str]:
        """The bins of events."""
        return (BIN,)

    def parameters_of(self, name: str, field: RowField) -> NDArray[np.float32] | None:
        """Return how a kernel scales a field; see `RowTransform`."""
        scaling = self.scalings.get(name)
        is_fit = field.dtype == np.float32 and field.nbytes >= _MIN_BYTES
        if scaling is None or not is_fit or "log" in scaling.methods:
            return None
        return scaling.parameters(prod(field.shape), fill=self.fill)

    def __call__(
        self,
        rows: Mapping[str, Array],
        lists: Mapping[str, Lists],
        *,
        scaled: Collection[str],
        compiled: bool,
    ) -> Mapping[str, Array]:
        """Scale rows and lists in place, and return their weights."""
        for name, scaling in self.scalings.items():
            if name not in scaled:
                values: Any = rows[name] if name in rows else lists[name][0]
                scaling.scale(values, fill=self.fill, compiled=compiled)
        if self.factors is None or PHYSICS not in rows:
            return {}
        return {WEIGHT: self.factors.weights_of(rows, compiled=compiled)}
