"""Makes a skim: chunks are sorted one by one, then joined bucket by bucket."""

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np

from memmpy.columns import ReadJagged
from memmpy.display import Progress
from memmpy.order import Multiplicities, count_multiplicities
from memmpy.parallel import WorkerPool, run_tasks
from memmpy.skims.row_layout import Layout
from memmpy.skims.sorting.buckets import join_bucket
from memmpy.skims.sorting.chunks import sort_chunk
from memmpy.skims.sorting.sort_plan import Sizes, plan_bounds, plan_chunks, stride_of
from memmpy.skims.sorting.sort_tasks import (
    TICKETS,
    BucketTask,
    ChunkTask,
    Outcome,
    SkimJob,
    SortedChunk,
    Task,
    WrittenBucket,
)
from memmpy.skims.value_counts import KeyCounts, Tally
from memmpy.store import (
    ArrayRecord,
    ColumnRecord,
    combine_crc,
    crc_text,
    map_array,
    translate_os_errors,
)

__all__ = ["Built", "build", "do_task"]

#: Bytes that tasks may have in memory, all threads of this process together.
_MEMORY = 3 * 2**28  # 768 MiB
#: What a task has in memory for each byte of its chunk or bucket, or so.
_COPIES = 3
#: At how many places of the selection lists are looked at, to know how long they are.
_NUM_LOOKS, _ENTRIES_A_LOOK = 64, 1024


@dataclass(frozen=True, slots=True)
class Built:
    """A skim whose arrays lie on the disk.

    Parameters
    ----------
    arrays : mapping of name to ArrayRecord
        As `SkimJob.arrays` names them.
    multiplicities : Multiplicities
        How many rows share a ticket.
    counts : mapping of key to KeyCounts
        What was counted of each column.
    notes : tuple of str
        What the user should be warned of: values that the dtype of a group does not hold.
    """

    arrays: Mapping[str, ArrayRecord]
    multiplicities: Multiplicities
    counts: Mapping[str, KeyCounts]
    notes: tuple[str, ...]


def build(
    job: SkimJob, num_rows: int, *, pool: WorkerPool, sizes: Sizes, progress: bool | None
) -> Built:
    """Write the arrays of a skim to its folder, and wait for the disk.

    Parameters
    ----------
    job : SkimJob
        What it is made of.
    num_rows : int
        Number of entries of the skim.
    pool : WorkerPool
        Who does it.
    sizes : Sizes
        How much a task has in memory.
    progress : bool or None
        As `Progress` takes it.
    """
    if not pool.is_in_process and isinstance(job.selection, np.ndarray):
        job = dataclasses.replace(job, selection=_saved(job))
    for array in job.arrays.values():
        array.create()
    row_bytes = _bytes_of(job, num_rows)
    chunks = plan_chunks(num_rows, row_bytes, sizes.chunk_bytes)
    stride = stride_of(row_bytes, sizes.bucket_bytes) if len(chunks) > 1 else 0
    span = _span(job, sizes.chunk_bytes)
    num_lost: Counter[tuple[str, str]] = Counter()
    tally = Tally(job.layout)
    with Progress("skimming", num_rows, show=progress) as bar:
        tasks: Iterable[Task] = (
            ChunkTask(job, number, start, stop, span, stride)
            for number, (start, stop) in enumerate(chunks)
        )
        chunks_done: dict[int, SortedChunk] = {}
        written: dict[int, WrittenBucket] = {}
        for outcome in _done(pool, tasks, sizes.chunk_bytes):
            num_lost.update(outcome.num_lost)
            if outcome.tally is not None:
                tally.join(outcome.tally)
            if isinstance(outcome, SortedChunk):
                chunks_done[outcome.number] = outcome
                bar.advance(outcome.part.num_rows / 2)
            else:
                written[outcome.number] = outcome
                bar.advance(outcome.num_rows)
        if chunks_done:
            tasks = _bucket_tasks(job, chunks_done, num_rows, stride, row_bytes, sizes)
            for outcome in _done(pool, tasks, sizes.bucket_bytes):
                assert isinstance(outcome, WrittenBucket)
                written[outcome.number] = outcome
                bar.advance(outcome.num_rows / 2)
    arrays = _finished(job, [written[number] for number in sorted(written)])
    # One pass over 8 bytes a row, which knows no edges of buckets.
    tickets = map_array(job.directory, arrays[TICKETS], key=TICKETS)
    multiplicities = count_multiplicities(tickets)
    return Built(arrays, multiplicities, tally.counts(), _notes_of(num_lost, job.layout))


