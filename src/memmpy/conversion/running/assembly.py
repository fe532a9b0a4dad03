"""The assembly of one column: its slots, the places of their rows, and its finished arrays.

Columns whose lists have the same lengths, such as all branches of a collection, share one array of
offsets. They form a group as long as the same tasks fill them with equal offsets, which are
written once. Where the offsets begin to differ, the group splits. The columns that still agree keep
the old array if it belongs to one of them. Else they take that of the first of them, and the rows
in the old array are copied at the end. Columns with equal offsets that different tasks fill share
one array when they are finished.
"""

import dataclasses
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO
from typing import Any, NamedTuple, TypeAlias, final

import numpy as np

from memmpy._version import __version__
from memmpy.columns import ENTRIES, ColumnArray
from memmpy.conversion.planning.plan import NewColumn
from memmpy.conversion.running.read_tasks import FileSpan, RowCopy, SlotData, reading_again
from memmpy.jagged import Clipping
from memmpy.store import (
    ArrayRecord,
    Part,
    RandomAccessArray,
    Unfinished,
    combine_crc,
    crc_text,
    hash64,
    hash_text,
    open_to_read,
)
from memmpy.typing import Array

__all__ = [
    "ColumnAssembly",
    "ColumnGroup",
    "FinishedColumn",
    "FinishedOffsets",
    "RowsKey",
    "SharedGroups",
    "Slot",
]


@final
class ColumnGroup:
    """Columns that the same tasks filled with the same rows so far.

    Each task makes new groups of the columns that still agree.

    Parameters
    ----------
    array : RandomAccessArray
        The array that they share.
    """

    __slots__ = ("array",)

    def __init__(self, array: RandomAccessArray) -> None:
        self.array: RandomAccessArray = array


class RowsKey(NamedTuple):
    """Two columns share their rows of a task, and all rows before, if this is equal for them.

    Parameters
    ----------
    before : ColumnGroup or None
        The group so far; None for the first rows.
    source : FileSpan or int
        The place of the rows in a file, or the id of the array in memory.
    kind : str
        The kind of the array; see `ColumnArray`.
    row : int
        The place of the first row.
    base : int
        The number that is added to values that point into another node.
    """

    before: ColumnGroup | None
    source: FileSpan | int
    kind: str
    row: int
    base: int


#: The groups that one task leaves.
SharedGroups: TypeAlias = dict[RowsKey, ColumnGroup]


@dataclass(frozen=True, slots=True)
class FinishedColumn:
    """A finished column.

    Parameters
    ----------
    arrays : mapping of role to ArrayRecord
        Its arrays.
    files : mapping of role to str
        The files of these arrays in the unfinished folder.
    clippings : sequence of (int, Clipping or None)
        For each slot, in order, its first entry and the counts of items that padding cut off.
    """

    arrays: Mapping[str, ArrayRecord]
    files: Mapping[str, str]
    clippings: Sequence[tuple[int, Clipping | None]]


