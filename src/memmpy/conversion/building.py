"""Carries out a plan: makes its tasks, hands them to workers, and follows what comes of them.

Every column is a row of slots, one for each range of entries that comes from one place. A worker
fills a slot: values of known rows go where they belong at once, all else to a part beside, or stays
in memory where that is shared. As soon as all slots before it are filled, it is known where the
rest belongs, and a worker places it.
"""

import dataclasses
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import TypeAlias, TypeVar, final

from memmpy.conversion.growing import Built, Growing, Slot
from memmpy.conversion.holdings import Held
from memmpy.conversion.journal import Journal, Name
from memmpy.conversion.plan import Fill, NewColumn, Plan
from memmpy.conversion.progress import Progress
from memmpy.conversion.recipe import Recipe
from memmpy.conversion.surveying import state_of_source
from memmpy.conversion.tasks import (
    Checked,
    CheckTask,
    Copy,
    Failure,
    Filled,
    FillTask,
    FromColumn,
    FromFile,
    FromText,
    Output,
    Placed,
    PlaceTask,
    Reads,
    Span,
    Task,
)
from memmpy.conversion.workers import num_cores, outcomes
from memmpy.conversion.working import PartWriter, run
from memmpy.errors import DiskError, MemmpyError, ReadOnlyStoreError
from memmpy.store import Metadata, Unfinished, hash64, hash_text, parts_of

__all__ = ["Builder"]

#: Bytes that may wait in memory for what comes before them: for each core, and at least for four.
_KEPT_A_CORE = 1 << 26
#: Columns that wait for the disk at a time.
_NUM_SYNCING = 8
#: Bytes of entries that are copied from the store, or written for a text, in one go.
_COPY_BYTES = 1 << 26

