"""The histograms of the keys of a store, by process and by class, as charts of a report."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts import GroupOptions
from memmpy.dataset import ColumnStatistics, ColumnSummary, Store
from memmpy.dataset.hist import BinEdges, fill_histograms
from memmpy.display import Progress, format_count, format_number, format_share
from memmpy.errors import CutWarning, MemmpyError
from memmpy.report.chart_rows import ChartRows, ClassCuts
from memmpy.report.chart_words import histogram_in_words
from memmpy.report.report_data import Chart, ChartSet, bins_of

__all__ = ["draw_keys"]

#: Keys that are filled in one pass, at most: each pass reads the process and the weight again.
_BATCH = 64
#: Texts of a histogram at most.
_MAX_TEXTS = 12


@final
@dataclass(frozen=True, slots=True)
class _KeyBins:
    """The bins of a key: the sums of each row, below, in and above the bins, and of NaN."""

    axis: BinEdges | tuple[str, ...]
    sums: NDArray[np.float64]


def draw_keys(
    store: Store,
    columns: Sequence[ColumnSummary],
    cuts: ClassCuts,
    *,
    sizes: Mapping[str, int],
    progress: bool | None,
) -> ChartSet:
    """Return the histograms of columns. memmpy reads each column twice, and a sample before.

    If a process has entries of several classes, it reads each column once more for each class.

    Parameters
    ----------
    store : Store
        The store.
    columns : sequence of ColumnSummary
        The columns.
    cuts : ClassCuts
        The weight, and the classes.
    sizes : mapping of str to int
        The entries of each process.
    progress : bool or None
        Whether to show a progress bar; None shows it on a terminal.
    """
    drawing = _KeyDrawing(store, cuts, ChartRows.of(store, cuts, sizes), sum(sizes.values()))
    total = sum(column.num_entries for column in columns)
    charts: list[Chart] = []
    with Progress("histograms", total, show=progress) as bar, warnings.catch_warnings():
        # The sums of weights by process came with the same warnings.
        warnings.simplefilter("ignore", CutWarning)
        for start in range(0, len(columns), _BATCH):
            batch = columns[start : start + _BATCH]
            charts += drawing.charts(batch)
            bar.advance(sum(column.num_entries for column in batch))
    has_rest = any(column.num_entries != drawing.num_entries for column in columns)
    return ChartSet(drawing.rows.views(has_rest=has_rest), charts, has_search=True)


@final
@dataclass(frozen=True, slots=True)
class _KeyDrawing:
    """Fills the histograms of keys, and puts them into words."""

    store: Store
    cuts: ClassCuts
    rows: ChartRows
    num_entries: int

    def charts(self, columns: Sequence[ColumnSummary]) -> list[Chart]:
        """Return the charts of a few columns; those that fail together are drawn apart."""
        try:
            return self._charts(columns)
        except MemmpyError as error:
            if len(columns) == 1:
                return [_no_chart(columns[0], str(error))]
        half = len(columns) // 2
        return [*self.charts(columns[:half]), *self.charts(columns[half:])]

    def _charts(self, columns: Sequence[ColumnSummary]) -> list[Chart]:
        by_event = [one.key for one in columns if one.num_entries == self.num_entries]
        bins = self._fill(by_event)
        for one in columns:
            if one.key not in bins:
                bins |= self._fill_apart(one.key)
        statistics = self.store.describe([one.key for one in columns])
        return [
            self._chart(column, bins[column.key], row)
            for column, row in zip(columns, statistics, strict=True)
        ]

    def _fill(self, keys: Sequence[str]) -> dict[str, _KeyBins]:
        """Fill columns with one entry for each event."""
        if not keys:
            return {}
        rows, snapshot, cuts = self.rows, self.store.snapshot, self.cuts
        options = GroupOptions(
            by=rows.by, weight=cuts.weight, aliases=cuts.aliases, constants=cuts.constants
        )
        filled = fill_histograms(snapshot, keys, options=options)
        parts = {one.key: [rows.merged(one.groups, one.sums)] for one in filled}
        axes = {one.key: one.bins for one in filled}
        if rows.has_class_rows:
            edges = {key: axis.edges for key, axis in axes.items() if isinstance(axis, BinEdges)}
            for cut in cuts.labels.values():
                of_class = replace(options, by=None, cut=cut)
                for one in fill_histograms(snapshot, keys, bins=edges, options=of_class):
                    parts[one.key].append(one.sums)
        return {
            key: _KeyBins(axes[key], np.concatenate([*own, np.zeros((1, own[0].shape[1]))]))
            for key, own in parts.items()
        }

    def _fill_apart(self, key: str) -> dict[str, _KeyBins]:
        """Fill a column of another length, which has no processes, into the last row."""
        (one,) = fill_histograms(self.store.snapshot, [key])
        empty = np.zeros((self.rows.num_rows - 1, one.sums.shape[1]))
        return {key: _KeyBins(one.bins, np.concatenate([empty, one.sums]))}

    def _chart(self, column: ColumnSummary, bins: _KeyBins, row: ColumnStatistics) -> Chart:
        if isinstance(bins.axis, tuple):
            return self._text_chart(column, bins.axis, bins.sums, row)
        if row.num_nan == row.num_values:
            return _no_chart(column, "all values are NaN" if row.num_nan else "there are no values")
        edges, inner = bins.axis.edges, bins.sums[:, 1:-2]
        names, rows = self._named(inner)
        drawing: dict[str, Any] = {"bins": bins_of(inner)}
        if column.type.endswith("bool"):
            drawing["labels"] = ["false", "true"]
        else:
            drawing |= {"low": float(edges[0]), "high": float(edges[-1])}
        return Chart(
            column.key,
            drawing,
            histogram_in_words(column.key, names, rows, edges),
            column.type,
            _origin(column),
            _caption(row, bins.sums.sum(axis=0), edges),
        )

    def _text_chart(
        self,
        column: ColumnSummary,
        texts: tuple[str, ...],
        sums: NDArray[np.float64],
        row: ColumnStatistics,
    ) -> Chart:
        inner = sums[:, 1:-2]
        order = np.argsort(-inner.sum(axis=0), kind="stable")
        first = np.sort(order[: _MAX_TEXTS - 1] if len(texts) > _MAX_TEXTS else order)
        labels, parts = [texts[i] for i in first.tolist()], inner[:, first]
        rest = inner.sum(axis=1) - parts.sum(axis=1) + sums[:, -2]
        if len(texts) > _MAX_TEXTS or sums[:, -2].any():
            labels.append("others")
            parts = np.column_stack([parts, rest])
        names, rows = self._named(parts)
        words = [
            f"{name}: "
            + ", ".join(
                f"{label} {format_number(float(one))}"
                for label, one in zip(labels, own, strict=True)
                if one
            )
            for name, own in zip(names, rows, strict=True)
            if own.any()
        ]
        num = (
            "many different texts" if row.num_texts is None else format_count(row.num_texts, "text")
        )
        return Chart(
            column.key,
            {"bins": bins_of(parts), "labels": labels},
            f"Histogram of the texts of {column.key}. {'; '.join(words[:_MAX_TEXTS])}",
            column.type,
            _origin(column),
            [num],
        )

    def _named(self, sums: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
        """Return the processes and their rows; the one row of a column without processes."""
        if sums[-1].any():
            return ["all"], sums[-1:]
        return list(self.rows.processes), sums[: len(self.rows.processes)]


def _no_chart(column: ColumnSummary, reason: str) -> Chart:
    note = f"No histogram: {reason.splitlines()[0]}"
    return Chart(column.key, {}, note, column.type, _origin(column), [note])


def _origin(column: ColumnSummary) -> str:
    return "" if column.origin == "branch" else column.origin


def _caption(
    row: ColumnStatistics, sums: NDArray[np.float64], edges: NDArray[np.float64]
) -> list[str]:
    """Return the mean, the width and the extremes, and the shares that the bins do not show."""
    if row.type.endswith("bool"):
        return [] if row.mean is None else [f"{format_share(row.mean)} true"]
    words = [
        f"{name} {format_number(float(value))}"
        for name, value in (
            ("mean", row.mean),
            ("std", row.std),
            ("min", row.min),
            ("max", row.max),
        )
        if value is not None
    ]
    for num, name in ((row.num_nan, "NaN"), (row.num_infinite, "infinite")):
        if num:
            words.append(f"{format_share(num, row.num_values)} {name}")
    total = float(sums[:-1].sum())
    for part, place, edge in ((sums[0], "below", edges[0]), (sums[-2], "above", edges[-1])):
        if part > 0 and total > 0:
            words.append(f"{format_share(float(part), total)} {place} {format_number(float(edge))}")
    return words