@final
class FinishedOffsets:
    """The offsets of finished columns: finds an equal array that another column has already.

    Several threads may use it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[tuple[np.dtype[Any], int, int], list[RandomAccessArray]] = {}

    def first_equal(self, array: RandomAccessArray, num_rows: int, crc: int) -> RandomAccessArray:
        """Return the first array with the same rows; this one where there was none.

        Parameters
        ----------
        array : RandomAccessArray
            The array. All of its rows are written.
        num_rows, crc : int
            The number of rows, and the CRC-32 of them.
        """
        with self._lock:
            known = self._known.setdefault((array.dtype, num_rows, crc), [])
            if not known:
                known.append(array)
                return array
        for other in list(known):
            if other.path == array.path or other.has_same_rows(array, num_rows):
                return other
        with self._lock:
            known.append(array)
        return array


@dataclass(slots=True)
class Slot:
    """A range of entries of a column that one task fills.

    Parameters
    ----------
    task : int
        Number of the task.
    entry_start : int
        The first entry.
    data : SlotData or None
        Its entries; None until the task is done.
    before : mapping of str to int
        Length of each node in the slots before it, once all of them are filled.
    """

    task: int
    entry_start: int
    data: SlotData | None = None
    before: Mapping[str, int] = dataclasses.field(default_factory=dict)

    def row(self, field: ColumnArray) -> int:
        """Return the place of its first row in an array."""
        row = self.entry_start if field.node == ENTRIES else self.before.get(field.node, 0)
        return row + (field.kind == "offsets")  # behind the leading 0

    def base(self, field: ColumnArray) -> int:
        """Return the number that is added to values of an array that point into another node."""
        return 0 if field.points_into is None else self.before.get(field.points_into, 0)


@final
class ColumnAssembly:
    """A column whose slots are filled in any order.

    Parameters
    ----------
    column : NewColumn
        The column.
    parts : sequence of Part
        The parts of the finished column.
    unfinished : Unfinished
        The folder of its arrays.
    is_shared : bool
        Whether other machines write to them.
    """

    def __init__(
        self,
        column: NewColumn,
        parts: Sequence[Part],
        unfinished: Unfinished,
        *,
        is_shared: bool,
    ) -> None:
        self.column = column
        text = f"{__version__} {column.key} {column.spec} {column.layout}"
        #: Equal for columns whose entries are made alike.
        self.identity: str = hash_text(hash64(text))
        self._arrays = {
            field.role: RandomAccessArray(
                unfinished.file(f"{hash_text(hash64(f'{text} {parts} {field.role}'))}.npy"),
                field.dtype,
                field.shape,
                column.key,
                is_shared,
            )
            for field in column.layout.fields
        }
        # By role, the group of each array of offsets that is shared.
        self._groups: dict[str, ColumnGroup] = {}
        self._slots: list[Slot] = []
        self._num_placed = 0
        # The first slot whose place is not known yet, and the lengths of all before it.
        self._next_slot = 0
        self._lengths: dict[str, int] = {}

    def create(self) -> None:
        """Create the files of the arrays where they are missing."""
        for array in self._arrays.values():
            array.create()

    def add(self, slot: Slot) -> None:
        """Add a slot; before any slot is filled."""
        self._slots.append(slot)

    def sort_slots(self) -> None:
        """Sort the slots by entry, once all are added."""
        self._slots.sort(key=lambda slot: slot.entry_start)

    def in_place(self, entry: int) -> dict[str, tuple[RandomAccessArray, int]]:
        """Return the arrays whose rows are known beforehand, each with the row of an entry."""
        fixed = (field.role for field in self.column.layout.fields if field.is_fixed)
        return {role: (self._arrays[role], entry) for role in fixed}

    @property
    def is_whole(self) -> bool:
        """Whether all slots are filled and placed."""
        return self._num_placed == len(self._slots)

    def advance(self) -> Iterator[Slot]:
        """Yield the slots whose place has become known: all before them are filled."""
        while self._next_slot < len(self._slots):
            slot = self._slots[self._next_slot]
            if slot.data is None:
                return
            self._next_slot += 1
            slot.before = dict(self._lengths)
            for node, length in slot.data.lengths.items():
                self._lengths[node] = self._lengths.get(node, 0) + length
            yield slot

    def join_groups(self, slot: Slot, shared: SharedGroups) -> None:
        """Join the groups that share the offsets of a slot.

        They are final once all columns of the task have joined. Tasks may come in any order.

        Parameters
        ----------
        slot : Slot
            A slot from `advance`.
        shared : dict
            The groups of the same task; new ones are added.
        """
        for field in self.column.layout.fields:
            if field.points_into is not None:
                source = _source(slot, field)
                which = source if isinstance(source, FileSpan) else id(source)
                before, own = self._groups.get(field.role), self._arrays[field.role]
                rows = RowsKey(before, which, field.kind, slot.row(field), slot.base(field))
                group = shared.setdefault(rows, ColumnGroup(own))
                if before is not None and before.array == own:
                    group.array = own  # it has the rows so far
                self._groups[field.role] = group

    def copies(self, slot: Slot) -> list[RowCopy]:
        """Return the copies that bring the slot to its place, once its groups are final."""
        copies = (self._copy(slot, field) for field in self.column.layout.fields)
        return [copy for copy in copies if copy is not None]

    def place(self, slot: Slot, spans: Mapping[str, FileSpan]) -> None:
        """Note where the arrays of a slot lie, once they are at their place."""
        assert slot.data is not None
        all_spans = {**slot.data.spans, **spans}
        slot.data = dataclasses.replace(slot.data, spans=all_spans, arrays={})
        self._num_placed += 1

    def finish(self, offsets: FinishedOffsets) -> FinishedColumn:
        """Finish the arrays, and wait until they are on the disk.

        Parameters
        ----------
        offsets : FinishedOffsets
            The offsets of the columns that are finished already.
        """
        records, files = {}, {}
        for field in self.column.layout.fields:
            array, crc, num_rows = self._target(field), 0, 0
            if field.kind == "offsets":
                crc, num_rows = array.write(0, np.zeros(1, field.dtype)), 1
            for slot in self._slots:
                assert slot.data is not None
                span = slot.data.spans[field.role]
                if span.file != array.path:  # a former group had the array of another column
                    with reading_again(self.column.key), FileIO(open_to_read(span.file)) as file:
                        array.copy(slot.row(field), file.fileno(), span.start, span.num_bytes)
                crc = combine_crc(crc, span.crc, span.num_bytes)
                num_rows += span.num_rows
            if field.points_into is not None:
                with reading_again(self.column.key):
                    array = offsets.first_equal(array, num_rows, crc)
            records[field.role] = array.finish(num_rows, crc_text(crc))
            files[field.role] = array.path
        clippings = [
            (slot.entry_start, None if slot.data is None else slot.data.clipping)
            for slot in self._slots
        ]
        return FinishedColumn(records, files, clippings)

    def _copy(self, slot: Slot, field: ColumnArray) -> RowCopy | None:
        """Return the copy of rows of a slot to their place; None if they are there."""
        source, array = _source(slot, field), self._target(field)
        row, base = slot.row(field), slot.base(field)
        if isinstance(source, FileSpan) and (source.file, source.start, source.base) == (
            array.path,
            array.byte_of(row),
            base,
        ):
            return None
        return RowCopy(((self.column.key, field.role),), field, source, array, row, base)

    def _target(self, field: ColumnArray) -> RandomAccessArray:
        group = self._groups.get(field.role)
        return self._arrays[field.role] if group is None else group.array


def _source(slot: Slot, field: ColumnArray) -> FileSpan | Array:
    """Return where rows of a slot lie, or the rows in memory."""
    assert slot.data is not None
    rows = slot.data.arrays.get(field.role)
    return slot.data.spans[field.role] if rows is None else rows
