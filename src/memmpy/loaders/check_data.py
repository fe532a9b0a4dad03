"""Checks the data that a user gives a loader: columns of one length."""

from array import array
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.loaders.pagecache.pages import map_of
from memmpy.typing import Array, Column, Data

__all__ = ["INDEX_KEY", "arrays_of", "check_data", "check_sendable"]

#: The key of a batch that holds its entries.
INDEX_KEY = "_index"


def check_data(data: Data) -> tuple[dict[str, Column], int]:
    """Return the columns, with memory maps as plain arrays, and their number of entries.

    Raises
    ------
    OptionError
        If `data` is not a mapping from text to columns, or is empty, or has the key ``"_index"``.
    ColumnError
        If a value is not a column.
    LengthError
        If two columns differ in length.
    """
    columns = {_check_key(key): _check_column(key, column) for key, column in _items(data)}
    first, *others = columns
    num_entries = len(columns[first])
    for key in others:
        if len(columns[key]) != num_entries:
            message = (
                f"columns {first!r} and {key!r} have {num_entries:,} and {len(columns[key]):,} "
                "entries: all columns of a loader must have the same number"
            )
            raise LengthError(message)
    return columns, num_entries


def arrays_of(column: Column) -> tuple[Array, ...]:
    """Return the arrays that hold a column; none if it does not tell."""
    return (column,) if isinstance(column, np.ndarray) else tuple(getattr(column, "buffers", ()))


def check_sendable(data: Data) -> None:
    """Raise an `OptionError` if columns are memory-mapped: pickling would copy whole files."""
    for key, column in data.items():
        if any(map_of(array) is not None for array in arrays_of(column)):
            message = (
                f"column {key!r} is memory-mapped; pickling the loader would copy the whole file: "
                "load a skim or a training set, or build the loader in the other process"
            )
            raise OptionError(message)


def _items(data: object) -> Iterable[tuple[Any, Any]]:  # Any: whatever the user gave
    if isinstance(data, Mapping) and data:
        return data.items()
    message = f"data must map at least one key to a column, such as {{'x': x}}, not {data!r:.80}"
    raise OptionError(message)


def _check_key(key: Any) -> str:
    if not isinstance(key, str):
        message = f"the keys of data must be text, not {key!r}"
        raise OptionError(message)
    if key == INDEX_KEY:
        message = f"the key {INDEX_KEY!r} is reserved for the entry numbers of a batch"
        raise OptionError(message)
    return key


def _check_column(key: str, column: Any) -> Column:  # Any: whatever the user gave
    if isinstance(column, list | tuple | range | array | bytearray | memoryview | deque):
        message = f"column {key!r} is a {type(column).__name__}: give np.asarray(...) of it"
        raise ColumnError(message)
    if hasattr(column, "iloc"):
        # its [] takes labels: after a filter it would return other rows
        message = f"column {key!r} is a pandas {type(column).__name__}: give its .to_numpy()"
        raise ColumnError(message)
    has_rows = hasattr(column, "__len__") and hasattr(column, "__getitem__")
    if isinstance(column, np.ndarray) and column.ndim == 0:
        raise ColumnError(f"column {key!r} is one value and no array of entries: its shape is ()")
    if not has_rows or isinstance(column, str | bytes | Mapping):
        message = (
            f"column {key!r} is a {type(column).__name__}: give an array, a memory map, "
            "or what memmpy opens"
        )
        raise ColumnError(message)
    # a memory map's own indexing is slow; other subclasses (masked arrays) carry what take drops
    return np.asarray(column) if type(column) is np.memmap else column
