"""The columns of a loader: checked once, then gathered window by window at int64 entries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, final

import numpy as np

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.gather import take_columns
from memmpy.loaders.batching import Window
from memmpy.loaders.buffers import Buffers, in_lines
from memmpy.loaders.shuffling import Shuffle
from memmpy.loaders.windows import Gather
from memmpy.order import Members, Permutation, plan_windows
from memmpy.typing import Array, Column, Data, Entries

__all__ = ["BYTES_WORTH_COMPILING", "INDEX_KEY", "ColumnWindows", "check_data"]

#: The key of a batch that holds its entries.
INDEX_KEY = "_index"

#: Bytes of data for which importing Numba and loading kernels is worth its second.
BYTES_WORTH_COMPILING = 1 << 22
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

    def __init__(
        self,
        columns: Mapping[str, Column],
        members: Members,
        *,
        shuffle: bool,
        num_threads: int,
    ) -> None:
        self._columns, self._members, self._is_shuffled = columns, members, shuffle
        self._arrays = {
            key: column
            for key, column in columns.items()
            if type(column) is np.ndarray and not column.dtype.hasobject
        }
        self.entry_bytes = _row_nbytes(columns)
        self.num_data = len(next(iter(columns.values())))
        self._compiled = self.entry_bytes * self.num_data >= BYTES_WORTH_COMPILING
        # Those on their way, the one that is handed out, and the one before.
        self._buffers = Buffers(num_threads + 3)

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
        if order is None:
            positions = np.arange(start, stop)
        else:
            positions = order.run(start, stop, compiled=self._compiled)
        entries = self._members.entries(positions, compiled=self._compiled)
        run = _as_run(entries) if order is None else None
        taken = self._empty(len(entries))
        if run is None:
            take_columns(
                [*self._arrays.values()],
                entries,
                out=[*taken.values()],
                compiled=self._compiled,
            )
        else:
            for key, column in self._arrays.items():
                np.copyto(taken[key], column[run])
        values = {
            key: taken[key] if key in taken else column[entries]
            for key, column in self._columns.items()
        }
        return Window(len(entries), {**values, INDEX_KEY: entries})

    def _empty(self, num: int) -> dict[str, Array]:
        """Return room for so many entries of each array, whatever it holds."""
        sizes = [in_lines(num * column[:1].nbytes) for column in self._arrays.values()]
        memory = self._buffers.take(sum(sizes))
        starts = accumulate(sizes, initial=0)
        return {
            key: np.ndarray((num, *column.shape[1:]), column.dtype, memory, start)
            for (key, column), start in zip(self._arrays.items(), starts, strict=False)
        }


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
