"""The work of a conversion in pieces that any process on any machine can do, again if need be.

A task says all that it needs, and writes where it is told to. To run it twice, even at the same
time, writes the same bytes to the same places.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from memmpy.columns import Field, Layout
from memmpy.conversion.planning.recipe import Recipe
from memmpy.errors import MemmpyError
from memmpy.jagged import Clipping
from memmpy.sources import NullRules, State
from memmpy.store import ColumnRecord, RandomAccessArray
from memmpy.typing import Array

__all__ = [
    "CheckTask",
    "Checked",
    "Copy",
    "Failure",
    "FillTask",
    "Filled",
    "Filling",
    "FromColumns",
    "FromFile",
    "FromMetadata",
    "Outcome",
    "Output",
    "PlaceTask",
    "Placed",
    "Reads",
    "Span",
    "Task",
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
    """Entries of a tree of a file, from `tree_start` to `tree_stop`; see `OpenFiles.open`."""

    path: str
    tree: str | None
    state: State
    nulls: NullRules
    tree_entries: int
    tree_start: int
    tree_stop: int


@dataclass(frozen=True, slots=True)
class FromColumns:
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
class FromMetadata:
    """The hash of what the user said of files, once for each of some entries."""

    number: int
    num_entries: int


#: What a task reads.
Reads: TypeAlias = FromFile | FromColumns | FromMetadata


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
    in_place : mapping of role to (RandomAccessArray, int)
        Where rows are known before, the array and the first row.
    """

    key: str
    layout: Layout
    recipe: Recipe | None
    in_place: Mapping[str, tuple[RandomAccessArray, int]]


@dataclass(frozen=True, slots=True)
class FillTask:
    """Read entries once, and write what columns they make.

    Parameters
    ----------
    number : int
        Which task.
    reads : FromFile, FromColumns or FromMetadata
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
    field : Field
        What the rows are to the first.
    source : Span or array
        Where they lie, or the rows themselves.
    target : RandomAccessArray
        Where they go.
    row : int
        The first row there.
    base : int
        What their values shall be shifted by, if they point.
    """

    columns: tuple[tuple[str, str], ...]
    field: Field
    source: Span | Array
    target: RandomAccessArray
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
    spans: Mapping[str, tuple[Span, ...]]


@dataclass(frozen=True, slots=True)
class Filling:
    """Some entries of a column, as a task made them.

    Parameters
    ----------
    lengths : mapping of str to int
        Of the nodes.
    spans : mapping of role to Span
        Where the arrays lie.
    arrays : mapping of role to array
        Those that lie nowhere yet.
    clipping : Clipping or None
        What padding cut off of the entries; None where they are not padded.
    """

    lengths: Mapping[str, int]
    spans: Mapping[str, Span]
    arrays: Mapping[str, Array] = field(default_factory=dict)
    clipping: Clipping | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """What a `FillTask` made, by key; what it lost of values, and what it warns of."""

    number: int
    fillings: Mapping[str, Filling]
    num_lost: Mapping[str, int]
    notes: frozenset[str]


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
