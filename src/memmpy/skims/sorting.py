"""The tasks of a skim: sort a chunk, and join what the chunks have of a bucket.

A task may be done by another process, and may be done twice: it writes the same bytes to the same
place.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Jagged, Snapshot, StoredColumn, open_column, tickets_of
from memmpy.errors import ColumnError, MissingFileError
from memmpy.gather import offsets_of
from memmpy.order import TicketsOf, Words, column_identities, tickets
from memmpy.skims.layout import Layout
from memmpy.skims.packing import Packed, joined, pack, rows_taken, taken
from memmpy.skims.parts import PartReader, SortedPart, write_part
from memmpy.skims.plan import Bound, place_of, samples_of
from memmpy.store import Metadata, PlacedArray, hash64, hash_text, joined_crc, storage_dtype
from memmpy.typing import Array, Entries

__all__ = [
    "ROWS",
    "TICKETS",
    "BucketTask",
    "ChunkTask",
    "Outcome",
    "Placed",
    "Sorted",
    "Task",
    "Work",
    "run",
]

ROWS, TICKETS = "rows", "tickets"


@dataclass(frozen=True, slots=True)
class Work:
    """What all tasks of a skim need.

    Parameters
    ----------
    store : Path
        The store.
    metadata : Metadata
        Of the columns that are used, and of the sources.
    layout : Layout
        Of the skim.
    split_by, split_seed
        Of the tickets.
    num_entries : int
        Of the store.
    selection : array of int64, str or None
        The entries of the skim, ascending; the ``.npy`` file that has them; None for all.
    directory : Path
        Where the skim is made.
    is_shared : bool
        Whether other machines write to it.
    """

    store: Path
    metadata: Metadata
    layout: Layout
    split_by: tuple[str, ...] | None
    split_seed: int
    num_entries: int
    selection: Entries | str | None
    directory: Path
    is_shared: bool

    @property
    def arrays(self) -> dict[str, PlacedArray]:
        """The arrays of the skim."""
        rows = self.layout.row
        try:
            held = storage_dtype(rows, key=ROWS)
        except ColumnError:  # a header cannot say so many or such names
            held = np.dtype((np.void, rows.itemsize))
        found = {ROWS: self._array(ROWS, held, ()), TICKETS: self._array(TICKETS, _UINT64, ())}
        for i, one in enumerate(self.layout.lists):
            name = hash_text(hash64(one.name))
            found[f"content{i}"] = self._array(f"{name}.content", one.dtype, one.shape)
            found[f"offsets{i}"] = self._array(f"{name}.offsets", _INT64, ())
        return found

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> PlacedArray:
        return PlacedArray(
            str(self.directory / f"{name}.npy"), dtype, shape, name, is_shared=self.is_shared
        )

    def entries(self, start: int, stop: int) -> Entries:
        """Return entries of the skim before they are sorted."""
        if self.selection is None:
            return np.arange(start, stop)
        held = self.selection
        if isinstance(held, str):
            held = np.load(held, mmap_mode="r")
        return np.array(held[start:stop], np.int64)

    def columns(self) -> dict[str, StoredColumn]:
        """Map the columns anew: what an older map has touched does not count as memory then."""
        records = self.metadata.columns
        try:
            return {key: open_column(self.store, key, column) for key, column in records.items()}
        except FileNotFoundError as error:
            message = f"a column of {str(self.store)!r} was written again meanwhile: {error}"
            raise MissingFileError(message) from error

    def tickets(self, columns: Mapping[str, StoredColumn]) -> TicketsOf:
        """Return what gives the tickets of entries: of their numbers where nothing names them."""
        named = tickets_of(
            Snapshot(self.store, self.metadata, columns),
            split_by=self.split_by,
            split_seed=self.split_seed,
            num_entries=self.num_entries,
        )
        if named is not None:
            return named
        return lambda entries: tickets(
            column_identities([entries.astype(np.uint64)]), self.split_seed
        )


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """Pack a chunk, sort it, and write it beside the skim, or as the skim if it is all of it.

    Parameters
    ----------
    work : Work
        Of the skim.
    number : int
        Of the chunk.
    start, stop : int
        Its place among the entries of the skim.
    span : int
        Entries of the store that are looked at with one map of the columns.
    stride : int
        Of the samples; 0 for a chunk that is all of the skim.
    """

    work: Work
    number: int
    start: int
    stop: int
    span: int
    stride: int


@dataclass(frozen=True, slots=True)
class BucketTask:
    """Join what the chunks have of a bucket, and put it in its place.

    Parameters
    ----------
    work : Work
        Of the skim.
    number : int
        Of the bucket.
    parts : tuple of SortedPart
        All chunks.
    low, high : Bound or None
        Where it starts and stops; None for the start and the end of all.
    """

    work: Work
    number: int
    parts: tuple[SortedPart, ...]
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class Sorted:
    """A chunk that is sorted.

    Parameters
    ----------
    number : int
        Of the chunk.
    part : SortedPart
        Where it lies.
    samples : uint64 array
        Some of its tickets.
    num_lost : mapping of (group, key) to int
        Values that the dtype of a group does not hold.
    """

    number: int
    part: SortedPart
    samples: Words
    num_lost: Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows that are in their place.

    Parameters
    ----------
    number : int
        Of the bucket.
    num_rows : int
        Of it.
    written : mapping of array to (number of its rows, CRC-32)
        What was written, of each array of the skim.
    num_lost : mapping of (group, key) to int
        As `Sorted` has it, if it was not counted before.
    """

    number: int
    num_rows: int
    written: Mapping[str, tuple[int, int]]
    num_lost: Mapping[tuple[str, str], int]


