"""The coordinator of a conversion: hands the tasks of a plan to workers, and follows their results.

Every column is a row of slots, one for each range of entries that a task reads. A worker fills a
slot. Values whose rows are known beforehand go to their place at once. All others go to a part, a
temporary file, or stay in memory where the worker shares it. Their place is known as soon as all
slots before are filled; then a worker copies them there.
"""

import copy
import dataclasses
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import NoReturn, TypeAlias, TypeVar, final

from memmpy.conversion.planning.plan import ConversionPlan
from memmpy.conversion.running.assembly import (
    ColumnAssembly,
    FinishedColumn,
    FinishedOffsets,
    SharedGroups,
)
from memmpy.conversion.running.jobs import FillJob, list_checks, list_jobs, with_outputs
from memmpy.conversion.running.journal import Journal
from memmpy.conversion.running.read_tasks import (
    CheckResult,
    CheckTask,
    ConversionTask,
    Failure,
    FileSpan,
    FillResult,
    FillTask,
    PlaceResult,
    PlaceTask,
    RowCopy,
    SlotData,
    append_rows,
)
from memmpy.conversion.running.worker import run_task
from memmpy.display import Progress
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    DiskError,
    InputFileError,
    MemmpyError,
    ReadOnlyStoreError,
)
from memmpy.parallel import SafeFuture, SafeThreadPool, WorkerPool, num_cores, run_tasks
from memmpy.store import Metadata, PartWriter, Unfinished, part_finder

__all__ = ["Coordinator", "RunResult"]

#: Bytes of finished entries in memory, for each core and at least for four, that wait for a place.
_KEPT_A_CORE = 1 << 26
#: Columns that are finished at a time: most of the time they wait for the disk.
_NUM_SYNCING = 32
#: Failures that an error shows, at most.
_MAX_FAILURES = 10

