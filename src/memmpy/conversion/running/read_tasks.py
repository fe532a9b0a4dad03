"""The work of a conversion in pieces that any process on any machine can do, again if need be.

A task says all that it needs, and writes where it is told to. To run it twice, even at the same
time, writes the same bytes to the same places.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from memmpy.columns import ColumnArray, ColumnLayout
from memmpy.conversion.planning.recipe import Recipe
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.jagged import Clipping
from memmpy.sources import Nulls, State
from memmpy.store import ColumnRecord, PartWriter, PlacedArray
from memmpy.typing import Array

__all__ = [
    "CheckResult",
    "CheckTask",
    "ColumnInput",
    "ConversionOutcome",
    "ConversionTask",
    "Copy",
    "Failure",
    "FileInput",
    "FileSpan",
    "FillResult",
    "FillTask",
    "MetadataInput",
    "Output",
    "PlaceResult",
    "PlaceTask",
    "Reads",
    "SlotData",
    "append",
    "rereading",
]


@dataclass(frozen=True, slots=True)
class FileSpan:
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
class FileInput:
    """Entries of a tree of a file, from `tree_start` to `tree_stop`; see `OpenFiles.opened`."""

    path: str
    tree: str | None
    state: State
    nulls: Nulls
    tree_entries: int
    tree_start: int
    tree_stop: int


@dataclass(frozen=True, slots=True)
class ColumnInput:
    """Entries of columns that the store has, from `entry_start` to `entry_stop`.

    Parameters
    ----------
    directory : str
        The store.
    columns : mapping of key to (str, ColumnRecord)
        For each column that is made, the one it is made of.
    entry_start, entry_stop : int
        Which entries.
    """

    directory: str
    columns: Mapping[str, tuple[str, ColumnRecord]]
    entry_start: int
    entry_stop: int


@dataclass(frozen=True, slots=True)
class MetadataInput:
    """The hash of what the user said of files, once for each of some entries."""

    number: int
    num_entries: int


#: What a task reads.
Reads: TypeAlias = FileInput | ColumnInput | MetadataInput


@dataclass(frozen=True, slots=True)
class Output:
    """A column that a task fills.

    Parameters
    ----------
    key : str
        The column.
    layout : ColumnLayout
        Its arrays.
    recipe : Recipe or None
        How its entries are made of the branches of a file, or of a column of the store; None
        for what is stored as it is.
    in_place : mapping of role to (PlacedArray, int)
        Where rows are known before, the array and the first row.
    """

    key: str
    layout: ColumnLayout
    recipe: Recipe | None
    in_place: Mapping[str, tuple[PlacedArray, int]]


@dataclass(frozen=True, slots=True)
class FillTask:
    """Read entries once, and write what columns they make.

    Parameters
    ----------
    number : int
        Which task.
    reads : FileInput, ColumnInput or MetadataInput
        What is read.
    outputs : tuple of Output
        What is made of it.
    part : str or None
        The file for all whose rows are not known before; None to hand it back in memory, to who
        is in the same process.
    is_durable : bool
        Whether the part waits for the disk: who reads it may be another machine.
    """

    number: int
    reads: Reads
    outputs: tuple[Output, ...]
    part: str | None
    is_durable: bool


@dataclass(frozen=True, slots=True)
class Copy:
    """Rows to put in their place in an array.

    Parameters
    ----------
    columns : tuple of (key, role)
        What has these rows: a column, or several that share them.
    field : ColumnArray
        What the rows are to the first.
    source : FileSpan or array
        Where they lie, or the rows themselves.
    target : PlacedArray
        Where they go.
    row : int
        The first row there.
    base : int
        What their values shall be shifted by, if they point.
    """

    columns: tuple[tuple[str, str], ...]
    field: ColumnArray
    source: FileSpan | Array
    target: PlacedArray
    row: int
    base: int


@dataclass(frozen=True, slots=True)
class PlaceTask:
    """Put what a `FillTask` made in its place."""

    number: int
    copies: tuple[Copy, ...]


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Read what lies on the disk, and say by key whether it is as it was written."""

    number: int
    spans: Mapping[str, tuple[FileSpan, ...]]


@dataclass(frozen=True, slots=True)
class SlotData:
    """Some entries of a column, as a task made them.

    Parameters
    ----------
    lengths : mapping of str to int
        Of the nodes.
    spans : mapping of role to FileSpan
        Where the arrays lie.
    arrays : mapping of role to array
        Those that lie nowhere yet.
    clipping : Clipping or None
        What padding cut off of the entries; None where they are not padded.
    """

    lengths: Mapping[str, int]
    spans: Mapping[str, FileSpan]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    clipping: Clipping | None = None


@dataclass(frozen=True, slots=True)
class FillResult:
    """What a `FillTask` made, by key; what it lost of values, and what it warns of."""

    number: int
    fillings: Mapping[str, SlotData]
    num_lost: Mapping[str, int]
    notes: frozenset[str]


@dataclass(frozen=True, slots=True)
class PlaceResult:
    """What a `PlaceTask` placed: by key and role, where it lies now."""

    number: int
    spans: Mapping[str, Mapping[str, FileSpan]]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The keys that a `CheckTask` found whole."""

    number: int
    keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a task could not be done."""

    number: int
    error: MemmpyError


ConversionTask: TypeAlias = FillTask | PlaceTask | CheckTask
ConversionOutcome: TypeAlias = FillResult | PlaceResult | CheckResult | Failure


def append(part: PartWriter, rows: Array) -> FileSpan:
    """Write an array behind the others of a part, and return where it will lie."""
    start, num_bytes, crc = part.append(rows)
    return FileSpan(part.path, start, len(rows), num_bytes, crc)


@contextmanager
def rereading(key: str) -> Iterator[None]:
    """Say what it means that something that was made of a column cannot be read again."""
    try:
        yield
    except MemmpyError:
        raise
    except (OSError, EOFError) as error:
        message = f"what was made of {key!r} cannot be read again: {error}"
        raise CorruptStoreError(f"{message}; run again") from error
