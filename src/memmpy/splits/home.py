"""The store that columns lie in, found from the arrays themselves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from memmpy.errors import ColumnError, MemmpyError, SplitError
from memmpy.loaders.pages import map_of
from memmpy.store import METADATA, SKIM_METADATA, Metadata, is_array_file, read_metadata
from memmpy.typing import Array, Column

__all__ = ["Home", "home_of"]


@dataclass(frozen=True, slots=True)
class Home:
    """The store of some columns.

    Parameters
    ----------
    path : Path
        The store.
    metadata : Metadata
        What it holds now.
    """

    path: Path
    metadata: Metadata


def home_of(columns: Mapping[str, Column], *, is_split: bool) -> Home | None:
    """Return the store that columns were opened from; None where none of them was.

    Columns of one's own may stand beside those of a store: they have as many entries.

    Parameters
    ----------
    columns : mapping of str to column
        What a loader was given.
    is_split : bool
        Whether it is to be split, so that it must be known which events the columns are of.

    Raises
    ------
    SplitError
        If they are to be split, and are of several stores, or parts of columns, whose events
        cannot be told.
    ColumnError
        If one was written again since it was opened.
    """
    home: Home | None = None
    first = ""
    for key, column in columns.items():
        for array in _arrays_of(column):
            root = map_of(array)
            if root is None:
                continue
            path = Path(str(root.filename)).parent
            if is_split and (path / SKIM_METADATA).is_file():
                message = f"{key!r} is of the skim {str(path)!r}, which knows its events: give the "
                raise SplitError(f"{message}skim itself, SplitLoader(skim, ...)")
            if home is None or path != home.path:
                found = _store_at(key, Path(str(root.filename)), is_split=is_split)
                if found is None:
                    continue
                if home is not None and is_split:
                    message = (
                        f"columns {first!r} and {key!r} are of two stores, {str(home.path)!r} and "
                        f"{str(path)!r}: they cannot be split as one; load each from its own"
                    )
                    raise SplitError(message)
                home, first = found, key
            if is_split:
                _check_whole(key, array, root, home)
    return home


def _arrays_of(column: Column) -> tuple[Array, ...]:
    if isinstance(column, np.ndarray):
        return (column,)
    return tuple(getattr(column, "buffers", ()))


def _store_at(key: str, file: Path, *, is_split: bool) -> Home | None:
    """Return the store that a file lies in; None if it is none, or nobody needs to know."""
    path = file.parent
    if not is_split and not (path / METADATA).is_file():
        return None
    if not (path / METADATA).is_file():
        if is_array_file(file.name):  # a store that was moved away, or lost its metadata
            message = (
                f"column {key!r} lies in {str(path)!r}, which is no store any more: it cannot "
            )
            raise SplitError(f"{message}tell its events; open the column again where it is now")
        return None
    try:
        return Home(path, read_metadata(path))
    except MemmpyError:
        if is_split:
            raise
        return None


def _check_whole(key: str, array: Array, root: np.memmap, home: Home) -> None:
    """Raise an error unless an array is all of a column that the store has now."""
    name = Path(str(root.filename)).name
    is_part = array.shape != root.shape or array.strides != root.strides
    if is_part or array.ctypes.data != root.ctypes.data:
        message = (
            f"{key!r} is a part of a column of {str(home.path)!r}, which does not tell its events: "
            "give the whole column and subindex=, or memmpy.open(...).loader(cut=...)"
        )
        raise SplitError(message)
    files = {a.file for column in home.metadata.columns.values() for a in column.arrays.values()}
    if name not in files:
        message = f"column {key!r} was written again in {str(home.path)!r} since it was opened: "
        raise ColumnError(f"{message}open it again")
