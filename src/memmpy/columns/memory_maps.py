"""Memory maps of the arrays of columns, and errors for columns that are missing or stale."""

import os
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np

from memmpy.checks import check_path
from memmpy.display import column_html
from memmpy.errors import ColumnError, MissingKeyError, argument_hints, damaged, nearest
from memmpy.store import ColumnRecord, Metadata, map_array, read_metadata
from memmpy.typing import Array, PathLike

__all__ = [
    "Arrays",
    "MappedColumn",
    "describe_column",
    "map_column",
    "map_columns",
    "no_column",
    "open_arrays",
    "why_stale",
]

#: Mapped arrays by role.
Arrays: TypeAlias = dict[str, np.memmap[Any, Any]]


_Column = TypeVar("_Column", bound="MappedColumn")


@argument_hints
class MappedColumn(ABC):
    """A column over mapped arrays, which a store or the caller gives.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.
    """

    __slots__ = ()

    _kind: ClassVar[str]

    def __init__(self, path: PathLike, key: str) -> None:
        self._set_arrays(*open_arrays(path, key, kind=self._kind), describe_column(path, key))

    @classmethod
    def from_maps(
        cls: type[_Column], record: ColumnRecord | None, arrays: "Arrays", name: str
    ) -> _Column:
        """Return the column over mapped arrays; `name` is its name in errors."""
        self = object.__new__(cls)
        self._set_arrays(record, arrays, name)
        return self

    @abstractmethod
    def _set_arrays(self, record: ColumnRecord | None, arrays: "Arrays", name: str) -> None:
        """Take the mapped arrays; only a nested column needs its record."""

    @property
    @abstractmethod
    def buffers(self) -> tuple[Array, ...]:
        """The mapped arrays that hold the column."""

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return sum(array.nbytes for array in self.buffers)

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def __getitem__(self, index: Any) -> Any: ...

    def _repr_html_(self) -> str:
        return column_html(self)


def describe_column(path: PathLike, key: str) -> str:
    """Return the name of a column in errors."""
    return f"column {key!r} of {os.fspath(path)!r}"


def open_arrays(path: PathLike, key: str, *, kind: str) -> tuple[ColumnRecord, Arrays]:
    """Return the record and the mapped arrays of a column that must be of one kind."""
    metadata, arrays = map_columns(path, [key], kind=kind)
    return metadata.columns[key], arrays[key]


def map_columns(
    path: PathLike, keys: Iterable[str] | None, *, kind: str | None
) -> tuple[Metadata, dict[str, Arrays]]:
    """Map columns as one commit left them; return its metadata, and their arrays by key.

    Parameters
    ----------
    path : path-like
        The store.
    keys : iterable of str or None
        The columns; None for all that are not stale.
    kind : str or None
        The kind that they must have; None for any.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If a column is of another kind, or stale.
    CorruptStoreError
        If a file is damaged.
    """
    given_keys = None if keys is None else list(keys)
    metadata = read_metadata(check_path(path))
    while True:
        current = metadata.current_keys()
        names = current if given_keys is None else given_keys
        stale = frozenset(metadata.columns).difference(current)
        records = {k: _record_of(metadata, k, stale=stale, kind=kind, path=path) for k in names}
        try:
            return metadata, {key: map_column(path, key, c) for key, c in records.items()}
        except FileNotFoundError as error:
            # If a writer has replaced the column since, the metadata is newer.
            newer = read_metadata(path)
            if newer.generation == metadata.generation:
                what = f"{error.strerror}: {error.filename!r}"
                raise damaged(repr(os.fspath(path)), what) from None
            metadata = newer


def map_column(path: PathLike, key: str, column: ColumnRecord) -> Arrays:
    """Map the arrays of a column, read-only.

    Raises
    ------
    FileNotFoundError
        If a file is missing; a writer may have replaced it since the metadata was read.
    CorruptStoreError
        If they are damaged, or do not belong together.
    """
    if not _is_consistent(column):
        raise damaged(describe_column(path, key), f"its arrays make no {column.kind} column")
    arrays = {role: map_array(Path(path), a, key=key) for role, a in column.arrays.items()}
    for offsets, content in (("offsets", "content"), ("shapes_offsets", "shapes")):
        if offsets in arrays and _ends(arrays[offsets]) != (0, len(arrays[content])):
            raise damaged(describe_column(path, key), "its offsets do not go from 0 to the end")
    return arrays


