"""The columns of a loader: checked once, then gathered window by window at int64 entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, final

import numpy as np

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.loaders.batching import Window
from memmpy.loaders.shuffling import Shuffle
from memmpy.loaders.windows import Gather
from memmpy.order import Members, Permutation, plan_windows
from memmpy.typing import Array, Column, Data, Entries

__all__ = ["INDEX_KEY", "ColumnWindows", "check_data"]

#: The key of a batch that holds its entries.
INDEX_KEY = "_index"


#: A window has so many rows, unless they would take more than so many bytes.
WINDOW_ROWS = 1 << 14
WINDOW_NBYTES = 8 << 20


@final
class ColumnWindows:
    """Windows of columns, of whole batches each.

    Parameters
    ----------
    columns : mapping of str to Column
        What to gather.
    members : Members
        The entries of an epoch.
    shuffle : bool
        Whether each epoch has an order of its own; else that of the members.
    """

    def __init__(self, columns: Mapping[str, Column], members: Members, *, shuffle: bool) -> None:
        self._columns, self._members, self._is_shuffled = columns, members, shuffle
        self.entry_bytes = _row_nbytes(columns)
        self.num_data = len(next(iter(columns.values())))

    def __len__(self) -> int:
        return len(self._members)

    @property
    def shuffle(self) -> Shuffle:
        """How entries are shuffled: each is gathered by itself from each column."""
        if self._is_shuffled:
            return Shuffle("exact", 1, self._window_rows, "columns are gathered entry by entry")
        return Shuffle("none", self._window_rows, 1, "shuffle=False")

    @property
    def arrays(self) -> Sequence[Array]:
        """The columns that are arrays."""
        return [column for column in self._columns.values() if isinstance(column, np.ndarray)]

    @property
    def _window_rows(self) -> int:
        return max(1, min(WINDOW_ROWS, int(WINDOW_NBYTES / max(1, self.entry_bytes))))

    def plan(self, key: int, *, position: int, batch_size: int) -> tuple[Iterator[Gather], int]:
        """Return what gathers the windows from a position on: see `Windows.plan`."""
        windows = plan_windows(
            len(self),
            batch_size,
            drop_last=False,
            rows_per_window=self._window_rows,
            position=position,
        )
        order = Permutation(len(self), key=key) if self._is_shuffled else None
        return (partial(self._gather, order, *window) for window in windows), position

    def _gather(self, order: Permutation | None, start: int, stop: int) -> Window:
        positions = np.arange(start, stop)
        entries = self._members.entries(positions if order is None else order(positions))
        run = _as_run(entries)
        values = {key: _gathered(column, entries, run) for key, column in self._columns.items()}
        return Window(len(entries), {**values, INDEX_KEY: entries})


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


def _gathered(
    column: Column, entries: Entries, run: slice | None
) -> Any:  # Any: what a column gives
    """Return a column's values at `entries`; for arrays a new, plain, writable array.

    `run` says where the entries lie if they are consecutive: then arrays are copied in one piece.
    """
    if type(column) is not np.ndarray:
        return column[entries]
    if run is not None:
        return column[run].copy()
    # entries are in range by now, and where nothing wraps this mode is the fastest
    return np.take(column, entries, axis=0, mode="wrap")


def _as_run(entries: Entries) -> slice | None:
    """Return the entries as a slice if they are consecutive."""
    start, stop = int(entries[0]), int(entries[-1]) + 1
    is_run = stop - start == len(entries) and bool((np.diff(entries) == 1).all())
    return slice(start, stop) if is_run else None


def _row_nbytes(columns: Mapping[str, Column]) -> float:
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
