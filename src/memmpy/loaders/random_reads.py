"""Entries in random order: gathered at once from memory, or read from disk in sorted passes.

One read for each entry and column is the slowest way to use a disk. So if entries are not in
memory, those of a chunk are read in the order of the files, and pages that lie close together at
once. The larger the chunk, the more entries share a page, up to a chunk that reads all files once,
at the full rate of the disk. Then the chunk is put into the order of the epoch, in memory.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import final

import numpy as np

from memmpy.loaders.chunk import EntryChunk, chunks_in_memory
from memmpy.loaders.gatherer import Gatherer
from memmpy.loaders.pagecache.advice import MappedData
from memmpy.loaders.pagecache.pages import Blocks, one_by_one
from memmpy.loaders.readahead import AHEAD_BYTES, EpochPlan, GatherTask, ReadAhead
from memmpy.order import EpochOrder, GatherRequest
from memmpy.typing import Entries

__all__ = ["RandomReads"]

#: About how many bytes the first chunks read, so that they come soon; the next ones read this many
#: times as much,
_FIRST_BYTES, _GROWTH = 16 << 20, 4
#: until one reads this share of the files: then as many entries as memory holds take little longer.
_NEARLY_ALL = 0.5
#: Upper limit of a chunk: a batch that is kept alive keeps its whole chunk alive.
_MAX_CHUNK_BYTES = 256 << 20
#: The share of free memory that all chunks together may take.
_SHARE_OF_MEMORY = 0.5
#: If a chunk has pages of less than this share of the files, they lie far apart.
_LEAST_SHARE = 0.2
#: Bytes of an entry beside its values: its number in both orders, and its place in each.
_BYTES_BESIDE = 4 * 8
#: About how many bytes are prefetched at once, and are there before the next ones are.
_PART_BYTES = 8 << 20


@final
class RandomReads:
    """The chunks of one epoch of entries at random places.

    Parameters
    ----------
    gatherer : Gatherer
        Gathers the entries.
    order : EpochOrder
        The order of the epoch; it is scattered.
    chunk_rows : int
        Entries of a chunk if all are in memory.
    num_threads : int
        How many threads gather beside the caller's.
    num_processes : int
        How many processes share the free memory for such chunks.
    """

    def __init__(
        self,
        gatherer: Gatherer,
        order: EpochOrder,
        *,
        chunk_rows: int,
        num_threads: int,
        num_processes: int,
    ) -> None:
        self._gatherer, self._order, self._mapped = gatherer, order, gatherer.mapped
        self._chunk_rows, self._num_threads = chunk_rows, num_threads
        self._num_processes = num_processes
        self._is_over = False

    def plan(self, position: int, *, batch_size: int) -> EpochPlan:
        """Return how the chunks from a position on are gathered."""
        if not self._is_on_disk():
            return EpochPlan(self._from_memory(position, batch_size), position)
        return EpochPlan(self._from_disk(position, batch_size), position, self._meanwhile())

    def _is_on_disk(self) -> bool:
        return self._gatherer.read_mode(is_scattered=True).is_ahead

    def _from_memory(self, position: int, batch_size: int) -> Iterator[GatherTask]:
        num_rows = self._chunk_rows
        for request in self._order.requests(position, num_rows=num_rows, batch_size=batch_size):
            yield partial(self._gatherer.gather, request)

    def _from_disk(self, position: int, batch_size: int) -> Iterator[GatherTask]:
        """Yield tasks for entries that are not in memory at first.

        If all fits into memory, memmpy checks before each task whether it is there by now.
        """
        memory = self._mapped.memory()
        fits = memory is not None and memory >= self._gatherer.file_bytes
        for num_rows in self._sizes(memory):
            if position >= len(self._order) or (fits and not self._is_on_disk()):
                break
            requests = self._order.requests(position, num_rows=num_rows, batch_size=batch_size)
            request = next(requests)
            position = request.stop
            yield partial(self._gather_sorted, request)
        yield from self._from_memory(position, batch_size)

    def _sizes(self, memory: int | None) -> Iterator[int]:
        """Yield the number of entries of each chunk; chunks gathered at once have one size."""
        most = self._most_rows(memory)
        first_rows = int(_FIRST_BYTES / self._mapped.scattered_bytes)
        rows = max(1, min(self._chunk_rows, first_rows))
        while True:
            yield from repeat(rows, self._num_threads + 1)
            reads_nearly_all = self._read_bytes(rows) >= _NEARLY_ALL * self._gatherer.file_bytes
            rows = max(rows, most if reads_nearly_all else min(_GROWTH * rows, most))

    def _most_rows(self, memory: int | None) -> int:
        """Return how many entries a chunk may have in that much memory; 0 to leave it small."""
        has_own_pages = self._mapped.entry_bytes >= self._mapped.scattered_bytes
        if memory is None or has_own_pages or not self._gatherer.may_grow:
            return 0
        # Each thread has the parts of a chunk, and the same ones joined, beside what it returns.
        num_chunks = chunks_in_memory(self._num_threads) + 2 * (self._num_threads + 1)
        num_bytes = _SHARE_OF_MEMORY * memory / self._num_processes / num_chunks
        num_bytes = min(num_bytes, _MAX_CHUNK_BYTES)
        most = int(num_bytes / (self._gatherer.entry_bytes + _BYTES_BESIDE))
        is_dense = self._read_bytes(most) >= _LEAST_SHARE * self._gatherer.file_bytes
        return most if is_dense else 0

    def _read_bytes(self, num_entries: int) -> float:
        """Return about how many bytes are read for that many entries."""
        return min(num_entries * self._mapped.scattered_bytes, self._gatherer.file_bytes)

    @contextmanager
    def _meanwhile(self) -> Generator[None, None, None]:
        with self._mapped.random_access():
            try:
                yield
            finally:
                self._is_over = True

    def _gather_sorted(self, request: GatherRequest) -> EntryChunk:
        """Gather the entries of a request in the order of the files, then put them into its own."""
        entries = self._gatherer.entries(request)
        order = np.argsort(entries)
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        chunk = EntryChunk.concatenate(list(self._parts(entries[order])))
        return self._gatherer.complete(chunk.take(places))

    def _parts(self, entries: Entries) -> Iterator[EntryChunk]:
        """Yield ascending entries, gathered part by part."""
        num = -(-len(entries) // max(1, round(self._read_bytes(len(entries)) / _PART_BYTES)))
        parts = (entries[first : first + num] for first in range(0, len(entries), num))
        num_ahead = max(1, AHEAD_BYTES // _PART_BYTES // (self._num_threads + 1))
        ahead = ReadAhead(_SortedParts(self._gatherer), num_ahead=num_ahead, num_behind=None)
        for task in ahead.tasks(parts):
            if self._is_over:
                raise InterruptedError("the epoch is over, and nobody waits for this chunk")
            yield task()


@final
@dataclass(frozen=True, slots=True)
class _SortedParts:
    """Gathers ascending entries."""

    gatherer: Gatherer

    @property
    def mapped(self) -> MappedData:
        return self.gatherer.mapped

    def blocks(self, entries: Entries, /) -> Blocks:
        return one_by_one(entries)

    def gather(self, entries: Entries, /) -> EntryChunk:
        return self.gatherer.take(entries)
