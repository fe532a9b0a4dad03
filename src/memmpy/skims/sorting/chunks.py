"""First half of the sort: packs one chunk of a skim, and sorts it by ticket."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from memmpy.jagged import Jagged
from memmpy.kernels import Words
from memmpy.skims.sorting.block_values import reader_of
from memmpy.skims.sorting.output import order_of, rows_in_order, write_sorted
from memmpy.skims.sorting.packing import pack
from memmpy.skims.sorting.runs import write_run
from memmpy.skims.sorting.sort_plan import samples_of
from memmpy.skims.sorting.sort_tasks import ChunkTask, SortedChunk, WrittenBucket
from memmpy.skims.value_counts import ValueCounter
from memmpy.typing import Array, Entries

__all__ = ["sort_chunk"]


def sort_chunk(task: ChunkTask) -> SortedChunk | WrittenBucket:
    """Sort a chunk, and write it as a run; a chunk that is the whole skim is its only bucket."""
    chunk = _read_chunk(task)
    order = order_of(chunk.tickets)
    tickets, rows = chunk.tickets[order], rows_in_order(chunk.rows, order)
    lists = [one[order] for one in chunk.lists]
    if task.stride == 0:
        written = write_sorted(
            task.job, tickets, rows=rows, lists=lists, start=0, items_start=[0] * len(lists)
        )
        return WrittenBucket(task.number, len(tickets), written, chunk.num_lost, chunk.counter)
    run = write_run(str(task.job.directory / f"part{task.number}"), tickets, rows, lists)
    samples = samples_of(tickets, task.stride)
    return SortedChunk(task.number, run, samples, chunk.num_lost, chunk.counter)


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The arrays of a chunk in the order of entries, and counts as in `SortedChunk`."""

    tickets: Words
    rows: Array
    lists: list[Jagged]
    num_lost: Mapping[tuple[str, str], int]
    counter: ValueCounter


def _read_chunk(task: ChunkTask) -> _Chunk:
    job, layout = task.job, task.job.layout
    entries = job.entries(task.start, task.stop)
    tickets = np.empty(len(entries), np.uint64)
    rows = np.zeros(len(entries), layout.row)
    lists = [[one.empty()] for one in layout.lists]
    num_lost: Counter[tuple[str, str]] = Counter()
    counter = ValueCounter(layout)
    for start, stop in _spans(entries, task.span):
        snapshot = job.snapshot()
        tickets[start:stop] = job.tickets(snapshot)(entries[start:stop])
        reader = reader_of(snapshot, sorted(layout.keys), job.derived)
        block_rows = rows[start:stop]
        for block in pack(layout, reader, entries[start:stop], rows=block_rows, counter=counter):
            for blocks, one in zip(lists, block.lists, strict=True):
                blocks.append(one)
            num_lost.update(block.num_lost)
    # Each list frees its blocks once it is joined.
    joined = [Jagged.concatenate(lists.pop(0)) for _ in layout.lists]
    return _Chunk(tickets, rows, joined, num_lost, counter)


def _spans(entries: Entries, span: int) -> Iterator[tuple[int, int]]:
    """Yield the (start, stop) of entries that lie within a span of the store."""
    start = 0
    while start < len(entries):
        stop = int(np.searchsorted(entries, entries[start] + span))
        yield start, stop
        start = stop
