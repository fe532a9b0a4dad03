"""Chunks: entries gathered at once, and their division into batches."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import join_arrays, take_lists
from memmpy.typing import Array, Batch, Entries

__all__ = [
    "ChunkArray",
    "EntryChunk",
    "Lists",
    "batches_of",
    "chunks_in_memory",
    "prefetch_depth",
]


#: Content and offsets of lists.
Lists: TypeAlias = tuple[Array, NDArray[np.int64]]


def prefetch_depth(num_threads: int) -> int:
    """Return the number of chunks that are being gathered, or wait for the consumer.

    Threads go on while the consumer, which may have gathered one itself, takes one after the other.
    """
    return num_threads + 3 if num_threads else 1


def chunks_in_memory(num_threads: int) -> int:
    """Return how many chunks need memory: `prefetch_depth`, and two that are handed out.

    These are the current one, and the one before, of which a batch may be left.
    """
    return prefetch_depth(num_threads) + 2


@dataclass(frozen=True, slots=True)
class ChunkArray:
    """An array of a chunk, with the values of one key, or of several that share its memory.

    Parameters
    ----------
    array : array of shape (n, ...), or other sequence
        The values.
    views : callable
        Returns the values of each key in parts of the array: in an array of shape
        (num, size, ...), over the same memory, or in `num` sequences.
    """

    array: Any
    views: Callable[[Any], Mapping[str, Iterable[Any]]]

    @classmethod
    def of(cls, key: str, values: Any) -> "ChunkArray":
        """Return the values of one key."""
        return cls(values, partial(_view_of, key))

    def slice(self, start: int, stop: int) -> "ChunkArray":
        """Return the values of some entries: a view."""
        return ChunkArray(self.array[start:stop], self.views)

    @classmethod
    def concatenate(cls, parts: Sequence["ChunkArray"]) -> "ChunkArray":
        """Return the values of several, one after the other: a copy."""
        arrays, first = [part.array for part in parts], parts[0]
        is_array = isinstance(first.array, np.ndarray)
        join = join_arrays if is_array else first.array.concatenate
        return cls(join(arrays), first.views)


def _view_of(key: str, parts: Iterable[Any]) -> dict[str, Iterable[Any]]:
    return {key: parts}


@dataclass(frozen=True, slots=True)
class EntryChunk:
    """Entries that were gathered together.

    Parameters
    ----------
    num_entries : int
        The number of entries.
    arrays : sequence of ChunkArray
        The values of all keys but those of `lists`.
    lists : mapping of str to (array, int64 array)
        Content and offsets by key, checked to belong together; a batch has a `Jagged`.
    """

    num_entries: int
    arrays: Sequence[ChunkArray]
    lists: Mapping[str, Lists] = field(default_factory=dict)

    def slice(self, start: int, stop: int) -> "EntryChunk":
        """Return some entries: a view."""
        lists = {key: _slice_lists(*pair, start, stop) for key, pair in self.lists.items()}
        return EntryChunk(stop - start, [array.slice(start, stop) for array in self.arrays], lists)

    @classmethod
    def concatenate(cls, chunks: Sequence["EntryChunk"]) -> "EntryChunk":
        """Return the entries of several chunks, one after the other."""
        if len(chunks) == 1:
            return chunks[0]
        columns = zip(*(chunk.arrays for chunk in chunks), strict=True)
        arrays = [ChunkArray.concatenate(column) for column in columns]
        lists = {key: _join([chunk.lists[key] for chunk in chunks]) for key in chunks[0].lists}
        return cls(sum(chunk.num_entries for chunk in chunks), arrays, lists)

    def take(self, places: Entries) -> "EntryChunk":
        """Return the entries at some places, in that order: a copy of arrays and lists.

        Always compiled: this path runs only for large reads from disk.
        """
        arrays = [ChunkArray(np.take(one.array, places, axis=0), one.views) for one in self.arrays]
        lists = {
            key: take_lists(*pair, entries=places, compiled=True)
            for key, pair in self.lists.items()
        }
        return EntryChunk(len(places), arrays, lists)

    def batches(self, start: int, *, size: int, num: int) -> Iterator[Batch]:
        """Yield `num` batches of `size` entries, from `start` on; views where they are arrays."""
        values: dict[str, Iterable[Any]] = {}
        for one in self.arrays:
            values.update(one.views(_slices(one.array, start, size, num)))
        lists = {key: _list_slices(*pair, start, size, num) for key, pair in self.lists.items()}
        keys = (*values, *lists)
        for parts in zip(*values.values(), *lists.values(), strict=True):
            yield dict(zip(keys, parts, strict=True))


def _slices(values: Any, start: int, size: int, num: int) -> Iterable[Any]:
    """Return parts of values: of an array as its rows, which are faster than slices."""
    if type(values) is np.ndarray:
        return values[start : start + size * num].reshape(num, size, *values.shape[1:])
    return (values[at : at + size] for at in (start + size * i for i in range(num)))


def _list_slices(
    content: Array, offsets: NDArray[np.int64], start: int, size: int, num: int
) -> Iterator[Jagged]:
    starts = (start + size * i for i in range(num))
    return (Jagged.trusted(*_slice_lists(content, offsets, at, at + size)) for at in starts)


def _slice_lists(content: Array, offsets: NDArray[np.int64], start: int, stop: int) -> Lists:
    own = offsets[start : stop + 1]
    first = own[0]
    return content[first : own[-1]], own - first


def _join(lists: Sequence[Lists]) -> Lists:
    joined = Jagged.concatenate([Jagged.trusted(*pair) for pair in lists])
    return joined.content, joined.offsets


def batches_of(
    chunks: Iterable[EntryChunk], batch_size: int, *, drop_last: bool, skip: int
) -> Iterator[Batch]:
    """Yield batches of the entries of chunks, one after the other.

    Parameters
    ----------
    chunks : iterable of EntryChunk
        All of the same keys. If one does not end with a batch, its values must be arrays, or have
        `concatenate` as `Jagged` does: a batch across two chunks is a copy.
    batch_size : int
        Entries in each batch but the last.
    drop_last : bool
        Whether to leave out a last batch that is shorter.
    skip : int
        How many entries to skip at the beginning; fewer than the first chunk has.
    """
    parts: list[EntryChunk] = []  # of a batch across chunks
    num_parts = 0  # entries of these
    for chunk in chunks:
        num = chunk.num_entries
        start, skip = skip, 0
        if parts:
            start = min(batch_size - num_parts, num)
            parts.append(chunk.slice(0, start))
            num_parts += start
            if num_parts < batch_size:
                continue
            yield from _one_batch(parts)
            parts, num_parts = [], 0
        num_whole, num_left = divmod(num - start, batch_size)
        if num_whole:
            yield from chunk.batches(start, size=batch_size, num=num_whole)
        if num_left:
            parts, num_parts = [chunk.slice(num - num_left, num)], num_left
    if parts and not drop_last:
        yield from _one_batch(parts)


def _one_batch(chunks: Sequence[EntryChunk]) -> Iterator[Batch]:
    """Yield one batch of all entries of chunks."""
    joined = EntryChunk.concatenate(chunks)
    return joined.batches(0, size=joined.num_entries, num=1)
