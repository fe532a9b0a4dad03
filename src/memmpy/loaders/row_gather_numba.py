"""Rows and their lists, moved by kernels into memory that serves again.

Nothing of rows is checked here: ranges lie in the rows, orders in the ranges, and pieces in a row.
Where lists begin and end is checked by the kernel, as a file says it.
"""

from collections.abc import Mapping, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField, Words
from memmpy.kernels.jit import address_of, inlined, kernel, run_kernel
from memmpy.kernels.lists_numba import place_entries
from memmpy.kernels.permute_numba import mix, permute
from memmpy.kernels.rows_numba import Table, fields_table, spread, take
from memmpy.loaders.batching import Lists
from memmpy.loaders.buffers import Buffers, in_lines
from memmpy.loaders.list_gather_numba import ListTaker
from memmpy.loaders.row_gather import Moved
from memmpy.loaders.row_ranges import Ranges
from memmpy.order import BlockWindows, Permutation
from memmpy.typing import Entries

__all__ = ["CompiledMover"]


@final
class CompiledMover:
    """Moves rows and lists: see `mover_of`."""

    def __init__(
        self,
        rows: NDArray[np.uint8],
        lists: Mapping[str, Lists],
        *,
        ranges: Ranges,
        pieces: Sequence[RowField],
        num_windows: int,
    ) -> None:
        self._rows, self._lists = rows, lists  # so that their memory lives as long
        self._ranges, self._pieces = ranges, pieces
        self._address, self._row_bytes = address_of(rows), np.uint64(rows.shape[1])
        self._buffers, self._scratch = Buffers(num_windows), Buffers(num_windows)
        self._taker = ListTaker(lists, num_windows=num_windows)

    def take(self, permutation: Permutation | None, start: int, stop: int) -> Moved:
        """Return the rows of some positions."""
        if permutation is None or len(permutation) < 2:
            return self.take_rows(self._ranges.rows(np.arange(start, stop)))
        num = stop - start
        out = self._empty(num)
        row_numbers = self._scratch.take(8 * num).view(np.int64)
        run_kernel(
            _take_permuted,
            np.uint64(start),
            *permutation.network,
            self._ranges.ends,
            self._ranges.shifts,
            row_numbers,
            self._address,
            self._row_bytes,
            fields_table(self._pieces, out),
            owners=(self._rows, *out),
        )
        return Moved(out, self._taker.take(row_numbers))

    def take_rows(self, row_numbers: Entries) -> Moved:
        """Return rows by their numbers."""
        out = self._empty(len(row_numbers))
        run_kernel(
            take,
            self._address,
            self._row_bytes,
            row_numbers,
            fields_table(self._pieces, out),
            owners=(self._rows, *out),
        )
        return Moved(out, self._taker.take(row_numbers))

    def spread(self, windows: BlockWindows) -> Moved:
        """Return the rows of windows of blocks, each in its place."""
        num = windows.num_rows
        out = self._empty(num)
        memory = self._scratch.take(12 * num)
        scratch, places = memory[: 8 * num], memory[8 * num :].view(np.uint32)
        run_kernel(
            _spread_mixed,
            windows.edges,
            windows.words,
            windows.starts,
            windows.counts,
            places,
            self._ranges.ends,
            self._ranges.shifts,
            self._address,
            self._row_bytes,
            fields_table(self._pieces, out),
            scratch,
            owners=(self._rows, *out),
        )
        lists: dict[str, Lists] = {}
        if self._lists:
            row_numbers = scratch.view(np.int64)
            run_kernel(
                _place_rows,
                windows.starts,
                windows.counts,
                places,
                self._ranges.ends,
                self._ranges.shifts,
                row_numbers,
            )
            lists = self._taker.take(row_numbers)
        return Moved(out, lists)

    def _empty(self, num: int) -> list[NDArray[np.uint8]]:
        """Return room for the pieces of so many rows, whatever it holds."""
        memory = self._buffers.take(sum(in_lines(num * piece.nbytes) for piece in self._pieces))
        out, start = [], 0
        for piece in self._pieces:
            size = num * piece.nbytes
            out.append(memory[start : start + size].reshape(num, piece.nbytes))
            start += in_lines(size)
        return out


@kernel
def _take_permuted(
    start: np.uint64,
    num: np.uint64,
    high_bits: np.uint64,
    low_bits: np.uint64,
    round_keys: Words,
    ends: Entries,
    shifts: Entries,
    row_numbers: Entries,
    rows: np.uint64,
    row_bytes: np.uint64,
    table: Table,
) -> None:
    permute(start, num, high_bits, low_bits, round_keys, row_numbers)
    if len(ends) == 1:
        for i in range(len(row_numbers)):
            row_numbers[i] += shifts[0]
    else:
        for i in range(len(row_numbers)):
            which = 0
            while row_numbers[i] >= ends[which]:
                which += 1
            row_numbers[i] += shifts[which]
    take(rows, row_bytes, row_numbers, table)


@kernel
def _spread_mixed(
    edges: Entries,
    words: Words,
    starts: Entries,
    counts: Entries,
    places: NDArray[np.uint32],
    ends: Entries,
    shifts: Entries,
    rows: np.uint64,
    row_bytes: np.uint64,
    table: Table,
    scratch: NDArray[np.uint8],
) -> None:
    mix(edges, words, places)
    row_starts, row_counts = _blocks_of_rows(starts, counts, ends, shifts)
    spread(rows, row_bytes, row_starts, row_counts, places, table, scratch)


@kernel
def _place_rows(
    starts: Entries,
    counts: Entries,
    places: NDArray[np.uint32],
    ends: Entries,
    shifts: Entries,
    row_numbers: Entries,
) -> None:
    row_starts, row_counts = _blocks_of_rows(starts, counts, ends, shifts)
    place_entries(row_starts, row_counts, places, row_numbers)


@inlined
def _blocks_of_rows(
    starts: Entries, counts: Entries, ends: Entries, shifts: Entries
) -> tuple[Entries, Entries]:
    """Return what `Ranges.blocks` does: in NumPy it takes as long as a tenth of the rows."""
    # A block is cut at the edge of a range, of which there are at most as many as ranges.
    most = len(starts) * (len(ends) + 1)
    row_starts, row_counts = np.empty(most, np.int64), np.empty(most, np.int64)
    num = 0
    for b in range(len(starts)):
        member, num_left = starts[b], counts[b]
        while num_left > 0:
            if member == ends[-1]:
                member = 0
            which = 0
            while member >= ends[which]:
                which += 1
            here = min(num_left, ends[which] - member)
            row_starts[num], row_counts[num] = member + shifts[which], here
            member += here
            num_left -= here
            num += 1
    return row_starts[:num], row_counts[:num]
