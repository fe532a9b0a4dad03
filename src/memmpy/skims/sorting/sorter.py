"""The sorter of a skim: sorts chunks alone, then joins them bucket by bucket."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np

from memmpy.display import Progress
from memmpy.jagged import Clipping, clipping_notes
from memmpy.order import Multiplicities, count_multiplicities
from memmpy.parallel import WorkerPool, run_tasks
from memmpy.skims.object_lists import ObjectColumn
from memmpy.skims.row_layout import SkimLayout
from memmpy.skims.sorting.block_values import reader_of
from memmpy.skims.sorting.buckets import join_bucket
from memmpy.skims.sorting.chunks import sort_chunk
from memmpy.skims.sorting.sort_plan import Sizes, plan_bounds, plan_chunks, stride_of
from memmpy.skims.sorting.sort_tasks import (
    TICKETS,
    BucketTask,
    ChunkTask,
    SkimJob,
    SortedChunk,
    SortOutcome,
    SortTask,
    WrittenBucket,
)
from memmpy.skims.value_counts import KeyCounts, ValueCounter
from memmpy.store import (
    ArrayRecord,
    ColumnRecord,
    combine_crc,
    crc_text,
    map_array,
    translate_os_errors,
)

__all__ = ["SkimArrays", "run_sort_task", "sort_skim"]

#: Bytes that tasks may have in memory, all threads of this process together.
_MEMORY = 3 * 2**28  # 768 MiB
#: About how many bytes a task has in memory for each byte of its chunk or bucket.
_COPIES = 3
#: Samples of the selection, and entries of each, to estimate the length of lists.
_NUM_SAMPLES, _SAMPLE_ENTRIES = 64, 1024


@dataclass(frozen=True, slots=True)
class SkimArrays:
    """The arrays of a skim on the disk, and what was counted of them.

    Parameters
    ----------
    arrays : mapping of name to ArrayRecord
        The arrays, by the names of `SkimJob.arrays`.
    multiplicities : Multiplicities
        The numbers of rows that share a ticket.
    counts : mapping of key to KeyCounts
        The counts of each column.
    notes : tuple of str
        Warnings of values that the dtype of a group cannot hold, and of clipped lists.
    """

    arrays: Mapping[str, ArrayRecord]
    multiplicities: Multiplicities
    counts: Mapping[str, KeyCounts]
    notes: tuple[str, ...]


def sort_skim(
    job: SkimJob, num_rows: int, *, pool: WorkerPool, sizes: Sizes, progress: bool | None
) -> SkimArrays:
    """Sort the rows of a skim, write its arrays to its folder, and sync them to the disk.

    Parameters
    ----------
    job : SkimJob
        The skim.
    num_rows : int
        Number of entries of the skim.
    pool : WorkerPool
        The workers.
    sizes : Sizes
        Bytes that a task has in memory.
    progress : bool or None
        See `Progress`.
    """
    if not pool.is_in_process and isinstance(job.selection, np.ndarray):
        job = dataclasses.replace(job, selection=_save_selection(job))
    for array in job.arrays.values():
        array.create()
    row_bytes = _estimate_row_bytes(job, num_rows)
    chunks = plan_chunks(num_rows, row_bytes, sizes.chunk_bytes)
    stride = stride_of(row_bytes, sizes.bucket_bytes) if len(chunks) > 1 else 0
    span = _span(job, sizes.chunk_bytes)
    num_lost: Counter[tuple[str, str]] = Counter()
    counter = ValueCounter(job.layout)
    with Progress("skimming", num_rows, show=progress) as bar:
        tasks: Iterable[SortTask] = (
            ChunkTask(job, number, start, stop, span, stride)
            for number, (start, stop) in enumerate(chunks)
        )
        chunks_done: dict[int, SortedChunk] = {}
        written: dict[int, WrittenBucket] = {}
        for outcome in _run_tasks(pool, tasks, sizes.chunk_bytes):
            num_lost.update(outcome.num_lost)
            if outcome.counter is not None:
                counter.join(outcome.counter)
            if isinstance(outcome, SortedChunk):
                chunks_done[outcome.number] = outcome
                bar.advance(outcome.run.num_rows / 2)
            else:
                written[outcome.number] = outcome
                bar.advance(outcome.num_rows)
        if chunks_done:
            tasks = _bucket_tasks(job, chunks_done, num_rows, stride, row_bytes, sizes)
            for outcome in _run_tasks(pool, tasks, sizes.bucket_bytes):
                assert isinstance(outcome, WrittenBucket)
                written[outcome.number] = outcome
                bar.advance(outcome.num_rows / 2)
    arrays = _finished(job, [written[number] for number in sorted(written)])
    # One pass over 8 bytes a row, independent of the bounds of buckets.
    tickets = map_array(job.directory, arrays[TICKETS], key=TICKETS)
    multiplicities = count_multiplicities(tickets)
    counts = counter.counts()
    notes = _clipping_notes(job, counts)
    return SkimArrays(arrays, multiplicities, counts, (*_notes_of(num_lost, job.layout), *notes))


def _clipping_notes(job: SkimJob, counts: Mapping[str, KeyCounts]) -> list[str]:
    """Return a warning for each padded key, and one for all lists of an `Objects`."""
    keys: dict[str, tuple[Clipping, int]] = {}
    objects: dict[str, tuple[Clipping, int]] = {}
    for key, padding in sorted(job.layout.padding.items()):
        column = job.derived.get(key)
        if isinstance(column, ObjectColumn):
            objects[column.lists.name] = counts[key].clipping, padding.length
        else:
            keys[key] = counts[key].clipping, padding.length
    notes = clipping_notes(keys)
    for name, (clipping, length) in objects.items():
        if clipping.is_large:
            way_out = f"Objects(..., length={clipping.max_items})"
            notes.append(clipping.warning(name, length, way_out=way_out))
    return notes


def run_sort_task(task: SortTask) -> SortOutcome:
    """Run a task, in any process."""
    return sort_chunk(task) if isinstance(task, ChunkTask) else join_bucket(task)


def _bucket_tasks(
    job: SkimJob,
    chunks_done: Mapping[int, SortedChunk],
    num_rows: int,
    stride: int,
    row_bytes: float,
    sizes: Sizes,
) -> list[SortTask]:
    chunks = [chunks_done[number] for number in sorted(chunks_done)]
    num_buckets = len(plan_chunks(num_rows, row_bytes, sizes.bucket_bytes))
    bounds = plan_bounds([chunk.samples for chunk in chunks], stride, num_rows, num_buckets)
    runs = tuple(chunk.run for chunk in chunks)
    return [
        BucketTask(job, number, runs, low, high)
        for number, (low, high) in enumerate(pairwise([None, *bounds, None]))
    ]


def _run_tasks(
    pool: WorkerPool, tasks: Iterable[SortTask], task_bytes: int
) -> Iterator[SortOutcome]:
    """Run tasks, as many at a time as there is memory for."""
    waiting = iter(tasks)
    num_running = 0
    # Other processes have memory of their own.
    most = max(1, _MEMORY // (_COPIES * task_bytes)) if pool.is_in_process else pool.num_waiting

    def next_tasks(num: int) -> list[SortTask]:
        nonlocal num_running
        handed_out = list(islice(waiting, max(0, min(num, most - num_running))))
        num_running += len(handed_out)
        return handed_out

    for outcome in run_tasks(pool, run_sort_task, next_tasks):
        num_running -= 1
        yield outcome


def _finished(job: SkimJob, written: list[WrittenBucket]) -> dict[str, ArrayRecord]:
    """Write the headers, sync the arrays to the disk, and return their records."""
    records = {}
    for name, array in job.arrays.items():
        num_rows, crc = 0, 0
        for bucket in written:
            num, bucket_crc = bucket.written[name]
            crc = combine_crc(crc, bucket_crc, num * array.row_bytes)
            num_rows += num
        records[name] = array.finish(num_rows, crc_text(crc))
    return records


def _notes_of(num_lost: Mapping[tuple[str, str], int], layout: SkimLayout) -> tuple[str, ...]:
    notes = [
        f"{num:,} values of {key!r} do not fit into {layout.dtype_of(group)} in the group "
        f"{group!r}: they became infinite, or rounded"
        for (group, key), num in num_lost.items()
        if num
    ]
    # Tasks end in any order.
    return tuple(sorted(notes))


def _save_selection(job: SkimJob) -> str:
    """Save the selection to a file for other processes, and return its path."""
    file = job.directory / "selection.npy"
    with translate_os_errors(f"to {str(file)!r}"):
        np.save(file, np.asarray(job.selection))
    return str(file)


def _estimate_row_bytes(job: SkimJob, num_rows: int) -> float:
    """Return about how many bytes an entry of the skim takes, from samples of its lists."""
    layout = job.layout
    size: float = layout.row.itemsize + 8 + 8 * len(layout.lists)
    if not layout.lists:
        return size
    reader = reader_of(job.snapshot(), [one.keys[0] for one in layout.lists], job.derived)
    num_entries, num_bytes = 0, 0
    for start in sorted({num_rows * i // _NUM_SAMPLES for i in range(_NUM_SAMPLES)}):
        entries = job.entries(start, min(start + _SAMPLE_ENTRIES, num_rows))
        num_entries += len(entries)
        for one in layout.lists:
            num_bytes += one.item_bytes * reader.num_items(one.keys[0], entries)
    return size + num_bytes / max(1, num_entries)


def _span(job: SkimJob, num_bytes: int) -> int:
    """Return how many entries of the store are read with one map of the columns."""
    columns: Iterable[ColumnRecord] = job.metadata.columns.values()
    stored: Any = sum(column.nbytes / max(1, column.num_entries) for column in columns)
    return max(1, int(num_bytes / max(1, stored)))
