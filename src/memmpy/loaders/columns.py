"""The data of a loader: checked once, then gathered at int64 entries."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.typing import Column, Data, Entries

__all__ = ["INDEX_KEY", "check_data", "gather", "row_nbytes"]

#: The key of a batch that holds its entries.
INDEX_KEY = "_index"


def check_data(data: Data) -> tuple[dict[str, Column], int]:
    """Return the columns, memory maps as the plain arrays they are, and their number of entries.

    Raises
    ------
    OptionError
        If `data` is no mapping from text to columns, or empty, or has the key ``"_index"``.
    ColumnError
        If a value is no column.
    LengthError
        If two columns do not have as many entries as each other.
    """
    columns = {_check_key(key): _check_column(key, column) for key, column in _items(data)}
    first, *others = columns
    num_entries = len(columns[first])
    for key in others:
        if len(columns[key]) != num_entries:
            message = (
                f"columns {first!r} and {key!r} have {num_entries:,} and {len(columns[key]):,} "
                "entries: all columns of a loader must have as many as each other"
            )
            raise LengthError(message)
    return columns, num_entries


def gather(column: Column, entries: Entries, run: slice | None) -> Any:  # Any: what a column gives
    """Return a column's values at `entries`; for arrays a new, plain, writable array.

    `run` says where the entries lie if they are consecutive: then arrays are copied in one piece.
    """
    if type(column) is not np.ndarray:
        return column[entries]
    if run is not None:
        return column[run].copy()
    # entries are in range by now, and where nothing wraps this mode is the fastest
    return np.take(column, entries, axis=0, mode="wrap")


def row_nbytes(columns: Mapping[str, Column]) -> float:
    """Return how many bytes an entry takes on average, of the columns that tell."""
    return sum(
        getattr(column, "nbytes", 0) / len(column) for column in columns.values() if len(column)
    )


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
        message = f"the key {INDEX_KEY!r} is taken: a batch holds its entries there"
        raise OptionError(message)
    return key


def _check_column(key: str, column: Any) -> Column:  # Any: whatever the user gave
    if isinstance(column, list | tuple | range):
        message = f"column {key!r} is a {type(column).__name__}: give np.asarray(...) of it"
        raise ColumnError(message)
    if hasattr(column, "iloc"):
        # its [] goes by label: after a filter it would hand out other rows than asked for
        message = f"column {key!r} is a pandas {type(column).__name__}: give its .to_numpy()"
        raise ColumnError(message)
    has_rows = hasattr(column, "__len__") and hasattr(column, "__getitem__")
    is_scalar = isinstance(column, np.ndarray) and column.ndim == 0
    if not has_rows or is_scalar or isinstance(column, str | bytes | Mapping):
        message = (
            f"column {key!r} is a {type(column).__name__}: give an array, a memory map, "
            "or what memmpy opens"
        )
        raise ColumnError(message)
    # a memory map's own indexing is slow; other subclasses (masked arrays) carry what take drops
    return np.asarray(column) if type(column) is np.memmap else column
