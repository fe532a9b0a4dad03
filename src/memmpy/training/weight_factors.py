"""Factors that turn physics weights into training weights: fits them on train, applies them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import FitError
from memmpy.kernels import multiply_weights
from memmpy.training.event_groups import EventGroups
from memmpy.training.label_columns import BIN, LABEL, PHYSICS
from memmpy.training.training_request import Negative, TrainingRequest
from memmpy.training.weight_sums import WeightSums
from memmpy.typing import Array

__all__ = ["GroupFactors", "WeightFactors", "fit_weight_factors", "treat_negative"]

#: The least and the largest mean weight.
_MIN_MEAN, _MAX_MEAN = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)


@final
@dataclass(frozen=True, slots=True)
class GroupFactors:
    """Factors of weights.

    Attributes
    ----------
    by_class : float64 array of shape (classes,)
        The factor of each class.
    by_group : float64 array of shape (groups,)
        The factor that restores the signed sum of a group once its negative weights are treated.
    """

    by_class: NDArray[np.float64]
    by_group: NDArray[np.float64]


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


def fit_weight_factors(
    request: TrainingRequest, train: WeightSums, groups: EventGroups
) -> GroupFactors:
    """Return the factors of classes and groups from the sums of training weights.

    Raises
    ------
    FitError
        If a class has no training events, negative weights are refused, or a sum that must be kept
        or divided by is not positive.
    """
    by_class = _class_factors(request, train, groups)
    return GroupFactors(by_class, _group_factors(request, train, groups))


def _class_factors(
    request: TrainingRequest, train: WeightSums, groups: EventGroups
) -> NDArray[np.float64]:
    """Return the factor of each class, from the sums of its training weights."""
    names = request.class_names
    by_class = train.merge(groups.group_classes, len(names) + 1)
    counts, totals = by_class.counts[:-1], by_class.totals[:-1]
    for name, num in zip(names, counts.tolist(), strict=True):
        if not num:
            message = f"the class {name!r} has no training events"
            raise FitError(
                f"{message}: check its cut, or take more events"
                if request.classes
                else "there are no training events"
            )
    factors = np.ones(len(names))
    if request.has_weight and request.normalise is not None:
        factors = _normalising_factors(request, counts, totals)
    means = np.abs(factors * by_class.absolute_totals[:-1] / counts)
    for name, mean in zip(names, means.tolist(), strict=True):
        if mean and not _MIN_MEAN <= mean <= _MAX_MEAN:
            message = (
                f"the training weights of {name!r} are about {mean:.3g}, which float32 does not "
                "hold; scale the weight, or choose normalise='mean'"
            )
            raise FitError(message)
    return factors


def _normalising_factors(
    request: TrainingRequest, counts: NDArray[np.int64], totals: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the factors of classes that `normalise` asks for."""
    names, normalise = request.class_names, request.normalise
    summed = {"the training weights": totals.sum()}
    if normalise != "mean":
        summed = {f"the training weights of {n!r}": t for n, t in zip(names, totals, strict=True)}
    for what, total in summed.items():
        if not total > 0:
            message = f"the sum of {what} is {total:.6g}, and normalise={normalise!r} divides by it"
            raise FitError(f"{message}; take more events, or choose normalise=None")
    if normalise == "mean":
        return np.full(len(names), counts.sum() / totals.sum())
    shares = np.ones(len(names))
    if isinstance(normalise, Mapping):
        shares = np.array([float(normalise[name]) for name in names])
        shares /= shares.max()  # so that their sum is finite
    factors: NDArray[np.float64] = counts.sum() * shares / shares.sum() / totals
    return factors


def _group_factors(
    request: TrainingRequest, train: WeightSums, groups: EventGroups
) -> NDArray[np.float64]:
    """Return the factor of each group that keeps its signed sum in train; 1 for no class."""
    factors = np.ones(groups.num_groups)
    if request.negative == "keep":
        return factors
    plain = train.absolute_totals if request.negative == "abs" else train.positive_totals
    has_class = groups.group_classes < len(groups.classes)
    for group in np.flatnonzero((train.num_negative > 0) & has_class).tolist():
        process = groups.processes[groups.group_processes[group]]
        num, total = int(train.num_negative[group]), float(train.totals[group])
        if request.negative == "raise":
            message = (
                f"{num:,} of {int(train.counts[group]):,} training events of {process!r} have a "
                "negative weight; choose negative='keep', 'abs' or 'drop'"
            )
            raise FitError(message)
        if not total > 0:
            message = (
                f"the sum of the training weights of {process!r} is {total:.6g}: "
                f"negative={request.negative!r} cannot keep it; take more events, or merge classes"
            )
            raise FitError(message)
        factors[group] = total / plain[group]
    return factors
