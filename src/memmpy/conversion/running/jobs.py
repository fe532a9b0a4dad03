"""A plan cut into jobs: the tasks to do, and the slots of columns that each fills."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from memmpy.conversion.planning.inventory import Held
from memmpy.conversion.planning.plan import Plan
from memmpy.conversion.planning.recipe import Recipe
from memmpy.conversion.running.assembly import Growing, Slot
from memmpy.conversion.running.journal import Name
from memmpy.conversion.running.read_tasks import (
    CheckTask,
    FillTask,
    FromColumns,
    FromFile,
    FromMetadata,
    Output,
    Reads,
    Span,
)
from memmpy.sources import State
from memmpy.store import (
    ArrayRecord,
    Metadata,
    SourceRecord,
    Unfinished,
    combine_crc,
    crc_of,
    crc_of_text,
    hash64,
    hash_text,
    header_of,
)

__all__ = ["Job", "list_checks", "list_jobs", "with_outputs"]

#: Bytes of entries that are copied from the store, or written for a text, in one go.
_COPY_BYTES = 1 << 26


@dataclass(slots=True)
class Job:
    """A task, and what is known of it so far.

    Parameters
    ----------
    task : FillTask
        What is done.
    slots : mapping of key to Slot
        What it fills.
    num_bytes : int
        About how many bytes it has in memory.
    name : Name or None
        What it is called in the journal; None for what reads no file.
    share : float
        Its part of all entries that are read from files.
    num_without_place : int
        Slots of which the place is not known yet.
    """

    task: FillTask
    slots: Mapping[str, Slot]
    num_bytes: int
    name: Name | None = None
    share: float = 0.0
    num_without_place: int = 0

    @property
    def num_kept(self) -> int:
        """Bytes that it left in memory, what columns share once."""
        fillings = (slot.filling for slot in self.slots.values() if slot.filling is not None)
        arrays = {id(array): array for f in fillings for array in f.arrays.values()}
        return sum(array.nbytes for array in arrays.values())

    @property
    def where(self) -> str:
        """What is read, for messages."""
        reads = self.task.reads
        if isinstance(reads, FromFile):
            return f"{reads.path}, entries {reads.tree_start} to {reads.tree_stop}"
        return reads.directory if isinstance(reads, FromColumns) else "the metadata of files"


@dataclass(frozen=True, slots=True)
class _Drawer:
    """Draws up jobs, and adds their slots to the columns."""

    columns: Mapping[str, Growing]
    unfinished: Unfinished
    is_shared: bool
    jobs: list[Job]

    def add(
        self, reads: Reads, recipes: Mapping[str, Recipe | None], entry: int, num_bytes: int
    ) -> Job:
        """Add the job that reads something for some columns, from an entry of the store on."""
        number = len(self.jobs)
        outputs, slots = [], {}
        for key, recipe in recipes.items():
            growing = self.columns[key]
            outputs.append(Output(key, growing.column.layout, recipe, growing.in_place(entry)))
            slots[key] = Slot(number, entry)
            growing.add(slots[key])
        made = sorted(self.columns[key].identity for key in recipes)
        part = self.unfinished.file(f"{hash_text(hash64(f'{reads} {made}'))}.part")
        task = FillTask(number, reads, tuple(outputs), part, self.is_shared)
        self.jobs.append(Job(task, slots, num_bytes, num_without_place=len(slots)))
        return self.jobs[-1]


def list_jobs(
    plan: Plan,
    metadata: Metadata,
    columns: Mapping[str, Growing],
    *,
    directory: Path,
    unfinished: Unfinished,
    is_shared: bool,
) -> list[Job]:
    """Return the jobs of a plan, by their numbers, and add their slots to the columns.

    Parameters
    ----------
    plan : Plan
        What to do.
    metadata : Metadata
        What the store holds.
    columns : mapping of key to Growing
        The columns of the plan, without slots.
    directory : Path
        The store; absolute.
    unfinished : Unfinished
        Where parts are.
    is_shared : bool
        Whether the workers may be other machines.
    """
    drawer = _Drawer(columns, unfinished, is_shared, [])
    sources = plan.wanted.sources
    _add_fills(drawer, plan)
    for column in plan.columns:
        if "metadata" in column.recipe:
            _add_texts(drawer, column.key, sources)
    for (entry, entries), held in _held(plan, sources).items():
        _add_held(drawer, held, entry, entries, metadata, directory)
    for growing in columns.values():
        growing.start()
    return drawer.jobs


def list_checks(plan: Plan, metadata: Metadata, *, directory: Path) -> list[CheckTask]:
    """Return the tasks that compare what serves again with its checksums, one for each file."""
    keys = {held.key for column in plan.columns for held in column.held if held is not None}
    arrays = {a.file: a for key in keys for a in metadata.columns[key].arrays.values()}
    spans = {
        file: _span_of(array, array.checksum, directory)
        for file, array in arrays.items()
        if array.checksum is not None
    }
    return [CheckTask(i, {file: (span,)}) for i, (file, span) in enumerate(spans.items())]


def with_outputs(task: FillTask, keys: Sequence[str]) -> FillTask:
    """Return a task that makes some of its columns only."""
    outputs = tuple(output for output in task.outputs if output.key in keys)
    part = None if task.part is None else f"{task.part}.{hash_text(hash64(repr(sorted(keys))))}"
    return dataclasses.replace(task, outputs=outputs, part=part)


def _span_of(array: ArrayRecord, checksum: str, directory: Path) -> Span:
    """Return all of the file of an array: header and values."""
    header = header_of(array)
    crc = combine_crc(crc_of(header), crc_of_text(checksum), array.nbytes)
    num_rows = array.shape[0] if array.shape else 1
    return Span(str(directory / array.file), 0, num_rows, len(header) + array.nbytes, crc)


def _add_fills(drawer: _Drawer, plan: Plan) -> None:
    """Add the jobs that read files."""
    recipes = plan.wanted.recipes_by_key
    cells = [len(fill.range.keys) * fill.range.num_entries for fill in plan.fills]
    of_source: dict[int, int] = {}
    for fill, num in zip(plan.fills, cells, strict=True):
        of_source[fill.source] = of_source.get(fill.source, 0) + num
    for fill, num in zip(plan.fills, cells, strict=True):
        source, found = plan.wanted.sources[fill.source], fill.range
        reads = FromFile(
            source.path,
            source.asked,
            State(*source.state),
            fill.nulls,
            source.tree_entries,
            found.tree_start,
            found.tree_stop,
        )
        asked = {key: recipes[key] for key in found.keys}
        job = drawer.add(reads, asked, fill.entry_start, found.num_bytes)
        job.name = (source.id, found.tree_start, found.tree_stop)
        job.share = num / max(1, of_source[fill.source]) * source.num_entries


def _held(plan: Plan, sources: Sequence[SourceRecord]) -> dict[tuple[int, range], dict[str, Held]]:
    """Return what serves again, by the first entry and the entries of the store that go there."""
    found: dict[tuple[int, range], dict[str, Held]] = {}
    for column in plan.columns:
        for held, entry in _joined(column.held, sources):
            found.setdefault((entry, held.entries), {})[column.key] = held
    return found


def _add_held(
    drawer: _Drawer,
    held: Mapping[str, Held],
    entry: int,
    entries: range,
    metadata: Metadata,
    directory: Path,
) -> None:
    """Add the jobs that read the same entries of columns of the store."""
    # Of a record, a task needs no more than the arrays.
    columns = {
        key: (h.key, dataclasses.replace(metadata.columns[h.key], origin=None))
        for key, h in held.items()
    }
    # Of an entry as the store has it, or as it is made: padded, it may be much larger.
    row_bytes = sum(
        max(
            record.nbytes / max(1, record.num_entries),
            sum(f.row_bytes for f in drawer.columns[key].column.layout.fields if f.is_fixed),
        )
        for key, (_, record) in columns.items()
    )
    step = max(1, int(_COPY_BYTES / max(1, row_bytes)))
    recipes = {key: h.finish for key, h in held.items()}
    for start in range(entries.start, entries.stop, step):
        stop = min(start + step, entries.stop)
        reads = FromColumns(str(directory), columns, start, stop)
        num_bytes = int(row_bytes * (stop - start))
        drawer.add(reads, recipes, entry + start - entries.start, num_bytes)


def _add_texts(drawer: _Drawer, key: str, sources: Sequence[SourceRecord]) -> None:
    """Add the jobs that write the hash of what the user said of files."""
    step = _COPY_BYTES // 8
    runs: list[tuple[str, int, int]] = []
    for source in sources:
        text = source.metadata[key]
        if runs and runs[-1][0] == text:
            runs[-1] = (text, runs[-1][1], source.entry_stop)
        else:
            runs.append((text, source.entry_start, source.entry_stop))
    for text, run_start, run_stop in runs:
        for start in range(run_start, run_stop, step):
            reads = FromMetadata(hash64(text), min(step, run_stop - start))
            drawer.add(reads, {key: None}, start, _COPY_BYTES)


def _joined(
    held: Sequence[Held | None], sources: Sequence[SourceRecord]
) -> Iterator[tuple[Held, int]]:
    """Yield entries of the store that serve again, neighbours as one, each with where they go."""
    run: Held | None = None
    entry = 0
    for piece, source in zip(held, sources, strict=True):
        follows = (
            run is not None
            and piece is not None
            and (piece.key, piece.finish) == (run.key, run.finish)
            and piece.entries.start == run.entries.stop
            # What padding cuts off is counted task by task, and kept file by file.
            and (piece.finish is None or piece.finish.padding is None)
        )
        if follows and run is not None and piece is not None:
            entries = range(run.entries.start, piece.entries.stop)
            run = dataclasses.replace(run, entries=entries)
            continue
        if run is not None:
            yield run, entry
        run, entry = piece, source.entry_start
    if run is not None:
        yield run, entry
