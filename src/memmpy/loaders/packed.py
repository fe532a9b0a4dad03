"""The rows of a skim: which of them a loader hands out, and how they are gathered."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.gather import RowField, spread_lists, take_lists
from memmpy.loaders.batching import Window
from memmpy.loaders.buffers import Buffers
from memmpy.loaders.moving import Ranges, mover_of
from memmpy.loaders.pieces import empty_of, pieces_of, size_of
from memmpy.loaders.shuffling import Shuffle
from memmpy.loaders.windows import Gather
from memmpy.order import BlockOrder, BlockWindows, Permutation, Words, plan_windows
from memmpy.typing import Array

__all__ = ["Packed", "RowWindows", "cut_ranges", "rows_between"]

#: What a thread gathers in one go: to wake it takes as long as a few thousand rows, and what all
#: threads have made and nobody has read yet stays in the last cache.
_GATHERED_BYTES, _MAX_GATHERED_ROWS = 7 << 19, 1 << 15
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
    """

    def __init__(
        self,
        packed: Packed,
        ranges: Sequence[range],
        *,
        shuffle: Shuffle,
        compiled: bool,
        num_threads: int,
    ) -> None:
        row_bytes = packed.rows.dtype.itemsize
        rows = packed.rows.view(np.uint8).reshape(len(packed.rows), row_bytes)
        self._pieces, self._lists = pieces_of(packed.fields), dict(packed.lists)
        self._ranges = Ranges(ranges)
        wholes = [piece.whole for piece in self._pieces]
        self._mover = mover_of(rows, self._ranges, wholes, compiled=compiled)
        self._to_lists = packed.to_lists
        self.shuffle, self._compiled = shuffle, compiled
        self.arrays = [packed.rows, *(array for held in packed.lists.values() for array in held)]
        self.num_data = len(packed.rows)
        # Those on their way, the one that is handed out, and the one before.
        self._buffers = Buffers(num_threads + 3)
        self.entry_bytes = sum(array.nbytes for array in self.arrays) / max(1, self.num_data)
        num = min(_MAX_GATHERED_ROWS, _GATHERED_BYTES / max(1.0, self.entry_bytes))
        self._gathered_windows = max(1, round(num / shuffle.window_rows))

    def __len__(self) -> int:
        return len(self._ranges)

    def plan(self, key: int, *, position: int, batch_size: int) -> tuple[Iterator[Gather], int]:
        """Return what gathers the windows from one that holds a position on: see `Windows.plan`."""
        shuffle = self.shuffle
        if shuffle.kind == "blocks":
            order = BlockOrder(
                len(self),
                block_rows=shuffle.block_rows,
                window_blocks=shuffle.window_blocks,
                key=key,
            )
            first = order.window_at(position)
            plan = (partial(self._spread, part) for part in self._parts(order, first))
            return plan, order.window_start(first)
        permutation = Permutation(len(self), key=key) if shuffle.kind == "exact" else None
        runs = plan_windows(
            len(self),
            batch_size,
            drop_last=False,
            rows_per_window=self._gathered_windows * shuffle.window_rows,
            position=position,
        )
        return (partial(self._take, permutation, *run) for run in runs), position

    def _parts(self, order: BlockOrder, first: int) -> Iterator[BlockWindows]:
        """Yield the windows of an order in parts to gather in one go, many of them made at once."""
        size = self._gathered_windows
        many = size * _NUM_PLANNED
        for start in range(first, order.num_windows, many):
            num = min(many, order.num_windows - start)
            windows = order.windows(start, start + num, compiled=self._compiled)
            for at in range(0, num, size):
                yield windows.part(at, min(at + size, num))

    def _take(self, permutation: Permutation | None, start: int, stop: int) -> Window:
        """Gather the rows of positions."""
        out = self._empty(stop - start)
        rows = self._mover.take(permutation, start, stop, out)
        lists = {
            key: self._to_lists(*take_lists(*held, entries=rows, compiled=self._compiled))
            for key, held in self._lists.items()
        }
        return self._window(out, lists)

    def _spread(self, windows: BlockWindows) -> Window:
        """Gather the rows of windows of blocks."""
        starts, counts = self._ranges.blocks(windows.starts, windows.counts)
        out = self._empty(windows.num_rows)
        places = self._mover.spread(windows, starts, counts, out)
        lists = {
            key: self._to_lists(
                *spread_lists(
                    *held, starts=starts, counts=counts, places=places, compiled=self._compiled
                )
            )
            for key, held in self._lists.items()
        }
        return self._window(out, lists)

    def _empty(self, num: int) -> list[NDArray[np.uint8]]:
        """Return room for the pieces of so many rows."""
        return empty_of(self._pieces, num, self._buffers.take(size_of(self._pieces, num)))

    def _window(self, out: Sequence[NDArray[np.uint8]], lists: Mapping[str, Any]) -> Window:
        """Return a window of pieces, which are at least the entry, and of lists."""
        values: dict[str, Any] = {}
        for piece, moved in zip(self._pieces, out, strict=True):
            values.update(piece.views(moved))
        values.update(lists)
        return Window(len(out[0]), values)
