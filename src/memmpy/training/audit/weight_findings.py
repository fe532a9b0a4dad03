"""Reports on the classes and the weights of a training set, from sums of weights."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import format_share
from memmpy.loaders import steps_of
from memmpy.skims import Skim
from memmpy.training.audit.findings import Finding, Level
from memmpy.training.audit.input_samples import GroupsOf
from memmpy.training.label_columns import PHYSICS
from memmpy.training.weight_sums import WeightSums

__all__ = ["WeightExtremes", "findings_of_classes", "findings_of_weights", "weight_extremes"]

#: A class needs this many training events.
_MIN_EVENTS = 100
#: The share of a class differs between splits by chance with at least this probability, or by less
#: than this part of it.
_MIN_PROBABILITY, _MAX_CHANGE = 1e-6, 0.05
#: A share of negative weights, or of their sum in that of all absolute weights, to report.
_MAX_NEGATIVE = 0.2
#: The least effective number of an event, and the largest share of one event.
_MIN_EFFECTIVE, _MAX_SHARE = 0.1, 0.05
#: Rows that are read at once.
_BLOCK_ROWS = 1 << 16

_NONE = "the class has no training events, so no fit is possible: check its cut, or take more files"
_FEW = "a class with so few training events is hardly learned: take more events, or merge classes"
_SHARE = "the share of the class in the events of each split"
_SHARES_DIFFER = (
    "the share of the class differs between splits by more than chance: is the rule of the splits "
    "independent of the class?"
)
_NEGATIVE = (
    "negative weights cancel positive ones, so that a training sees fewer effective events; see "
    "the option negative="
)
_NOT_FINITE = "the weight lacks a value, or divides by zero; loaders refuse such events"
_EFFECTIVE = (
    "the weights differ so much that few events decide the training: cut events with large weights "
    "away, merge samples by their cross sections, or use more events"
)
_LARGE = "one event decides a large part of the loss of its class: check its weight, or cut it away"


@final
@dataclass(frozen=True, slots=True)
class WeightExtremes:
    """The odd weights of each class.

    Attributes
    ----------
    greatest : float64 array of shape (classes + 1,)
        The greatest absolute weight of the training events; of those that are finite.
    entries : int64 array of shape (classes + 1,)
        The entry that has it; -1 without events.
    num_wrong : int64 array of shape (classes + 1,)
        The events of all splits without a finite weight.
    """

    greatest: NDArray[np.float64]
    entries: NDArray[np.int64]
    num_wrong: NDArray[np.int64]


def weight_extremes(
    skim: Skim, train: Sequence[range], groups_of: GroupsOf, *, num_classes: int
) -> WeightExtremes:
    """Return the odd weights of each class, from one pass over the weights.

    Parameters
    ----------
    skim : Skim
        The rows, with weights.
    train : sequence of range
        The training rows.
    groups_of : callable
        Gives the class of each row; `num_classes` for none.
    num_classes : int
        The number of classes.
    """
    num = num_classes + 1
    greatest, entries = np.full(num, -1.0), np.full(num, -1)
    num_wrong = np.zeros(num, np.int64)
    for step in steps_of([range(len(skim))], _BLOCK_ROWS):
        part = skim.rows[step.start : step.stop]
        weights, labels = np.abs(np.asarray(part[PHYSICS])), groups_of(part)
        is_finite = np.isfinite(weights)
        num_wrong += np.bincount(labels[~is_finite], minlength=num)
        rows = np.arange(step.start, step.stop)
        is_train = np.zeros(len(part), np.bool_)
        for one in train:
            is_train |= (one.start <= rows) & (rows < one.stop)
        weights[~(is_finite & is_train)] = -1.0
        for label in range(num):
            own = np.where(labels == label, weights, -1.0)
            first = int(np.argmax(own)) if own.size else 0
            if own.size and own[first] > greatest[label]:
                greatest[label], entries[label] = own[first], part["_index"][first]
    return WeightExtremes(greatest, entries, num_wrong)


def findings_of_classes(
    sums: Mapping[str, WeightSums], classes: Sequence[str], *, others: float
) -> Iterator[Finding]:
    """Yield the findings on the number of events of each class.

    Parameters
    ----------
    sums : mapping of str to WeightSums
        For each split, the sums of each class, and of no class.
    classes : sequence of str
        The names of the classes.
    others : float
        Other rows of the event of a row, on average.
    """
    names = [split for split, one in sums.items() if one.counts[:-1].any()]
    totals = {split: int(sums[split].counts[:-1].sum()) for split in names}
    for label, name in enumerate(classes):
        num = int(sums["train"].counts[label])
        if num < _MIN_EVENTS:
            level: Level = "warning" if num else "error"
            where = f"train, class {name!r}" if len(classes) > 1 else "train"
            yield Finding("few events", "label", where, num, level, _FEW if num else _NONE)
        if len(classes) < 2 or not names:
            continue
        counts = {split: int(sums[split].counts[label]) for split in names}
        shares = ", ".join(
            f"{split} {format_share(counts[split], totals[split])}" for split in names
        )
        differs = "train" in names and any(
            _differ((counts["train"], totals["train"]), (counts[split], totals[split]), others)
            for split in names
        )
        where, total = f"class {name!r}: {shares}", sum(counts.values())
        if differs:
            yield Finding("class share", "label", where, total, "warning", _SHARES_DIFFER)
        else:
            yield Finding("class share", "label", where, total, "info", _SHARE)


def _differ(first: tuple[int, int], second: tuple[int, int], others: float) -> bool:
    """Return whether two shares differ by more than chance, and by more than a little."""
    (num, num_all), (second_num, second_all) = first, second
    pooled = (num + second_num) / (num_all + second_all)
    difference = abs(num / num_all - second_num / second_all)
    variance = pooled * (1 - pooled) * (1 / num_all + 1 / second_all) * (1.0 + others)
    if difference <= _MAX_CHANGE * pooled or variance <= 0:
        return False
    return math.erfc(difference / math.sqrt(2 * variance)) < _MIN_PROBABILITY


def findings_of_weights(
    train: WeightSums, extremes: WeightExtremes, classes: Sequence[str]
) -> Iterator[Finding]:
    """Yield the findings on the weights of the training events of each class.

    Parameters
    ----------
    train : WeightSums
        The sums of each class, and of no class.
    extremes : WeightExtremes
        The odd weights of each.
    classes : sequence of str
        The names of the classes.
    """
    names = [f", class {name!r}" for name in classes] if len(classes) > 1 else [""]
    for name, num in zip([*names, ", no class"], extremes.num_wrong.tolist(), strict=True):
        if num:
            where = f"all splits{name}"
            yield Finding("not finite", "weight", where, num, "error", _NOT_FINITE)
    with np.errstate(invalid="ignore", over="ignore"):
        effective, absolute = train.effective, train.absolute_totals
    for label, name in enumerate(names):
        num = int(train.counts[label])
        if num < _MIN_EVENTS or not np.isfinite(absolute[label]):
            continue
        num_negative = int(train.num_negative[label])
        negative = absolute[label] - train.positive_totals[label]
        if max(num_negative / num, _share(negative, absolute[label])) > _MAX_NEGATIVE:
            where = (
                f"train{name}: {format_share(num_negative, num)} of events, "
                f"{format_share(_share(negative, absolute[label]))} of weights, leave "
                f"{effective[label]:,.0f} effective events"
            )
            yield Finding("negative weights", "weight", where, num_negative, "info", _NEGATIVE)
        if effective[label] < _MIN_EFFECTIVE * num:
            where = f"train{name}: {effective[label]:,.0f} effective of {num:,} events"
            yield Finding("effective events", "weight", where, num, "warning", _EFFECTIVE)
        share = _share(extremes.greatest[label], absolute[label])
        if share > _MAX_SHARE:
            where = f"train{name}: entry {extremes.entries[label]:,} has {format_share(share)}"
            yield Finding("large weight", "weight", where, 1, "warning", _LARGE)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0
