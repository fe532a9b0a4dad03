"""All columns of a store, or some, each opened as what it is."""

import os
from collections.abc import Collection, Iterable
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns.nested import ReadNested
from memmpy.columns.opening import check_key, map_column
from memmpy.columns.ragged import ReadJagged
from memmpy.columns.shaped import ReadShaped
from memmpy.columns.text import ReadText
from memmpy.errors import CorruptStoreError, OptionError
from memmpy.store import ColumnRecord, Metadata, read_metadata
from memmpy.typing import PathLike

__all__ = ["StoredColumn", "load_memmaps", "open_column", "open_columns"]

StoredColumn: TypeAlias = np.memmap[Any, Any] | ReadJagged | ReadShaped | ReadText | ReadNested


def load_memmaps(path: PathLike, keys: Collection[str] | None = None) -> dict[str, StoredColumn]:
    """Open columns of a store.

    Parameters
    ----------
    path : path-like
        The store.
    keys : collection of str, optional
        Which columns, in what order; all that are not stale where not given.

    Returns
    -------
    dict
        Key to column: an `np.memmap` of shape (n, ...), or a `ReadJagged`, `ReadShaped`,
        `ReadText` or `ReadNested`, which have ``.to_awkward()``. Nothing is read yet.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If a column is stale: the store was converted from other files since.
    CorruptStoreError
        If a file is damaged.
    """
    if isinstance(keys, str):
        raise OptionError(f"keys is a set of keys, got the text {keys!r}; write {{{keys!r}}}")
    return open_columns(path, keys)[1]


def open_columns(
    path: PathLike, keys: Iterable[str] | None
) -> tuple[Metadata, dict[str, StoredColumn]]:
    """Open columns as one commit left them, and return them with its metadata."""
    wanted = None if keys is None else list(keys)
    for attempt in range(3):
        metadata = read_metadata(path)
        names = filter(metadata.is_current, metadata.columns) if wanted is None else wanted
        records = {key: check_key(metadata, key, path=path) for key in names}
        try:
            opened = {key: open_column(path, key, record) for key, record in records.items()}
        except FileNotFoundError as error:
            # A writer may have replaced a column since: then there is newer metadata.
            if attempt and read_metadata(path).generation == metadata.generation:
                message = f"{os.fspath(path)!r} is damaged: {error}; convert or write it again"
                raise CorruptStoreError(message) from None
        else:
            return metadata, opened
    raise CorruptStoreError(f"the files of {os.fspath(path)!r} keep changing; try again")


def open_column(path: PathLike, key: str, column: ColumnRecord) -> StoredColumn:
    """Open one column that the metadata of a store describes."""
    arrays = map_column(path, key, column)
    match column.kind:
        case "vector":
            return arrays["values"]
        case "jagged":
            return ReadJagged.over(arrays)
        case "shaped":
            return ReadShaped.over(arrays)
        case "text":
            return ReadText.over(arrays)
        case "nested":
            return ReadNested.over(column, arrays)
        case kind:
            raise CorruptStoreError(f"column {key!r} has the unknown kind {kind!r}")
