"""Rows moved to a window by one kernel.

Nothing is checked here: ranges lie in the rows, orders in the ranges, and pieces in a row.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.compiling import address_of, kernel, run_kernel
from memmpy.gather import RowField
from memmpy.gather.compiled_rows import Table, fields_table, spread, take
from memmpy.loaders.buffers import Buffers
from memmpy.loaders.moving import Pieces, Ranges
from memmpy.order import BlockWindows, Permutation
from memmpy.order.compiled import mix, permute
from memmpy.order.mixing import Words
from memmpy.typing import Entries

__all__ = ["CompiledMover"]


@final
class CompiledMover:
    """Moves pieces of rows: see `Mover`.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        All rows.
    ranges : Ranges
        Those that an epoch has.
    pieces : sequence of RowField
        What is moved.
    """

    def __init__(self, rows: NDArray[np.uint8], ranges: Ranges, pieces: Sequence[RowField]) -> None:
        self._rows, self._ranges, self._pieces = rows, ranges, pieces
        self._address, self._row_bytes = address_of(rows), np.uint64(rows.shape[1])
        self._buffers = Buffers(8)

    def take(self, permutation: Permutation | None, start: int, stop: int, out: Pieces) -> Entries:
        """Fill the pieces with the rows of positions, and return which rows these are."""
        table = fields_table(self._pieces, out)
        if permutation is None or len(permutation) < 2:
            entries = self._ranges.rows(np.arange(start, stop))
            run_kernel(
                take,
                self._address,
                self._row_bytes,
                address_of(entries),
                np.uint64(len(entries)),
                table,
            )
            return entries
        entries = self._buffers.take(8 * (stop - start)).view(np.int64)
        run_kernel(
            _take_permuted,
            np.uint64(start),
            *permutation.network,
            self._ranges.ends,
            self._ranges.shifts,
            entries,
            address_of(entries),
            self._address,
            self._row_bytes,
            table,
        )
        return entries

    def spread(
        self, windows: BlockWindows, starts: Entries, counts: Entries, out: Pieces
    ) -> NDArray[np.uint32]:
        """Fill the pieces with the rows of blocks, and return the places of these."""
        num = windows.num_rows
        memory = self._buffers.take(12 * num)
        scratch, places = memory[: 8 * num], memory[8 * num :].view(np.uint32)
        run_kernel(
            _spread_mixed,
            windows.edges,
            windows.words,
            places,
            address_of(places),
            self._address,
            self._row_bytes,
            address_of(starts),
            address_of(counts),
            np.uint64(len(starts)),
            fields_table(self._pieces, out),
            address_of(scratch),
        )
        return places


@kernel
def _take_permuted(
    start: np.uint64,
    num: np.uint64,
    high_bits: np.uint64,
    low_bits: np.uint64,
    round_keys: Words,
    ends: Entries,
    shifts: Entries,
    entries: Entries,
    entries_address: np.uint64,
    rows: np.uint64,
    row_bytes: np.uint64,
    table: Table,
) -> None:
    permute(start, num, high_bits, low_bits, round_keys, entries)
    if len(ends) == 1:
        for i in range(len(entries)):
            entries[i] += shifts[0]
    else:
        for i in range(len(entries)):
            which = 0
            while entries[i] >= ends[which]:
                which += 1
            entries[i] += shifts[which]
    take(rows, row_bytes, entries_address, np.uint64(len(entries)), table)


@kernel
def _spread_mixed(
    edges: Entries,
    words: Words,
    places: NDArray[np.uint32],
    places_address: np.uint64,
    rows: np.uint64,
    row_bytes: np.uint64,
    starts: np.uint64,
    counts: np.uint64,
    num_blocks: np.uint64,
    table: Table,
    scratch: np.uint64,
) -> None:
    mix(edges, words, places)
    num = np.uint64(len(places))
    spread(rows, row_bytes, starts, counts, num_blocks, places_address, num, table, scratch)
