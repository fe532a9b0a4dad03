"""The columns of a loader: checked once, then gathered window by window at int64 entries."""

from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import accumulate, chain
from typing import Any, final

import numpy as np

from memmpy.errors import ColumnError, LengthError, OptionError
from memmpy.jagged import Jagged
from memmpy.kernels import BYTES_MOVED, is_worth_compiling, take_columns
from memmpy.loaders.batching import Lists, Values, Window
from memmpy.loaders.buffers import Buffers, in_lines
from memmpy.loaders.list_gather_numpy import NumpyListTaker
from memmpy.loaders.pagecache.advice import Pager, Reading, System, system_of
from memmpy.loaders.pagecache.pages import Blocks, map_of, one_by_one
from memmpy.loaders.random_reads import Scattered
from memmpy.loaders.readahead import plan_parts
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.loaders.windows import Gather, Plan, num_in_memory
from memmpy.order import Members, Permutation, plan_windows
from memmpy.typing import Array, Column, Data, Entries

__all__ = ["INDEX_KEY", "ColumnWindows", "check_data", "check_sendable"]

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
    num_threads : int
        How many threads gather beside the caller's.
    num_processes : int, optional
        How many processes load the same columns at once, and share the memory for windows.
    system : System, optional
        What is told which pages are needed soon, and which no more; that of the process where not
        given.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        members: Members,
        *,
        shuffle: bool,
        num_threads: int,
        num_processes: int = 1,
        system: System | None = None,
    ) -> None:
        self._columns, self._members, self._is_shuffled = columns, members, shuffle
        self._arrays = {
            key: column
            for key, column in columns.items()
            if type(column) is np.ndarray and not column.dtype.hasobject
        }
        self.entry_bytes = _row_nbytes(columns)
        self.num_data = len(next(iter(columns.values())))
        num_bytes = round(self.entry_bytes * self.num_data)
        self._compiled = is_worth_compiling(num_bytes, least=BYTES_MOVED)
        self._num_threads, self._num_processes = num_threads, num_processes
        num_windows = num_in_memory(num_threads)
        self._buffers = Buffers(num_windows)
        found = {key: _lists_of(column) for key, column in columns.items()}
        lists = {key: held for key, held in found.items() if held is not None}
        known = self._arrays.keys() | lists.keys()
        self._others = {key: column for key, column in columns.items() if key not in known}
        if len(members) < self.num_data:
            _check_all_offsets([column for key, column in columns.items() if key in lists])
        self._take_lists = _list_taker(lists, num_windows=num_windows, compiled=self._compiled)
        self._pager = Pager(
            self._arrays.values(),
            lists.values(),
            system=system or system_of(compiled=self._compiled),
        )

    def __len__(self) -> int:
        return len(self._members)

    @property
    def shuffle(self) -> ShuffleChoice:
        """How entries are shuffled: each is gathered by itself from each column."""
        if self._is_shuffled:
            return ShuffleChoice(
                "exact", 1, self._window_rows, "columns are gathered entry by entry"
            )
        return ShuffleChoice("none", self._window_rows, 1, "shuffle=False")

    @property
    def arrays(self) -> Sequence[Array]:
        """The arrays that hold the columns, as far as these tell."""
        others = (getattr(column, "buffers", ()) for column in self._columns.values())
        return [*self._arrays.values(), *chain.from_iterable(others)]

    @property
    def _window_rows(self) -> int:
        return max(1, min(WINDOW_ROWS, int(WINDOW_NBYTES / max(1, self.entry_bytes))))

    def reading(self) -> Reading:
        """Return how an epoch that began now would be read."""
        return self._pager.reading([range(self.num_data)], is_scattered=self._is_shuffled)

    def plan(self, key: int, *, position: int, batch_size: int) -> Plan:
        """Return how the windows from a position on are gathered."""
        if self._is_shuffled:
            scattered = self._scattered(Permutation(len(self), key=key))
            plan = scattered.plan(len(self), position=position, batch_size=batch_size)
        else:
            plan = self._plan_in_order(position=position, batch_size=batch_size)
        if not self._others:
            return plan
        return plan._replace(tasks=(partial(self._with_others, task) for task in plan.tasks))

    def _plan_in_order(self, *, position: int, batch_size: int) -> Plan:
        num = self._window_rows
        runs = plan_windows(len(self), batch_size, rows_per_window=num, position=position)
        return plan_parts(
            runs,
            self._gather_run,
            begin=position,
            blocks_of=self._blocks_of,
            pager=self._pager,
            reading=self.reading(),
            part_bytes=max(num, batch_size) * self.entry_bytes,
            num_threads=self._num_threads,
        )

    def _entries_of(self, run: tuple[int, int]) -> Entries:
        """Return the entries of a run of members."""
        return self._members.entries(np.arange(*run), compiled=self._compiled)

    def _blocks_of(self, run: tuple[int, int]) -> Blocks:
        """Return the entries of a run of members as blocks of one."""
        return one_by_one(self._entries_of(run))

    def _gather_run(self, run: tuple[int, int]) -> Window:
        """Gather the entries of a run of members."""
        return self._gather(self._entries_of(run))

    def _scattered(self, permutation: Permutation) -> Scattered:
        """Return how the entries of a permutation of the members are gathered."""

        def entries_of(start: int, stop: int) -> Entries:
            members = permutation.run(start, stop, compiled=self._compiled)
            return self._members.entries(members, compiled=self._compiled)

        def gather(start: int, stop: int) -> Window:
            return self._gather(entries_of(start, stop))

        return Scattered(
            self._pager,
            self.reading,
            gather=gather,
            entries_of=entries_of,
            gather_at=self._gather,
            window_rows=self._window_rows,
            may_grow=not self._others,  # which may make anything of their entries
            entry_bytes=self.entry_bytes,
            file_bytes=self._pager.num_bytes,
            num_threads=self._num_threads,
            num_processes=self._num_processes,
        )

    def _gather(self, entries: Entries) -> Window:
        """Gather entries, of all columns but the others."""
        run = _as_run(entries)
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
        values = [Values.of(key, array) for key, array in taken.items()]
        values.append(Values.of(INDEX_KEY, entries))
        return Window(len(entries), values, self._take_lists(entries))

    def _with_others(self, gather: Gather) -> Window:
        """Gather a window, and its entries of the columns that give out what is theirs to know."""
        window = gather()
        entries = window.values[-1].whole
        others = [Values.of(key, column[entries]) for key, column in self._others.items()]
        return replace(window, values=[*window.values[:-1], *others, window.values[-1]])

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


