"""Counts the values of inputs by class, before and after scaling, in one threaded pass."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import fill_bins
from memmpy.loaders import slice_ranges
from memmpy.parallel import num_helpers, prefetch
from memmpy.training.summaries.input_histograms import NUMBER, InputHistogram, InputHistograms
from memmpy.training.summaries.split_rows import InputKey, SplitRows, names_of_keys
from memmpy.typing import Array, Entries

__all__ = ["count_inputs"]

#: The first rows, whose values decide where bins lie.
_SAMPLE_ROWS = 1 << 16
#: Bins span these percentiles of each class; or all values, if these span no more than 1.5 times
#: as much.
_PERCENTILES, _REACH = (0.5, 99.5), 1.5
#: Scaled values beyond are in no bin.
_MAX_SCALED = 10.0


@final
@dataclass(frozen=True, slots=True)
class _Column:
    """A key of an input, its number (None for the number of objects), and the edges of its bins."""

    input: str
    key: str
    label: str
    number: int | None
    before: NDArray[np.float64]
    after: NDArray[np.float64] | None


def count_inputs(rows: SplitRows, keys: Sequence[InputKey], *, bins: int) -> InputHistograms:
    """Return the histograms of keys of inputs, the same bits for any number of threads.

    Parameters
    ----------
    rows : SplitRows
        The rows.
    keys : sequence of InputKey
        The keys, input by input.
    bins : int
        The number of bins. Integers of a small range have one bin each.
    """
    columns = _columns(rows, keys, bins)
    compiled = rows.is_large(2 * len(columns))
    count = partial(_count, rows, columns, compiled=compiled)
    total, num_threads = count(range(0)), num_helpers()
    tasks = (partial(count, step) for step in rows.steps([one.input for one in keys]))
    for part in prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1):
        total += part
        rows.release()
    return total


def _count(
    rows: SplitRows, columns: Sequence[_Column], step: range, *, compiled: bool
) -> InputHistograms:
    """Return the histograms of some rows."""
    groups, weights = rows.groups(step), rows.weights(step, compiled=compiled)
    num_groups = len(rows.classes)

    def histogram(
        column: _Column, values: Array, edges: NDArray[np.float64], offsets: Entries | None
    ) -> InputHistogram:
        of_items = groups if offsets is None else np.repeat(groups, np.diff(offsets))
        sums, squares = fill_bins(
            values,
            edges,
            offsets=offsets,
            groups=groups,
            num_groups=num_groups,
            weights=weights,
            compiled=compiled,
        )
        num_items, num_missing = (
            np.bincount(numbers, minlength=num_groups)
            for numbers in (of_items, of_items[np.isnan(values)])
        )
        names = column.input, column.key, column.label
        return InputHistogram(*names, edges, sums[:, :-1], squares[:, :-1], num_items, num_missing)

    before: list[InputHistogram] = []
    after: list[InputHistogram | None] = []
    for name, own in groupby(columns, key=lambda one: one.input):
        items = rows.items(name, step)
        offsets = np.append(0, np.cumsum(items.counts)) if rows.has_objects(name) else None
        scaled = rows.scaled(name, items.values, compiled=compiled)
        for one in own:
            if one.number is None:
                before.append(histogram(one, items.counts, one.before, None))
                after.append(None)
                continue
            values = np.ascontiguousarray(items.values[:, one.number])
            before.append(histogram(one, values, one.before, offsets))
            values = np.ascontiguousarray(scaled[:, one.number])
            after.append(None if one.after is None else histogram(one, values, one.after, offsets))
    num_events = np.bincount(groups, minlength=num_groups)
    return InputHistograms(rows.title, rows.classes, num_events, tuple(before), tuple(after))


def _columns(rows: SplitRows, keys: Sequence[InputKey], bins: int) -> list[_Column]:
    """Return the bins of each key, from the first rows, which are a random sample."""
    sample = [range(0), *slice_ranges(rows.ranges, 0, _SAMPLE_ROWS)]
    groups = np.concatenate([rows.groups(step) for step in sample])
    labels = dict(zip(keys, names_of_keys(keys), strict=True))
    columns: list[_Column] = []
    for name, own in groupby(keys, key=lambda one: one.input):
        pieces = [rows.items(name, step) for step in sample]
        values = np.concatenate([piece.values for piece in pieces])
        counts = np.concatenate([piece.counts for piece in pieces])
        scaled = rows.scaled(name, values, compiled=False)
        of_items = np.repeat(groups, counts)
        for one in own:
            column = values[:, one.number], scaled[:, one.number]
            before, after = (_edges_of(part, of_items, bins) for part in column)
            is_scaled = rows.request.methods[name][one.number] is not None
            columns.append(
                _Column(
                    name, one.key, labels[one], one.number, before, after if is_scaled else None
                )
            )
        if rows.has_objects(name):
            columns.append(
                _Column(
                    name, NUMBER, f"number of {name}", None, _edges_of(counts, groups, bins), None
                )
            )
    scaled_edges = [one.after for one in columns if one.after is not None]
    low = max(-_MAX_SCALED, min((edges[0] for edges in scaled_edges), default=0.0))
    high = min(_MAX_SCALED, max((edges[-1] for edges in scaled_edges), default=1.0))
    shared = np.linspace(low, max(high, low + 1.0), bins + 1)
    return [one if one.after is None else replace(one, after=shared) for one in columns]


def _edges_of(values: Array, groups: NDArray[np.int64], bins: int) -> NDArray[np.float64]:
    """Return the edges of bins that span most of the values of each group."""
    is_finite = np.isfinite(values)
    wide, groups = values[is_finite].astype(np.float64), groups[is_finite]
    if not wide.size:
        return np.linspace(0.0, 1.0, bins + 1)
    least, greatest = float(wide.min()), float(wide.max())
    if greatest - least < bins and abs(greatest) < 2**52 and (wide == np.rint(wide)).all():
        return np.arange(least, greatest + 2.0) - 0.5
    spans = [np.percentile(wide[groups == group], _PERCENTILES) for group in np.unique(groups)]
    low, high = float(np.min(spans)), float(np.max(spans))
    if greatest - least <= _REACH * (high - low):
        low, high = least, greatest
    # So that the greatest value is in the last bin, and the edges of a constant differ.
    margin = max(1e-6 * (high - low), 1e-9 * abs(high), 1e-30)
    if not high - low > 1e-9 * abs(high):
        low, high = low - 0.5 * max(1.0, abs(low)), high + 0.5 * max(1.0, abs(high))
    with np.errstate(over="ignore"):
        edges = np.linspace(low, high + margin, bins + 1)
    return edges if np.isfinite(edges).all() else np.linspace(-1e300, 1e300, bins + 1)