def do_task(task: Task) -> Outcome:
    """Do a task, in whatever process."""
    return sort_chunk(task) if isinstance(task, ChunkTask) else join_bucket(task)


def _bucket_tasks(
    job: SkimJob,
    found: Mapping[int, SortedChunk],
    num_rows: int,
    stride: int,
    row_bytes: float,
    sizes: Sizes,
) -> list[Task]:
    chunks = [found[number] for number in sorted(found)]
    num_buckets = len(plan_chunks(num_rows, row_bytes, sizes.bucket_bytes))
    bounds = plan_bounds([chunk.samples for chunk in chunks], stride, num_rows, num_buckets)
    parts = tuple(chunk.part for chunk in chunks)
    return [
        BucketTask(job, number, parts, low, high)
        for number, (low, high) in enumerate(pairwise([None, *bounds, None]))
    ]


def _done(pool: WorkerPool, tasks: Iterable[Task], task_bytes: int) -> Iterator[Outcome]:
    """Do tasks, as many at a time as there is memory for."""
    waiting = iter(tasks)
    num_running = 0
    # Other processes have memory of their own.
    most = max(1, _MEMORY // (_COPIES * task_bytes)) if pool.is_in_process else pool.num_waiting

    def next_tasks(num: int) -> list[Task]:
        nonlocal num_running
        handed_out = list(islice(waiting, max(0, min(num, most - num_running))))
        num_running += len(handed_out)
        return handed_out

    for outcome in run_tasks(pool, do_task, next_tasks):
        num_running -= 1
        yield outcome


def _finished(job: SkimJob, written: list[WrittenBucket]) -> dict[str, ArrayRecord]:
    """Write the headers, wait for the disk, and return the records of all arrays."""
    records = {}
    for name, array in job.arrays.items():
        num_rows, crc = 0, 0
        for bucket in written:
            num, its_crc = bucket.written[name]
            crc = combine_crc(crc, its_crc, num * array.row_bytes)
            num_rows += num
        records[name] = array.finish(num_rows, crc_text(crc))
    return records


def _notes_of(num_lost: Mapping[tuple[str, str], int], layout: Layout) -> tuple[str, ...]:
    notes = [
        f"{num:,} values of {key!r} do not fit into {layout.dtype_of(group)} in the group "
        f"{group!r}: they became infinite, or rounded"
        for (group, key), num in num_lost.items()
        if num
    ]
    # Tasks end in any order.
    return tuple(sorted(notes))


def _saved(job: SkimJob) -> str:
    """Write the selection where other processes find it."""
    file = job.directory / "selection.npy"
    with translate_os_errors(f"to {str(file)!r}"):
        np.save(file, np.asarray(job.selection))
    return str(file)


def _bytes_of(job: SkimJob, num_rows: int) -> float:
    """Return about how many bytes an entry of the skim takes: for lists, looks at some of them."""
    layout = job.layout
    size: float = layout.row.itemsize + 8 + 8 * len(layout.lists)
    if not layout.lists:
        return size
    columns = job.columns()
    num_seen, num_bytes = 0, 0
    for start in sorted({num_rows * i // _NUM_LOOKS for i in range(_NUM_LOOKS)}):
        entries = job.entries(start, min(start + _ENTRIES_A_LOOK, num_rows))
        num_seen += len(entries)
        for one in layout.lists:
            column = columns[one.keys[0]]
            assert isinstance(column, ReadJagged)
            counts = column.offsets[entries + 1] - column.offsets[entries]
            # Of a damaged file they may be anything: whoever packs the lists says so.
            counts = np.clip(counts, 0, len(column.content))
            num_bytes += one.item_bytes * int(counts.sum())
    return size + num_bytes / max(1, num_seen)


def _span(job: SkimJob, num_bytes: int) -> int:
    """Return how many entries of the store are looked at in one go."""
    columns: Iterable[ColumnRecord] = job.metadata.columns.values()
    stored: Any = sum(column.nbytes / max(1, column.num_entries) for column in columns)
    return max(1, int(num_bytes / max(1, stored)))