def arrays_of(column: Column) -> tuple[Array, ...]:
    """Return the arrays that hold a column; none where it does not tell."""
    return (column,) if isinstance(column, np.ndarray) else tuple(getattr(column, "buffers", ()))


def check_sendable(data: Data) -> None:
    """Raise an `OptionError` where columns lie in files, all of which would be sent elsewhere."""
    for key, column in data.items():
        if any(map_of(array) is not None for array in arrays_of(column)):
            message = (
                f"column {key!r} lies in a file, which a loader would take along as a whole: send "
                "the path to the other process, and make the loader there"
            )
            raise OptionError(message)


def _as_run(entries: Entries) -> slice | None:
    """Return the entries as a slice if they are consecutive."""
    start, stop = int(entries[0]), int(entries[-1]) + 1
    is_run = stop - start == len(entries) and bool((np.diff(entries) == 1).all())
    return slice(start, stop) if is_run else None


def _lists_of(column: Column) -> Lists | None:
    """Return content and offsets of a column that gives out `Jagged`; None for others."""
    content, offsets = getattr(column, "content", None), getattr(column, "offsets", None)
    if not (isinstance(content, np.ndarray) and isinstance(offsets, np.ndarray)):
        return None
    is_plain = content.flags.c_contiguous and offsets.flags.c_contiguous
    if not is_plain or content.dtype.hasobject or not isinstance(column[:0], Jagged):
        return None
    return content, offsets


def _check_all_offsets(columns: Iterable[Any]) -> None:
    """Raise a `CorruptStoreError` if offsets in a file fall or lead out of the content.

    An offset that is wrong leaves one of its two lists look right. A loader of all entries meets
    the other one; a loader of some may not. Columns that share a file are looked at once.
    """
    distinct = {}
    for column in columns:
        mapped = map_of(column.offsets)
        distinct[id(column) if mapped is None else mapped.filename] = column
    for column in distinct.values():
        check = getattr(column, "offsets_between", None)
        if callable(check):
            check(0, len(column))


def _list_taker(
    lists: Mapping[str, Lists], *, num_windows: int, compiled: bool
) -> Callable[[Entries], Mapping[str, Lists]]:
    """Return what takes the lists of entries."""
    if compiled:
        from memmpy.loaders.list_gather_numba import ListTaker

        return ListTaker(lists, num_windows=num_windows).take
    return NumpyListTaker(lists).take


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
    if isinstance(column, list | tuple | range | array | bytearray | memoryview | deque):
        message = f"column {key!r} is a {type(column).__name__}: give np.asarray(...) of it"
        raise ColumnError(message)
    if hasattr(column, "iloc"):
        # its [] goes by label: after a filter it would hand out other rows than asked for
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
