"""The work of a conversion in pieces that any process on any machine can do, again if need be.

A task says all that it needs, and writes where it is told to. To run it twice, even at the same
time, writes the same bytes to the same places.
"""

import dataclasses
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import Field, Layout, ReadText, open_column, shifted
from memmpy.conversion.recipe import Recipe
from memmpy.conversion.surveying import opened_files
from memmpy.errors import CorruptStoreError, InputFileError, MemmpyError
from memmpy.store import ColumnRecord, PlacedArray, bytes_of, crc_of, writing

__all__ = [
    "CheckTask",
    "Checked",
    "Copy",
    "Failure",
    "FillTask",
    "Filled",
    "FromColumn",
    "FromFile",
    "FromText",
    "Outcome",
    "Output",
    "PlaceTask",
    "Placed",
    "Span",
    "Task",
    "run",
]


@dataclass(frozen=True, slots=True)
class Span:
    """Where rows of an array lie now.

    Parameters
    ----------
    file : str
        An array of the store that is being made, or a part that a task wrote.
    start : int
        Of the first row, in bytes.
    num_rows, num_bytes : int
        How much that is.
    crc : int
        CRC-32 of these bytes.
    base : int
        What has been added to values that point into another node.
    """

    file: str
    start: int
    num_rows: int
    num_bytes: int
    crc: int
    base: int = 0


@dataclass(frozen=True, slots=True)
class FromFile:
    """Entries of a tree of a file; see `OpenFiles.opened`."""

    path: str
    tree: str | None
    state: tuple[int, int, str]
    tree_entries: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class FromColumn:
    """Entries of a column that the store has, from `start` to `stop`."""

    directory: str
    key: str
    record: ColumnRecord
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class FromText:
    """The same number for each of some entries: the hash of a text."""

    number: int
    num_entries: int


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a task fills.

    Parameters
    ----------
    key : str
        The column.
    layout : Layout
        Its arrays.
    recipe : Recipe or None
        How its entries are made of the branches of a file, or of a column of the store; None
        for what is stored as it is.
    in_place : mapping of role to (PlacedArray, int)
        Where rows are known before, the array and the first row.
    """

    key: str
    layout: Layout
    recipe: Recipe | None
    in_place: Mapping[str, tuple[PlacedArray, int]]


@dataclass(frozen=True, slots=True)
class FillTask:
    """Read entries once, and write what columns they make.

    Parameters
    ----------
    number : int
        Which task.
    origin : FromFile, FromColumn or FromText
        What is read.
    outputs : tuple of Output
        What is made of it.
    part : str
        The file for all whose rows are not known before.
    is_durable : bool
        Whether to wait for the disk: the writer may be another machine than the one that commits.
    """

    number: int
    origin: FromFile | FromColumn | FromText
    outputs: tuple[Output, ...]
    part: str
    is_durable: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows to put in their place in an array.

    Parameters
    ----------
    key : str
        The column.
    field : Field
        What the rows are to it.
    source : Span
        Where they lie.
    target : PlacedArray
        Where they go.
    row : int
        The first row there.
    base : int
        What their values shall be shifted by, if they point.
    """

    key: str
    field: Field
    source: Span
    target: PlacedArray
    row: int
    base: int


@dataclass(frozen=True, slots=True)
class PlaceTask:
    """Put what a `FillTask` made in its place."""

    number: int
    copies: tuple[Copy, ...]
    is_durable: bool


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Read what an interrupted conversion left, and say whether it is as it was written."""

    number: int
    spans: Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Filled:
    """What a `FillTask` made: by key, the lengths of the nodes and where the arrays lie."""

    number: int
    lengths: Mapping[str, Mapping[str, int]]
    spans: Mapping[str, Mapping[str, Span]]
    num_lost: Mapping[str, int] = field(default_factory=dict)
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Placed:
    """What a `PlaceTask` placed: by key and role, where it lies now."""

    number: int
    spans: Mapping[str, Mapping[str, Span]]


@dataclass(frozen=True, slots=True)
class Checked:
    """The keys that a `CheckTask` found whole."""

    number: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task could not be done."""

    number: int
    error: MemmpyError


Task: TypeAlias = FillTask | PlaceTask | CheckTask
Outcome: TypeAlias = Filled | Placed | Checked | Failure


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
    lengths: dict[str, Mapping[str, int]] = {}
    spans: dict[str, dict[str, Span]] = {}
    num_lost: dict[str, int] = {}
    notes: set[str] = set()
    # Whoever else does the same task writes a file of another name, and both rename to one.
    aside = f"{task.part}.{os.getpid()}.{threading.get_ident()}.tmp"
    part = _Part(aside, task.part)
    try:
        for output, values, more in _made(task):
            piece = output.layout.cut(values)
            lengths[output.key], spans[output.key] = piece.lengths, {}
            num_lost[output.key] = more[0]
            notes |= more[1]
            for entry in output.layout.fields:
                rows = piece.arrays[entry.role]
                if entry.role in output.in_place:
                    array, row = output.in_place[entry.role]
                    crc, start = array.write(row, rows), array.byte_of(row)
                    file, num_bytes = array.path, len(rows) * array.row_bytes
                    span = Span(file, start, len(rows), num_bytes, crc)
                else:
                    span = part.append(np.asarray(rows, entry.dtype))
                spans[output.key][entry.role] = span
        part.finish(is_durable=task.is_durable)
    finally:
        part.close()
    if task.is_durable:
        _sync({a.path for output in task.outputs for a, _ in output.in_place.values()})
    return Filled(task.number, lengths, spans, num_lost, frozenset(notes))


