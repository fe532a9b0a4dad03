"""The rows of a skim: which of them a loader hands out, and how they are gathered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField, Words
from memmpy.loaders.batching import Lists, Values, Window
from memmpy.loaders.pagecache.advice import Pager, Reading, System
from memmpy.loaders.pagecache.pages import Blocks
from memmpy.loaders.random_reads import Scattered
from memmpy.loaders.readahead import plan_parts
from memmpy.loaders.row_gather import Moved, Mover
from memmpy.loaders.row_gather_numpy import NumpyMover
from memmpy.loaders.row_ranges import Ranges
from memmpy.loaders.row_views import pieces_of
from memmpy.loaders.shuffle import ShuffleChoice
from memmpy.loaders.windows import Plan, num_in_memory
from memmpy.order import BlockOrder, BlockWindows, Multiplicities, Permutation, plan_windows
from memmpy.typing import Array, Entries

__all__ = ["Packed", "RowWindows"]

Part = TypeVar("Part")

#: What a thread gathers in one go: to wake it takes as long as a few thousand rows, and what all
#: threads have made and nobody has read yet stays in the last cache.
_GATHERED_BYTES, _MAX_GATHERED_ROWS = 7 * 2**18, 1 << 14  # 1.75 MiB
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

    def multiplicities(self) -> Multiplicities:
        """Return how many rows share a ticket."""
        ...

    @property
    def fields(self) -> Mapping[str, RowField]:
        """What a batch holds that lies in the rows: ``"_index"`` among it."""
        ...

    @property
    def lists(self) -> Mapping[str, tuple[Array, NDArray[np.int64]]]:
        """What a batch holds as `Jagged`: content and offsets of all rows."""
        ...


@final
class RowWindows:
    """The windows of an epoch over some rows of a skim.

    Parameters
    ----------
    packed : Packed
        The skim.
    ranges : sequence of range
        Its rows to hand out: one after the other, they are the members 0..num-1.
    shuffle : ShuffleChoice
        The order of an epoch.
    num_threads : int
        How many threads gather beside the caller's.
    compiled : bool
        Whether kernels are Numba's.
    system : System
        What is told which pages are needed soon, and which no more.
    """

    def __init__(
        self,
        packed: Packed,
        ranges: Sequence[range],
        *,
        shuffle: ShuffleChoice,
        num_threads: int,
        compiled: bool,
        system: System,
    ) -> None:
        self.shuffle, self._num_threads, self._compiled = shuffle, num_threads, compiled
        self._ranges, self._rows_of_ranges = Ranges(ranges), tuple(ranges)
        self._pieces = pieces_of(packed.fields)
        self._mover = _mover_of(
            packed.rows.view(np.uint8).reshape(len(packed.rows), packed.rows.dtype.itemsize),
            packed.lists,
            ranges=self._ranges,
            pieces=[piece.whole for piece in self._pieces],
            num_windows=num_in_memory(num_threads),
            compiled=compiled,
        )
        self._pager = Pager([packed.rows], packed.lists.values(), system=system)
        self.arrays = [packed.rows, *(array for held in packed.lists.values() for array in held)]
        self.num_data = len(packed.rows)
        self.entry_bytes = sum(array.nbytes for array in self.arrays) / max(1, self.num_data)
        num = min(_MAX_GATHERED_ROWS, _GATHERED_BYTES / max(1.0, self.entry_bytes))
        self._gathered_windows = max(1, round(num / shuffle.window_rows))

    def __len__(self) -> int:
        return len(self._ranges)

    def reading(self) -> Reading:
        """Return how an epoch that began now would be read."""
        return self._pager.reading(self._rows_of_ranges, is_scattered=self.shuffle.kind == "exact")

    def plan(self, key: int, *, position: int, batch_size: int) -> Plan:
        """Return how the windows from one that holds a position on are gathered."""
        shuffle = self.shuffle
        if shuffle.kind == "exact":
            scattered = self._scattered(Permutation(len(self), key=key))
            return scattered.plan(len(self), position=position, batch_size=batch_size)
        if shuffle.kind == "blocks":
            order = BlockOrder(
                len(self),
                block_rows=shuffle.block_rows,
                window_blocks=shuffle.window_blocks,
                key=key,
            )
            first = order.window_at(position)
            part_bytes = self._gathered_windows * shuffle.window_rows * self.entry_bytes
            parts = self._parts(order, first)
            begin = order.window_start(first)
            return self._plan(parts, self._spread, self._blocks_of, part_bytes, begin)
        num = self._gathered_windows * shuffle.window_rows
        runs = plan_windows(len(self), batch_size, rows_per_window=num, position=position)
        part_bytes = num * self.entry_bytes
        return self._plan(runs, self._take_run, self._run_of, part_bytes, position)

    def _plan(
        self,
        parts: Iterator[Part],
        do: Callable[[Part], Window],
        blocks_of: Callable[[Part], Blocks],
        part_bytes: float,
        begin: int,
    ) -> Plan:
        return plan_parts(
            parts,
            do,
            begin=begin,
            blocks_of=blocks_of,
            pager=self._pager,
            reading=self.reading(),
            part_bytes=part_bytes,
            num_threads=self._num_threads,
        )

    def _blocks_of(self, windows: BlockWindows) -> Blocks:
        """Return the rows that windows read."""
        return self._ranges.blocks(windows.starts, windows.counts)

    def _run_of(self, run: tuple[int, int]) -> Blocks:
        """Return the rows of a run of members."""
        start, stop = run
        return self._ranges.blocks(np.array([start]), np.array([stop - start]))

    def _scattered(self, permutation: Permutation) -> Scattered:
        """Return how the rows of a permutation are gathered."""

        def gather(start: int, stop: int) -> Window:
            return self._window(self._mover.take(permutation, start, stop))

        def rows_of(start: int, stop: int) -> Entries:
            return self._ranges.rows(permutation.run(start, stop, compiled=self._compiled))

        def gather_at(rows: Entries) -> Window:
            return self._window(self._mover.take_rows(rows))

        return Scattered(
            self._pager,
            self.reading,
            gather=gather,
            entries_of=rows_of,
            gather_at=gather_at,
            window_rows=self._gathered_windows * self.shuffle.window_rows,
            may_grow=True,
            entry_bytes=self.entry_bytes,
            file_bytes=self._pager.entry_bytes * len(self),
            num_threads=self._num_threads,
        )

    def _parts(self, order: BlockOrder, first: int) -> Iterator[BlockWindows]:
        """Yield the windows of an order in parts to gather in one go, many of them made at once."""
        size = self._gathered_windows
        many = size * _NUM_PLANNED
        for start in range(first, order.num_windows, many):
            num = min(many, order.num_windows - start)
            windows = order.windows(start, start + num)
            for at in range(0, num, size):
                yield windows.part(at, min(at + size, num))

    def _take_run(self, run: tuple[int, int]) -> Window:
        """Gather the rows of a run of members."""
        return self._window(self._mover.take(None, *run))

    def _spread(self, windows: BlockWindows) -> Window:
        """Gather the rows of windows of blocks."""
        return self._window(self._mover.spread(windows))

    def _window(self, moved: Moved) -> Window:
        """Return a window of pieces, which are at least the entry, and of lists."""
        pairs = zip(self._pieces, moved.pieces, strict=True)
        values = [Values(octets, piece.views) for piece, octets in pairs]
        return Window(len(moved.pieces[0]), values, moved.lists)


def _mover_of(
    rows: NDArray[np.uint8],
    lists: Mapping[str, Lists],
    *,
    ranges: Ranges,
    pieces: Sequence[RowField],
    num_windows: int,
    compiled: bool,
) -> Mover:
    """Return what moves rows.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        All rows.
    lists : mapping of str to (array, int64 array)
        Content and offsets of all rows, contiguous.
    ranges : Ranges
        Rows that an epoch has.
    pieces : sequence of RowField
        Bytes of a row to move, as uint8.
    num_windows : int
        Number of windows whose memory is kept to serve again.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.
    """
    if compiled:
        from memmpy.loaders.row_gather_numba import CompiledMover

        return CompiledMover(rows, lists, ranges=ranges, pieces=pieces, num_windows=num_windows)
    return NumpyMover(rows, lists, ranges=ranges, pieces=pieces)
