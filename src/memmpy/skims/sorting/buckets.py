"""Second half of the sort: joins the rows of one bucket from all runs, and writes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import Words, offsets_of
from memmpy.skims.sorting.output import order_of, rows_in_order, write_sorted
from memmpy.skims.sorting.runs import RunReader
from memmpy.skims.sorting.sort_plan import place_of
from memmpy.skims.sorting.sort_tasks import BucketTask, WrittenBucket
from memmpy.typing import Array

__all__ = ["join_bucket"]


@dataclass(frozen=True, slots=True)
class _Slice:
    """The rows of a run that belong to a bucket.

    Parameters
    ----------
    start, stop : int
        Their place in the run.
    offsets : list of int64 arrays
        For each list of the skim, their offsets in the run, and the end of the last.
    """

    start: int
    stop: int
    offsets: list[NDArray[np.int64]]

    def items(self, number: int) -> tuple[int, int]:
        """Return where the items of a list start and stop in the run."""
        offsets = self.offsets[number]
        return int(offsets[0]), int(offsets[-1])


def join_bucket(task: BucketTask) -> WrittenBucket:
    """Read a bucket from all runs, sort it, and write it to its place in the skim."""
    slices = _rows_of_bucket(task)
    tickets, rows, lists = _read_bucket(task, slices)
    # Runs are in the order of entries, and equal tickets keep their order.
    order = order_of(tickets)
    written = write_sorted(
        task.job,
        tickets[order],
        rows=rows_in_order(rows, order),
        lists=[one[order] for one in lists],
        start=sum(one.start for one in slices),
        items_start=[sum(one.items(i)[0] for one in slices) for i in range(len(lists))],
    )
    return WrittenBucket(task.number, len(tickets), written, {}, None)


def _rows_of_bucket(task: BucketTask) -> list[_Slice]:
    """Return the rows of each run that belong to the bucket."""
    slices = []
    for number, run in enumerate(task.runs):
        with RunReader.open(run, task.job.layout) as reader:
            tickets = reader.tickets()
            start = 0 if task.low is None else place_of(task.low, tickets, number)
            stop = run.num_rows if task.high is None else place_of(task.high, tickets, number)
            offsets = [
                reader.read_offsets(i, start, stop) for i in range(len(task.job.layout.lists))
            ]
            slices.append(_Slice(start, stop, offsets))
    return slices


def _read_bucket(task: BucketTask, slices: Sequence[_Slice]) -> tuple[Words, Array, list[Jagged]]:
    """Return the tickets, the rows and the lists of a bucket, run by run."""
    layout = task.job.layout
    num_rows = sum(one.stop - one.start for one in slices)
    tickets, rows = np.empty(num_rows, np.uint64), np.empty(num_rows, layout.row)
    num_items = [
        [stop - start for start, stop in (one.items(i) for one in slices)]
        for i in range(len(layout.lists))
    ]
    contents = [
        np.empty((sum(nums), *one.shape), one.dtype)
        for one, nums in zip(layout.lists, num_items, strict=True)
    ]
    at, items_at = 0, [0] * len(contents)
    for number, (run, own) in enumerate(zip(task.runs, slices, strict=True)):
        stop = at + own.stop - own.start
        if stop == at:
            continue
        with RunReader.open(run, layout) as reader:
            reader.read_tickets(own.start, tickets[at:stop])
            reader.read_rows(own.start, rows[at:stop])
            for i, content in enumerate(contents):
                items_stop = items_at[i] + num_items[i][number]
                reader.read_content(i, own.items(i)[0], content[items_at[i] : items_stop])
                items_at[i] = items_stop
        at = stop
    lists = []
    for i, content in enumerate(contents):
        counts = np.concatenate([np.diff(one.offsets[i]) for one in slices])
        lists.append(Jagged.trusted(content, offsets_of(counts)))
    return tickets, rows, lists
