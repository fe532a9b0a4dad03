"""`Description`: statistics of columns by group, as values and as a table."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, final

from memmpy.dataset.store_columns import MAX_ROWS, left_out_in_words
from memmpy.display import (
    Cell,
    Renderable,
    Sparkline,
    Table,
    format_count,
    format_number,
    format_share,
    json_value,
)
from memmpy.errors import MissingKeyError, nearest

__all__ = ["ColumnStatistics", "Description"]


@final
@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """Statistics of one column, of the entries of one group.

    The values of a list, or of lists of lists, are those of all items. A column of records, or of
    lists of texts, has only entries. The mean, the width and the extremes are those
    of the finite values; without any, they are None.

    Attributes
    ----------
    key : str
        The column.
    group : str
        The group, such as ``ttH``; ``all`` if all entries are one group.
    type : str
        The type of an entry, such as ``float32``, ``list of float32`` or ``text``.
    num_entries, num_values : int
        Entries, and values: for lists the items, for arrays the elements.
    num_nan, num_infinite, num_zero : int
        Values that are NaN, infinite, or zero.
    mean, std : float or None
        The mean, and the standard deviation (dividing by n); weighted if there is a weight. The
        mean of booleans is the share of true ones.
    min, max : bool, int, float or None
        The extremes, exact also for 64-bit integers.
    counts : tuple of (int, float, int) or None
        For lists, the least, the mean and the greatest number of items of an entry.
    bins : tuple of float
        The finite values, or their weights, in bins of equal width from `low` to `high`; the first
        and the last bin hold those outside, too. Empty for texts.
    low, high : float
        The range of the bins, from a sample of the values; it is the same in all groups.
    num_texts : int or None
        For texts, the number of different ones; None for numbers, and for more than 10,000.
    most_frequent : tuple of (str, int) or None
        The most frequent text, and the number of its entries.
    """

    key: str
    group: str
    type: str
    num_entries: int
    num_values: int
    num_nan: int = 0
    num_infinite: int = 0
    num_zero: int = 0
    mean: float | None = None
    std: float | None = None
    min: bool | int | float | None = None
    max: bool | int | float | None = None
    counts: tuple[int, float, int] | None = None
    bins: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0
    num_texts: int | None = None
    most_frequent: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class _TableColumn:
    """A column of the table: its cells, and when a narrow terminal leaves it out, 1 first."""

    heading: str
    cell: Callable[[ColumnStatistics], Any]
    rank: int = 0

    def as_share(self) -> "_TableColumn":
        """Return a column of the shares of counts."""
        return replace(self, cell=lambda row: _share(self.cell(row), row.num_values))


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Description(Renderable, Sequence[ColumnStatistics]):
    """Statistics of columns by group; ``print`` and notebooks show a table.

    Attributes
    ----------
    path : str
        The store.
    rows : tuple of ColumnStatistics
        One for each column and group: all groups of a column, then the next column.
    by : tuple of str
        The columns to group by.
    cut, weight : str or None
        The cut and the weight.
    left_out : tuple of str
        Columns of another length than the store, which have no groups.
    damaged : tuple of str
        Columns that cannot be read.
    max_rows : int
        Rows to show on a terminal; 0 for all.

    Examples
    --------
    >>> description = store.describe(["met", "jet_*"], by="process")
    >>> description["met", "ttH"].mean
    """

    path: str
    rows: tuple[ColumnStatistics, ...]
    by: tuple[str, ...]
    cut: str | None
    weight: str | None
    left_out: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    max_rows: int = MAX_ROWS

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[ColumnStatistics]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        """Return the row of a number, a key, or a key and a group; see `rows`."""
        if isinstance(index, int | slice):
            return self.rows[index]
        key, group = index if isinstance(index, tuple) else (index, None)
        rows = [row for row in self.rows if row.key == key and group in {None, row.group}]
        if not rows:
            known = dict.fromkeys(name for row in self.rows for name in (row.key, row.group))
            hint = nearest(str(key if group is None else group), known)
            raise MissingKeyError(f"no row {index!r}{hint}", index)
        if len(rows) > 1:
            groups = ", ".join(repr(row.group) for row in rows[:3])
            raise MissingKeyError(f"{key!r} has several groups: add one of {groups}", index)
        return rows[0]

    def to_dict(self) -> dict[str, Any]:
        """Return it as dicts, lists, texts and numbers, for JSON; None for NaN and infinity."""
        values: dict[str, Any] = json_value(asdict(self))
        del values["max_rows"]
        return values

    def _blocks(self) -> list[str | Table]:
        num = len(dict.fromkeys(row.key for row in self.rows))
        title = f"Store {self.path!r}: {format_count(num, 'key')}"
        title += f", cut {self.cut}" if self.cut else ""
        columns = _columns(self.rows, by=", ".join(self.by))
        sections: list[list[list[Cell]]] = []
        for i, row in enumerate(self.rows):
            is_first = i == 0 or self.rows[i - 1].key != row.key
            if is_first and (self.by or not sections):
                sections.append([])
            cells = [column.cell(row) for column in columns]
            sections[-1].append(cells if is_first else ["", *cells[1:]])
        caption = [f"mean, std and distribution with the weight {self.weight}"] * bool(self.weight)
        caption += left_out_in_words(self.left_out, self.damaged)
        headings = [column.heading for column in columns]
        ranks = sorted((column.rank, i) for i, column in enumerate(columns) if column.rank)
        return [
            Table(
                headings,
                1 + headings.index("distribution"),
                sections,
                "\n".join(caption),
                title,
                optional=[i for _, i in ranks],
                cut=[1] if self.by else [],
                max_rows=self.max_rows,
                hint="choose some, such as 'jet_*' (in a shell: --keys 'jet_*')",
            )
        ]


def _columns(rows: Sequence[ColumnStatistics], *, by: str) -> list[_TableColumn]:
    """Return the columns of the table."""
    shares = (
        _TableColumn("NaN", lambda row: row.num_nan),
        _TableColumn("inf", lambda row: row.num_infinite, 4),
        _TableColumn("zero", lambda row: 0 if _is_bool(row) else row.num_zero, 3),
    )
    return [
        _TableColumn("key", lambda row: row.key),
        _TableColumn(by, lambda row: row.group)
        if by
        else _TableColumn("type", lambda row: row.type, 1),
        _TableColumn("distribution", _distribution, 7),
        _TableColumn("values", lambda row: f"{row.num_values:,}", 5),
        _TableColumn("mean", _mean),
        _TableColumn("std", lambda row: "" if _is_bool(row) else format_number(row.std), 6),
        _TableColumn("min", lambda row: "" if _is_bool(row) else format_number(row.min)),
        _TableColumn("max", lambda row: "" if _is_bool(row) else format_number(row.max)),
        *(share.as_share() for share in shares if any(map(share.cell, rows))),
        *([_TableColumn("items", _items, 2)] if any(row.counts for row in rows) else []),
    ]


def _distribution(row: ColumnStatistics) -> Cell:
    if row.most_frequent is not None:
        text, num = row.most_frequent
        share = format_share(num, row.num_entries)
        if row.num_texts == 1:
            return text
        return f"{text} {share} of {format_count(row.num_texts or 0, 'text')}"
    if row.type == "text":
        return "more than 10,000 texts" if row.num_entries else "no texts"
    if _is_bool(row) or not row.num_values:
        return ""
    low, high = f"{row.low:.4g}", f"{row.high:.4g}"
    return Sparkline(row.bins, f"{row.key}, {row.group}: {low} to {high}, and beyond")


def _is_bool(row: ColumnStatistics) -> bool:
    return row.type.endswith("bool")


def _mean(row: ColumnStatistics) -> str:
    if _is_bool(row) and row.mean is not None:
        return f"{format_share(row.mean)} true" if math.isfinite(row.mean) else "nan"
    return format_number(row.mean)


def _items(row: ColumnStatistics) -> str:
    if row.counts is None:
        return ""
    least, mean, greatest = row.counts
    return f"{least:,} to {greatest:,}, ø {mean:.3g}"


def _share(part: int, whole: int) -> str:
    return format_share(part, whole) if part else ""
