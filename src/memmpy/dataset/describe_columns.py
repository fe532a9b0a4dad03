"""Reads columns once on threads, and summarizes their values by group."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Snapshot, type_of_column
from memmpy.cuts import (
    EntryNotes,
    Group,
    Grouping,
    GroupTotals,
    Inputs,
    in_order,
    labels_of,
    open_inputs,
)
from memmpy.dataset.column_statistics import ColumnStatistics
from memmpy.dataset.key_values import FlatValues, content_of, num_values, values_of, why_no_numbers
from memmpy.kernels import (
    ITEMS_REDUCED,
    BinFrame,
    ValueSummary,
    distances_from,
    is_worth_compiling,
    places_of,
    summarize,
)
from memmpy.store import ColumnRecord
from memmpy.typing import Array, Entries

__all__ = ["describe_columns"]

#: Different texts of a column that are counted.
_MAX_TEXTS = 10_000
#: Entries that a thread summarizes in one go, all or by group, and groups that are few.
_STEP_ALL, _STEP_GROUPED, _FEW_GROUPS = 1 << 20, 1 << 17, 16
#: Without finite values; and for the numbers of items of lists, whose distribution is not shown.
_NO_BINS = BinFrame(0.0, 1.0, 1)
#: Bins of a distribution, and places in a column, and values there, that choose its range.
_NUM_BINS, _NUM_PLACES, _NUM_SAMPLED = 16, 64, 256
#: The values between the first and the last of these quantiles are in the range.
_QUANTILES = (0.005, 0.5, 0.995)

#: The entries of a range that a group has: all of a slice, or some.
_Members: TypeAlias = Sequence[tuple[Group, slice | Entries]]
#: The key of a column, its sums by group, and warnings.
_Part: TypeAlias = tuple[str, Mapping[Group, "_ColumnSums"], EntryNotes]


@dataclass(frozen=True, slots=True, eq=False)
class _WeightedSums:
    """Sums of weights, of weighted distances from a center, and of weighted squares of them."""

    center: float
    sums: NDArray[np.float64]
    bins: NDArray[np.float64]

    def __add__(self, other: "_WeightedSums") -> "_WeightedSums":
        with np.errstate(all="ignore"):
            shift = np.float64(other.center) - self.center
            first, second, third = other.sums
            moved = [first, second + shift * first, third + shift * (2 * second + shift * first)]
        return _WeightedSums(self.center, self.sums + moved, self.bins + other.bins)


@dataclass(frozen=True, slots=True, eq=False)
class _ColumnSums:
    """Sums over some entries of a column. Two can be added.

    Attributes
    ----------
    num_entries : int
        The entries.
    values : ValueSummary, optional
        Their values, if they are numbers.
    lengths : ValueSummary, optional
        The numbers of items, if they are lists.
    weighted : _WeightedSums, optional
        Sums with weights, if there are any.
    texts : Counter of str, optional
        The texts, if they are texts; at most `_MAX_TEXTS` + 1 of them.
    """

    num_entries: int
    values: ValueSummary | None = None
    lengths: ValueSummary | None = None
    weighted: _WeightedSums | None = None
    texts: Counter[str] | None = None

    def __add__(self, other: "_ColumnSums") -> "_ColumnSums":
        texts = _add(self.texts, other.texts)
        return _ColumnSums(
            self.num_entries + other.num_entries,
            _add(self.values, other.values),
            _add(self.lengths, other.lengths),
            _add(self.weighted, other.weighted),
            None if texts is None else _few(texts),
        )


def _add(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else one + other


def _frame_of(reader: "_ColumnReader") -> BinFrame:
    """Return the bins of a column, from values at evenly spaced places."""
    column = reader.inputs.columns[reader.key]
    content = content_of(column)
    num = len(column) if content is None else len(content)
    parts = []
    for at in range(0, num, max(_NUM_SAMPLED, num // _NUM_PLACES)):
        stop = min(at + _NUM_SAMPLED, num)
        values = reader.values(at, stop).values if content is None else content[at:stop]
        parts.append(values.reshape(-1))
    sample = np.concatenate(parts or [np.empty(0)])
    wide = sample.astype(np.float64)
    wide = wide[np.isfinite(wide)]
    if not len(wide):
        return _NO_BINS
    low, middle, high = map(float, np.quantile(wide, _QUANTILES, method="nearest"))
    size = max(abs(low), abs(high))
    if not math.isfinite(high - low) or high - low <= max(1e-12 * size, 1e-300):
        margin = max(0.5 * abs(middle), 0.5)
        if size > 1e300:
            return BinFrame(-1.0, 1.0, 1, middle)
        return BinFrame(middle - margin, middle + margin, 1, middle)
    if sample.dtype.kind != "f" and high - low < 2**53:
        width = max(1, math.ceil((high - low + 1) / _NUM_BINS))
        num_bins = math.ceil((high - low + 1) / width)
        return BinFrame(low, low + width * num_bins, num_bins, middle)
    return BinFrame(low, high, _NUM_BINS, middle)


def describe_columns(
    snapshot: Snapshot,
    keys: Sequence[str],
    *,
    grouping: Grouping | None,
    num_threads: int,
) -> tuple[ColumnStatistics, ...]:
    """Return the statistics of columns: all groups of a column, then the next column.

    Parameters
    ----------
    snapshot : Snapshot
        The columns are open in it.
    keys : sequence of str
        The columns.
    grouping : Grouping or None
        The groups, the cut and the weight; None if all entries are one group: then the columns may
        differ in length.
    num_threads : int
        Threads beside that of the caller.
    """
    num = sum(num_values(snapshot.columns[key]) for key in keys)
    compiled = is_worth_compiling(num, least=ITEMS_REDUCED)
    readers = [_ColumnReader.of(key, snapshot, compiled=compiled) for key in keys]
    totals = {reader.key: GroupTotals(reader.zero, grouping) for reader in readers}
    tasks = _tasks(readers, snapshot, grouping)
    for key, sums, notes in in_order(tasks, num_threads=num_threads):
        totals[key].add([*sums], sums.values(), notes)
    rows: list[ColumnStatistics] = []
    for reader in readers:
        groups, record = totals[reader.key].in_order(), snapshot.metadata.columns[reader.key]
        labelled = zip(labels_of([*groups]), groups.values(), strict=True)
        rows += [_statistics(label, record, reader, sums) for label, sums in labelled]
    if keys:
        totals[keys[0]].warn()
    return tuple(rows)


def _statistics(
    group: str, record: ColumnRecord, reader: "_ColumnReader", sums: _ColumnSums
) -> ColumnStatistics:
    statistics = ColumnStatistics(
        key=reader.key,
        group=group,
        type=type_of_column(record).in_words() if sums.texts is None else "text",
        num_entries=sums.num_entries,
        num_values=sums.num_entries,
    )
    if sums.texts is not None:
        num = len(sums.texts)
        if num > _MAX_TEXTS:
            return statistics
        most = sums.texts.most_common(1)
        return replace(statistics, num_texts=num, most_frequent=most[0] if most else None)
    lengths, values = sums.lengths, sums.values
    if lengths is not None and lengths.num_finite:
        counts = int(lengths.least), lengths.mean, int(lengths.greatest)
        statistics = replace(statistics, counts=counts)
    if values is None:
        return statistics
    mean, std = _mean_and_std(values, sums.weighted)
    return replace(
        statistics,
        num_values=values.num_values,
        num_nan=values.num_nan,
        num_infinite=values.num_infinite,
        num_zero=values.num_zero,
        mean=mean,
        std=std,
        min=None if values.least is None else values.least.item(),
        max=None if values.greatest is None else values.greatest.item(),
        bins=tuple((values.bins if sums.weighted is None else sums.weighted.bins).tolist()),
        low=reader.frame.low,
        high=reader.frame.high,
    )


def _mean_and_std(
    values: ValueSummary, weighted: _WeightedSums | None
) -> tuple[float | None, float | None]:
    if not values.num_finite:
        return None, None
    if weighted is None:
        return values.mean, math.sqrt(values.squares / values.num_finite)
    total, first, second = weighted.sums
    with np.errstate(all="ignore"):
        distance = first / total
        return float(weighted.center + distance), float(np.sqrt(second / total - distance**2))


@dataclass(frozen=True, slots=True)
class _ColumnReader:
    """Reads one column, which may hold no values that can be summarized."""

    key: str
    inputs: Inputs
    zero: _ColumnSums
    has_values: bool
    compiled: bool
    frame: BinFrame = _NO_BINS

    @classmethod
    def of(cls, key: str, snapshot: Snapshot, *, compiled: bool) -> "_ColumnReader":
        """Return the reader of a column, which looks at a few entries."""
        inputs = open_inputs(snapshot, [key], {})
        has_values = not why_no_numbers(inputs.values(key, 0, 0))
        reader = cls(key, inputs, _ColumnSums(0), has_values, compiled)
        if not has_values:
            return reader
        if reader.values(0, 0).texts is not None:
            return replace(reader, zero=_ColumnSums(0, texts=Counter()))
        return replace(reader, frame=_frame_of(reader))

    def values(self, start: int, stop: int) -> FlatValues:
        """Return the values of a range of entries."""
        columns = {self.key: self.inputs.values(self.key, start, stop)}
        return values_of(self.key, columns, num_entries=stop - start)

    def read(
        self,
        start: int,
        stop: int,
        members: _Members,
        weights: NDArray[np.float64] | None,
        notes: EntryNotes,
    ) -> _Part:
        """Return the sums of each group of a range of entries."""
        flat = self.values(start, stop) if self.has_values else None
        sums = {
            group: self._sums(flat, rows, None if weights is None else weights[rows])
            for group, rows in members
        }
        return self.key, sums, notes

    def _sums(
        self,
        flat: FlatValues | None,
        rows: slice | Entries,
        weights: NDArray[np.float64] | None,
    ) -> _ColumnSums:
        num = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        if flat is None or not num:
            return replace(self.zero, num_entries=num)
        values, counts_of = flat.take(rows)
        if flat.texts is not None:
            counts = np.bincount(values, minlength=len(flat.texts)).tolist()
            texts = Counter({t: n for t, n in zip(flat.texts, counts, strict=True) if n})
            return _ColumnSums(num, texts=_few(texts))
        lengths = None
        if counts_of is not None:
            lengths = summarize(counts_of, _NO_BINS, compiled=self.compiled)
        summary = summarize(values, self.frame, compiled=self.compiled)
        if weights is None:
            return _ColumnSums(num, summary, lengths)
        repeats = flat.size if counts_of is None else counts_of * flat.size
        weighted = _weighted(values, np.repeat(weights, repeats), summary, self.frame)
        return _ColumnSums(num, summary, lengths, weighted)


def _tasks(
    readers: Sequence[_ColumnReader], snapshot: Snapshot, grouping: Grouping | None
) -> Iterator[Callable[[], _Part]]:
    """Yield the work on each column; the thread of the caller groups entries, once for all."""
    if grouping is None:
        for reader in readers:
            for start, stop in reader.inputs.ranges(_STEP_ALL):
                members: _Members = [((), slice(0, stop - start))]
                yield partial(reader.read, start, stop, members, None, EntryNotes())
        return
    for start, stop in open_inputs(snapshot, [r.key for r in readers], {}).ranges(_STEP_GROUPED):
        grouped = grouping(start, stop)
        members = _members(grouped.groups, grouped.group_of, stop - start)
        for reader in readers:
            yield partial(reader.read, start, stop, members, grouped.weights, grouped.notes)


def _members(groups: Sequence[Group], group_of: Entries | None, num: int) -> _Members:
    if group_of is None:
        return [(groups[0], slice(0, num))]
    if len(groups) <= _FEW_GROUPS:  # to sort takes longer than to look a few times
        each = [np.flatnonzero(group_of == i) for i in range(len(groups))]
    else:
        order = np.argsort(group_of, kind="stable")
        each = np.split(order, np.searchsorted(group_of[order], np.arange(len(groups))))[1:]
    members: list[tuple[Group, slice | Entries]] = []
    for group, rows in zip(groups, each, strict=True):
        run = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)
        members.append((group, run if run.stop - run.start == len(rows) else rows))
    return members


def _weighted(
    values: Array, weights: NDArray[np.float64], summary: ValueSummary, frame: BinFrame
) -> _WeightedSums:
    is_finite = np.isfinite(values)
    if not is_finite.all():
        values, weights = values[is_finite], weights[is_finite]
    wide = values.astype(np.float64)
    with np.errstate(all="ignore"):
        distances = distances_from(values, wide, summary.mean)
        sums = [weights.sum(), (weights * distances).sum(), (weights * np.square(distances)).sum()]
    places = places_of(wide, frame)
    content = np.bincount(places, weights, minlength=frame.num_bins)
    return _WeightedSums(summary.mean, np.array(sums, np.float64), content.astype(np.float64))


def _few(texts: Counter[str]) -> Counter[str]:
    return texts if len(texts) <= _MAX_TEXTS else Counter(dict(texts.most_common(_MAX_TEXTS + 1)))
