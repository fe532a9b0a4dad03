"""The rows of a skim: which of them a loader hands out, and how they are gathered."""

import mmap
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.gather import RowField
from memmpy.loaders.batching import Lists, Window
from memmpy.loaders.buffers import Buffers
from memmpy.loaders.lists import list_mover_of
from memmpy.loaders.moving import Ranges, mover_of
from memmpy.loaders.paging import Advise, Ahead, Blocks, Pager, Reading, is_much_more
from memmpy.loaders.pieces import empty_of, pieces_of, size_of
from memmpy.loaders.shuffling import Shuffle
from memmpy.loaders.windows import Gather
from memmpy.order import BlockOrder, BlockWindows, Permutation, Words, plan_windows
from memmpy.typing import Array

__all__ = ["Packed", "RowWindows", "cut_ranges", "rows_between"]

Part = TypeVar("Part")

#: What a thread gathers in one go: to wake it takes as long as a few thousand rows, and what all
#: threads have made and nobody has read yet stays in the last cache.
_GATHERED_BYTES, _MAX_GATHERED_ROWS = 7 << 19, 1 << 15
#: Rows that a thread gathers in one go where each is a page of the disk's.
_COLD_ROWS = 1 << 12
#: Bytes that are asked for ahead: enough for the disk always to have something to do.
_AHEAD_BYTES = 32 << 20
#: Windows whose blocks are looked up at once.
_NUM_PLANNED = 64


@runtime_checkable
class Packed(Protocol):
    """What a loader knows of a skim: rows in the order of their tickets."""

    @property
    def rows(self) -> NDArray[np.void]:
        """The rows, of a structured dtype, of shape (n,)."""
        ...

    @property
    def tickets(self) -> Words:
        """Their tickets, ascending, of shape (n,)."""
        ...

    @property
    def split_seed(self) -> int:
        """The seed of the tickets."""
        ...

    @property
    def fields(self) -> Mapping[str, RowField]:
        """What a batch holds that lies in the rows: ``"_index"`` among it."""
        ...

    @property
    def lists(self) -> Mapping[str, tuple[Array, NDArray[np.int64]]]:
        """What a batch holds that are lists: content and offsets of all rows."""
        ...

    def to_lists(self, content: Array, offsets: NDArray[np.int64]) -> Any:
        """Return lists as a batch holds them."""
        ...


def rows_between(packed: Packed, tickets: Sequence[tuple[int, int]]) -> list[range]:
    """Return the rows whose tickets lie in intervals, start <= ticket < stop <= 2**64."""
    ends = [(_row_of(packed.tickets, a), _row_of(packed.tickets, b)) for a, b in tickets]
    return [range(first, last) for first, last in ends if first < last]


def cut_ranges(ranges: Sequence[range], start: int, stop: int) -> list[range]:
    """Return the members start..stop-1 of ranges that follow each other."""
    found = []
    for rows in ranges:
        part = rows[max(0, start) : max(0, stop)]
        if part:
            found.append(part)
        start, stop = start - len(rows), stop - len(rows)
    return found


def _row_of(tickets: Words, ticket: int) -> int:
    """Return the first row of that ticket or of a greater one."""
    if ticket >= 2**64:
        return len(tickets)
    return int(np.searchsorted(tickets, np.uint64(ticket), side="left"))


