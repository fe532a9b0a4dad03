"""Does tasks, in whatever process it is called."""

import dataclasses
import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, final

import numpy as np

from memmpy.columns import Field, ReadText, open_column, shifted
from memmpy.conversion.planning.recipe import Made
from memmpy.conversion.running.part_files import append, rereading
from memmpy.conversion.running.read_tasks import (
    Checked,
    CheckTask,
    Copy,
    Failure,
    Filled,
    Filling,
    FillTask,
    FromColumns,
    FromFile,
    FromMetadata,
    Outcome,
    Output,
    Placed,
    PlaceTask,
    Span,
    Task,
)
from memmpy.display import format_count
from memmpy.errors import CorruptStoreError, InputFileError, MemmpyError
from memmpy.sources import check_unchanged, open_files
from memmpy.store import PartWriter, RandomAccessArray, crc_of, open_to_read, read_range
from memmpy.typing import Array

__all__ = ["run"]


def run(task: Task) -> Outcome:
    """Do a task, in whatever process, and return what came of it."""
    try:
        if isinstance(task, FillTask):
            return _fill(task)
        return _place(task) if isinstance(task, PlaceTask) else _check(task)
    except MemmpyError as error:
        return Failure(task.number, error)
    except MemoryError:
        message = "not enough memory; give a smaller step_bytes, or fewer workers"
        return Failure(task.number, InputFileError(message))


def _fill(task: FillTask) -> Filled:
    fillings: dict[str, Filling] = {}
    num_lost: dict[str, int] = {}
    notes: set[str] = set()
    with ExitStack() as stack:
        part = None if task.part is None else stack.enter_context(PartWriter(task.part))
        keeper = _Keeper(part)
        for output, made in _made(task):
            fillings[output.key] = _filling(output, made, keeper)
            num_lost[output.key] = made.num_lost
            notes |= made.notes
        if part is not None:
            part.finish(is_durable=task.is_durable)
    return Filled(task.number, fillings, num_lost, frozenset(notes))


@final
class _Keeper:
    """Keeps the arrays of a task whose place is not known yet.

    Of those that point into lists it keeps equal ones once: branches of one collection have the
    same offsets.

    Parameters
    ----------
    part : PartWriter or None
        Where they are written; None to keep them in memory.
    """

    def __init__(self, part: PartWriter | None) -> None:
        self._part = part
        self._kept: dict[tuple[np.dtype[Any], int, int], list[tuple[Array, Span | Array]]] = {}

    def keep(self, found: Field, rows: Array) -> Span | Array:
        """Return where rows lie now, or the rows."""
        if found.links is None:
            return self._put(rows)
        alike = self._kept.setdefault((rows.dtype, len(rows), int(rows[-1:].sum())), [])
        for known, place in alike:
            if np.array_equal(known, rows):
                return place
        place = self._put(rows)
        alike.append((rows, place))
        return place

    def _put(self, rows: Array) -> Span | Array:
        return rows if self._part is None else append(self._part, rows)


def _filling(output: Output, made: Made, keeper: _Keeper) -> Filling:
    """Write entries of a column where they go, or keep them."""
    piece = output.layout.cut(made.values)
    spans: dict[str, Span] = {}
    arrays: dict[str, Array] = {}
    for found in output.layout.fields:
        rows = np.asarray(piece.arrays[found.role], found.dtype)
        if found.role in output.in_place:
            array, row = output.in_place[found.role]
            spans[found.role] = _written(array, row, rows)
            continue
        place = keeper.keep(found, rows)
        if isinstance(place, Span):
            spans[found.role] = place
        else:
            arrays[found.role] = place
    return Filling(piece.lengths, spans, arrays, made.clipping)


def _written(array: RandomAccessArray, row: int, rows: Array, base: int = 0) -> Span:
    """Write rows where they belong."""
    crc, num_bytes = array.write(row, rows), len(rows) * array.row_bytes
    return Span(array.path, array.byte_of(row), len(rows), num_bytes, crc, base)


