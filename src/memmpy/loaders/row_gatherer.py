"""Gathers the rows of a skim, and their lists."""

from collections.abc import Mapping, Sequence
from typing import Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField, Words
from memmpy.loaders.buffer_pool import BufferPool
from memmpy.loaders.chunk import ChunkArray, EntryChunk, Lists, chunks_in_memory
from memmpy.loaders.list_gatherer import ListGatherer
from memmpy.loaders.pagecache.advice import MappedData, PageCache, ReadMode
from memmpy.loaders.pagecache.pages import Blocks
from memmpy.loaders.row_ranges import RowRanges
from memmpy.loaders.row_segments import segments_of
from memmpy.order import BlockWindows, GatherRequest, MixtureRun, Multiplicities, PermutedRun
from memmpy.typing import Array, Entries

__all__ = ["PackedRows", "RowGatherer"]

#: Limits of a chunk. To wake a thread takes as long as to gather a few thousand rows; and the
#: chunks of all threads, until they are read, stay in the last cache.
_CHUNK_BYTES, _MAX_CHUNK_ROWS = 7 * 2**18, 1 << 14  # 1.75 MiB


@runtime_checkable
class PackedRows(Protocol):
    """The view of a skim that a loader needs: rows in the order of their tickets."""

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
        """The keys of a batch that lie in the rows, with ``"_index"``."""
        ...

    @property
    def lists(self) -> Mapping[str, tuple[Array, NDArray[np.int64]]]:
        """The keys of a batch that are `Jagged`: content and offsets of all rows."""
        ...


@final
class RowGatherer:
    """Gathers rows of a skim.

    Parameters
    ----------
    packed : PackedRows
        The skim.
    ranges : sequence of range
        Its rows to hand out: one after the other, they are the members 0..num-1.
    num_threads : int
        How many threads gather beside the caller's.
    compiled : bool
        Whether to use Numba's kernels.
    page_cache : PageCache
        The page cache that gets advice.
    """

    may_grow = True

    def __init__(
        self,
        packed: PackedRows,
        ranges: Sequence[range],
        *,
        num_threads: int,
        compiled: bool,
        page_cache: PageCache,
    ) -> None:
        self._ranges, self._rows_of_ranges = RowRanges(ranges), tuple(ranges)
        segments = segments_of(packed.fields)
        self._views = [segment.views for segment in segments]
        num_chunks = chunks_in_memory(num_threads)
        self._buffers, self._scratch = BufferPool(num_chunks), BufferPool(num_chunks)
        self._lists = ListGatherer(packed.lists, num_chunks=num_chunks, compiled=compiled)
        self._has_lists = bool(packed.lists)
        rows = packed.rows.view(np.uint8).reshape(len(packed.rows), packed.rows.dtype.itemsize)
        fields = [segment.octets for segment in segments]
        self._sizes = [field.nbytes for field in fields]
        self._columns = [rows[:, field.offset : field.offset + field.nbytes] for field in fields]
        self._kernels = None
        if compiled:
            from memmpy.kernels.row_gather_numba import RowKernels

            self._kernels = RowKernels(rows, fields=fields, ranges=self._ranges.table)
        self.mapped = MappedData([packed.rows], packed.lists.values(), page_cache=page_cache)
        self.arrays = [packed.rows, *(array for pair in packed.lists.values() for array in pair)]
        self.num_data = len(packed.rows)
        self.entry_bytes = sum(array.nbytes for array in self.arrays) / max(1, self.num_data)
        num_rows = round(_CHUNK_BYTES / max(1.0, self.entry_bytes))
        self.chunk_rows = max(1, min(_MAX_CHUNK_ROWS, num_rows))

    def __len__(self) -> int:
        return len(self._ranges)

    @property
    def file_bytes(self) -> float:
        """Bytes of the rows of an epoch in files."""
        return self.mapped.entry_bytes * len(self)

    def read_mode(self, *, is_scattered: bool) -> ReadMode:
        """Return how an epoch that began now would be read."""
        return self.mapped.read_mode(self._rows_of_ranges, is_scattered=is_scattered)

    def entries(self, request: GatherRequest) -> Entries:
        """Return the numbers of the rows of a request."""
        return self._ranges.rows(request.members(compiled=self._kernels is not None))

    def blocks(self, request: GatherRequest) -> Blocks:
        """Return the rows that a request reads."""
        return self._ranges.blocks(*request.blocks())

    def gather(self, request: GatherRequest) -> EntryChunk:
        """Return the rows of a request, in its order."""
        num, kernels = request.stop - request.start, self._kernels
        if kernels is not None and isinstance(request, PermutedRun):
            row_numbers, out = self._scratch.take(8 * num).view(np.int64), self._empty(num)
            network = request.permutation.network
            kernels.take_permuted(request.start, network, row_numbers=row_numbers, out=out)
        elif kernels is not None and isinstance(request, BlockWindows):
            memory, out = self._scratch.take(12 * num), self._empty(num)
            kernels.spread(
                request.blocks(),
                edges=request.edges,
                words=request.words,
                memory=memory,
                has_numbers=self._has_lists,
                out=out,
            )
            row_numbers = memory[: 8 * num].view(np.int64)
        elif kernels is not None and isinstance(request, MixtureRun):
            memory, out = self._scratch.take(12 * num), self._empty(num)
            row_numbers = memory[: 8 * num].view(np.int64)
            places = memory[8 * num :].view(np.uint32)
            request.fill(row_numbers, places, ranges=self._ranges.table)
            kernels.take(row_numbers, out=out)
        else:
            return self.take(self.entries(request))
        return self._chunk(num, out, self._lists.take(row_numbers))

    def take(self, entries: Entries) -> EntryChunk:
        """Return rows by their numbers."""
        if self._kernels is None:
            out = [column[entries] for column in self._columns]
        else:
            out = self._empty(len(entries))
            self._kernels.take(entries, out=out)
        return self._chunk(len(entries), out, self._lists.take(entries))

    def complete(self, chunk: EntryChunk) -> EntryChunk:
        """Return the chunk: rows have all values."""
        return chunk

    def _chunk(
        self, num: int, octets: Sequence[NDArray[np.uint8]], lists: Mapping[str, Lists]
    ) -> EntryChunk:
        pairs = zip(octets, self._views, strict=True)
        return EntryChunk(num, [ChunkArray(array, views) for array, views in pairs], lists)

    def _empty(self, num: int) -> list[NDArray[np.uint8]]:
        """Return room for the segments of `num` rows."""
        buffer, starts = self._buffers.take_parts([num * size for size in self._sizes])
        pairs = zip(starts, self._sizes, strict=True)
        return [buffer[at : at + num * size].reshape(num, size) for at, size in pairs]
