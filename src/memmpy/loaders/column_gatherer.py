"""Gathers the entries of columns."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any, final

import numpy as np

from memmpy.jagged import Jagged
from memmpy.kernels import BYTES_MOVED, is_worth_compiling, take_columns
from memmpy.loaders.buffer_pool import BufferPool
from memmpy.loaders.check_data import INDEX_KEY
from memmpy.loaders.chunk import ChunkArray, EntryChunk, Lists, chunks_in_memory
from memmpy.loaders.list_gatherer import ListGatherer
from memmpy.loaders.pagecache.advice import MappedData, PageCache, ReadMode, os_page_cache
from memmpy.loaders.pagecache.pages import Blocks, map_of, one_by_one
from memmpy.order import GatherRequest, Members
from memmpy.typing import Array, Column, Entries

__all__ = ["ColumnGatherer"]

#: A chunk has this many rows, unless they would take more than this many bytes.
CHUNK_ROWS, CHUNK_NBYTES = 1 << 14, 8 << 20


@final
class ColumnGatherer:
    """Gathers entries of columns.

    memmpy gathers arrays and lists itself. Other columns return their entries, of any type, when
    they are indexed.

    Parameters
    ----------
    columns : mapping of str to Column
        The columns to gather.
    members : Members
        The entries of an epoch.
    num_threads : int
        How many threads gather beside the caller's.
    page_cache : PageCache or None
        The page cache that gets advice; None for that of this machine.
    """

    def __init__(
        self,
        columns: Mapping[str, Column],
        members: Members,
        *,
        num_threads: int,
        page_cache: PageCache | None,
    ) -> None:
        self._columns, self._members = columns, members
        self._arrays = {
            key: column
            for key, column in columns.items()
            if type(column) is np.ndarray and not column.dtype.hasobject
        }
        self._sizes = [column[:1].nbytes for column in self._arrays.values()]
        pairs = {key: _lists_of(column) for key, column in columns.items()}
        lists = {key: pair for key, pair in pairs.items() if pair is not None}
        known = self._arrays.keys() | lists.keys()
        self._others = {key: column for key, column in columns.items() if key not in known}
        self.may_grow: bool = not self._others
        self.entry_bytes: float = _row_nbytes(columns)
        self.num_data: int = len(next(iter(columns.values())))
        if len(members) < self.num_data:
            _check_all_offsets([column for key, column in columns.items() if key in lists])
        num_bytes = round(self.entry_bytes * self.num_data)
        self._compiled = is_worth_compiling(num_bytes, least=BYTES_MOVED)
        num_chunks = chunks_in_memory(num_threads)
        self._buffers = BufferPool(num_chunks)
        self._lists = ListGatherer(lists, num_chunks=num_chunks, compiled=self._compiled)
        page_cache = page_cache or os_page_cache(compiled=self._compiled)
        self.mapped: MappedData = MappedData(
            self._arrays.values(), lists.values(), page_cache=page_cache
        )

    def __len__(self) -> int:
        return len(self._members)

    @property
    def arrays(self) -> Sequence[Array]:
        """The arrays that hold the columns, as far as these tell."""
        buffers = (getattr(column, "buffers", ()) for column in self._columns.values())
        return [*self._arrays.values(), *chain.from_iterable(buffers)]

    @property
    def chunk_rows(self) -> int:
        """About how many entries to gather at once."""
        return max(1, min(CHUNK_ROWS, int(CHUNK_NBYTES / max(1, self.entry_bytes))))

    @property
    def file_bytes(self) -> float:
        """Bytes of all files: members may lie anywhere."""
        return self.mapped.num_bytes

    def read_mode(self, *, is_scattered: bool) -> ReadMode:
        """Return how an epoch that began now would be read."""
        return self.mapped.read_mode([range(self.num_data)], is_scattered=is_scattered)

    def entries(self, request: GatherRequest) -> Entries:
        """Return the entries of a request."""
        members = request.members(compiled=self._compiled)
        return self._members.entries(members, compiled=self._compiled)

    def blocks(self, request: GatherRequest) -> Blocks:
        """Return the entries of a request as blocks of one."""
        return one_by_one(self.entries(request))

    def gather(self, request: GatherRequest) -> EntryChunk:
        """Return the entries of a request, in its order."""
        return self.complete(self.take(self.entries(request)))

    def take(self, entries: Entries) -> EntryChunk:
        """Return entries of arrays and lists."""
        num, columns = len(entries), [*self._arrays.values()]
        buffer, starts = self._buffers.take_parts([num * size for size in self._sizes])
        pairs = zip(columns, starts, strict=True)
        out = [np.ndarray((num, *c.shape[1:]), c.dtype, buffer, start) for c, start in pairs]
        run = _as_run(entries)
        if run is None:
            take_columns(columns, entries, out=out, compiled=self._compiled)
        else:
            for column, array in zip(columns, out, strict=True):
                np.copyto(array, column[run])
        arrays = [ChunkArray.of(key, array) for key, array in zip(self._arrays, out, strict=True)]
        arrays.append(ChunkArray.of(INDEX_KEY, entries))
        return EntryChunk(num, arrays, self._lists.take(entries))

    def complete(self, chunk: EntryChunk) -> EntryChunk:
        """Return a chunk with its entries of the other columns."""
        if not self._others:
            return chunk
        entries = chunk.arrays[-1].array
        others = [ChunkArray.of(key, column[entries]) for key, column in self._others.items()]
        return replace(chunk, arrays=[*chunk.arrays[:-1], *others, chunk.arrays[-1]])


def _as_run(entries: Entries) -> slice | None:
    """Return the entries as a slice if they are consecutive."""
    start, stop = int(entries[0]), int(entries[-1]) + 1
    is_run = stop - start == len(entries) and bool((np.diff(entries) == 1).all())
    return slice(start, stop) if is_run else None


def _lists_of(column: Column) -> Lists | None:
    """Return content and offsets of a column whose slices are `Jagged`; None for others."""
    content, offsets = getattr(column, "content", None), getattr(column, "offsets", None)
    if not (isinstance(content, np.ndarray) and isinstance(offsets, np.ndarray)):
        return None
    is_plain = content.flags.c_contiguous and offsets.flags.c_contiguous
    if not is_plain or content.dtype.hasobject or not isinstance(column[:0], Jagged):
        return None
    return content, offsets


def _check_all_offsets(columns: Iterable[Any]) -> None:
    """Raise a `CorruptStoreError` if offsets in a file fall or lead out of the content.

    If one offset is wrong, one of the two lists beside it may look right. A loader of all entries
    meets the other list; a loader of some may not. Columns that share a file are checked once.
    """
    distinct = {}
    for column in columns:
        mapped = map_of(column.offsets)
        distinct[id(column) if mapped is None else mapped.filename] = column
    for column in distinct.values():
        check = getattr(column, "offsets_between", None)
        if callable(check):
            check(0, len(column))


def _row_nbytes(columns: Mapping[str, Column]) -> float:
    """Return how many bytes an entry takes on average, of the columns that tell."""
    return sum(
        getattr(column, "nbytes", 0) / len(column) for column in columns.values() if len(column)
    )
