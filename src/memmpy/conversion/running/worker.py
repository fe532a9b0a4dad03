"""The worker: runs one task of a conversion, in any process."""

import dataclasses
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, final

import numpy as np

from memmpy.columns import ColumnArray, ReadText, open_column, shift
from memmpy.conversion.planning.column_spec import ColumnValues
from memmpy.conversion.running.read_tasks import (
    CheckResult,
    CheckTask,
    ColumnInput,
    ConversionOutcome,
    ConversionTask,
    Failure,
    FileInput,
    FileSpan,
    FillResult,
    FillTask,
    MetadataInput,
    Output,
    PlaceResult,
    PlaceTask,
    RowCopy,
    SlotData,
    append_rows,
    reading_again,
)
from memmpy.display import format_count
from memmpy.errors import CorruptStoreError, InputFileError, MemmpyError
from memmpy.sources import check_unchanged, open_files
from memmpy.store import PartWriter, RandomAccessArray, crc_of, open_to_read, read_range
from memmpy.typing import Array

__all__ = ["run_task"]


def run_task(task: ConversionTask) -> ConversionOutcome:
    """Run a task, and return its result; a `Failure` where it failed."""
    try:
        if isinstance(task, FillTask):
            return _fill(task)
        return _place(task) if isinstance(task, PlaceTask) else _check(task)
    except MemmpyError as error:
        return Failure(task.number, error)
    except MemoryError:
        message = "not enough memory; give a smaller step_bytes, or fewer workers"
        return Failure(task.number, InputFileError(message))


def _fill(task: FillTask) -> FillResult:
    slot_data: dict[str, SlotData] = {}
    num_lost: dict[str, int] = {}
    notes: set[str] = set()
    with ExitStack() as stack:
        part = None if task.part is None else stack.enter_context(PartWriter(task.part))
        loose_arrays = _LooseArrays(part)
        for output, values in _outputs_of(task):
            slot_data[output.key] = _write_output(output, values, loose_arrays)
            num_lost[output.key] = values.num_lost
            notes |= values.notes
        if part is not None:
            part.finish(is_durable=task.is_durable)
    return FillResult(task.number, slot_data, num_lost, frozenset(notes))


@final
class _LooseArrays:
    """The arrays of a task whose place is not known yet.

    Equal arrays of offsets are kept once: branches of one collection have the same offsets.

    Parameters
    ----------
    part : PartWriter or None
        The writer of the arrays; None to keep them in memory.
    """

    def __init__(self, part: PartWriter | None) -> None:
        self._part = part
        self._kept: dict[tuple[np.dtype[Any], int, int], list[tuple[Array, FileSpan | Array]]] = {}

    def keep(self, field: ColumnArray, rows: Array) -> FileSpan | Array:
        """Keep rows of an array, and return where they lie, or the rows."""
        if field.points_into is None:
            return self._put(rows)
        alike = self._kept.setdefault((rows.dtype, len(rows), int(rows[-1:].sum())), [])
        for known, place in alike:
            if _is_same(known, rows) or np.array_equal(known, rows):
                return place
        place = self._put(rows)
        alike.append((rows, place))
        return place

    def _put(self, rows: Array) -> FileSpan | Array:
        return rows if self._part is None else append_rows(self._part, rows)


def _is_same(first: Array, second: Array) -> bool:
    """Return whether two arrays of one dtype and length are the same memory."""
    return first.ctypes.data == second.ctypes.data and first.strides == second.strides


def _write_output(output: Output, values: ColumnValues, loose: _LooseArrays) -> SlotData:
    """Write entries of a column to their place, or keep them."""
    chunk = output.layout.chunk_of(values.values)
    spans: dict[str, FileSpan] = {}
    arrays: dict[str, Array] = {}
    for field in output.layout.fields:
        rows = np.asarray(chunk.arrays[field.role], field.dtype)
        if field.role in output.in_place:
            array, row = output.in_place[field.role]
            spans[field.role] = _write_rows(array, row, rows)
            continue
        place = loose.keep(field, rows)
        if isinstance(place, FileSpan):
            spans[field.role] = place
        else:
            arrays[field.role] = place
    return SlotData(chunk.lengths, spans, arrays, values.clipping)


def _write_rows(array: RandomAccessArray, row: int, rows: Array, base: int = 0) -> FileSpan:
    """Write rows to their place, and return it."""
    crc, num_bytes = array.write(row, rows), len(rows) * array.row_bytes
    return FileSpan(array.path, array.byte_of(row), len(rows), num_bytes, crc, base)


