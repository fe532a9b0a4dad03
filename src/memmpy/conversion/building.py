"""Carries out a plan: hands tasks to workers, follows how columns grow, and finishes them.

Every column is a row of slots, one for each range of entries that comes from one place. A worker
fills a slot: values of known rows go where they belong at once, all else to a part beside. As soon
as all slots before it are filled, it is known where the part belongs, and a worker places it.
"""

import logging
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.columns import ENTRIES, Field
from memmpy.conversion.journal import Journal
from memmpy.conversion.plan import NewColumn, Plan
from memmpy.conversion.progress import Progress
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
    Span,
    Task,
    run,
)
from memmpy.conversion.workers import outcomes
from memmpy.errors import DiskError, MemmpyError, ReadOnlyStoreError
from memmpy.store import (
    ArrayRecord,
    Metadata,
    PlacedArray,
    Unfinished,
    crc_of,
    crc_text,
    hash64,
    hash_text,
    joined_crc,
)

__all__ = ["Builder", "Built"]

logger = logging.getLogger(__name__)

#: Bytes of entries that are copied from the store in one go.
_COPY_BYTES = 1 << 26


@dataclass(frozen=True, slots=True)
class Built:
    """The arrays of a finished column, by role, still beside the store."""

    arrays: Mapping[str, ArrayRecord]
    files: Mapping[str, str]


@dataclass(slots=True)
class _Slot:
    """A range of entries of a column, and what is known of it so far."""

    task: int
    entry: int
    num_entries: int
    lengths: Mapping[str, int] | None = None
    spans: dict[str, Span] = field(default_factory=dict)
    is_placed: bool = False


@dataclass(slots=True)
class _Growing:
    """A column that is being made."""

    column: NewColumn
    arrays: dict[str, PlacedArray]
    slots: list[_Slot] = field(default_factory=list)
    #: The first slot of which the place is not known yet, and the lengths of all before it.
    frontier: int = 0
    lengths: dict[str, int] = field(default_factory=dict)