def _made(task: FillTask) -> Iterator[tuple[Output, Made]]:
    """Yield the columns of a task, each with its entries, as soon as their branches are read."""
    reads = task.reads
    if isinstance(reads, FromFile):
        yield from _made_of_file(reads, task.outputs)
        return
    for output in task.outputs:
        if isinstance(reads, FromMetadata):
            values: Any = np.full(reads.num_entries, np.uint64(reads.number))
        else:
            values = _entries_of(reads, output.key)
        yield output, Made(values) if output.recipe is None else output.recipe.finish(values)


def _made_of_file(reads: FromFile, outputs: tuple[Output, ...]) -> Iterator[tuple[Output, Made]]:
    users: dict[str, list[Output]] = {}
    for output in outputs:
        for branch in _branches(output):
            users.setdefault(branch, []).append(output)
    num_lacking = {output.key: len(_branches(output)) for output in outputs}
    num_users = {branch: len(several) for branch, several in users.items()}
    values: dict[str, Any] = {}
    with (
        open_files.open(reads.path, reads.tree, reads.state, reads.nulls) as file,
        check_unchanged(reads.path, reads.state),
    ):
        if file.num_entries != reads.tree_entries:
            has = format_count(file.num_entries, "entry", "entries")
            message = f"{file.where!r} has {has}, it had "
            raise InputFileError(f"{message}{reads.tree_entries}: it has changed; run again")
        for branch, entries in file.read(list(users), reads.tree_start, reads.tree_stop):
            values[branch] = entries
            for output in users[branch]:
                num_lacking[output.key] -= 1
                if num_lacking[output.key]:
                    continue
                assert output.recipe is not None
                yield output, output.recipe.make(values)
                for name in _branches(output):
                    num_users[name] -= 1
                    if not num_users[name]:
                        del values[name]


def _branches(output: Output) -> tuple[str, ...]:
    assert output.recipe is not None
    return output.recipe.branches


def _entries_of(reads: FromColumns, key: str) -> Any:
    try:
        column = open_column(reads.directory, *reads.columns[key])
    except OSError as error:
        message = f"column {reads.columns[key][0]!r} of {reads.directory!r} cannot be read: {error}"
        raise CorruptStoreError(f"{message}; convert it with recreate=True") from error
    entries: Any = column.encoded if isinstance(column, ReadText) else column
    return entries[reads.entry_start : reads.entry_stop]


def _place(task: PlaceTask) -> Placed:
    placed: dict[str, dict[str, Span]] = {}
    files: dict[str, int] = {}
    with ExitStack() as stack:
        for copy in task.copies:
            with rereading(copy.columns[0][0]):
                path = copy.source.file if isinstance(copy.source, Span) else None
                if path is not None and path not in files:
                    files[path] = open_to_read(path)
                    stack.callback(os.close, files[path])
                span = _copied(copy, None if path is None else files[path])
            for key, role in copy.columns:
                placed.setdefault(key, {})[role] = span
    return Placed(task.number, placed)


def _copied(copy: Copy, file: int | None) -> Span:
    """Put rows in their place, and return where they lie now."""
    source, target = copy.source, copy.target
    if not isinstance(source, Span):
        return _written(target, copy.row, shifted(copy.field, source, copy.base), copy.base)
    assert file is not None
    if copy.field.links is None or copy.base == source.base:
        target.copy(copy.row, file, source.start, source.num_bytes)
        return dataclasses.replace(source, file=target.path, start=target.byte_of(copy.row))
    rows = np.frombuffer(read_range(file, source.start, source.num_bytes), copy.field.dtype)
    return _written(target, copy.row, shifted(copy.field, rows, copy.base - source.base), copy.base)


def _check(task: CheckTask) -> Checked:
    """Return the keys of which all spans are as they were written."""
    whole = {key for key, spans in task.spans.items() if all(map(_is_whole, spans))}
    return Checked(task.number, frozenset(whole))


def _is_whole(span: Span) -> bool:
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