def _outputs_of(task: FillTask) -> Iterator[tuple[Output, ColumnValues]]:
    """Yield the columns of a task, each with its entries, as soon as their branches are read."""
    source = task.input
    if isinstance(source, FileInput):
        yield from _outputs_of_file(source, task.outputs)
        return
    if isinstance(source, MetadataInput):
        constants = {n: np.full(source.num_entries, value) for n, value in source.values.items()}
        for output in task.outputs:
            spec = output.spec
            yield (
                output,
                ColumnValues(constants[output.key])
                if spec is None
                else spec.compute({branch: constants[branch] for branch in spec.branches}),
            )
        return
    for output in task.outputs:
        values = _entries_of(source, output.key)
        yield (
            output,
            ColumnValues(values) if output.spec is None else output.spec.cast_and_pad(values),
        )


def _outputs_of_file(
    source: FileInput, outputs: tuple[Output, ...]
) -> Iterator[tuple[Output, ColumnValues]]:
    users: dict[str, list[Output]] = {}
    for output in outputs:
        for branch in _branches(output, source):
            users.setdefault(branch, []).append(output)
    num_lacking = {output.key: len(_branches(output, source)) for output in outputs}
    num_users = {branch: len(several) for branch, several in users.items()}
    num_entries = source.tree_stop - source.tree_start
    values: dict[str, Any] = {n: np.full(num_entries, value) for n, value in source.numbers.items()}
    with ExitStack() as stack:
        file = stack.enter_context(
            open_files.open(
                source.path, source.tree, source.state, source.nulls, source.friends, source.index
            )
        )
        stack.enter_context(check_unchanged(source.path, source.state))
        for friend in source.friends:
            stack.enter_context(check_unchanged(friend.path, friend.state))
        if file.num_entries != source.tree_entries:
            has = format_count(file.num_entries, "entry", "entries")
            message = f"{file.where!r} has {has}, it had "
            raise InputFileError(f"{message}{source.tree_entries}: it has changed; run again")
        for branch, entries in file.read(list(users), source.tree_start, source.tree_stop):
            values[branch] = entries
            for output in users[branch]:
                num_lacking[output.key] -= 1
                if num_lacking[output.key]:
                    continue
                assert output.spec is not None
                yield output, output.spec.compute(values)
                for name in _branches(output, source):
                    num_users[name] -= 1
                    if not num_users[name]:
                        del values[name]


def _branches(output: Output, source: FileInput) -> list[str]:
    """Return the branches of a column that must be read from the file."""
    assert output.spec is not None
    return [branch for branch in output.spec.branches if branch not in source.numbers]


def _entries_of(source: ColumnInput, key: str) -> Any:
    try:
        column = open_column(source.directory, *source.columns[key])
    except OSError as error:
        message = (
            f"column {source.columns[key][0]!r} of {source.directory!r} cannot be read: {error}"
        )
        raise CorruptStoreError(f"{message}; convert it with recreate=True") from error
    entries: Any = column.encoded if isinstance(column, ReadText) else column
    return entries[source.entry_start : source.entry_stop]


def _place(task: PlaceTask) -> PlaceResult:
    placed: dict[str, dict[str, FileSpan]] = {}
    files: dict[str, int] = {}
    with ExitStack() as stack:
        for copy in task.copies:
            with reading_again(copy.columns[0][0]):
                path = copy.source.file if isinstance(copy.source, FileSpan) else None
                if path is not None and path not in files:
                    files[path] = open_to_read(path)
                    stack.callback(os.close, files[path])
                span = _copy_rows(copy, None if path is None else files[path])
            for key, role in copy.columns:
                placed.setdefault(key, {})[role] = span
    return PlaceResult(task.number, placed)


def _copy_rows(copy: RowCopy, file: int | None) -> FileSpan:
    """Copy rows to their place, and return it."""
    source, target = copy.source, copy.target
    if not isinstance(source, FileSpan):
        return _write_rows(target, copy.row, shift(copy.field, source, copy.base), copy.base)
    assert file is not None
    if copy.field.points_into is None or copy.base == source.base:
        target.copy(copy.row, file, source.start, source.num_bytes)
        return dataclasses.replace(source, file=target.path, start=target.byte_of(copy.row))
    rows = np.frombuffer(read_range(file, source.start, source.num_bytes), copy.field.dtype)
    rows = shift(copy.field, rows, copy.base - source.base)
    return _write_rows(target, copy.row, rows, copy.base)


def _check(task: CheckTask) -> CheckResult:
    """Return the keys whose spans all have their checksums."""
    keys = (key for key, spans in task.spans.items() if all(map(_is_undamaged, spans)))
    return CheckResult(task.number, frozenset(keys))


def _is_undamaged(span: FileSpan) -> bool:
    try:
        file = open_to_read(span.file)
    except (CorruptStoreError, OSError):
        return False
    try:
        crc, at, stop = 0, span.start, span.start + span.num_bytes
        while at < stop:
            data = os.pread(file, min(1 << 22, stop - at), at)
            if not data:
                return False
            crc, at = crc_of(data, crc), at + len(data)
    except OSError:
        return False
    finally:
        os.close(file)
    return crc == span.crc