@final
class RowWindows:
    """The windows of an epoch over some rows of a skim.

    Parameters
    ----------
    packed : Packed
        The skim.
    ranges : sequence of range
        Its rows to hand out: one after the other, they are the members 0..num-1.
    compiled : bool
        Whether kernels are Numba's.
    shuffle : Shuffle
        The order of an epoch.
    num_threads : int
        How many threads gather.
    memory : callable
        Returns how many bytes of files the kernel can keep now; None if unknown.
    advise : Advise or None
        What tells the kernel which pages are needed soon, and which no more; None for nothing.
    """

    def __init__(
        self,
        packed: Packed,
        ranges: Sequence[range],
        *,
        shuffle: Shuffle,
        compiled: bool,
        num_threads: int,
        memory: Callable[[], int | None],
        advise: Advise | None,
    ) -> None:
        row_bytes = packed.rows.dtype.itemsize
        rows = packed.rows.view(np.uint8).reshape(len(packed.rows), row_bytes)
        self._pieces = pieces_of(packed.fields)
        self._ranges, self._rows_of_ranges = Ranges(ranges), tuple(ranges)
        self._pager = Pager(packed.rows, packed.lists, advise=advise)
        self._memory, self._num_threads = memory, num_threads
        wholes = [piece.whole for piece in self._pieces]
        self._mover = mover_of(rows, self._ranges, wholes, compiled=compiled)
        self.shuffle, self._compiled = shuffle, compiled
        self.arrays = [packed.rows, *(array for held in packed.lists.values() for array in held)]
        self.num_data = len(packed.rows)
        self._to_lists = packed.to_lists
        # Those on their way, the one that is handed out, and the one before.
        num_windows = num_threads + 3
        self._buffers = Buffers(num_windows)
        self._list_mover = list_mover_of(packed.lists, num_windows=num_windows, compiled=compiled)
        self.entry_bytes = sum(array.nbytes for array in self.arrays) / max(1, self.num_data)
        num = min(_MAX_GATHERED_ROWS, _GATHERED_BYTES / max(1.0, self.entry_bytes))
        self._gathered_windows = max(1, round(num / shuffle.window_rows))

    def __len__(self) -> int:
        return len(self._ranges)

    def plan(self, key: int, *, position: int, batch_size: int) -> tuple[Iterator[Gather], int]:
        """Return what gathers the windows from one that holds a position on: see `Windows.plan`."""
        shuffle, reading = self.shuffle, self.reading()
        if shuffle.kind == "blocks":
            order = BlockOrder(
                len(self),
                block_rows=shuffle.block_rows,
                window_blocks=shuffle.window_blocks,
                key=key,
            )
            first = order.window_at(position)
            parts = self._parts(order, first)
            begin = order.window_start(first)
            if not reading.is_ahead:
                return (partial(self._spread, part) for part in parts), begin
            num_bytes = self._gathered_windows * shuffle.window_rows * self.entry_bytes
            return self._read(parts, self._spread, self._blocks_of, reading, num_bytes), begin
        permutation = Permutation(len(self), key=key) if shuffle.kind == "exact" else None
        num = self._gathered_windows * shuffle.window_rows
        is_scattered = reading.is_ahead and permutation is not None
        if is_scattered:
            num = min(num, _COLD_ROWS)
        runs = plan_windows(
            len(self), batch_size, drop_last=False, rows_per_window=num, position=position
        )
        take = partial(self._take, permutation)
        if not reading.is_ahead:
            return (partial(take, run) for run in runs), position
        num_bytes = num * max(self.entry_bytes, mmap.PAGESIZE if is_scattered else 0)
        blocks_of = partial(self._rows_of, permutation)
        return self._read(runs, take, blocks_of, reading, num_bytes), position

    def reading(self) -> Reading:
        """Return how an epoch that began now would be read."""
        if not self._pager.can_ask:
            return Reading(False, False)
        num_bytes, share = self._pager.measure(self._rows_of_ranges)
        is_cold = share < 1
        # What rows were read one by one for may be of use again: a page holds many.
        is_dropped = is_cold and self.shuffle.kind != "exact"
        return Reading(is_cold, is_dropped and is_much_more(num_bytes, self._memory()))

    def _read(
        self,
        parts: Iterator[Part],
        do: Callable[[Part], Window],
        blocks_of: Callable[[Part], Blocks],
        reading: Reading,
        num_bytes: float,
    ) -> Generator[Gather, None, None]:
        """Yield what gathers parts of about so many bytes, which the kernel is asked for."""
        num_behind = self._num_threads + 2 if reading.is_dropped else None
        ahead = Ahead(max(1, round(_AHEAD_BYTES / max(1.0, num_bytes))), num_behind)
        self._pager.read_at_random(True)
        try:
            yield from ahead.tasks(parts, do, blocks_of=blocks_of, pager=self._pager)
        finally:
            self._pager.read_at_random(False)

    def _blocks_of(self, windows: BlockWindows) -> Blocks:
        """Return the rows that windows read."""
        return self._ranges.blocks(windows.starts, windows.counts)

    def _rows_of(self, permutation: Permutation | None, run: tuple[int, int]) -> Blocks:
        """Return the rows of a run of positions."""
        start, stop = run
        if permutation is None:
            return self._ranges.blocks(np.array([start]), np.array([stop - start]))
        members = permutation.run(start, stop, compiled=self._compiled)
        return self._ranges.rows(members), np.ones(stop - start, np.int64)

    def _parts(self, order: BlockOrder, first: int) -> Iterator[BlockWindows]:
        """Yield the windows of an order in parts to gather in one go, many of them made at once."""
        size = self._gathered_windows
        many = size * _NUM_PLANNED
        for start in range(first, order.num_windows, many):
            num = min(many, order.num_windows - start)
            windows = order.windows(start, start + num)
            for at in range(0, num, size):
                yield windows.part(at, min(at + size, num))

    def _take(self, permutation: Permutation | None, run: tuple[int, int]) -> Window:
        """Gather the rows of a run of positions."""
        start, stop = run
        out = self._empty(stop - start)
        rows = self._mover.take(permutation, start, stop, out)
        return self._window(out, self._list_mover.take(rows))

    def _spread(self, windows: BlockWindows) -> Window:
        """Gather the rows of windows of blocks."""
        starts, counts = self._ranges.blocks(windows.starts, windows.counts)
        out = self._empty(windows.num_rows)
        places = self._mover.spread(windows, starts, counts, out)
        return self._window(out, self._list_mover.spread(starts, counts, places))

    def _empty(self, num: int) -> list[NDArray[np.uint8]]:
        """Return room for the pieces of so many rows."""
        return empty_of(self._pieces, num, self._buffers.take(size_of(self._pieces, num)))

    def _window(self, out: Sequence[NDArray[np.uint8]], lists: Mapping[str, Lists]) -> Window:
        """Return a window of pieces, which are at least the entry, and of lists."""
        values: dict[str, Any] = {}
        for piece, moved in zip(self._pieces, out, strict=True):
            values.update(piece.views(moved))
        return Window(len(out[0]), values, lists, self._to_lists)