def _record_of(
    metadata: Metadata,
    key: Any,  # of any type: it is checked here
    *,
    stale: frozenset[str],
    kind: str | None,
    path: PathLike,
) -> ColumnRecord:
    """Return the record of a column; raise an error if it is missing, stale or of another kind."""
    if not isinstance(key, str) or key not in metadata.columns or key in stale:
        raise no_column(key, metadata, path=path, known=metadata.columns)
    column = metadata.columns[key]
    if kind is not None and column.kind != kind:
        reader = "read_vector" if column.kind == "vector" else f"Read{column.kind.capitalize()}"
        message = f"column {key!r} is {column.kind}, not {kind}: open it with {reader}"
        raise ColumnError(message)
    return column


def no_column(
    key: Any,  # of any type: it is checked here
    metadata: Metadata,
    *,
    path: PathLike,
    known: Iterable[str],
    purpose: str = "",
) -> ColumnError | MissingKeyError:
    """Return the error for a column that is missing or stale.

    Parameters
    ----------
    key : str
        The column.
    metadata : Metadata
        The metadata of the store.
    path : path-like
        The store.
    known : iterable of str
        Keys to suggest if they are similar.
    purpose : str
        The purpose of the column, such as `` to group by``.
    """
    where, stale = os.fspath(path), why_stale(metadata)
    if not isinstance(key, str):
        message = f"no column {key!r} in {where!r}{purpose}: a key is a text"
        return MissingKeyError(message, key)
    if key in stale:
        return ColumnError(f"column {key!r} of {where!r} is stale: {stale[key]}")
    return MissingKeyError(f"no column {key!r} in {where!r}{purpose}{nearest(key, known)}", key)


def why_stale(metadata: Metadata) -> dict[str, str]:
    """Return the stale columns, each with the reason and the way out."""
    stale = metadata.columns.keys() - set(metadata.current_keys())
    return {key: _reason(key, metadata, stale) for key in metadata.columns if key in stale}


def _reason(key: str, metadata: Metadata, stale: Collection[str]) -> str:
    column = metadata.columns[key]
    computed = column.computed
    if computed is not None:
        add = f"memmpy.open(...).add({key!r}, {computed.normal!r})"
        used = next((name for name in computed.made_of if name in stale), None)
        if used is not None:
            return (
                f"it was computed from {used!r}, which is stale: {_reason(used, metadata, stale)}; "
                f"once {used!r} is written again, compute {key!r} again, too: {add}"
            )
        return (
            f"of {', '.join(map(repr, computed.made_of))}, which it was computed from, something "
            f"was written again since; compute it again: {add}"
        )
    if column.events is not None:
        return (
            "it was written for the events of other files than those that fill the store now; "
            "write it again, or convert those files again, in their order"
        )
    since = "the store has since been converted from other files"
    if column.origin is not None and column.origin.parts == metadata.parts:
        since = "the store has since been converted with other numbers or totals"
    if column.origin is not None and column.origin.is_metadata:
        way_out = f"convert again with metadata={{{key!r}: ...}} for each file"
        way_out += ", or the same in totals" if "numbers" in column.origin.spec else ""
        return f"{since}; it is metadata: {way_out}"
    if column.origin is not None and column.origin.branches:
        since += ", with other friends, or with friends that had changed"
        return f"{since}; convert again with its friends and with {key!r} among the keys"
    return f"{since}; convert again with {key!r} among the keys"


def _ends(offsets: np.memmap[Any, Any]) -> tuple[int, int]:
    return int(offsets[0]), int(offsets[-1])


def _is_consistent(column: ColumnRecord) -> bool:
    """Return whether the arrays of a column have the length that its number of entries requires."""
    arrays = column.arrays
    if column.kind == "vector":
        return arrays["values"].shape[0] == column.num_entries
    offsets = [arrays[role] for role in ("offsets", "shapes_offsets") if role in arrays]
    expected = (np.dtype("<i8"), (column.num_entries + 1,))
    return all((array.dtype, array.shape) == expected for array in offsets)
