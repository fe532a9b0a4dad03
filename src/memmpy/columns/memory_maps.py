"""From keys to the mapped arrays of their columns."""

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.checks import check_path
from memmpy.errors import ColumnError, MissingKeyError, damaged, nearest
from memmpy.store import ColumnRecord, Metadata, map_array, read_metadata
from memmpy.typing import PathLike

__all__ = [
    "Arrays",
    "describe_column",
    "map_column",
    "map_columns",
    "no_column",
    "open_arrays",
    "why_stale",
]

#: Role to mapped array.
Arrays: TypeAlias = dict[str, np.memmap[Any, Any]]

_READERS = {
    "vector": "read_vector",
    "jagged": "ReadJagged",
    "shaped": "ReadShaped",
    "text": "ReadText",
    "nested": "ReadNested",
}


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
    """Map columns as one commit left them, and return its metadata and their arrays.

    Parameters
    ----------
    path : path-like
        The store.
    keys : iterable of str or None
        Which columns; None for all that are not stale.
    kind : str or None
        What they must be; None for any.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If a column is of another kind, or stale.
    CorruptStoreError
        If a file is damaged.
    """
    wanted = None if keys is None else list(keys)
    metadata = read_metadata(check_path(path))
    while True:
        current = metadata.current_keys()
        names = current if wanted is None else wanted
        stale = frozenset(metadata.columns).difference(current)
        records = {k: _checked(metadata, k, stale=stale, kind=kind, path=path) for k in names}
        try:
            return metadata, {key: map_column(path, key, c) for key, c in records.items()}
        except FileNotFoundError as error:
            # A writer may have replaced a column since: then there is newer metadata.
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
        If one is not there: it may have been replaced since the metadata was read.
    CorruptStoreError
        If they are damaged, or do not belong together.
    """
    if not _is_whole(column):
        raise damaged(describe_column(path, key), f"its arrays make no {column.kind} column")
    arrays = {role: map_array(Path(path), a, key=key) for role, a in column.arrays.items()}
    for offsets, content in (("offsets", "content"), ("shapes_offsets", "shapes")):
        if offsets in arrays and _ends(arrays[offsets]) != (0, len(arrays[content])):
            raise damaged(describe_column(path, key), "its offsets do not go from 0 to the end")
    return arrays


def _checked(
    metadata: Metadata,
    key: Any,  # of any type: it is checked here
    *,
    stale: frozenset[str],
    kind: str | None,
    path: PathLike,
) -> ColumnRecord:
    """Return the record of a column that must be there and hold what its sources hold now."""
    if not isinstance(key, str) or key not in metadata.columns or key in stale:
        raise no_column(key, metadata, path=path, known=metadata.columns)
    column = metadata.columns[key]
    if kind is not None and column.kind != kind:
        reader = _READERS.get(column.kind, "load_memmaps")
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
    """Return the error for a column that a store lacks, or that is stale.

    Parameters
    ----------
    key : str
        What was asked for.
    metadata : Metadata
        What the store knows of itself.
    path : path-like
        The store.
    known : iterable of str
        What could have been meant.
    purpose : str
        What it was asked for, such as `` to group by``.
    """
    where, stale = os.fspath(path), why_stale(metadata)
    if not isinstance(key, str):
        message = f"no column {key!r} in {where!r}{purpose}: a key is a text"
        return MissingKeyError(message, key)
    if key in stale:
        return ColumnError(f"column {key!r} of {where!r} is stale: {stale[key]}")
    return MissingKeyError(f"no column {key!r} in {where!r}{purpose}{nearest(key, known)}", key)


def why_stale(metadata: Metadata) -> dict[str, str]:
    """Return the columns that are stale, each with the reason and the way out."""
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
                f"where {used!r} is written again, compute {key!r} again, too: {add}"
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
    if column.origin is not None and "metadata" in column.origin.recipe:
        way_out = f"convert again with metadata={{{key!r}: ...}} for each file"
        return f"{since}; it is metadata: {way_out}"
    return f"{since}; convert again with {key!r} among the keys"


def _ends(offsets: np.memmap[Any, Any]) -> tuple[int, int]:
    return int(offsets[0]), int(offsets[-1])


def _is_whole(column: ColumnRecord) -> bool:
    """Say whether the arrays of a column are as long as its number of entries requires."""
    arrays = column.arrays
    if column.kind == "vector":
        return arrays["values"].shape[0] == column.num_entries
    offsets = [arrays[role] for role in ("offsets", "shapes_offsets") if role in arrays]
    expected = (np.dtype("<i8"), (column.num_entries + 1,))
    return all((array.dtype, array.shape) == expected for array in offsets)