def taken(tasks: deque[Any]) -> Iterator[Any]:
    """Yield tasks from the front, taking them away."""
    while tasks:
        yield tasks.popleft()


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
    """

    def __init__(self, plan: Plan, metadata: Metadata, directory: Path, *, is_shared: bool) -> None:
        self._plan, self._metadata, self._directory = plan, metadata, directory
        self._is_shared = is_shared
        self._unfinished = Unfinished(directory)
        self._journal = Journal(self._unfinished)
        self._columns = {column.key: self._start(column) for column in plan.columns}
        self._tasks: list[FillTask] = []
        #: Of each task that reads a file: what the journal calls it, and its share of the entries.
        self._names: dict[int, tuple[str, int, int]] = {}
        self._weights: dict[int, float] = {}
        self._sources: dict[int, str] = {}
        self._slots: dict[int, dict[str, _Slot]] = {}
        self._copies: dict[int, list[Copy]] = {}
        self._num_waiting: dict[int, int] = {}
        self._checked: dict[int, dict[str, tuple[dict[str, int], dict[str, Span]]]] = {}
        self._num_lost: dict[str, int] = {}
        self._notes: set[str] = set()
        self._failures: list[tuple[str, MemmpyError]] = []
        self._make_tasks()

    @property
    def notes(self) -> frozenset[str]:
        """What to warn of, of expressions."""
        return frozenset(self._notes)

    @property
    def num_lost(self) -> dict[str, int]:
        """By key, how many values another dtype could not hold."""
        return {key: num for key, num in self._num_lost.items() if num}

    @property
    def failures(self) -> list[tuple[str, MemmpyError]]:
        """What could not be done: where, and why."""
        return list(self._failures)

    def run(
        self, executor: Executor, *, num_waiting: int, progress: bool | None
    ) -> dict[str, Built]:
        """Do all tasks, and return the finished columns; empty if some failed."""
        self._unfinished.create()
        for growing in self._columns.values():
            for entry in growing.column.layout.fields:
                growing.arrays[entry.role].create()
        total = round(sum(self._weights.values()))
        with Progress("converting", total, show=progress) as bar:
            self._follow(executor, bar, num_waiting=num_waiting)
        if self._failures:
            return {}
        return {key: self._finish(growing) for key, growing in self._columns.items()}

    def clear(self) -> None:
        """Remove what is beside the store."""
        self._unfinished.clear()

    def leave(self) -> None:
        """Keep what is done for the next run, if anything is."""
        if self._unfinished.is_empty():
            self._unfinished.clear()

    def _start(self, column: NewColumn) -> _Growing:
        """Return a column without entries, whose files are named by all that it depends on."""
        parts = [(s.id, s.num_entries) for s in self._plan.wanted.sources]
        name = f"{column.key} {column.recipe} {column.layout} {parts}"
        arrays = {
            entry.role: PlacedArray(
                self._unfinished.file(f"{hash_text(hash64(f'{name} {entry.role}'))}.npy"),
                entry.dtype,
                entry.shape,
                column.key,
            )
            for entry in column.layout.fields
        }
        return _Growing(column, arrays)

    # What there is to do.

    def _make_tasks(self) -> None:
        sources = self._plan.wanted.sources
        recipes = {recipe.key: recipe for recipe in self._plan.wanted.recipes}
        num_keys: dict[int, int] = {}
        for fill in self._plan.fills:
            num_keys[fill.source] = num_keys.get(fill.source, 0) + (
                len(fill.range.keys) * (fill.range.stop - fill.range.start)
            )
        for fill in self._plan.fills:
            source, found = sources[fill.source], fill.range
            assert source.tree_entries is not None
            state = state_of_source(source)
            origin = FromFile(
                source.path, source.asked, state, source.tree_entries, found.start, found.stop
            )
            num = self._add(
                origin,
                [(key, recipes[key]) for key in found.keys],
                fill.entry,
                found.stop - found.start,
            )
            self._names[num] = (source.id, found.start, found.stop)
            self._sources[num] = f"{source.path}:{source.tree}"
            all_cells = num_keys[fill.source]
            cells = len(found.keys) * (found.stop - found.start)
            self._weights[num] = cells / max(1, all_cells) * source.num_entries
        for column in self._plan.columns:
            for i, held in enumerate(column.held):
                source = sources[i]
                if held is not None:
                    self._add_held(column, held.key, held.entries, held.finish, source.entry_start)
                elif column.key not in recipes and source.num_entries:
                    text = FromText(hash64(source.metadata[column.key]), source.num_entries)
                    self._add(text, [(column.key, None)], source.entry_start, source.num_entries)
        for growing in self._columns.values():
            growing.slots.sort(key=lambda slot: slot.entry)

    def _add_held(
        self, column: NewColumn, key: str, entries: range, finish: Any, entry: int
    ) -> None:
        """Add the tasks that copy entries of a column of the store."""
        record = self._metadata.columns[key]
        num_bytes = sum(array.nbytes for array in record.arrays.values())
        step = max(1, int(_COPY_BYTES * record.num_entries / max(1, num_bytes)))
        directory = str(self._directory.absolute())
        for start in range(entries.start, entries.stop, step):
            stop = min(start + step, entries.stop)
            origin = FromColumn(directory, key, record, start, stop)
            self._add(origin, [(column.key, finish)], entry + start - entries.start, stop - start)

    def _add(
        self,
        origin: FromFile | FromColumn | FromText,
        columns: Sequence[tuple[str, Any]],
        entry: int,
        num_entries: int,
    ) -> int:
        """Add a task, and the slots that it fills."""
        number = len(self._tasks)
        outputs = []
        for key, recipe in columns:
            growing = self._columns[key]
            in_place = {
                found.role: (growing.arrays[found.role], entry)
                for found in growing.column.layout.fields
                if found.is_fixed
            }
            outputs.append(Output(key, growing.column.layout, recipe, in_place))
            slot = _Slot(number, entry, num_entries)
            growing.slots.append(slot)
            self._slots.setdefault(number, {})[key] = slot
        part = self._unfinished.file(f"{self._name(origin, outputs)}.part")
        self._tasks.append(FillTask(number, origin, tuple(outputs), part, self._is_shared))
        self._num_waiting[number] = len(outputs)
        return number

    def _name(self, origin: object, outputs: Sequence[Output]) -> str:
        made = [(output.key, str(output.recipe and output.recipe.to_json())) for output in outputs]
        return hash_text(hash64(f"{origin} {made}"))

    # How it goes on.

    def _follow(self, executor: Executor, bar: Progress, *, num_waiting: int) -> None:
        """Hand out tasks until all are done, or nothing more can be."""
        # What is placed makes room on the disk, so it goes first.
        waiting: deque[Task] = deque(self._checks())
        fills = deque(task for task in self._tasks if task.number not in self._checked)
        stopped = False

        def next_tasks(num: int) -> list[Task]:
            ready = () if stopped else chain(taken(waiting), taken(fills))
            return list(islice(ready, num))

        for key in self._columns:
            waiting.extend(self._advance(key))
        for outcome in outcomes(executor, run, next_tasks, num_waiting=num_waiting):
            if isinstance(outcome, Failure):
                stopped = stopped or isinstance(outcome.error, DiskError | ReadOnlyStoreError)
                self._failures.append((self._where(outcome.number), outcome.error))
            elif isinstance(outcome, Filled):
                self._take(outcome)
                bar.advance(self._weights.get(outcome.number, 0.0))
                for key in outcome.spans:
                    waiting.extend(self._advance(key))
            elif isinstance(outcome, Checked):
                rest = self._take_checked(outcome)
                if rest is None:
                    bar.advance(self._weights[outcome.number])
                else:
                    fills.appendleft(rest)
                for key in outcome.keys:
                    waiting.extend(self._advance(key))
            else:
                self._take_placed(outcome)

    def _where(self, number: int) -> str:
        origin = self._tasks[number].origin
        if isinstance(origin, FromFile):
            return f"{self._sources[number]}, entries {origin.start} to {origin.stop}"
        return ""

    def _take(self, filled: Filled) -> None:
        for key, spans in filled.spans.items():
            slot = self._slots[filled.number][key]
            slot.lengths, slot.spans = filled.lengths[key], dict(spans)
            self._num_lost[key] = self._num_lost.get(key, 0) + filled.num_lost.get(key, 0)
        self._notes |= filled.notes
        self._note(filled.number, filled.spans)

    def _note(self, number: int, keys: Mapping[str, object]) -> None:
        if number in self._names:
            slots = self._slots[number]
            self._journal.note(
                self._names[number],
                {
                    key: (self._columns[key].column, slots[key].lengths or {}, slots[key].spans)
                    for key in keys
                },
            )

    def _advance(self, key: str) -> Iterator[PlaceTask]:
        """Yield the tasks that place what has come to have a place."""
        growing = self._columns[key]
        while growing.frontier < len(growing.slots):
            slot = growing.slots[growing.frontier]
            if slot.lengths is None:
                return
            growing.frontier += 1
            bases = dict(growing.lengths)
            for node, length in slot.lengths.items():
                growing.lengths[node] = bases.get(node, 0) + length
            copies = [
                copy
                for entry in growing.column.layout.fields
                if (copy := self._copy(growing, slot, entry, bases)) is not None
            ]
            number = slot.task
            self._copies.setdefault(number, []).extend(copies)
            slot.is_placed = not copies
            self._num_waiting[number] -= 1
            if self._num_waiting[number] == 0:
                ready = tuple(self._copies.pop(number))
                if ready:
                    yield PlaceTask(number, ready, self._is_shared)
                else:
                    self._unfinished.remove(self._tasks[number].part)

    def _copy(
        self, growing: _Growing, slot: _Slot, entry: Field, bases: Mapping[str, int]
    ) -> Copy | None:
        """Return what puts rows of a slot in their place, or None if they are there."""
        span, array = slot.spans[entry.role], growing.arrays[entry.role]
        row = slot.entry if entry.node == ENTRIES else bases.get(entry.node, 0)
        row += entry.means == "offsets"  # behind the leading 0
        base = 0 if entry.links is None else bases.get(entry.links, 0)
        is_there = (span.file, span.start) == (array.path, array.byte_of(row))
        if is_there and span.base == base:
            return None
        return Copy(growing.column.key, entry, span, array, row, base)

    def _take_placed(self, done: Placed) -> None:
        for key, spans in done.spans.items():
            slot = self._slots[done.number][key]
            slot.spans |= spans
            slot.is_placed = True
        self._note(done.number, done.spans)
        self._unfinished.remove(self._tasks[done.number].part)

    # What an interrupted conversion left.

    def _checks(self) -> Iterator[CheckTask]:
        """Yield tasks that look whether what the journal says is still true."""
        for number, name in self._names.items():
            known = self._journal.known(
                name, {key: self._columns[key].column for key in self._slots[number]}
            )
            if known:
                self._checked[number] = known
                spans = {key: tuple(found.values()) for key, (_, found) in known.items()}
                yield CheckTask(number, spans)

    def _take_checked(self, done: Checked) -> FillTask | None:
        """Take what is whole; return a task that does the rest, if there is any."""
        known, task = self._checked[done.number], self._tasks[done.number]
        for key in done.keys:
            slot = self._slots[done.number][key]
            slot.lengths, slot.spans = known[key]
        left = tuple(output for output in task.outputs if output.key not in done.keys)
        if not left:
            return None
        part = self._unfinished.file(f"{self._name(task.origin, left)}.rest.part")
        rest = FillTask(task.number, task.origin, left, part, task.is_durable)
        self._tasks[done.number] = rest
        return rest

    # The end.

    def _finish(self, growing: _Growing) -> Built:
        records, files = {}, {}
        for entry in growing.column.layout.fields:
            array = growing.arrays[entry.role]
            crc, num_rows = 0, 0
            if entry.means == "offsets":
                array.write(0, np.zeros(1, entry.dtype))
                crc, num_rows = crc_of(bytes(8)), 1
            for slot in growing.slots:
                span = slot.spans[entry.role]
                crc = joined_crc(crc, span.crc, span.num_bytes)
                num_rows += span.num_rows
            records[entry.role] = array.finish(num_rows, crc_text(crc))
            files[entry.role] = array.path
        return Built(records, files)
