"""Carries out a plan: hands its tasks to workers, and follows what comes of them.

Every column is a row of slots, one for each range of entries that comes from one place. A worker
fills a slot: values of known rows go where they belong at once, all else to a part beside, or stays
in memory where that is shared. As soon as all slots before it are filled, it is known where the
rest belongs, and a worker places it.
"""

import dataclasses
from collections import deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias, TypeVar, final

from memmpy.conversion.planning.plan import Plan
from memmpy.conversion.running.assembly import Built, Growing, Shared
from memmpy.conversion.running.conversion_errors import raise_one_of
from memmpy.conversion.running.jobs import Job, list_checks, list_jobs, with_outputs
from memmpy.conversion.running.journal import Journal
from memmpy.conversion.running.part_files import append
from memmpy.conversion.running.read_tasks import (
    Checked,
    CheckTask,
    Copy,
    Failure,
    Filled,
    Filling,
    FillTask,
    Placed,
    PlaceTask,
    Span,
    Task,
)
from memmpy.conversion.running.worker import run
from memmpy.display import Progress
from memmpy.errors import CorruptStoreError, DiskError, MemmpyError, ReadOnlyStoreError
from memmpy.parallel import SafeFuture, SafeThreadPool, WorkerPool, num_cores, run_tasks
from memmpy.store import Metadata, PartWriter, Unfinished, parts_of

__all__ = ["Builder", "Done"]

#: Bytes that may wait in memory for what comes before them: for each core, and at least for four.
_KEPT_A_CORE = 1 << 26
#: Columns that wait for the disk at a time.
_NUM_SYNCING = 8

