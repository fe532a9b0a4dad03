"""Reads columns once on threads, and summarizes their values by group."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import (
    ReadJagged,
    ReadNested,
    ReadShaped,
    ReadText,
    Snapshot,
    StoredColumn,
    type_of_column,
)
from memmpy.cuts import (
    EntryNotes,
    Group,
    Grouping,
    GroupTotals,
    HashedText,
    distinct_values,
    labels_of,
)
from memmpy.dataset.column_statistics import ColumnStatistics
from memmpy.jagged import Jagged
from memmpy.kernels import (
    ITEMS_REDUCED,
    BinFrame,
    ValueSummary,
    is_worth_compiling,
    places_of,
    summarize,
)
from memmpy.parallel import keep_freed_memory, prefetch
from memmpy.store import ColumnRecord
from memmpy.typing import Array, Entries

__all__ = ["describe_columns"]

#: Different texts of a column that are counted.
MAX_TEXTS = 10_000
#: Values that a thread summarizes in one go, and entries that are grouped in one go.
_STEP_VALUES, _STEP_ENTRIES, _FEW_GROUPS = 1 << 20, 1 << 17, 16
#: For the numbers of items of lists, whose distribution is not shown.
_NO_BINS = BinFrame(0.0, 1.0, 1)
#: Bins of a distribution, and places in a column, and values there, that choose its range.
_NUM_BINS, _NUM_PLACES, _NUM_SAMPLED = 16, 64, 256
#: The values between the first and the last of these quantiles are in the range.
_QUANTILES = (0.005, 0.5, 0.995)

#: The entries of a range that a group has: all of a slice, or some.
Members: TypeAlias = Sequence[tuple[Group, slice | Entries]]


@dataclass(frozen=True, slots=True, eq=False)
class WeightedSums:
    """Sums of weights, of weighted distances from a center, and of weighted squares of them."""

    center: float
    sums: NDArray[np.float64]
    bins: NDArray[np.float64]

    def __add__(self, other: "WeightedSums") -> "WeightedSums":
        with np.errstate(all="ignore"):
            shift = np.float64(other.center) - self.center
            first, second, third = other.sums
            moved = [first, second + shift * first, third + shift * (2 * second + shift * first)]
        return WeightedSums(self.center, self.sums + moved, self.bins + other.bins)


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSums:
    """Sums over some entries of a column. Two can be added.

    Attributes
    ----------
    num_entries : int
        The entries.
    values : ValueSummary, optional
        Their values, if they are numbers.
    lengths : ValueSummary, optional
        The numbers of items, if they are lists.
    weighted : WeightedSums, optional
        Sums with weights, if there are any.
    texts : Counter of str, optional
        The texts, if they are texts; at most `MAX_TEXTS` + 1 of them.
    """

    num_entries: int
    values: ValueSummary | None = None
    lengths: ValueSummary | None = None
    weighted: WeightedSums | None = None
    texts: Counter[str] | None = None

    def __add__(self, other: "ColumnSums") -> "ColumnSums":
        texts = _add(self.texts, other.texts)
        return ColumnSums(
            self.num_entries + other.num_entries,
            _add(self.values, other.values),
            _add(self.lengths, other.lengths),
            _add(self.weighted, other.weighted),
            None if texts is None else _few(texts),
        )


def _add(one: Any, other: Any) -> Any:
    return one if other is None else other if one is None else one + other


def frame_of(column: StoredColumn) -> BinFrame:
    """Return the bins of a column, from values at evenly spaced places."""
    content = _content_of(column)
    if content is None or not len(content):
        return BinFrame(0.0, 1.0, 1)
    step = max(_NUM_SAMPLED, len(content) // _NUM_PLACES)
    parts = [content[at : at + _NUM_SAMPLED] for at in range(0, len(content), step)]
    sample = np.concatenate(parts).reshape(-1)
    wide = sample.astype(np.float64)
    wide = wide[np.isfinite(wide)]
    if not len(wide):
        return BinFrame(0.0, 1.0, 1)
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
    num_entries: int,
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
    num_entries : int
        The length of all columns, if there is a grouping.
    num_threads : int
        Threads beside that of the caller.
    """
    sizes = {key: _size_of(snapshot.columns[key]) for key in keys}
    compiled = is_worth_compiling(sum(sizes.values()), least=ITEMS_REDUCED)
    readers = {
        key: _SummaryReader(key, column, snapshot.texts(key), frame_of(column), compiled)
        for key, column in ((key, snapshot.columns[key]) for key in keys)
    }
    tasks = (
        _tasks(readers, sizes)
        if grouping is None
        else _grouped_tasks(readers, sizes, grouping, num_entries)
    )
    if num_threads:
        keep_freed_memory()
    totals = {key: GroupTotals(ColumnSums(0), grouping) for key in keys}
    for key, sums, notes in prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1):
        totals[key].add([*sums], sums.values(), notes)
    if keys:
        totals[keys[0]].warn()
    groups = {key: total.in_order() for key, total in totals.items()}
    return tuple(
        _statistics(key, label, snapshot.metadata.columns[key], readers[key], sums)
        for key, own in groups.items()
        for label, sums in zip(labels_of([*own]), own.values(), strict=True)
    )


