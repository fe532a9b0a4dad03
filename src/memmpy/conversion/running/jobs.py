"""The jobs of a plan: its tasks, each with the slots of columns that it fills."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.inventory import Reusable
from memmpy.conversion.planning.number_columns import constants_of
from memmpy.conversion.planning.plan import ConversionPlan, NewColumn
from memmpy.conversion.running.assembly import ColumnAssembly, Slot
from memmpy.conversion.running.journal import Name
from memmpy.conversion.running.read_tasks import (
    CheckTask,
    ColumnInput,
    FileInput,
    FileSpan,
    FillTask,
    MetadataInput,
    Output,
    TaskInput,
)
from memmpy.sources import FriendFile, State
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
    id_with_friends,
)

__all__ = ["FillJob", "list_checks", "list_jobs", "with_outputs"]

#: Bytes that one task copies from the store, or writes for a value of the metadata.
_COPY_BYTES = 1 << 26


@dataclass(slots=True)
class FillJob:
    """A `FillTask`, the slots that it fills, and its progress.

    Parameters
    ----------
    task : FillTask
        The task.
    slots : mapping of key to Slot
        The slots that it fills.
    num_bytes : int
        About how many bytes it has in memory.
    name : Name or None
        Its name in the journal; None for a task that reads no file.
    share : float
        How many of the entries that are read from files it stands for, in the progress bar.
    num_without_place : int
        Slots whose place is not known yet.
    """

    task: FillTask
    slots: Mapping[str, Slot]
    num_bytes: int
    name: Name | None = None
    share: float = 0.0
    num_without_place: int = 0

    @property
    def num_kept(self) -> int:
        """Bytes that it left in memory; arrays that columns share count once."""
        filled = (slot.data for slot in self.slots.values() if slot.data is not None)
        arrays = {id(array): array for data in filled for array in data.arrays.values()}
        return sum(array.nbytes for array in arrays.values())

    @property
    def where(self) -> str:
        """The input of the task, for messages."""
        source = self.task.input
        if isinstance(source, FileInput):
            return f"{source.path}, entries {source.tree_start} to {source.tree_stop}"
        return source.directory if isinstance(source, ColumnInput) else "the metadata of files"


@dataclass(frozen=True, slots=True)
class _JobList:
    """A list of jobs; each new job adds its slots to the columns."""

    columns: Mapping[str, ColumnAssembly]
    unfinished: Unfinished
    is_shared: bool
    jobs: list[FillJob]

    def add(
        self, source: TaskInput, specs: Mapping[str, ColumnSpec | None], entry: int, num_bytes: int
    ) -> FillJob:
        """Add a job that fills some columns from an entry of the store on."""
        number = len(self.jobs)
        outputs, slots = [], {}
        for key, spec in specs.items():
            assembly = self.columns[key]
            outputs.append(Output(key, assembly.column.layout, spec, assembly.in_place(entry)))
            slots[key] = Slot(number, entry)
            assembly.add(slots[key])
        identities = sorted(self.columns[key].identity for key in specs)
        part = self.unfinished.file(f"{hash_text(hash64(f'{source} {identities}'))}.part")
        task = FillTask(number, source, tuple(outputs), part, self.is_shared)
        self.jobs.append(FillJob(task, slots, num_bytes, num_without_place=len(slots)))
        return self.jobs[-1]


def list_jobs(
    plan: ConversionPlan,
    metadata: Metadata,
    columns: Mapping[str, ColumnAssembly],
    *,
    directory: Path,
    unfinished: Unfinished,
    is_shared: bool,
) -> list[FillJob]:
    """Return the jobs of a plan, by their numbers, and add their slots to the columns.

    Parameters
    ----------
    plan : ConversionPlan
        The plan.
    metadata : Metadata
        The metadata of the store.
    columns : mapping of key to ColumnAssembly
        The columns of the plan, without slots.
    directory : Path
        The store; absolute.
    unfinished : Unfinished
        The folder of the parts.
    is_shared : bool
        Whether workers may be on other machines.
    """
    jobs = _JobList(columns, unfinished, is_shared, [])
    sources = plan.target.sources
    _add_reads(jobs, plan)
    for column in plan.columns:
        _add_metadata(jobs, column, plan)
    for (entry, entries), reusable in _reusable_by_place(plan, sources).items():
        _add_reusable(jobs, reusable, entry, entries, metadata, directory)
    for assembly in columns.values():
        assembly.sort_slots()
    return jobs.jobs


def list_checks(plan: ConversionPlan, metadata: Metadata, *, directory: Path) -> list[CheckTask]:
    """Return the tasks that compare reusable columns with their checksums, one for each file."""
    keys = {one.key for column in plan.columns for one in column.reusable if one is not None}
    arrays = {a.file: a for key in keys for a in metadata.columns[key].arrays.values()}
    spans = {
        file: _span_of(array, array.checksum, directory)
        for file, array in arrays.items()
        if array.checksum is not None
    }
    return [CheckTask(i, {file: (span,)}) for i, (file, span) in enumerate(spans.items())]


def with_outputs(task: FillTask, keys: Sequence[str]) -> FillTask:
    """Return the same task for some of its columns."""
    outputs = tuple(output for output in task.outputs if output.key in keys)
    part = None if task.part is None else f"{task.part}.{hash_text(hash64(repr(sorted(keys))))}"
    return dataclasses.replace(task, outputs=outputs, part=part)


def _span_of(array: ArrayRecord, checksum: str, directory: Path) -> FileSpan:
    """Return the span of the whole file of an array: header and values."""
    header = header_of(array)
    crc = combine_crc(crc_of(header), crc_of_text(checksum), array.nbytes)
    num_rows = array.shape[0] if array.shape else 1
    return FileSpan(str(directory / array.file), 0, num_rows, len(header) + array.nbytes, crc)


def _add_reads(jobs: _JobList, plan: ConversionPlan) -> None:
    """Add the jobs that read files."""
    specs = plan.target.specs_by_key
    cells = [len(read.range.keys) * read.range.num_entries for read in plan.reads]
    cells_of_source: dict[int, int] = {}
    for read, num in zip(plan.reads, cells, strict=True):
        cells_of_source[read.source] = cells_of_source.get(read.source, 0) + num
    for read, num in zip(plan.reads, cells, strict=True):
        source, entries = plan.target.sources[read.source], read.range
        friends = [friend for friend in source.friends if friend.name in read.friends]
        outputs = {key: specs[key] for key in entries.keys}
        used = {branch for spec in outputs.values() for branch in spec.branches}
        numbers = constants_of(plan.target.numbers, read.source)
        file_input = FileInput(
            source.path,
            source.asked,
            State(*source.state),
            read.nulls,
            # All of them: which branch a name means depends on all before.
            tuple(
                FriendFile(friend.name, friend.asked, friend.path, State(*friend.state))
                for friend in (source.friends if friends else ())
            ),
            source.tree_entries,
            entries.tree_start,
            entries.tree_stop,
            {name: number for name, number in numbers.items() if name in used},
            read.index,
        )
        job = jobs.add(file_input, outputs, read.entry_start, entries.num_bytes)
        content = id_with_friends(source.id, friends)
        job.name = (content, entries.tree_start, entries.tree_stop)
        job.share = num / max(1, cells_of_source[read.source]) * source.num_entries


def _reusable_by_place(
    plan: ConversionPlan, sources: Sequence[SourceRecord]
) -> dict[tuple[int, range], dict[str, Reusable]]:
    """Return reusable entries by the entry that they become first, and their own entries."""
    by_place: dict[tuple[int, range], dict[str, Reusable]] = {}
    for column in plan.columns:
        for reusable, entry in _join_neighbours(column.reusable, sources):
            by_place.setdefault((entry, reusable.entries), {})[column.key] = reusable
    return by_place


def _add_reusable(
    jobs: _JobList,
    reusable: Mapping[str, Reusable],
    entry: int,
    entries: range,
    metadata: Metadata,
    directory: Path,
) -> None:
    """Add the jobs that read the same entries of columns of the store."""
    # A task needs no more of a record than its arrays.
    columns = {
        key: (one.key, dataclasses.replace(metadata.columns[one.key], origin=None))
        for key, one in reusable.items()
    }
    # The larger one of an entry in the store and of the new entry, which padding may enlarge.
    row_bytes = sum(
        max(
            record.nbytes / max(1, record.num_entries),
            sum(f.row_bytes for f in jobs.columns[key].column.layout.fields if f.is_fixed),
        )
        for key, (_, record) in columns.items()
    )
    step = max(1, int(_COPY_BYTES / max(1, row_bytes)))
    specs = {key: one.spec for key, one in reusable.items()}
    for start in range(entries.start, entries.stop, step):
        stop = min(start + step, entries.stop)
        column_input = ColumnInput(str(directory), columns, start, stop)
        num_bytes = int(row_bytes * (stop - start))
        jobs.add(column_input, specs, entry + start - entries.start, num_bytes)


def _add_metadata(jobs: _JobList, column: NewColumn, plan: ConversionPlan) -> None:
    """Add the jobs that fill a column, or its entries from some files, from metadata alone."""
    spec = plan.target.specs_by_key.get(column.key)
    names = (column.key,) if spec is None else spec.branches
    if "metadata" not in column.spec and not plan.target.numbers.keys() >= {*names}:
        return
    runs: list[tuple[dict[str, np.generic[Any]], int, int]] = []
    for i, source in enumerate(plan.target.sources):
        known = constants_of(plan.target.numbers, i)
        if "metadata" in column.spec:
            known = {column.key: np.uint64(hash64(source.metadata[column.key]))}
        if column.reusable[i] is not None or not known.keys() >= {*names}:
            continue
        values = {name: known[name] for name in names}
        if runs and runs[-1][2] == source.entry_start and repr(runs[-1][0]) == repr(values):
            runs[-1] = (values, runs[-1][1], source.entry_stop)
        else:
            runs.append((values, source.entry_start, source.entry_stop))
    step = _COPY_BYTES // 8
    for values, run_start, run_stop in runs:
        for start in range(run_start, run_stop, step):
            metadata_input = MetadataInput(values, min(step, run_stop - start))
            jobs.add(metadata_input, {column.key: spec}, start, _COPY_BYTES)


def _join_neighbours(
    reusable: Sequence[Reusable | None], sources: Sequence[SourceRecord]
) -> Iterator[tuple[Reusable, int]]:
    """Yield reusable entries, neighbours as one, each with the entry that they become first."""
    run: Reusable | None = None
    entry = 0
    for one, source in zip(reusable, sources, strict=True):
        if (
            run is not None
            and one is not None
            and (one.key, one.spec) == (run.key, run.spec)
            and one.entries.start == run.entries.stop
            # Items that padding cuts off are counted task by task, and kept file by file.
            and (one.spec is None or one.spec.padding is None)
        ):
            run = dataclasses.replace(run, entries=range(run.entries.start, one.entries.stop))
            continue
        if run is not None:
            yield run, entry
        run, entry = one, source.entry_start
    if run is not None:
        yield run, entry