#: What an interrupted run left of a task: by key, the lengths of nodes and the spans by role.
_Left: TypeAlias = dict[str, tuple[dict[str, int], dict[str, Span]]]
_Task = TypeVar("_Task", bound=Task)


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
    is_shared : bool
        Whether the workers may be other machines.
    is_in_process : bool
        Whether they are threads of this process.
    """

    def __init__(
        self,
        plan: Plan,
        metadata: Metadata,
        directory: Path,
        *,
        is_shared: bool,
        is_in_process: bool,
    ) -> None:
        self._plan, self._metadata, self._directory = plan, metadata, directory.absolute()
        self._is_shared, self._is_in_process = is_shared, is_in_process
        self._unfinished = Unfinished(directory)
        self._journal = Journal(self._unfinished)
        parts = parts_of(plan.wanted.sources)
        self._columns = {
            c.key: Growing(c, parts, self._unfinished, is_shared=is_shared) for c in plan.columns
        }
        # By number: the tasks and their slots, what has to be placed of them, and of how many slots
        # that is not known yet. Of those that read a file, the name in the journal and a share of
        # the entries.
        self._tasks: list[FillTask] = []
        self._slots: list[dict[str, Slot]] = []
        self._copies: list[list[Copy]] = []
        self._num_waiting: list[int] = []
        self._num_unplaced = dict.fromkeys(self._columns, 0)
        self._names: dict[int, Name] = {}
        self._shares: dict[int, float] = {}
        # Bytes that tasks leave in memory, and of those that are not done yet, about how many.
        self._sizes: dict[int, int] = {}
        self._expected: dict[int, int] = {}
        self._num_kept, self._max_kept = 0, _KEPT_A_CORE * max(4, num_cores())
        #: What to warn of, of expressions.
        self.notes: set[str] = set()
        #: By key, how many values another dtype could not hold.
        self.num_lost: dict[str, int] = {}
        #: What could not be done: where, and why.
        self.failures: list[tuple[str, MemmpyError]] = []
        self._add_fills()
        for column in plan.columns:
            for i, held in enumerate(column.held):
                if held is not None:
                    self._add_held(column, held, plan.wanted.sources[i].entry_start)
                elif "metadata" in column.recipe:
                    self._add_text(column, i)
        for growing in self._columns.values():
            growing.start()

    def run(
        self, executor: Executor, *, num_waiting: int, progress: bool | None
    ) -> dict[str, Built]:
        """Do all tasks, and return the finished columns; none if something failed."""
        self._unfinished.create()
        for growing in self._columns.values():
            growing.create()
        total = round(sum(self._shares.values()))
        # A column that is finished waits for the disk, while others are still made.
        with ThreadPoolExecutor(_NUM_SYNCING) as threads:
            with Progress("converting", total, show=progress) as bar:
                built = dict(self._follow(executor, threads, bar, num_waiting=num_waiting))
            return {} if self.failures else {key: built[key].result() for key in self._columns}

    def clear(self) -> None:
        """Remove what is beside the store."""
        self._unfinished.clear()

    def leave(self) -> None:
        """Keep what is done for the next run, if anything is."""
        with suppress(MemmpyError):  # there may be no room for it
            for number in self._names:
                self._spill(number)
        self._unfinished.close()
        if self._unfinished.is_empty():
            self._unfinished.clear()

    # What there is to do.

    def _add_fills(self) -> None:
        """Add the tasks that read files."""
        recipes = {recipe.key: recipe for recipe in self._plan.wanted.recipes}
        cells: dict[int, int] = {}
        for fill in self._plan.fills:
            cells[fill.source] = cells.get(fill.source, 0) + _num_cells(fill)
        for fill in self._plan.fills:
            source, found = self._plan.wanted.sources[fill.source], fill.range
            assert source.tree_entries is not None
            state = state_of_source(source)
            reads = FromFile(
                source.path, source.asked, state, source.tree_entries, found.start, found.stop
            )
            number = self._add(reads, {key: recipes[key] for key in found.keys}, fill.entry)
            self._names[number] = (source.id, found.start, found.stop)
            share = _num_cells(fill) / max(1, cells[fill.source])
            self._shares[number] = share * source.num_entries
            self._sizes[number] = found.unpacked

    def _add_held(self, column: NewColumn, held: Held, entry: int) -> None:
        """Add the tasks that copy entries of a column of the store."""
        # Of the record, a task needs no more than the arrays.
        record = dataclasses.replace(self._metadata.columns[held.key], origin=None)
        num_bytes = sum(array.nbytes for array in record.arrays.values())
        step = max(1, int(_COPY_BYTES * record.num_entries / max(1, num_bytes)))
        for start in range(held.entries.start, held.entries.stop, step):
            stop = min(start + step, held.entries.stop)
            reads = FromColumn(str(self._directory), held.key, record, start, stop)
            self._add(reads, {column.key: held.finish}, entry + start - held.entries.start)

    def _add_text(self, column: NewColumn, source: int) -> None:
        """Add the tasks that write the hash of what the user said of a file."""
        found = self._plan.wanted.sources[source]
        number = hash64(found.metadata[column.key])
        step = _COPY_BYTES // 8
        for start in range(0, found.num_entries, step):
            reads = FromText(number, min(step, found.num_entries - start))
            self._add(reads, {column.key: None}, found.entry_start + start)

    def _add(self, reads: Reads, recipes: Mapping[str, Recipe | None], entry: int) -> int:
        """Add a task with its slots, and return its number."""
        number = len(self._tasks)
        outputs = []
        slots = {}
        for key, recipe in recipes.items():
            growing = self._columns[key]
            outputs.append(Output(key, growing.column.layout, recipe, growing.in_place(entry)))
            slots[key] = Slot(number, entry)
            growing.add(slots[key])
            self._num_unplaced[key] += 1
        self._slots.append(slots)
        self._copies.append([])
        self._num_waiting.append(len(slots))
        self._tasks.append(self._task(number, reads, outputs))
        return number

    def _task(self, number: int, reads: Reads, outputs: Sequence[Output]) -> FillTask:
        """Return a task, whose part is named by what it does."""
        made = sorted(self._columns[output.key].identity for output in outputs)
        part = self._unfinished.file(f"{hash_text(hash64(f'{reads} {made}'))}.part")
        return FillTask(number, reads, tuple(outputs), part, self._is_shared)

    # How it goes on.

    def _follow(
        self, executor: Executor, threads: Executor, bar: Progress, *, num_waiting: int
    ) -> Iterator[tuple[str, Future[Built]]]:
        """Hand out tasks until all are done, or nothing more can be; yield columns at their end."""
        for key, growing in self._columns.items():
            if not self._num_unplaced[key]:
                yield key, threads.submit(growing.finish)
        left = self._left()
        checks: deque[Task] = deque(
            CheckTask(number, {key: tuple(spans.values()) for key, (_, spans) in found.items()})
            for number, found in left.items()
        )
        fills = deque(task for task in self._tasks if task.number not in left)
        # What is placed makes room on the disk or in memory, so it goes first.
        places: deque[Task] = deque()
        is_stopped = False

        def next_tasks(num: int) -> list[Task]:
            if is_stopped:
                return []
            handed_out = map(self._handed_out, _taken(fills))
            ready: Iterator[Task] = chain(_taken(places), _taken(checks), handed_out)
            return list(islice(ready, num))

        for outcome in outcomes(executor, run, next_tasks, num_waiting=num_waiting):
            number, keys = outcome.number, frozenset[str]()
            self._num_kept -= self._expected.pop(number, 0)
            if isinstance(outcome, Failure):
                is_stopped |= isinstance(outcome.error, DiskError | ReadOnlyStoreError)
                self.failures.append((self._where(number), outcome.error))
            elif isinstance(outcome, Filled):
                keys = frozenset(outcome.lengths)
                self._take(outcome)
                bar.advance(self._shares.get(number, 0.0))
            elif isinstance(outcome, Checked):
                keys = outcome.keys
                rest = self._take_checked(outcome, left[number])
                if rest is None:
                    bar.advance(self._shares[number])
                else:
                    fills.appendleft(rest)
            else:
                self._take_placed(outcome)
            for key in keys:
                places.extend(self._advance(key))
            touched = outcome.spans if isinstance(outcome, Placed) else keys
            for key in touched:
                if not self._num_unplaced[key]:
                    yield key, threads.submit(self._columns[key].finish)

    def _left(self) -> dict[int, _Left]:
        """Return what the journal says that there is of tasks."""
        left = {}
        for number, name in self._names.items():
            found = {
                key: there
                for key in self._slots[number]
                if (there := self._journal.known(name, self._columns[key].identity)) is not None
            }
            if found:
                left[number] = found
        return left

    def _handed_out(self, task: FillTask) -> FillTask:
        """Return a task that leaves in memory what may stay there."""
        size = self._sizes.get(task.number, _COPY_BYTES)
        if not self._is_in_process or self._num_kept + size > self._max_kept:
            return task
        self._num_kept += size
        self._expected[task.number] = size
        return dataclasses.replace(task, part=None)

    def _take(self, filled: Filled) -> None:
        """Take what a task made."""
        for key, lengths in filled.lengths.items():
            slot = self._slots[filled.number][key]
            slot.lengths, slot.spans = lengths, dict(filled.spans.get(key, {}))
            slot.arrays = dict(filled.arrays.get(key, {}))
            self._num_kept += slot.num_kept
            if filled.num_lost[key]:
                self.num_lost[key] = self.num_lost.get(key, 0) + filled.num_lost[key]
        self.notes |= filled.notes
        self._note(filled.number, [key for key in filled.lengths if key not in filled.arrays])

    def _take_checked(self, checked: Checked, left: _Left) -> FillTask | None:
        """Take what is whole of an interrupted run, and return a task that makes the rest."""
        number = checked.number
        for key in checked.keys:
            slot = self._slots[number][key]
            slot.lengths, slot.spans = left[key]
        task = self._tasks[number]
        outputs = [output for output in task.outputs if output.key not in checked.keys]
        if not outputs:
            return None
        self._tasks[number] = self._task(number, task.origin, outputs)
        return self._tasks[number]

    def _advance(self, key: str) -> Iterator[PlaceTask]:
        """Yield the tasks that place what has come to have a place."""
        for number, copies in self._columns[key].advance():
            self._num_unplaced[key] -= not copies
            self._copies[number] += copies
            self._num_waiting[number] -= 1
            if self._num_waiting[number]:
                continue
            if self._copies[number]:
                yield PlaceTask(number, tuple(self._copies[number]))
                self._copies[number] = []
            else:
                self._remove_part(number)

    def _take_placed(self, placed: Placed) -> None:
        """Take note of where things lie now."""
        for key, spans in placed.spans.items():
            slot = self._slots[placed.number][key]
            slot.spans |= spans
            self._num_kept -= slot.num_kept
            slot.arrays = {}
            self._num_unplaced[key] -= 1
        self._note(placed.number, placed.spans)
        self._remove_part(placed.number)

    def _note(self, number: int, keys: Collection[str]) -> None:
        """Write down what lies on disk of some columns."""
        if number not in self._names or not keys:
            return
        slots = self._slots[number]
        self._journal.note(
            self._names[number],
            {self._columns[k].identity: (slots[k].lengths or {}, slots[k].spans) for k in keys},
        )

    def _spill(self, number: int) -> None:
        """Write what a task left in memory to its part."""
        part = self._tasks[number].part
        slots = {key: slot for key, slot in self._slots[number].items() if slot.arrays}
        if not slots or part is None:
            return
        with PartWriter(part) as writer:
            for slot in slots.values():
                slot.spans |= {role: writer.append(array) for role, array in slot.arrays.items()}
            writer.finish(is_durable=False)
        self._note(number, slots)

    def _remove_part(self, number: int) -> None:
        part = self._tasks[number].part
        if part is not None:
            self._unfinished.remove(part)

    def _where(self, number: int) -> str:
        reads = self._tasks[number].origin
        if not isinstance(reads, FromFile):
            return "the store"
        return f"{reads.path}, entries {reads.start} to {reads.stop}"


def _num_cells(fill: Fill) -> int:
    return len(fill.range.keys) * (fill.range.stop - fill.range.start)


def _taken(tasks: deque[_Task]) -> Iterator[_Task]:
    """Yield tasks from the front, taking them away."""
    while tasks:
        yield tasks.popleft()