#: What an interrupted run left of a task, by key.
_Left: TypeAlias = dict[str, Filling]
_Task = TypeVar("_Task", bound=Task)


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a plan.

    Parameters
    ----------
    columns : mapping of key to Built
        The finished columns.
    notes : frozenset of str
        What to warn of, of expressions.
    num_lost : mapping of str to int
        By key, how many values another dtype could not hold.
    """

    columns: Mapping[str, Built]
    notes: frozenset[str]
    num_lost: Mapping[str, int]


@final
class Builder:
    """Makes the columns of a plan in the `Unfinished` folder of a store.

    Parameters
    ----------
    plan : Plan
        What to do.
    metadata : Metadata
        What the store holds.
    directory : Path
        The store.
    pool : WorkerPool
        Who does it.
    """

    def __init__(self, plan: Plan, metadata: Metadata, directory: Path, pool: WorkerPool) -> None:
        self._pool = pool
        self._metadata, self._directory = metadata, directory
        self._checks = list_checks(plan, metadata, directory=directory)
        self._unfinished = Unfinished(directory)
        self._journal = Journal(self._unfinished)
        parts = parts_of(plan.wanted.sources)
        self._columns = {
            column.key: Growing(column, parts, self._unfinished, is_shared=pool.is_shared)
            for column in plan.columns
        }
        self._jobs = list_jobs(
            plan,
            metadata,
            self._columns,
            directory=directory.absolute(),
            unfinished=self._unfinished,
            is_shared=pool.is_shared,
        )
        # Bytes that tasks leave in memory, and of those that are not done yet, about how many.
        self._num_kept, self._max_kept = 0, _KEPT_A_CORE * max(4, num_cores())
        self._expected: dict[int, int] = {}
        self._notes: set[str] = set()
        self._num_lost: dict[str, int] = {}
        # What could not be done: where, and why.
        self._failures: list[tuple[str, MemmpyError]] = []

    def run(self, *, progress: bool | None) -> Done:
        """Do all tasks, and return what came of them.

        Raises
        ------
        CorruptStoreError
            If entries of the store that would serve again are not as they were written.
        MemmpyError
            If something failed, once all else is done.
        """
        self._check_held()
        self._unfinished.create()
        for growing in self._columns.values():
            growing.create()
        total = round(sum(job.share for job in self._jobs))
        # A column that is finished waits for the disk, while others are still made.
        with SafeThreadPool(_NUM_SYNCING) as threads:
            with Progress("converting", total, show=progress) as bar:
                built = dict(self._follow(threads, bar))
            if self._failures:
                raise_one_of(self._failures)
            columns = {key: built[key].result() for key in self._columns}
        return Done(columns, frozenset(self._notes), self._num_lost)

    def clear(self) -> None:
        """Remove what is beside the store."""
        self._unfinished.clear()

    def leave(self) -> None:
        """Keep what is done for the next run, if anything is."""
        with suppress(MemmpyError):  # there may be no room for it
            for job in self._jobs:
                self._spill(job)
        self._unfinished.close()
        if self._unfinished.is_empty():
            self._unfinished.clear()

    def _check_held(self) -> None:
        """Compare what serves again with its checksums: the copies get checksums of their own."""
        waiting = deque(self._checks)
        damaged = {file for task in self._checks for file in task.spans}
        for outcome in run_tasks(self._pool, run, lambda num: list(islice(_taken(waiting), num))):
            if isinstance(outcome, Failure):
                raise outcome.error
            assert isinstance(outcome, Checked)
            damaged -= outcome.keys
        if damaged:
            raise _damage(self._directory, self._metadata, damaged)

    def _follow(
        self, threads: SafeThreadPool, bar: Progress
    ) -> Iterator[tuple[str, SafeFuture[Built]]]:
        """Hand out tasks until all are done, or nothing more can be; yield columns at their end."""
        for key, growing in self._columns.items():
            if growing.is_whole:  # of no entries
                yield key, threads.submit(growing.finish)
        left = self._left()
        checks: deque[Task] = deque(
            CheckTask(number, {key: tuple(f.spans.values()) for key, f in found.items()})
            for number, found in left.items()
        )
        fills = deque(job.task for job in self._jobs if job.task.number not in left)
        # What is placed makes room on the disk or in memory, so it goes first.
        places: deque[Task] = deque()
        is_stopped = False

        def next_tasks(num: int) -> list[Task]:
            if is_stopped:
                return []
            handed_out = map(self._handed_out, _taken(fills))
            ready: Iterator[Task] = chain(_taken(places), _taken(checks), handed_out)
            return list(islice(ready, num))

        for outcome in run_tasks(self._pool, run, next_tasks):
            job, keys = self._jobs[outcome.number], frozenset[str]()
            self._num_kept -= self._expected.pop(outcome.number, 0)
            if isinstance(outcome, Failure):
                is_stopped |= isinstance(outcome.error, DiskError | ReadOnlyStoreError)
                self._failures.append((job.where, outcome.error))
            elif isinstance(outcome, Filled):
                keys = frozenset(outcome.fillings)
                self._take(job, outcome)
                bar.advance(job.share)
            elif isinstance(outcome, Checked):
                keys = outcome.keys
                rest = self._take_checked(job, outcome, left[outcome.number])
                if rest is None:
                    bar.advance(job.share)
                else:
                    fills.appendleft(rest)
            else:
                self._take_placed(job, outcome)
            placed = [found for key in keys for found in self._advance(key)]
            places.extend(task for task, _ in placed if task.copies)
            touched = set(outcome.spans) if isinstance(outcome, Placed) else set[str]()
            for key in touched.union(*(slots for _, slots in placed)):
                if self._columns[key].is_whole:
                    yield key, threads.submit(self._columns[key].finish)

    def _left(self) -> dict[int, _Left]:
        """Return what the journal says that there is of tasks."""
        left = {}
        for job in self._jobs:
            found = {
                key: there
                for key in job.slots
                if job.name is not None
                and (there := self._journal.known(job.name, self._columns[key].identity))
                is not None
            }
            if found:
                left[job.task.number] = found
        return left

    def _handed_out(self, task: FillTask) -> FillTask:
        """Return a task that leaves in memory what may stay there."""
        size = self._jobs[task.number].num_bytes
        if not self._pool.is_in_process or self._num_kept + size > self._max_kept:
            return task
        self._num_kept += size
        self._expected[task.number] = size
        return dataclasses.replace(task, part=None)

    def _take(self, job: Job, filled: Filled) -> None:
        """Take what a task made."""
        for key, filling in filled.fillings.items():
            job.slots[key].filling = filling
            if filled.num_lost[key]:
                self._num_lost[key] = self._num_lost.get(key, 0) + filled.num_lost[key]
        self._num_kept += job.num_kept
        self._notes |= filled.notes
        self._note(job, [key for key, filling in filled.fillings.items() if not filling.arrays])

    def _take_checked(self, job: Job, checked: Checked, left: _Left) -> FillTask | None:
        """Take what is whole of an interrupted run, and return a task that makes the rest."""
        for key in checked.keys:
            job.slots[key].filling = left[key]
        rest = [key for key in job.slots if key not in checked.keys]
        if not rest:
            return None
        job.task = with_outputs(job.task, rest)
        return job.task

    def _advance(self, key: str) -> Iterator[tuple[PlaceTask, Collection[str]]]:
        """Yield the tasks that place what has come to have a place, each with its columns."""
        for slot in self._columns[key].advance():
            job = self._jobs[slot.task]
            job.num_without_place -= 1
            if job.num_without_place == 0:
                yield PlaceTask(slot.task, self._settle(job)), job.slots.keys()

    def _settle(self, job: Job) -> tuple[Copy, ...]:
        """Decide where all of a job goes, and return what is to be placed, shared rows once."""
        copies: dict[tuple[str, int], Copy] = {}
        shared: Shared = {}
        for key, slot in job.slots.items():
            self._columns[key].settle(slot, shared)
        for key, slot in job.slots.items():
            found = self._columns[key].copies(slot)
            if not found:
                self._columns[key].place(slot, {})
            for copy in found:
                where = copy.target.path, copy.row
                first = copies.setdefault(where, copy)
                if first is not copy:
                    columns = (*first.columns, *copy.columns)
                    copies[where] = dataclasses.replace(first, columns=columns)
        return tuple(copies.values())

    def _take_placed(self, job: Job, placed: Placed) -> None:
        """Take note of where things lie now, and remove the part."""
        self._num_kept -= job.num_kept
        for key, spans in placed.spans.items():
            self._columns[key].place(job.slots[key], spans)
        self._note(job, placed.spans)
        if job.task.part is not None:
            self._unfinished.remove(job.task.part)

    def _note(self, job: Job, keys: Collection[str]) -> None:
        """Write down what lies on disk of some columns."""
        if job.name is None or not keys:
            return
        filled = {key: filling for key in keys if (filling := job.slots[key].filling) is not None}
        self._journal.note(job.name, {self._columns[k].identity: f for k, f in filled.items()})

    def _spill(self, job: Job) -> None:
        """Write what a task left in memory to its part."""
        kept = {
            key: slot
            for key, slot in job.slots.items()
            if slot.filling is not None and slot.filling.arrays
        }
        if not kept or job.name is None or job.task.part is None:
            return
        written: dict[int, Span] = {}
        with PartWriter(job.task.part) as writer:
            for slot in kept.values():
                assert slot.filling is not None
                for array in slot.filling.arrays.values():
                    if id(array) not in written:  # columns may share it
                        written[id(array)] = append(writer, array)
                more = {role: written[id(a)] for role, a in slot.filling.arrays.items()}
                spans = {**slot.filling.spans, **more}
                slot.filling = dataclasses.replace(slot.filling, spans=spans, arrays={})
            writer.finish(is_durable=False)
        self._note(job, kept)


def _damage(directory: Path, metadata: Metadata, files: Collection[str]) -> CorruptStoreError:
    """Return the error for damaged files of the store, with all columns that are in them."""
    keys: dict[str, list[str]] = {file: [] for file in sorted(files)}
    for key, column in metadata.columns.items():
        for file in {array.file for array in column.arrays.values()} & keys.keys():
            keys[file].append(repr(key))
    found = "; ".join(f"{file} of {', '.join(names)}" for file, names in keys.items())
    names = ", ".join(dict.fromkeys(name for some in keys.values() for name in some))
    return CorruptStoreError(
        f"{str(directory)!r} is damaged, these are missing or not as they were written: {found}; "
        f"convert {names} with recreate=True: that reads the files again"
    )


def _taken(tasks: deque[_Task]) -> Iterator[_Task]:
    """Yield tasks from the front, taking them away."""
    while tasks:
        yield tasks.popleft()