#: Data of a task that an interrupted run left, by key.
_Leftover: TypeAlias = dict[str, SlotData]
_Task = TypeVar("_Task", bound=ConversionTask)


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run.

    Parameters
    ----------
    columns : mapping of key to FinishedColumn
        The finished columns.
    notes : frozenset of str
        Warnings of expressions.
    num_lost : mapping of str to int
        By key, how many values a cast lost.
    """

    columns: Mapping[str, FinishedColumn]
    notes: frozenset[str]
    num_lost: Mapping[str, int]


@final
class Coordinator:
    """Builds the columns of a plan in the `Unfinished` folder of a store.

    Parameters
    ----------
    plan : ConversionPlan
        The plan.
    metadata : Metadata
        The metadata of the store.
    directory : Path
        The store.
    pool : WorkerPool
        The workers.
    """

    def __init__(
        self, plan: ConversionPlan, metadata: Metadata, directory: Path, pool: WorkerPool
    ) -> None:
        self._pool = pool
        self._metadata, self._directory = metadata, directory
        self._checks = list_checks(plan, metadata, directory=directory)
        self._unfinished = Unfinished(directory)
        self._journal = Journal(self._unfinished)
        parts, specs = part_finder(plan.target.sources), plan.target.specs_by_key
        self._columns = {
            column.key: ColumnAssembly(
                column,
                parts(specs[column.key].branches if column.key in specs else ()),
                self._unfinished,
                is_shared=pool.is_shared,
            )
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
        # Bytes that tasks left in memory or will leave there, and the estimates among them.
        self._num_kept, self._max_kept = 0, _KEPT_A_CORE * max(4, num_cores())
        self._expected: dict[int, int] = {}
        self._notes: set[str] = set()
        self._num_lost: dict[str, int] = {}
        # Where a task failed, and why.
        self._failures: list[tuple[str, MemmpyError]] = []

    def run(self, *, progress: bool | None) -> RunResult:
        """Run all tasks, and return the finished columns.

        Raises
        ------
        CorruptStoreError
            If reusable entries of the store are damaged.
        MemmpyError
            If a task failed, once all others are done.
        """
        self._check_reusable()
        self._unfinished.create()
        for assembly in self._columns.values():
            assembly.create()
        total = round(sum(job.share for job in self._jobs))
        # Finished columns are synced to the disk while others are still built.
        with SafeThreadPool(_NUM_SYNCING) as threads:
            with Progress("converting", total, show=progress) as bar:
                finished = dict(self._follow(threads, bar))
            if self._failures:
                _raise_one_of(self._failures)
            columns = {key: finished[key].result() for key in self._columns}
        return RunResult(columns, frozenset(self._notes), self._num_lost)

    def clear(self) -> None:
        """Remove the folder of unfinished columns."""
        self._unfinished.clear()

    def leave(self) -> None:
        """Keep finished tasks for the next run, if there are any."""
        with suppress(MemmpyError):  # the disk may be full
            for job in self._jobs:
                self._spill(job)
        self._unfinished.close()
        if self._unfinished.is_empty():
            self._unfinished.clear()

    def _check_reusable(self) -> None:
        """Compare reusable columns with their checksums, as their copies get new checksums."""
        tasks = iter(self._checks)
        damaged = {file for task in self._checks for file in task.spans}
        for outcome in run_tasks(self._pool, run_task, lambda num: list(islice(tasks, num))):
            if isinstance(outcome, Failure):
                raise outcome.error
            assert isinstance(outcome, CheckResult)
            damaged -= outcome.keys
        if damaged:
            raise _damage(self._directory, self._metadata, damaged)

    def _follow(
        self, threads: SafeThreadPool, bar: Progress
    ) -> Iterator[tuple[str, SafeFuture[FinishedColumn]]]:
        """Hand out tasks until all are done, or the disk fails; yield finished columns."""
        offsets = FinishedOffsets()
        for key, assembly in self._columns.items():
            if assembly.is_whole:  # without entries
                yield key, threads.submit(assembly.finish, offsets)
        leftovers = self._leftovers()
        checks: deque[ConversionTask] = deque(
            CheckTask(number, {key: tuple(data.spans.values()) for key, data in leftover.items()})
            for number, leftover in leftovers.items()
        )
        fills = deque(job.task for job in self._jobs if job.task.number not in leftovers)
        # These go first, as they free memory or disk.
        places: deque[ConversionTask] = deque()
        is_stopped = False

        def next_tasks(num: int) -> list[ConversionTask]:
            if is_stopped:
                return []
            handed_out = map(self._handed_out, _popped(fills))
            ready: Iterator[ConversionTask] = chain(_popped(places), _popped(checks), handed_out)
            return list(islice(ready, num))

        for outcome in run_tasks(self._pool, run_task, next_tasks):
            job, keys = self._jobs[outcome.number], frozenset[str]()
            self._num_kept -= self._expected.pop(outcome.number, 0)
            if isinstance(outcome, Failure):
                is_stopped |= isinstance(outcome.error, DiskError | ReadOnlyStoreError)
                self._failures.append((job.where, outcome.error))
            elif isinstance(outcome, FillResult):
                keys = frozenset(outcome.slot_data)
                self._take(job, outcome)
                bar.advance(job.share)
            elif isinstance(outcome, CheckResult):
                keys = outcome.keys
                rest = self._take_checked(job, outcome, leftovers[outcome.number])
                if rest is None:
                    bar.advance(job.share)
                else:
                    fills.appendleft(rest)
            else:
                self._take_placed(job, outcome)
            placed = [ready for key in keys for ready in self._advance(key)]
            places.extend(task for task, _ in placed if task.copies)
            touched = set(outcome.spans) if isinstance(outcome, PlaceResult) else set[str]()
            for key in touched.union(*(slots for _, slots in placed)):
                if self._columns[key].is_whole:
                    yield key, threads.submit(self._columns[key].finish, offsets)

    def _leftovers(self) -> dict[int, _Leftover]:
        """Return the data of tasks that the journal knows of."""
        leftovers = {}
        for job in self._jobs:
            leftover = {
                key: data
                for key in job.slots
                if job.name is not None
                and (data := self._journal.find(job.name, self._columns[key].identity)) is not None
            }
            if leftover:
                leftovers[job.task.number] = leftover
        return leftovers

    def _handed_out(self, task: FillTask) -> FillTask:
        """Return a task that may leave its rows in memory, where there is room for them."""
        size = self._jobs[task.number].num_bytes
        if not self._pool.is_in_process or self._num_kept + size > self._max_kept:
            return task
        self._num_kept += size
        self._expected[task.number] = size
        return dataclasses.replace(task, part=None)

    def _take(self, job: FillJob, filled: FillResult) -> None:
        """Take the result of a task."""
        for key, data in filled.slot_data.items():
            job.slots[key].data = data
            if filled.num_lost[key]:
                self._num_lost[key] = self._num_lost.get(key, 0) + filled.num_lost[key]
        self._num_kept += job.num_kept
        self._notes |= filled.notes
        self._note(job, [key for key, data in filled.slot_data.items() if not data.arrays])

    def _take_checked(
        self, job: FillJob, checked: CheckResult, leftover: _Leftover
    ) -> FillTask | None:
        """Take undamaged data of an interrupted run, and return a task that makes the rest."""
        for key in checked.keys:
            job.slots[key].data = leftover[key]
        rest = [key for key in job.slots if key not in checked.keys]
        if not rest:
            return None
        job.task = with_outputs(job.task, rest)
        return job.task

    def _advance(self, key: str) -> Iterator[tuple[PlaceTask, Collection[str]]]:
        """Yield the tasks that copy rows whose place has become known, each with its columns."""
        for slot in self._columns[key].advance():
            job = self._jobs[slot.task]
            job.num_without_place -= 1
            if job.num_without_place == 0:
                yield PlaceTask(slot.task, self._copies_of(job)), job.slots.keys()

    def _copies_of(self, job: FillJob) -> tuple[RowCopy, ...]:
        """Return the copies that bring all rows of a job to their places, shared rows once."""
        copies: dict[tuple[str, int], RowCopy] = {}
        shared: SharedGroups = {}
        for key, slot in job.slots.items():
            self._columns[key].join_groups(slot, shared)
        for key, slot in job.slots.items():
            own_copies = self._columns[key].copies(slot)
            if not own_copies:
                self._columns[key].place(slot, {})
            for own_copy in own_copies:
                where = own_copy.target.path, own_copy.row
                first = copies.setdefault(where, own_copy)
                if first is not own_copy:
                    columns = (*first.columns, *own_copy.columns)
                    copies[where] = dataclasses.replace(first, columns=columns)
        return tuple(copies.values())

    def _take_placed(self, job: FillJob, placed: PlaceResult) -> None:
        """Note where rows lie now, and remove the part."""
        self._num_kept -= job.num_kept
        for key, spans in placed.spans.items():
            self._columns[key].place(job.slots[key], spans)
        self._note(job, placed.spans)
        if job.task.part is not None:
            self._unfinished.remove(job.task.part)

    def _note(self, job: FillJob, keys: Collection[str]) -> None:
        """Note in the journal which data of some columns are on the disk."""
        if job.name is None or not keys:
            return
        by_identity = {
            self._columns[key].identity: data
            for key in keys
            if (data := job.slots[key].data) is not None
        }
        self._journal.note(job.name, by_identity)

    def _spill(self, job: FillJob) -> None:
        """Write the rows that a task left in memory to its part."""
        kept = {
            key: slot
            for key, slot in job.slots.items()
            if slot.data is not None and slot.data.arrays
        }
        if not kept or job.name is None or job.task.part is None:
            return
        written: dict[int, FileSpan] = {}
        with PartWriter(job.task.part) as writer:
            for slot in kept.values():
                assert slot.data is not None
                for array in slot.data.arrays.values():
                    if id(array) not in written:  # columns may share an array
                        written[id(array)] = append_rows(writer, array)
                more = {role: written[id(a)] for role, a in slot.data.arrays.items()}
                spans = {**slot.data.spans, **more}
                slot.data = dataclasses.replace(slot.data, spans=spans, arrays={})
            writer.finish(is_durable=False)
        self._note(job, kept)


def _raise_one_of(failures: Sequence[tuple[str, MemmpyError]]) -> NoReturn:
    """Raise one error for one or more failures.

    Parameters
    ----------
    failures : sequence of (str, MemmpyError)
        Where a task failed, and its error.
    """
    failures = sorted(failures, key=lambda failure: failure[0])
    refused = [e for _, e in failures if isinstance(e, DiskError | ReadOnlyStoreError)]
    if refused:
        raise refused[0]
    if len(failures) == 1:
        where, error = failures[0]
        if isinstance(error, InputFileError):
            message, error = f"{where}: {error}", copy.copy(error)  # with its other attributes
            error.args = (message,)
        raise error
    lines = [f"{len(failures)} tasks failed; the results of all others are kept for the next call:"]
    lines += [f"  {place}: {error}" for place, error in failures[:_MAX_FAILURES]]
    if len(failures) > _MAX_FAILURES:
        lines.append(f"  ... and {len(failures) - _MAX_FAILURES} more")
    # Only errors that take nothing but a message can hold that of all.
    kinds = {type(error) for _, error in failures}
    kind = kinds.pop() if len(kinds) == 1 else InputFileError
    raise (kind if issubclass(kind, InputFileError | ColumnError) else InputFileError)(
        "\n".join(lines)
    )


def _damage(directory: Path, metadata: Metadata, files: Collection[str]) -> CorruptStoreError:
    """Return the error for damaged files of the store; it names all columns in them."""
    keys: dict[str, list[str]] = {file: [] for file in sorted(files)}
    for key, column in metadata.columns.items():
        for file in {array.file for array in column.arrays.values()} & keys.keys():
            keys[file].append(repr(key))
    listed = "; ".join(f"{file} of {', '.join(names)}" for file, names in keys.items())
    names = ", ".join(dict.fromkeys(name for some in keys.values() for name in some))
    return CorruptStoreError(
        f"{str(directory)!r} is damaged, these files are missing or altered: {listed}; "
        f"convert {names} with recreate=True, which reads the source files again"
    )


def _popped(tasks: deque[_Task]) -> Iterator[_Task]:
    """Yield tasks from the front of a queue, and remove them."""
    while tasks:
        yield tasks.popleft()
