"""From a key to the mapped arrays of its column."""

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.errors import ColumnError, CorruptStoreError, MissingKeyError, nearest
from memmpy.store import ColumnRecord, Metadata, map_array, read_metadata
from memmpy.typing import PathLike

__all__ = ["Arrays", "check_key", "map_column", "open_arrays"]

#: Role to mapped array.
Arrays: TypeAlias = dict[str, np.memmap[Any, Any]]

_READERS = {
    "vector": "read_vector",
    "jagged": "ReadJagged",
    "shaped": "ReadShaped",
    "text": "ReadText",
    "nested": "ReadNested",
}


def open_arrays(path: PathLike, key: str, *, kind: str) -> tuple[ColumnRecord, Arrays]:
    """Return the record and the mapped arrays of a column that must be of one kind."""
    # A writer may replace the column between our look at the metadata and at the files.
    for attempt in range(3):
        metadata = read_metadata(path)
        column = check_key(metadata, key, path=path)
        if column.kind != kind:
            message = f"column {key!r} is {column.kind}, not {kind}: open it with "
            raise ColumnError(message + f"{_READERS.get(column.kind, 'load_memmaps')}")
        try:
            return column, map_column(path, key, column)
        except FileNotFoundError as error:
            if attempt and read_metadata(path).generation == metadata.generation:
                raise _missing(path, key, error) from None
    raise _missing(path, key, "files keep changing")


def map_column(path: PathLike, key: str, column: ColumnRecord) -> Arrays:
    """Map the arrays of a column, read-only.

    Raises
    ------
    FileNotFoundError
        If one is not there: it may have been replaced since the metadata was read.
    """
    return {role: map_array(Path(path), a, key=key) for role, a in column.arrays.items()}


def check_key(metadata: Metadata, key: str, *, path: PathLike) -> ColumnRecord:
    """Return the record of a column that must be there and hold what its sources hold now.

    Raises
    ------
    MissingKeyError
        If there is none of that key.
    ColumnError
        If it was made of other files than the store's other columns.
    """
    if key not in metadata.columns:
        where = os.fspath(path)
        raise MissingKeyError(f"no column {key!r} in {where!r}{nearest(key, metadata.columns)}")
    if not metadata.is_current(key):
        message = (
            f"column {key!r} of {os.fspath(path)!r} is stale: the store has since been converted "
            f"from other files; convert again with {key!r} among the keys"
        )
        raise ColumnError(message)
    return metadata.columns[key]


def _missing(path: PathLike, key: str, reason: object) -> CorruptStoreError:
    message = f"column {key!r} of {os.fspath(path)!r} is damaged: {reason}; write it again"
    return CorruptStoreError(message)
