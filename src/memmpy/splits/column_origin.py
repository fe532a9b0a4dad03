"""Finds the store that columns were opened from, by their memory maps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memmpy.errors import ColumnError, MemmpyError, SplitError
from memmpy.loaders import arrays_of, map_of
from memmpy.store import METADATA, SKIM_METADATA, Metadata, is_array_file, read_metadata
from memmpy.typing import Array, Column

__all__ = ["OriginStore", "find_store_of"]


@dataclass(frozen=True, slots=True)
class OriginStore:
    """The store that columns were opened from.

    Parameters
    ----------
    path : Path
        The store.
    metadata : Metadata
        Its metadata now.
    """

    path: Path
    metadata: Metadata


def find_store_of(columns: Mapping[str, Column], *, is_split: bool) -> OriginStore | None:
    """Return the store that columns were opened from; None if there is no such store.

    Arrays of the user may stand beside columns of a store; they have as many entries.

    Parameters
    ----------
    columns : mapping of str to column
        The data of a loader.
    is_split : bool
        Whether a split is asked for. Then the store must know the events of the columns.

    Raises
    ------
    SplitError
        If a split is asked for, and the columns come from several stores, or are parts of columns,
        so that their events are unknown.
    ColumnError
        If a column was rewritten since it was opened.
    """
    origin: OriginStore | None = None
    first = ""
    files: set[str] = set()
    for key, column in columns.items():
        for array in arrays_of(column):
            root = map_of(array)
            if root is None:
                continue
            path = Path(str(root.filename)).parent
            if is_split and (path / SKIM_METADATA).is_file():
                message = f"{key!r} belongs to the skim {str(path)!r}: to split its events, "
                raise SplitError(f"{message}give the skim itself, SplitLoader(skim, ...)")
            if origin is None or path != origin.path:
                store = _store_at(key, Path(str(root.filename)), is_split=is_split)
                if store is None:
                    continue
                if origin is not None and is_split:
                    message = (
                        f"columns {first!r} and {key!r} are of two stores, {str(origin.path)!r} "
                        f"and {str(path)!r}: no split fits both; load each from its own store"
                    )
                    raise SplitError(message)
                origin, first = store, key
                records = origin.metadata.columns.values()
                files = {one.file for record in records for one in record.arrays.values()}
            if is_split:
                _check_whole(key, array, root, origin.path, files)
    return origin


def _store_at(key: str, file: Path, *, is_split: bool) -> OriginStore | None:
    """Return the store of a file; None if it lies in no store, or no split is asked for."""
    path = file.parent
    if not (path / METADATA).is_file():
        # It may be a store that was moved away, or that lost its metadata.
        if is_split and is_array_file(file.name):
            message = (
                f"column {key!r} lies in {str(path)!r}, which is no store any more: its events "
            )
            raise SplitError(f"{message}are unknown; open the column again where it is now")
        return None
    try:
        return OriginStore(path, read_metadata(path))
    except MemmpyError:
        if is_split:
            raise
        return None


def _check_whole(
    key: str, array: Array, root: np.memmap, path: Path, files: Collection[str]
) -> None:
    """Raise an error unless an array is a whole column, in a current file of the store."""
    name = Path(str(root.filename)).name
    is_part = array.shape != root.shape or array.strides != root.strides
    if is_part or array.ctypes.data != root.ctypes.data:
        message = (
            f"{key!r} is a part of a column of {str(path)!r}, so its events are unknown: "
            "give the whole column and subindex=, or memmpy.open(...).loader(cut=...)"
        )
        raise SplitError(message)
    if name not in files:
        message = f"column {key!r} was rewritten in {str(path)!r} since it was opened: "
        raise ColumnError(f"{message}open it again")