class _Part:
    """A file of arrays one after the other, made when the first one comes."""

    def __init__(self, aside: str, path: str) -> None:
        self._aside, self._path, self._size = aside, path, 0
        self._is_made = False

    def append(self, rows: np.ndarray[Any, Any]) -> Span:
        data = bytes_of(rows)
        flags = os.O_APPEND if self._is_made else os.O_CREAT | os.O_TRUNC
        with writing(self._aside, flags, what=f"to {self._aside!r}") as file:
            self._is_made = True
            left = data
            while left:
                left = left[os.write(file, left) :]
        span = Span(self._path, self._size, len(rows), len(data), crc_of(data))
        self._size += len(data)
        return span

    def finish(self, *, is_durable: bool) -> None:
        if self._is_made:
            if is_durable:
                _sync({self._aside})
            Path(self._aside).replace(self._path)
            self._is_made = False

    def close(self) -> None:
        if self._is_made:
            Path(self._aside).unlink(missing_ok=True)


def _made(task: FillTask) -> Iterator[tuple[Output, Any, tuple[int, frozenset[str]]]]:
    """Yield the columns of a task, each with its entries, as soon as their branches are read."""
    origin = task.origin
    if isinstance(origin, FromFile):
        yield from _made_of_file(origin, task.outputs)
        return
    for output in task.outputs:
        if isinstance(origin, FromText):
            values: Any = np.full(origin.num_entries, np.uint64(origin.number))
        else:
            values = _entries_of(origin)
        if output.recipe is None:
            yield output, values, (0, frozenset())
        else:
            made = output.recipe.finish(values)
            yield output, made.values, (made.num_lost, frozenset())


def _made_of_file(
    origin: FromFile, outputs: tuple[Output, ...]
) -> Iterator[tuple[Output, Any, tuple[int, frozenset[str]]]]:
    waiting = {output.key: set(_branches(output)) for output in outputs}
    branches = list(dict.fromkeys(b for output in outputs for b in _branches(output)))
    values: dict[str, Any] = {}
    with opened_files.opened(origin.path, origin.tree, origin.state) as file:
        if file.num_entries != origin.tree_entries:
            message = f"{file.where!r} has {file.num_entries} entries, it had "
            raise InputFileError(f"{message}{origin.tree_entries}: it has changed; run again")
        for branch, entries in file.read(branches, origin.start, origin.stop):
            values[branch] = entries
            del entries
            for output in outputs:
                needed = waiting.get(output.key)
                if needed is not None and needed <= values.keys():
                    assert output.recipe is not None
                    made = output.recipe.make(values)
                    del waiting[output.key]
                    yield output, made.values, (made.num_lost, made.notes)
                    del made
            for name in values.keys() - set().union(*waiting.values()):
                del values[name]


def _branches(output: Output) -> tuple[str, ...]:
    assert output.recipe is not None
    return output.recipe.branches


def _entries_of(origin: FromColumn) -> Any:
    column = open_column(origin.directory, origin.key, origin.record)
    entries: Any = column.encoded if isinstance(column, ReadText) else column
    return entries[origin.start : origin.stop]


def _place(task: PlaceTask) -> Placed:
    placed: dict[str, dict[str, Span]] = {}
    files: dict[str, int] = {}
    try:
        for copy in task.copies:
            if copy.source.file not in files:
                files[copy.source.file] = os.open(copy.source.file, os.O_RDONLY | os.O_CLOEXEC)
            crc = _copy(copy, files[copy.source.file])
            span = dataclasses.replace(
                copy.source,
                file=copy.target.path,
                start=copy.target.byte_of(copy.row),
                crc=crc,
                base=copy.base,
            )
            placed.setdefault(copy.key, {})[copy.field.role] = span
    except (OSError, EOFError) as error:
        if isinstance(error, MemmpyError):
            raise
        message = f"what was made of {task.copies[0].key!r} cannot be read again: {error}"
        raise CorruptStoreError(f"{message}; run again") from error
    finally:
        for file in files.values():
            os.close(file)
    if task.is_durable:
        _sync({copy.target.path for copy in task.copies})
    return Placed(task.number, placed)


def _copy(copy: Copy, file: int) -> int:
    """Put rows in their place, and return the CRC-32 of the bytes that now stand there."""
    source = copy.source
    if copy.field.links is None:
        copy.target.copy(copy.row, file, source.start, source.num_bytes)
        return source.crc
    data = bytearray(source.num_bytes)
    num = os.preadv(file, [data], source.start)
    if num != source.num_bytes:
        raise EOFError(f"{source.file!r} ends too early")
    rows = np.frombuffer(data, copy.field.dtype)
    return copy.target.write(copy.row, shifted(copy.field, rows, copy.base - source.base))


def _check(task: CheckTask) -> Checked:
    """Return the keys of which all spans are as they were written."""
    whole = {key for key, spans in task.spans.items() if all(map(_is_whole, spans))}
    return Checked(task.number, frozenset(whole))


def _is_whole(span: Span) -> bool:
    try:
        file = os.open(span.file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
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


def _sync(paths: set[str]) -> None:
    for path in paths:
        with writing(path, 0, what=f"to {path!r}") as file:
            os.fdatasync(file)
