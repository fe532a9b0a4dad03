"""Gathers the rows of a skim, and their lists."""

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import RowField, Words
from memmpy.loaders.buffer_pool import BufferPool
from memmpy.loaders.chunk import ChunkArray, EntryChunk, Lists, chunks_in_memory
from memmpy.loaders.list_gatherer import ListGatherer
from memmpy.loaders.pagecache.advice import MappedData, PageCache, ReadMode
from memmpy.loaders.pagecache.pages import Blocks
from memmpy.loaders.row_ranges import RowRanges
from memmpy.loaders.row_segments import RowSegment, segments_of
from memmpy.order import BlockWindows, GatherRequest, MixtureRun, Multiplicities, PermutedRun
from memmpy.typing import Array, Entries

__all__ = ["PackedRows", "RowGatherer", "RowTransform"]

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


class RowTransform(Protocol):
    """Changes rows after they were gathered, in the threads that gather."""

    @property
    def hidden(self) -> Collection[str]:
        """The fields of rows that batches do not have."""
        ...

    def parameters_of(self, name: str, field: RowField) -> NDArray[np.float32] | None:
        """Return how a kernel scales a field of at least 8 float32 while it copies it.

        These are the centers, the factors, and 8 times the value for NaN; None for no scaling.
        """
        ...

    def __call__(
        self,
        rows: Mapping[str, Array],
        lists: Mapping[str, Lists],
        *,
        scaled: Collection[str],
        compiled: bool,
    ) -> Mapping[str, Array]:
        """Change values in place, and return more values by key, of shape (n, ...).

        Parameters
        ----------
        rows : mapping of str to array of shape (n, ...)
            The fields of gathered rows.
        lists : mapping of str to (array, int64 array)
            Content and offsets of their lists.
        scaled : collection of str
            The fields that a kernel has scaled.
        compiled : bool
            Whether to use Numba's kernels.
        """
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
    transform : RowTransform, optional
        Changes the rows before they become batches.
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
        transform: RowTransform | None = None,
    ) -> None:
        self._ranges, self._rows_of_ranges = RowRanges(ranges), tuple(ranges)
        segments = segments_of(packed.fields)
        self._transform, self._fields = transform, [segment.views for segment in segments]
        self._views = self._fields
        if transform is not None:
            self._views = [partial(_visible, views, transform.hidden) for views in self._fields]
        num_chunks = chunks_in_memory(num_threads)
        self._buffers, self._scratch = BufferPool(num_chunks), BufferPool(num_chunks)
        self._lists = ListGatherer(packed.lists, num_chunks=num_chunks, compiled=compiled)
        self._has_lists = bool(packed.lists)
        rows = packed.rows.view(np.uint8).reshape(len(packed.rows), packed.rows.dtype.itemsize)
        fields = [segment.octets for segment in segments]
        self._sizes = [field.nbytes for field in fields]
        self._columns = [rows[:, field.offset : field.offset + field.nbytes] for field in fields]
        self._kernels, self._scaled = None, set[str]()
        if compiled:
            from memmpy.kernels.row_gather_numba import RowKernels

            parameters = [_parameters_of(transform, packed.fields, one) for one in segments]
            pairs = zip(segments, parameters, strict=True)
            self._scaled = {segment.keys[0] for segment, own in pairs if own is not None}
            self._kernels = RowKernels(
                rows, fields=fields, parameters=parameters, ranges=self._ranges.table
            )
        self.mapped: MappedData = MappedData(
            [packed.rows], packed.lists.values(), page_cache=page_cache
        )
        lists = [array for pair in packed.lists.values() for array in pair]
        self.arrays: list[Array] = [packed.rows, *lists]
        self.num_data: int = len(packed.rows)
        self.entry_bytes: float = sum(array.nbytes for array in self.arrays) / max(1, self.num_data)
        num_rows = round(_CHUNK_BYTES / max(1.0, self.entry_bytes))
        self.chunk_rows: int = max(1, min(_MAX_CHUNK_ROWS, num_rows))

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
        arrays = [ChunkArray(*pair) for pair in zip(octets, self._views, strict=True)]
        if self._transform is not None:
            rows: dict[str, Array] = {}
            for array, fields in zip(octets, self._fields, strict=True):
                rows |= fields(array)
            compiled = self._kernels is not None
            added = self._transform(rows, lists, scaled=self._scaled, compiled=compiled)
            arrays += [ChunkArray.of(key, values) for key, values in added.items()]
        return EntryChunk(num, arrays, lists)

    def _empty(self, num: int) -> list[NDArray[np.uint8]]:
        """Return room for the segments of `num` rows."""
        buffer, starts = self._buffers.take_parts([num * size for size in self._sizes])
        pairs = zip(starts, self._sizes, strict=True)
        return [buffer[at : at + num * size].reshape(num, size) for at, size in pairs]


def _parameters_of(
    transform: RowTransform | None, fields: Mapping[str, RowField], segment: RowSegment
) -> NDArray[np.float32] | None:
    """Return how a kernel scales a segment: an array of its own."""
    name = segment.keys[0]
    if transform is None or fields[name].nbytes != segment.octets.nbytes:
        return None
    return transform.parameters_of(name, fields[name])


def _visible(
    views: Callable[[Any], Mapping[str, Array]], hidden: Collection[str], values: Any
) -> dict[str, Array]:
    return {key: view for key, view in views(values).items() if key not in hidden}
