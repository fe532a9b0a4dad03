"""Reports odd values of the inputs of a training set: NaN, infinities, one value, or none."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import format_share
from memmpy.parallel import num_helpers, prefetch
from memmpy.skims import Skim
from memmpy.training.audit.findings import Finding
from memmpy.training.audit.input_samples import GroupsOf
from memmpy.training.class_numbers import NO_CLASS_NAME
from memmpy.training.input_items import InputItems, item_steps, read_items
from memmpy.typing import Mask

__all__ = [
    "MIN_PROBABILITY",
    "InputCounts",
    "chance_of_one_value",
    "count_input",
    "findings_of_counts",
]

#: A class is constant or empty for a reason if chance does this with a lower probability.
MIN_PROBABILITY = 1e-6

_CONSTANT = "the input has one value in all events, of which a network learns nothing: leave it out"
_EMPTY = "the input has no value in any event: leave it out, or check the files and missing="
_EMPTY_CLASS = (
    "the input lacks values in one class alone, which gives the class away: leave it out, or check "
    "the files of the class"
)
_INFINITE = "infinities make the loss infinite or NaN: cut such events away with isfinite(...)"
_NAN = "the values are missing; a network gets the option fill in their place"


@final
@dataclass(frozen=True, slots=True)
class InputCounts:
    """What was seen of the k keys of an input in some rows, by class.

    The last class is for events of no class.

    Attributes
    ----------
    rows : int64 array of shape (classes + 1,)
        The number of rows.
    filled, nan, infinite : int64 arrays of shape (classes + 1, k)
        The rows with an item that is not NaN, with one that is, and with an infinity.
    least, greatest : float64 arrays of shape (classes + 1, k)
        Infinity and minus infinity without values.
    """

    rows: NDArray[np.int64]
    filled: NDArray[np.int64]
    nan: NDArray[np.int64]
    infinite: NDArray[np.int64]
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]

    @classmethod
    def of(cls, items: InputItems, labels: NDArray[np.int64], num: int) -> "InputCounts":
        """Return the counts of some rows with labels below `num`."""
        values, num_keys = items.values, items.values.shape[1]
        is_finite = np.isfinite(values)
        has_items = np.bincount(labels[items.counts > 0], minlength=num)
        filled = np.repeat(has_items[:, np.newaxis], num_keys, axis=1).astype(np.int64)
        nan, infinite = np.zeros_like(filled), np.zeros_like(filled)

        def rows_with(is_so: Mask) -> NDArray[np.int64]:
            return np.bincount(labels[items.rows_with(is_so)], minlength=num).astype(np.int64)

        for key in np.flatnonzero(~is_finite.all(axis=0)).tolist():
            is_nan = np.isnan(values[:, key])
            filled[:, key] = rows_with(~is_nan)
            nan[:, key] = rows_with(is_nan)
            infinite[:, key] = rows_with(np.isinf(values[:, key]))
        least = np.full((num, num_keys), np.inf)
        greatest = -least
        item_labels = np.repeat(labels, items.counts)
        for label in np.flatnonzero(has_items).tolist():
            own = values[item_labels == label]
            least[label] = np.fmin.reduce(own, axis=0, initial=np.inf)
            greatest[label] = np.fmax.reduce(own, axis=0, initial=-np.inf)
        rows = np.bincount(labels, minlength=num).astype(np.int64)
        return cls(rows, filled, nan, infinite, least, greatest)

    def __add__(self, other: "InputCounts") -> "InputCounts":
        return InputCounts(
            self.rows + other.rows,
            self.filled + other.filled,
            self.nan + other.nan,
            self.infinite + other.infinite,
            np.minimum(self.least, other.least),
            np.maximum(self.greatest, other.greatest),
        )

    @property
    def constant_classes(self) -> Mask:
        """Which classes have one value of a key and no NaN: bool of shape (classes + 1, k)."""
        constant: Mask = (self.least == self.greatest) & (self.nan == 0)
        return constant

    @property
    def constant_keys(self) -> Mask:
        """Which keys have one value and no NaN in all rows: bool of shape (k,)."""
        is_constant = self.least.min(axis=0) == self.greatest.max(axis=0)
        constant: Mask = is_constant & (self.nan.sum(axis=0) == 0) & (self.rows.sum() > 1)
        return constant


def count_input(skim: Skim, name: str, groups_of: GroupsOf, *, num_classes: int) -> InputCounts:
    """Return the counts of an input, from one pass over all rows.

    Parameters
    ----------
    skim : Skim
        The rows.
    name : str
        The input.
    groups_of : callable
        Gives the class of each row; `num_classes` for none.
    num_classes : int
        The number of classes.
    """

    def count(rows: range) -> InputCounts:
        labels = groups_of(skim.rows[rows.start : rows.stop])
        return InputCounts.of(read_items(skim, name, rows), labels, num_classes + 1)

    tasks = (partial(count, rows) for rows in item_steps(skim, [name], [range(len(skim))]))
    num_threads = num_helpers()
    parts = prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1)
    return reduce(InputCounts.__add__, parts, count(range(0)))


def findings_of_counts(
    name: str, keys: Sequence[str], classes: Sequence[str], counts: InputCounts, *, others: float
) -> Iterator[Finding]:
    """Yield the findings on the values of an input.

    Parameters
    ----------
    name : str
        The input.
    keys, classes : sequence of str
        The names of its keys, and of the classes.
    counts : InputCounts
        The counts.
    others : float
        Other rows of the event of a row, on average; they may have the same values.
    """
    where, num = f"input {name!r}", int(counts.rows.sum())
    is_constant = counts.constant_keys
    for number, key in enumerate(keys):
        if not counts.filled[:, number].any():
            yield Finding("empty", key, where, num, "warning", _EMPTY)
            continue
        if is_constant[number]:
            yield Finding("constant", key, where, num, "warning", _CONSTANT)
        nan, infinite = counts.nan[:, number], counts.infinite[:, number]
        if infinite.any():
            of = f"{where}: {_shares(infinite, counts.rows, classes)}"
            yield Finding("infinite", key, of, int(infinite.sum()), "warning", _INFINITE)
        if nan.any():
            of = f"{where}: {_shares(nan, counts.rows, classes)}"
            yield Finding("NaN", key, of, int(nan.sum()), "info", _NAN)
        missing = (counts.rows - counts.filled[:, number])[:-1]
        for label in np.flatnonzero((missing == counts.rows[:-1]) & (missing > 0)).tolist():
            rest = np.arange(len(missing)) != label
            num_rest = int(counts.rows[:-1][rest].sum())
            num_filled = num_rest - int(missing[rest].sum())
            chance = chance_of_one_value(int(missing[label]), num_rest, num_filled, others=others)
            if chance < MIN_PROBABILITY:
                of = f"{where}, class {classes[label]!r}"
                yield Finding("empty", key, of, int(missing[label]), "warning", _EMPTY_CLASS)


def chance_of_one_value(num: int, num_rest: int, num_other: int, *, others: float) -> float:
    """Return the probability that no event of a class has another value, by chance.

    If `num_other` events have another value than the rest, this is the probability that all of them
    are outside of the class, for any order of the events.

    Parameters
    ----------
    num, num_rest : int
        The events of the class, and of the other classes.
    num_other : int
        The events of the other classes that have another value.
    others : float
        Other rows of the event of a row, on average; they may have the same values.
    """
    outside = math.lgamma(num_rest + 1) - math.lgamma(num_rest - num_other + 1)
    anywhere = math.lgamma(num + num_rest + 1) - math.lgamma(num + num_rest - num_other + 1)
    return math.exp((outside - anywhere) / (1.0 + others))


def _shares(nums: NDArray[np.int64], rows: NDArray[np.int64], classes: Sequence[str]) -> str:
    names = [*(classes if len(classes) > 1 else ["all events"]), NO_CLASS_NAME]
    pairs = zip(names, nums.tolist(), rows.tolist(), strict=True)
    return ", ".join(f"{format_share(num, of)} of {name}" for name, num, of in pairs if num)