def _statistics(
    key: str, group: str, record: ColumnRecord, reader: "_SummaryReader", sums: ColumnSums
) -> ColumnStatistics:
    is_text = reader.texts is not None or record.kind == "text"
    statistics = ColumnStatistics(
        key=key,
        group=group,
        type="text" if is_text else type_of_column(record).in_words(),
        num_entries=sums.num_entries,
        num_values=sums.num_entries,
    )
    if sums.texts is not None:
        num = len(sums.texts)
        if num > MAX_TEXTS:
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
    values: ValueSummary, weighted: WeightedSums | None
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
class _SummaryReader:
    """Reads one column."""

    key: str
    column: StoredColumn
    texts: Mapping[int, str] | None
    frame: BinFrame
    compiled: bool

    def read(
        self, start: int, members: Members, weights: NDArray[np.float64] | None, notes: EntryNotes
    ) -> tuple[str, dict[Group, ColumnSums], EntryNotes]:
        """Return the sums of each group, for the range of entries that begins at `start`."""
        sums = {group: self._sums(start, rows, weights) for group, rows in members}
        return self.key, sums, notes

    def _sums(
        self, start: int, rows: slice | Entries, weights: NDArray[np.float64] | None
    ) -> ColumnSums:
        column = self.column
        if isinstance(rows, slice):
            num = rows.stop - rows.start
            chosen: Any = slice(start + rows.start, start + rows.stop)
        else:
            num, chosen = len(rows), rows + start
        weights = None if weights is None else weights[rows]
        if isinstance(column, ReadNested):
            return ColumnSums(num)
        if isinstance(column, ReadText):
            return ColumnSums(num, texts=_few(Counter(column[chosen].tolist())))
        if self.texts is not None:
            hashed = HashedText(np.asarray(column)[chosen], self.texts)
            distinct, numbers = distinct_values(hashed) if num else ([], np.empty(0, np.int64))
            counts = np.bincount(numbers, minlength=len(distinct)).tolist()
            return ColumnSums(num, texts=_few(Counter(dict(zip(distinct, counts, strict=True)))))
        lists = _lists_of(column)
        if lists is None:
            values = np.asarray(column)[chosen]
            repeats: Any = values.size // max(1, num)
            lengths = None
        else:
            values, counts_of = _items(lists, chosen)
            repeats = counts_of * (values.size // max(1, len(values)))
            lengths = summarize(counts_of, _NO_BINS, compiled=self.compiled)
        flat = values.reshape(-1)
        if flat.dtype.kind not in "biuf" or flat.dtype.itemsize > 8:
            return ColumnSums(num, lengths=lengths)
        summary = summarize(flat, self.frame, compiled=self.compiled)
        sums = ColumnSums(num, summary, lengths)
        if weights is None:
            return sums
        return replace(
            sums, weighted=_weighted(flat, np.repeat(weights, repeats), summary, self.frame)
        )


def _tasks(
    readers: Mapping[str, _SummaryReader], sizes: Mapping[str, int]
) -> Iterator[Callable[[], tuple[str, dict[Group, ColumnSums], EntryNotes]]]:
    for key, reader in readers.items():
        num = len(reader.column)
        step = max(1, _STEP_VALUES * num // max(1, sizes[key]))
        for start in range(0, max(1, num), step):
            stop = min(start + step, num)
            yield partial(reader.read, start, [((), slice(0, stop - start))], None, EntryNotes())


def _grouped_tasks(
    readers: Mapping[str, _SummaryReader],
    sizes: Mapping[str, int],
    grouping: Grouping,
    num_entries: int,
) -> Iterator[Callable[[], tuple[str, dict[Group, ColumnSums], EntryNotes]]]:
    """Group ranges of entries, each once for all columns; the thread of the caller does it."""
    largest = max(1, *sizes.values()) / max(1, num_entries)
    step = max(1, min(_STEP_ENTRIES, int(_STEP_VALUES / largest)))
    for start in range(0, num_entries, step):
        stop = min(start + step, num_entries)
        grouped = grouping(start, stop)
        members = _members(grouped.groups, grouped.group_of, stop - start)
        for reader in readers.values():
            yield partial(reader.read, start, members, grouped.weights, grouped.notes)


def _members(groups: Sequence[Group], group_of: Entries | None, num: int) -> Members:
    if group_of is None:
        return [(groups[0], slice(0, num))]
    if len(groups) <= _FEW_GROUPS:  # to sort takes longer than to look a few times
        each = [np.flatnonzero(group_of == i) for i in range(len(groups))]
    else:
        order = np.argsort(group_of, kind="stable")
        each = np.split(order, np.searchsorted(group_of[order], np.arange(len(groups))))[1:]
    members: list[tuple[Group, slice | Entries]] = []
    for group, rows in zip(groups, each, strict=True):
        if len(rows):
            run = slice(int(rows[0]), int(rows[-1]) + 1)
            members.append((group, run if run.stop - run.start == len(rows) else rows))
    return members


def _weighted(
    values: Array, weights: NDArray[np.float64], summary: ValueSummary, frame: BinFrame
) -> WeightedSums:
    wide = values.astype(np.float64)
    is_finite = np.isfinite(wide)
    if not is_finite.all():
        wide, weights = wide[is_finite], weights[is_finite]
    with np.errstate(all="ignore"):
        distances = wide - summary.mean
        sums = [weights.sum(), (weights * distances).sum(), (weights * np.square(distances)).sum()]
    places = places_of(wide, frame)
    content = np.bincount(places, weights, minlength=frame.num_bins)
    return WeightedSums(summary.mean, np.array(sums, np.float64), content.astype(np.float64))


def _lists_of(column: StoredColumn) -> ReadJagged | Jagged | None:
    """Return a column of lists or arrays of any shape as lists; None for other columns."""
    if isinstance(column, ReadShaped):
        return column.flat
    return column if isinstance(column, ReadJagged) else None


def _items(lists: Any, chosen: slice | Entries) -> tuple[Array, NDArray[np.int64]]:
    """Return the items of some entries, and the number of each entry's."""
    if isinstance(chosen, slice):
        offsets = lists.offsets_between(chosen.start, chosen.stop)
        return lists.content[offsets[0] : offsets[-1]], np.diff(offsets)
    taken = lists[chosen]
    return taken.content, taken.counts


def _content_of(column: StoredColumn) -> Array | None:
    if isinstance(column, ReadNested | ReadText):
        return None
    lists = _lists_of(column)
    content = np.asarray(column if lists is None else lists.content)
    return content if content.dtype.kind in "biuf" and content.dtype.itemsize <= 8 else None


def _size_of(column: StoredColumn) -> int:
    content = _content_of(column)
    return len(column) if content is None else content.size


def _few(texts: Counter[str]) -> Counter[str]:
    return texts if len(texts) <= MAX_TEXTS else Counter(dict(texts.most_common(MAX_TEXTS + 1)))
