"""`Columns`: the columns of a store as a table, with type, size and origin of each."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, final, overload

from memmpy.checks import is_pattern
from memmpy.columns import StoredColumn, check_keys, type_of_column
from memmpy.display import Renderable, Table, format_count, format_size
from memmpy.errors import LengthError, MissingKeyError, OptionError, nearest
from memmpy.store import ColumnRecord, Metadata, process_names
from memmpy.typing import PathLike

__all__ = [
    "MAX_ROWS",
    "ColumnSummary",
    "Columns",
    "left_out_in_words",
    "list_columns",
    "process_keys",
    "select_aligned",
    "select_keys",
]

#: Rows of a table on a terminal, unless all were asked for.
MAX_ROWS = 40


@final
@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """One column, as a store lists it.

    Attributes
    ----------
    key : str
        Its name.
    kind : str
        ``vector``, ``jagged``, ``shaped``, ``text`` or ``nested``.
    type : str
        The dtype and the shape of an entry, such as ``float32`` or ``list of float32``; ``text``
        for the texts of metadata, too.
    num_entries : int
        Its length.
    num_bytes : int
        Bytes on disk.
    origin : str
        The branch, the expression of branches, or the expression of other columns.
    problem : str
        Why it cannot be used, because it is damaged; else empty.
    """

    key: str
    kind: str
    type: str
    num_entries: int
    num_bytes: int
    origin: str
    problem: str = ""


@final
class Columns(Renderable, Sequence[ColumnSummary]):
    """Columns of a store, in its order; prints as a table.

    Parameters
    ----------
    path : path-like
        The store.
    columns : sequence of ColumnSummary
        The columns.
    num_files : int
        The number of files of the store.
    max_rows : int
        Rows to show on a terminal; 0 for all.
    """

    __slots__ = ("_columns", "_max_rows", "_num_files", "_path")

    def __init__(
        self, path: PathLike, columns: Sequence[ColumnSummary], *, num_files: int, max_rows: int
    ) -> None:
        self._path, self._columns = os.fspath(path), tuple(columns)
        self._num_files, self._max_rows = num_files, max_rows

    def __len__(self) -> int:
        return len(self._columns)

    @overload
    def __getitem__(self, index: int) -> ColumnSummary: ...
    @overload
    def __getitem__(self, index: slice) -> "Columns": ...
    def __getitem__(self, index: int | slice) -> "ColumnSummary | Columns":
        if not isinstance(index, slice):
            return self._columns[index]
        chosen = self._columns[index]
        return Columns(self._path, chosen, num_files=self._num_files, max_rows=self._max_rows)

    def to_dict(self) -> dict[str, Any]:
        """Return the columns as dicts, lists, texts and numbers, for JSON."""
        return {"path": self._path, "columns": [asdict(column) for column in self._columns]}

    def _blocks(self) -> list[Table]:
        rows = [
            (
                column.key,
                column.kind,
                "damaged" if column.problem else column.type,
                column.origin,
                "?" if column.problem else f"{column.num_entries:,}",
                format_size(column.num_bytes),
            )
            for column in self._columns
        ]
        nums = f"{format_count(len(self), 'column')}, {format_count(self._num_files, 'file')}"
        return [
            Table(
                ("key", "kind", "type", "origin", "entries", "size"),
                4,
                [rows],
                title=f"Store {self._path!r}: {nums}",
                optional=(5, 1, 3),
                max_rows=self._max_rows,
                hint="columns() or `memmpy keys` lists all columns",
            )
        ]


def list_columns(
    path: PathLike,
    metadata: Metadata,
    keys: Iterable[str],
    *,
    damage: Mapping[str, str],
    max_rows: int,
) -> Columns:
    """Return a summary of some columns of a store, from its metadata alone."""
    summaries = [_summary(key, metadata.columns[key], problem=damage.get(key, "")) for key in keys]
    num_files = len({source.path for source in metadata.sources})
    return Columns(path, summaries, num_files=num_files, max_rows=max_rows)


def select_keys(known: Collection[str], keys: str | Collection[str] | None) -> list[str]:
    """Return the keys that names and patterns such as ``jet_*`` select, in the order of the store.

    Names that are given one by one keep their order.

    Raises
    ------
    MissingKeyError
        If a name or a pattern selects nothing; names the nearest.
    """
    if keys is None:
        return list(known)
    keys = (keys,) if isinstance(keys, str) else keys
    check_keys(keys)
    selected: dict[str, None] = {}
    for key in keys:
        several = key not in known and is_pattern(key)
        matches = [k for k in known if fnmatchcase(k, key)] if several else [key]
        if not matches or matches[0] not in known:
            what = "column matches" if several else "column"
            raise MissingKeyError(f"no {what} {key!r}{nearest(key, known)}", key)
        selected |= dict.fromkeys(matches)
    if not selected:
        raise OptionError("keys is empty: name a column, or leave it out for all columns")
    return list(selected)


def select_aligned(
    columns: Mapping[str, StoredColumn], keys: str | Collection[str] | None, *, num_entries: int
) -> tuple[list[str], list[str]]:
    """Return the keys of columns with one value for each entry, and those that were left out.

    Raises
    ------
    MissingKeyError
        See `select_keys`.
    LengthError
        If a column that a name or a pattern selects has another length.
    """
    selected = select_keys(columns, keys)
    others = [key for key in selected if len(columns[key]) != num_entries]
    if keys is not None and others:
        message = f"column {others[0]!r} has {len(columns[others[0]]):,} entries, and the store "
        raise LengthError(f"{message}{num_entries:,}: ask for it alone, or without it")
    return [key for key in selected if len(columns[key]) == num_entries], others


def left_out_in_words(others: Sequence[str], damaged: Sequence[str]) -> list[str]:
    """Return a line about columns of another length, and one about damaged ones, if any."""
    return [
        f"without columns {why}: {', '.join(keys[:3])}{', …' * (len(keys) > 3)}"
        for why, keys in (("of another length", others), ("that are damaged", damaged))
        if keys
    ]


def process_keys(metadata: Metadata) -> tuple[str, ...]:
    """Return the columns that tell the process of an entry; see `process_names`."""
    columns = metadata.current_columns()
    return process_names([key for key, one in columns.items() if one.source_texts is not None])


def _summary(key: str, record: ColumnRecord, *, problem: str) -> ColumnSummary:
    return ColumnSummary(
        key=key,
        kind=record.kind,
        type="text" if record.is_hashed else type_of_column(record).in_words(),
        num_entries=record.num_entries,
        num_bytes=record.nbytes,
        origin=_origin(key, record),
        problem=problem,
    )


def _origin(key: str, record: ColumnRecord) -> str:
    if record.computed is not None:
        return f"added: {record.computed.expression}"
    if record.origin is None:
        return "written"
    spec = record.origin.spec
    if record.origin.is_metadata:
        return "metadata"
    name = str(spec["branch"] if "branch" in spec else spec["expression"])
    if spec.get("mask"):
        return f"mask of {name}"
    words = "branch" if name == key else name if "branch" not in spec else f"branch {name}"
    return f"{words}, padded to {spec['padding'][0]}" if "padding" in spec else words