Task: TypeAlias = ChunkTask | BucketTask
Outcome: TypeAlias = Sorted | Placed

_UINT64, _INT64 = np.dtype("<u8"), np.dtype("<i8")


def run(task: Task) -> Outcome:
    """Do a task."""
    return _sort_chunk(task) if isinstance(task, ChunkTask) else _join_bucket(task)


def _sort_chunk(task: ChunkTask) -> Outcome:
    work = task.work
    words, packed = _packed(task)
    order = _order_of(words)
    words = words[order]
    rows = rows_taken(packed.rows, order)
    lists = [taken(one, order) for one in packed.lists]
    if task.stride == 0:
        written = _place(work, 0, [0] * len(lists), words, rows, lists, is_first=True)
        return Placed(task.number, len(words), written, packed.num_lost)
    part = write_part(str(work.directory / f"part{task.number}"), words, rows, lists)
    return Sorted(task.number, part, samples_of(words, task.stride), packed.num_lost)


def _packed(task: ChunkTask) -> tuple[Words, Packed]:
    """Return the tickets, the rows and the lists of a chunk, by entry."""
    work = task.work
    entries = work.entries(task.start, task.stop)
    words = np.empty(len(entries), np.uint64)
    rows = np.zeros(len(entries), work.layout.row)
    lists: list[list[Jagged]] = [[] for _ in work.layout.lists]
    num_lost: Counter[tuple[str, str]] = Counter()
    for start, stop in _spans(entries, task.span):
        columns = work.columns()
        part = entries[start:stop]
        words[start:stop] = work.tickets(columns)(part)
        packed = pack(work.layout, columns, part, rows[start:stop])
        for made, one in zip(lists, packed.lists, strict=True):
            made.append(one)
        num_lost.update(packed.num_lost)
    found = zip(lists, work.layout.lists, strict=True)
    return words, Packed(rows, tuple(joined(made, output) for made, output in found), num_lost)


def _spans(entries: Entries, span: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, stop) of runs of entries that lie close enough to each other."""
    start = 0
    while start < len(entries):
        stop = int(np.searchsorted(entries, entries[start] + span))
        yield start, stop
        start = stop


def _join_bucket(task: BucketTask) -> Placed:
    work, layout = task.work, task.work.layout
    places: list[tuple[int, int]] = []
    offsets: list[list[NDArray[np.int64]]] = [[] for _ in layout.lists]
    for number, part in enumerate(task.parts):
        with PartReader.opened(part, layout) as reader:
            held = reader.tickets()
            start = 0 if task.low is None else place_of(task.low, held, number)
            stop = part.num_rows if task.high is None else place_of(task.high, held, number)
            places.append((start, stop))
            for i in range(len(layout.lists)):
                offsets[i].append(reader.read_offsets(i, start, stop))
    num_rows = sum(stop - start for start, stop in places)
    words, rows = np.empty(num_rows, np.uint64), np.empty(num_rows, layout.row)
    contents = [
        np.empty((sum(int(o[-1] - o[0]) for o in found), *one.shape), one.dtype)
        for one, found in zip(layout.lists, offsets, strict=True)
    ]
    at, items_at = 0, [0] * len(layout.lists)
    for number, (part, (start, stop)) in enumerate(zip(task.parts, places, strict=True)):
        if start == stop:
            continue
        with PartReader.opened(part, layout) as reader:
            reader.read_tickets(start, words[at : at + stop - start])
            reader.read_rows(start, rows[at : at + stop - start])
            for i, content in enumerate(contents):
                first, last = (int(offset) for offset in offsets[i][number][[0, -1]])
                reader.read_content(i, first, content[items_at[i] : items_at[i] + last - first])
                items_at[i] += last - first
        at += stop - start
    # Parts follow each other by entry, and equal tickets keep their order.
    order = np.argsort(words, kind="stable")
    lists = []
    for content, found in zip(contents, offsets, strict=True):
        counts = np.concatenate([np.diff(offset) for offset in found])
        lists.append(taken(Jagged.trusted(content, offsets_of(counts)), order))
    written = _place(
        work,
        sum(start for start, _ in places),
        [sum(int(offset[0]) for offset in found) for found in offsets],
        words[order],
        rows_taken(rows, order),
        lists,
        is_first=task.low is None,
    )
    return Placed(task.number, num_rows, written, {})


def _order_of(words: Words) -> NDArray[np.int64]:
    """Return what sorts tickets, where equal ones keep their order."""
    order = np.argsort(words)
    ordered = words[order]
    # Much slower, and needed only where two have one ticket.
    return np.argsort(words, kind="stable") if np.any(ordered[1:] == ordered[:-1]) else order


def _place(
    work: Work,
    start: int,
    items_start: list[int],
    words: Words,
    rows: Iterable[Array],
    lists: list[Jagged],
    *,
    is_first: bool,
) -> dict[str, tuple[int, int]]:
    """Write sorted rows where they belong; return what was written of each array."""
    arrays = work.arrays
    values: dict[str, tuple[int, Array]] = {TICKETS: (start, words)}
    for i, one in enumerate(lists):
        values[f"content{i}"] = items_start[i], one.content
        # The first bucket says where the first list starts, each one where its lists end.
        first = 0 if is_first else 1
        values[f"offsets{i}"] = start + first, one.offsets[first:] + items_start[i]
    found = {
        name: (len(written), arrays[name].write(at, written))
        for name, (at, written) in values.items()
    }
    array, at, crc = arrays[ROWS], start, 0
    for block in rows:
        its_crc = array.write(at, block.view(array.dtype))
        crc = joined_crc(crc, its_crc, len(block) * array.row_bytes)
        at += len(block)
    return {**found, ROWS: (at - start, crc)}
