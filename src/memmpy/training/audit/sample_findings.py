"""Reports on samples of an input: spikes, keys that give a class away, differences of splits."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.training.audit.count_findings import (
    MIN_PROBABILITY,
    InputCounts,
    chance_of_one_value,
)
from memmpy.training.audit.findings import Finding
from memmpy.training.audit.input_samples import InputSample
from memmpy.training.ks_distance import ks_distance, ks_p_value
from memmpy.training.scoring.roc_curve import roc_curve
from memmpy.typing import Array

__all__ = [
    "SampledInput",
    "file_distances",
    "findings_of_samples",
    "findings_of_sources",
    "spikes",
]

#: A spike has more than this share of the values, and at least 10. At least 100 other values are
#: needed to judge it.
_SPIKE_SHARE, _SPIKE_NUM, _NUM_REST = 1e-3, 10, 100
#: A spike lies this many widths of the bulk from the bulk, its percentiles 1 to 99.
_SPIKE_WIDTHS = 5.0
#: Values that stand for "not there".
_SENTINELS = (-99.0, -999.0, -9999.0, -99999.0, 999.0, 9999.0, 99999.0, -1e10, 1e10, -1e30, 1e30)
#: An area under the curve above this, or below its complement, gives a class away.
_MAX_AREA = 0.99
#: Effective events of a class, and of the others, for which the area is judged.
_MIN_EFFECTIVE = 20
#: Values of a file whose distribution is compared.
_MIN_VALUES = 100
#: A smaller distance is no reason to worry, even if it is significant.
_MAX_DISTANCE = 0.05

_SPIKE = (
    "one value far outside of all others probably means 'not there': give it as missing=, or "
    "scaling counts it, and a network sees it as a number"
)
_AREA = (
    "the key alone tells a class from the others: is it known before the measurement, such as a "
    "weight, a true value, or a number of the file? Then leave it out"
)
_CONSTANT_CLASS = (
    "the key has one value in one class alone, which gives the class away: leave it out, or check "
    "the files of the class"
)
_SPLITS = (
    "the distance of the cumulative distributions in train and in test (KS), and how likely it is "
    "by chance: for each input the least likely one"
)
_SPLITS_DIFFER = (
    "train and test differ by more than chance: is the rule of the splits independent of the "
    "values? Scores of test are then not those of new events"
)
_SOURCES = (
    "a file differs from the other files of its process by more than chance (KS): right if they "
    "are slices or years, else check how the file was made"
)


@final
@dataclass(frozen=True, slots=True)
class SampledInput:
    """An input with samples of its training rows, and of the rows that judge.

    Attributes
    ----------
    name : str
        The input.
    keys : tuple of str
        The names of its keys, and of the number of its items for objects.
    classes : tuple of str
        The names of the classes.
    counts : InputCounts
        The counts of all rows.
    train, test : sequence of InputSample
        The samples of each class.
    test_name : str
        The split of `test`.
    others : float
        Other rows of the event of a row, on average.
    """

    name: str
    keys: tuple[str, ...]
    classes: tuple[str, ...]
    counts: InputCounts
    train: Sequence[InputSample]
    test: Sequence[InputSample]
    test_name: str
    others: float


def findings_of_samples(one: SampledInput, *, num_tests: int) -> Iterator[Finding]:
    """Yield the findings on the samples of an input.

    Parameters
    ----------
    one : SampledInput
        The samples.
    num_tests : int
        The distributions that are compared in the whole audit: its p-values count them.
    """
    least: tuple[float, Finding | None] = math.inf, None
    for number, key in enumerate(one.keys):
        columns = [sample.column(number) for sample in one.train]
        values = [own for own, _ in columns]
        yield from _findings_of_spikes(one, key, values)
        findings = [*_findings_of_areas(one, key, columns)]
        if not findings and number < one.counts.least.shape[1]:
            findings += _findings_of_constants(one, number, values)
        yield from findings
        for label, (train, counts) in enumerate(columns):
            test, test_counts = one.test[label].column(number)
            if not train.size or not test.size:
                continue
            distance = ks_distance(np.sort(train), np.sort(test), weights=None)
            chance = ks_p_value(
                distance,
                one.train[label].num_effective(counts, weighted=False),
                one.test[label].num_effective(test_counts, weighted=False),
            )
            of = f", class {one.classes[label]!r}" if len(one.classes) > 1 else ""
            where = f"input {one.name!r}, train and {one.test_name}{of}: {distance:.3g}"
            where, num = f"{where}, p = {chance:.2g}", len(train) + len(test)
            if num_tests * chance < MIN_PROBABILITY and distance > _MAX_DISTANCE:
                yield Finding("KS distance", key, where, num, "warning", _SPLITS_DIFFER)
            elif chance < least[0]:
                least = chance, Finding("KS distance", key, where, num, "info", _SPLITS)
    if least[1] is not None:
        yield least[1]


def _findings_of_spikes(one: SampledInput, key: str, values: Sequence[Array]) -> Iterator[Finding]:
    """Yield a finding for each value that is a spike in some class."""
    columns = (np.sort(column[np.isfinite(column)]) for column in values)
    for value in sorted({value for column in columns for value in spikes(column)}):
        num = sum(int(np.count_nonzero(column == value)) for column in values)
        where = f"input {one.name!r}: {value:g} in {num:,} sampled values"
        yield Finding("spike", key, where, num, "warning", _SPIKE)


def spikes(ascending: Array) -> list[float]:
    """Return the values of a sample that are spikes, ascending.

    Parameters
    ----------
    ascending : array of shape (n,)
        The finite values.
    """
    values: list[float] = []
    least_num = max(_SPIKE_NUM, math.floor(_SPIKE_SHARE * len(ascending)) + 1)
    # Without the outermost spikes, other ones stand out.
    while len(ascending) and (new := _outer_spikes(ascending, least_num)):
        values += new
        ascending = ascending[~np.isin(ascending, np.array(new, ascending.dtype))]
    return sorted(values)


def _outer_spikes(ascending: Array, least_num: int) -> list[float]:
    """Return the values that at least some have, and that lie far outside of all other values."""
    starts = np.flatnonzero(np.append(True, ascending[1:] != ascending[:-1]))
    nums = np.diff(starts, append=len(ascending))
    num_rest = len(ascending) - nums
    is_frequent = (nums >= least_num) & (num_rest >= _NUM_REST)
    starts, nums, num_rest = starts[is_frequent], nums[is_frequent], num_rest[is_frequent]

    def percentile(percent: int) -> NDArray[np.float64]:
        """Return the percentile of all values but those of each spike."""
        places = (percent * (num_rest - 1)) // 100
        places += np.where(places >= starts, nums, 0)
        values: NDArray[np.float64] = ascending[places].astype(np.float64)
        return values

    low, high, value = percentile(1), percentile(99), ascending[starts].astype(np.float64)
    with np.errstate(over="ignore"):
        sentinels = np.array(_SENTINELS).astype(ascending.dtype).astype(np.float64)
        reach = _SPIKE_WIDTHS * (high - low)
        is_far = (reach > 0) & ((value < low - reach) | (value > high + reach))
    is_sentinel = np.isin(value, sentinels)
    is_spike = is_far | (is_sentinel & ((value < low) | (value > high)))
    spike_values: list[float] = value[is_spike].tolist()
    return spike_values


def _findings_of_areas(
    one: SampledInput, key: str, columns: Sequence[tuple[Array, NDArray[np.int64]]]
) -> Iterator[Finding]:
    """Yield the findings on keys that tell a class from all others."""
    num = len(one.classes)
    effective = np.array(
        [
            sample.num_effective(counts, weighted=True)
            for sample, (_, counts) in zip(one.train, columns, strict=True)
        ]
    )
    values = np.concatenate([own for own, _ in columns])
    if num < 2 or not values.size:
        return
    weights = np.concatenate(
        [
            np.repeat(sample.weights, counts)
            for sample, (_, counts) in zip(one.train, columns, strict=True)
        ]
    )
    labels = np.repeat(np.arange(num), [len(own) for own, _ in columns])
    # Sorted once, so that the curve of each class finds them sorted.
    order = np.argsort(values)
    values, weights, labels = values[order], weights[order], labels[order]
    # Of two classes, the second is the signal: the areas are 1 together.
    for label in range(1 if num == 2 else 0, num):
        others = effective[np.arange(num) != label].max()
        if min(effective[label], others) < _MIN_EFFECTIVE:
            continue
        area = roc_curve(values, weights, labels == label, signal=one.classes[label]).auc
        if not 1 - _MAX_AREA <= area <= _MAX_AREA:
            where = f"input {one.name!r}, class {one.classes[label]!r}: AUC {area:.4f}"
            yield Finding("AUC", key, where, len(values), "warning", _AREA)


def _findings_of_constants(
    one: SampledInput, number: int, values: Sequence[Array]
) -> Iterator[Finding]:
    """Yield the findings on a key that is constant in one class, and not in the others."""
    if one.counts.constant_keys[number]:
        return
    is_constant = one.counts.constant_classes[:-1, number]
    for label in np.flatnonzero(is_constant).tolist():
        value, num = one.counts.least[label, number], int(one.counts.filled[label, number])
        rest: list[Any] = [own for other, own in enumerate(values) if other != label]
        others = np.concatenate(rest) if rest else np.empty(0)
        num_other = int(np.count_nonzero(others != value))
        chance = chance_of_one_value(num, len(others), num_other, others=one.others)
        if chance < MIN_PROBABILITY:
            where = f"input {one.name!r}, class {one.classes[label]!r}: {value:g}"
            key = one.keys[number]
            yield Finding("constant", key, where, num, "warning", _CONSTANT_CLASS)


def findings_of_sources(
    name: str,
    keys: Sequence[str],
    samples: Sequence[tuple[str, InputSample, NDArray[np.int64]]],
    names: Sequence[str],
    *,
    num_tests: int,
) -> Iterator[Finding]:
    """Yield, for each process, the key and the file that differ most from the other files.

    Parameters
    ----------
    name : str
        The input.
    keys : sequence of str
        The names of its keys, and of the number of its items for objects.
    samples : sequence of (process, InputSample, numbers of files)
        For each process its name, its first rows, and the file of each row.
    names : sequence of str
        The name of each file.
    num_tests : int
        The distributions that are compared in the whole audit.
    """
    for process, sample, files in samples:
        greatest: tuple[float, Finding | None] = 0.0, None
        for number, key in enumerate(keys):
            values, counts = sample.column(number)
            for file, distance, num, chance in file_distances(sample, values, counts, files):
                if distance > greatest[0] and num_tests * chance < MIN_PROBABILITY:
                    where = f"input {name!r}, {process}: {names[file]}, {distance:.3g}"
                    greatest = distance, Finding("KS distance", key, where, num, "info", _SOURCES)
        if greatest[1] is not None:
            yield greatest[1]


def file_distances(
    sample: InputSample, values: Array, counts: NDArray[np.int64], files: NDArray[np.int64]
) -> Iterator[tuple[int, float, int, float]]:
    """Yield for each file its number, its distance from all others, its values and the p-value.

    The distance of a part from the rest is that of the part from the whole, divided by the share of
    the rest; that from the whole is greatest at a value of the part, or just before one.
    """
    item_files, whole = np.repeat(files, counts), np.sort(values)
    numbers = np.unique(files).tolist()
    if len(numbers) < 2:
        return
    order = np.argsort(item_files, kind="stable")
    edges = np.searchsorted(item_files[order], [*numbers, numbers[-1] + 1])
    for i, file in enumerate(numbers):
        own = np.sort(values[order[edges[i] : edges[i + 1]]])
        num, num_rest = len(own), len(whole) - len(own)
        if min(num, num_rest) < _MIN_VALUES:
            continue
        distance = 0.0
        for side in ("left", "right"):
            of_whole = np.searchsorted(whole, own, side=side) / len(whole)
            of_own = np.searchsorted(own, own, side=side) / num
            distance = max(distance, float(np.abs(of_whole - of_own).max()))
        distance *= len(whole) / num_rest
        is_own = files == file
        chance = ks_p_value(
            distance,
            sample.num_effective(np.where(is_own, counts, 0), weighted=False),
            sample.num_effective(np.where(is_own, 0, counts), weighted=False),
        )
        yield file, distance, num, chance
