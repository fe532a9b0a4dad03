"""Gathers the rows of a skim in the order of an epoch: order and copies in one compiled call.

Threads that gather, and the one that trains, wait for each other each time that one of them takes
the GIL again. So one kernel does both, without it.

Nothing is checked here: ranges lie in the rows, orders in the ranges, and fields in a row.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.hashing import Words
from memmpy.kernels.jit import inlined, kernel, run_kernel
from memmpy.kernels.lists_numba import place_entries
from memmpy.kernels.permute_numba import mix, permute
from memmpy.kernels.row_field import RowField
from memmpy.kernels.rows_numba import Table, rows_table, spread, take
from memmpy.typing import Entries

__all__ = ["RowKernels"]


@final
class RowKernels:
    """The kernels of the rows of a skim, for some fields and ranges of them.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        All rows.
    fields : sequence of RowField
        The parts of each row to copy.
    parameters : sequence of float32 array or None
        For each part that is scaled, at least 8 float32: the centers, the factors, and 8 times the
        value for NaN.
    ranges : int64 array of shape (2, k)
        The members of an epoch: member i is row ``i + ranges[1, j]`` for the first j with
        ``i < ranges[0, j]``.
    """

    def __init__(
        self,
        rows: NDArray[np.uint8],
        *,
        fields: Sequence[RowField],
        parameters: Sequence[NDArray[np.float32] | None],
        ranges: NDArray[np.int64],
    ) -> None:
        self._rows, self._fields, self._ranges = rows, fields, ranges
        self._parameters = parameters
        self._source = np.uint64(rows.ctypes.data), np.uint64(rows.shape[1])

    def take(self, row_numbers: Entries, *, out: Sequence[NDArray[np.uint8]]) -> None:
        """Fill `out`, an array of shape (m, nbytes) for each field, with rows by their numbers."""
        run_kernel(take, *self._source, row_numbers, self._table(out), owners=(self._rows, *out))

    def take_permuted(
        self,
        start: int,
        network: Words,
        *,
        row_numbers: Entries,
        out: Sequence[NDArray[np.uint8]],
    ) -> None:
        """Fill `out` with the rows that a permutation of the members has from a position on.

        `row_numbers`, as long as `out`, is filled with the numbers of these rows.
        """
        run_kernel(
            _take_permuted,
            np.uint64(start),
            network,
            self._ranges,
            row_numbers,
            *self._source,
            self._table(out),
            owners=(self._rows, *out),
        )

    def spread(
        self,
        blocks: tuple[Entries, Entries],
        *,
        edges: Entries,
        words: Words,
        memory: NDArray[np.uint8],
        has_numbers: bool,
        out: Sequence[NDArray[np.uint8]],
    ) -> None:
        """Fill `out` with the rows of windows of blocks, each in its place.

        Parameters
        ----------
        blocks : (starts, counts)
            Blocks of members; after the last member comes the first.
        edges, words
            See `memmpy.order.BlockWindows`.
        memory : uint8 array of shape (12 m,)
            Memory to work with.
        has_numbers : bool
            Whether to fill its first 8 m bytes with the number of the row in each place.
        out : sequence of uint8 arrays of shape (m, nbytes)
            One for each field.
        """
        run_kernel(
            _spread_mixed,
            *blocks,
            edges,
            words,
            self._ranges,
            self._table(out),
            memory,
            has_numbers,
            owners=(self._rows, *out),
        )

    def _table(self, out: Sequence[NDArray[np.uint8]]) -> Table:
        return rows_table(*self._source, fields=self._fields, parameters=self._parameters, out=out)


@kernel
def _take_permuted(
    start: np.uint64,
    network: Words,
    ranges: NDArray[np.int64],
    row_numbers: Entries,
    rows: np.uint64,
    row_bytes: np.uint64,
    table: Table,
) -> None:
    permute(start, network, row_numbers)
    if ranges.shape[1] == 1:
        for i in range(len(row_numbers)):
            row_numbers[i] += ranges[1, 0]
    else:
        for i in range(len(row_numbers)):
            which = 0
            while row_numbers[i] >= ranges[0, which]:
                which += 1
            row_numbers[i] += ranges[1, which]
    take(rows, row_bytes, row_numbers, table)


@kernel
def _spread_mixed(
    starts: Entries,
    counts: Entries,
    edges: Entries,
    words: Words,
    ranges: NDArray[np.int64],
    table: Table,
    memory: NDArray[np.uint8],
    has_numbers: bool,
) -> None:
    split = 8 * edges[-1]
    scratch, places = memory[:split], memory[split:].view(np.uint32)
    mix(edges, words, places)
    row_starts, row_counts = _blocks_of_rows(starts, counts, ranges)
    spread(row_starts, row_counts, places, table, scratch)
    if has_numbers:
        place_entries(row_starts, row_counts, places, scratch.view(np.int64))


@inlined
def _blocks_of_rows(
    starts: Entries, counts: Entries, ranges: NDArray[np.int64]
) -> tuple[Entries, Entries]:
    """Return blocks of members as blocks of rows; NumPy takes a tenth of the time of the rows."""
    ends, shifts = ranges[0], ranges[1]
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
