"""The tasks of a conversion and their results, as values that any process can be sent.

A task names all that it reads and where it writes. Two runs of one task, even at the same time,
write the same bytes to the same places.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ColumnArray, ColumnLayout
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.jagged import Clipping
from memmpy.sources import FriendFile, NullRules, State, TreeIndex
from memmpy.store import ColumnRecord, PartWriter, RandomAccessArray
from memmpy.typing import Array

__all__ = [
    "CheckResult",
    "CheckTask",
    "ColumnInput",
    "ConversionOutcome",
    "ConversionTask",
    "Failure",
    "FileInput",
    "FileSpan",
    "FillResult",
    "FillTask",
    "MetadataInput",
    "Output",
    "PlaceResult",
    "PlaceTask",
    "RowCopy",
    "SlotData",
    "TaskInput",
    "append_rows",
    "reading_again",
]


@dataclass(frozen=True, slots=True)
class FileSpan:
    """Rows of an array in a file.

    Parameters
    ----------
    file : str
        An array of the unfinished store, or the part file of a task.
    start : int
        Where the first row begins, in bytes.
    num_rows, num_bytes : int
        Number of rows, and of their bytes.
    crc : int
        CRC-32 of these bytes.
    base : int
        The number that was added to values that point into another node.
    """

    file: str
    start: int
    num_rows: int
    num_bytes: int
    crc: int
    base: int = 0


@dataclass(frozen=True, slots=True)
class FileInput:
    """Entries of a tree of a file, from `tree_start` to `tree_stop`; see `OpenFiles.open`.

    `numbers` are the values of branches that the file lacks.
    """

    path: str
    tree: str | None
    state: State
    nulls: NullRules
    friends: tuple[FriendFile, ...]
    tree_entries: int
    tree_start: int
    tree_stop: int
    numbers: "Mapping[str, np.generic[Any]]" = field(default_factory=dict)
    #: Not in the text of a task, by which a later run finds what this one wrote.
    index: TreeIndex | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ColumnInput:
    """Entries of columns of the store, from `entry_start` to `entry_stop`.

    Parameters
    ----------
    directory : str
        The store.
    columns : mapping of key to (str, ColumnRecord)
        For each output column, the column it is made of.
    entry_start, entry_stop : int
        The entries, half open.
    """

    directory: str
    columns: Mapping[str, tuple[str, ColumnRecord]]
    entry_start: int
    entry_stop: int


@dataclass(frozen=True, slots=True)
class MetadataInput:
    """Metadata, repeated for some entries.

    Parameters
    ----------
    values : mapping of str to number
        For each column without a spec its value, such as the hash of a text; for others the
        values of their branches.
    num_entries : int
        The number of entries.
    """

    values: "Mapping[str, np.generic[Any]]"
    num_entries: int


#: The input of a task.
TaskInput: TypeAlias = FileInput | ColumnInput | MetadataInput


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a task fills.

    Parameters
    ----------
    key : str
        The column.
    layout : ColumnLayout
        Its arrays.
    spec : ColumnSpec or None
        How its entries are made of the branches of a file, or of a column of the store; None
        where they are stored as they are.
    in_place : mapping of role to (RandomAccessArray, int)
        The arrays whose rows are known beforehand, each with the first row to write.
    """

    key: str
    layout: ColumnLayout
    spec: ColumnSpec | None
    in_place: Mapping[str, tuple[RandomAccessArray, int]]


@dataclass(frozen=True, slots=True)
class FillTask:
    """Read entries once, and write the columns that are made of them.

    Parameters
    ----------
    number : int
        Number of the task.
    input : FileInput, ColumnInput or MetadataInput
        The entries to read.
    outputs : tuple of Output
        The columns that are made of it.
    part : str or None
        The file for rows whose place is not known beforehand; None to return them in memory, which
        needs a worker in the same process.
    is_durable : bool
        Whether to sync the part to the disk: another machine may read it.
    """

    number: int
    input: TaskInput
    outputs: tuple[Output, ...]
    part: str | None
    is_durable: bool


@dataclass(frozen=True, slots=True)
class RowCopy:
    """Rows to copy to their place in an array.

    Parameters
    ----------
    columns : tuple of (key, role)
        The column that has these rows, or several that share them.
    field : ColumnArray
        The array of the first of these columns.
    source : FileSpan or array
        The place of the rows in a file, or the rows themselves.
    target : RandomAccessArray
        The array to copy them to.
    row : int
        The first row in the target.
    base : int
        The number that is added to values that point into another node.
    """

    columns: tuple[tuple[str, str], ...]
    field: ColumnArray
    source: FileSpan | Array
    target: RandomAccessArray
    row: int
    base: int


@dataclass(frozen=True, slots=True)
class PlaceTask:
    """Copy rows that a `FillTask` made to their places."""

    number: int
    copies: tuple[RowCopy, ...]


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Read spans of files again, and compare them with their checksums, by key."""

    number: int
    spans: Mapping[str, tuple[FileSpan, ...]]


@dataclass(frozen=True, slots=True)
class SlotData:
    """Entries of a column that fill one slot.

    Parameters
    ----------
    lengths : mapping of str to int
        Length of each node.
    spans : mapping of role to FileSpan
        The arrays that are in files.
    arrays : mapping of role to array
        The arrays that are only in memory.
    clipping : Clipping or None
        The counts of items that padding cut off; None where the entries are not padded.
    """

    lengths: Mapping[str, int]
    spans: Mapping[str, FileSpan]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    clipping: Clipping | None = None


@dataclass(frozen=True, slots=True)
class FillResult:
    """Entries that a `FillTask` made, values that a cast lost, both by key, and warnings."""

    number: int
    slot_data: Mapping[str, SlotData]
    num_lost: Mapping[str, int]
    notes: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """Where the rows of a `PlaceTask` lie now, by key and role."""

    number: int
    spans: Mapping[str, Mapping[str, FileSpan]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The keys whose spans a `CheckTask` found undamaged."""

    number: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """The error of a task that failed."""

    number: int
    error: MemmpyError


ConversionTask: TypeAlias = FillTask | PlaceTask | CheckTask
ConversionOutcome: TypeAlias = FillResult | PlaceResult | CheckResult | Failure


def append_rows(part: PartWriter, rows: Array) -> FileSpan:
    """Append an array to a part, and return where it lies."""
    start, num_bytes, crc = part.append(rows)
    return FileSpan(part.path, start, len(rows), num_bytes, crc)


@contextmanager
def reading_again(key: str) -> Iterator[None]:
    """Turn an error of reading rows of a column again into a `CorruptStoreError`."""
    try:
        yield
    except MemmpyError:
        raise
    except (OSError, EOFError) as error:
        message = f"the converted data of {key!r} cannot be read back: {error}"
        raise CorruptStoreError(f"{message}; run again") from error
