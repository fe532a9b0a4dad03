"""A column that is being made: what fills it, where that belongs, and its end.

Columns whose lists have the same lengths, such as all branches of a collection, share the array of
their offsets: columns are together as long as the same tasks fill them with the very same offsets,
which are written once. Where they come to differ, those that still agree stay together: in the
array that they had if it is that of one of them, else in that of the first of them, and what the
old array has of them is copied at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import FileIO
from typing import NamedTuple, TypeAlias, final

import numpy as np

from memmpy._version import __version__
from memmpy.columns import ENTRIES, Field
from memmpy.conversion.planning.plan import NewColumn
from memmpy.conversion.running.part_files import rereading
from memmpy.conversion.running.read_tasks import Copy, Filling, Span
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

__all__ = ["Built", "Group", "Growing", "Rows", "Shared", "Slot"]


@final
class Group:
    """Columns that are together: filled by the same tasks with the same rows so far.

    Each task makes new groups, of those that it leaves together.

    Parameters
    ----------
    array : RandomAccessArray
        Where their rows go.
    """

    __slots__ = ("array",)

    def __init__(self, array: RandomAccessArray) -> None:
        self.array = array


class Rows(NamedTuple):
    """What makes rows of two columns the same, and all rows before them.

    Parameters
    ----------
    before : Group or None
        The group so far; None for the first rows.
    source : Span or int
        Where they lie, or which array in memory they are.
    means : str
        What they mean.
    row : int
        Where the first belongs.
    base : int
        What is added to them.
    """

    before: Group | None
    source: Span | int
    means: str
    row: int
    base: int


#: The groups that have the same rows of a task.
Shared: TypeAlias = dict[Rows, Group]


@dataclass(frozen=True, slots=True)
class Built:
    """A finished column.

    Parameters
    ----------
    arrays : mapping of role to ArrayRecord
        Its arrays.
    files : mapping of role to str
        The files that they are in beside the store.
    clippings : sequence of (int, Clipping or None)
        For each slot, in order, its first entry and what padding cut off of it.
    """

    arrays: Mapping[str, ArrayRecord]
    files: Mapping[str, str]
    clippings: Sequence[tuple[int, Clipping | None]]


@dataclass(slots=True)
class Slot:
    """A range of entries of a column that one task fills.

    Parameters
    ----------
    task : int
        Which task.
    entry_start : int
        The first entry.
    filling : Filling or None
        What it is filled with; None until it is.
    before : mapping of str to int
        Length of each node in the slots before it, once they are filled.
    """

    task: int
    entry_start: int
    filling: Filling | None = None
    before: Mapping[str, int] = field(default_factory=dict)

    def row(self, found: Field) -> int:
        """Return where its first row of an array belongs."""
        row = self.entry_start if found.node == ENTRIES else self.before.get(found.node, 0)
        return row + (found.means == "offsets")  # behind the leading 0

    def base(self, found: Field) -> int:
        """Return what its values of an array are shifted by, if they point."""
        return 0 if found.links is None else self.before.get(found.links, 0)


@final
class Growing:
    """A column that grows slot by slot, in any order.

    Parameters
    ----------
    column : NewColumn
        What is made.
    parts : sequence of Part
        What fills it.
    unfinished : Unfinished
        Where its arrays are.
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
        made = f"{__version__} {column.key} {column.recipe} {column.layout}"
        #: Equal for columns whose entries are made alike.
        self.identity = hash_text(hash64(made))
        self._arrays = {
            found.role: RandomAccessArray(
                unfinished.file(f"{hash_text(hash64(f'{made} {parts} {found.role}'))}.npy"),
                found.dtype,
                found.shape,
                column.key,
                is_shared,
            )
            for found in column.layout.fields
        }
        # With which columns arrays are shared that can be, once it is decided.
        self._groups: dict[str, Group] = {}
        self._slots: list[Slot] = []
        self._num_placed = 0
        # The first slot of which the place is not known yet, and the lengths of all before it.
        self._frontier = 0
        self._lengths: dict[str, int] = {}

    def create(self) -> None:
        """Make the files of the arrays, unless they are there."""
        for array in self._arrays.values():
            array.create()

    def add(self, slot: Slot) -> None:
        """Add a slot, before anything is filled."""
        self._slots.append(slot)

    def start(self) -> None:
        """Bring the slots in order: no more are added."""
        self._slots.sort(key=lambda slot: slot.entry_start)

    def in_place(self, entry: int) -> dict[str, tuple[RandomAccessArray, int]]:
        """Return the arrays whose rows are known before, each with the row of an entry."""
        fixed = (found.role for found in self.column.layout.fields if found.is_fixed)
        return {role: (self._arrays[role], entry) for role in fixed}

    @property
    def is_whole(self) -> bool:
        """Whether all slots are filled and placed."""
        return self._num_placed == len(self._slots)

    def advance(self) -> Iterator[Slot]:
        """Yield the slots that have come to have a place: all before them are filled."""
        while self._frontier < len(self._slots):
            slot = self._slots[self._frontier]
            if slot.filling is None:
                return
            self._frontier += 1
            slot.before = dict(self._lengths)
            for node, length in slot.filling.lengths.items():
                self._lengths[node] = self._lengths.get(node, 0) + length
            yield slot

    def settle(self, slot: Slot, shared: Shared) -> None:
        """Find the groups to which the arrays of a slot belong that can be shared.

        They hold once all columns of the task are settled. Tasks may come in any order.

        Parameters
        ----------
        slot : Slot
            One that `advance` gave.
        shared : dict
            What the columns of the same task have of arrays that can be shared. What is not in
            it is added.
        """
        for found in self.column.layout.fields:
            if found.links is not None:
                source = _source(slot, found)
                which = source if isinstance(source, Span) else id(source)
                before, own = self._groups.get(found.role), self._arrays[found.role]
                rows = Rows(before, which, found.means, slot.row(found), slot.base(found))
                group = shared.setdefault(rows, Group(own))
                if before is not None and before.array == own:
                    group.array = own  # it has their rows so far
                self._groups[found.role] = group

    def copies(self, slot: Slot) -> list[Copy]:
        """Return what is to be placed of the slot that was settled last."""
        found = (self._copy(slot, f) for f in self.column.layout.fields)
        return [copy for copy in found if copy is not None]

    def place(self, slot: Slot, spans: Mapping[str, Span]) -> None:
        """Take note of where the arrays of a slot lie now, which is where they belong."""
        assert slot.filling is not None
        all_spans = {**slot.filling.spans, **spans}
        slot.filling = replace(slot.filling, spans=all_spans, arrays={})
        self._num_placed += 1

    def finish(self) -> Built:
        """Finish the arrays, and wait until they are on the disk."""
        records, files = {}, {}
        for found in self.column.layout.fields:
            array, crc, num_rows = self._target(found), 0, 0
            if found.means == "offsets":
                crc, num_rows = array.write(0, np.zeros(1, found.dtype)), 1
            for slot in self._slots:
                assert slot.filling is not None
                span = slot.filling.spans[found.role]
                if span.file != array.path:  # in the array of another column, up to here the same
                    with rereading(self.column.key), FileIO(open_to_read(span.file)) as file:
                        array.copy(slot.row(found), file.fileno(), span.start, span.num_bytes)
                crc = combine_crc(crc, span.crc, span.num_bytes)
                num_rows += span.num_rows
            records[found.role] = array.finish(num_rows, crc_text(crc))
            files[found.role] = array.path
        fillings = ((slot.entry_start, slot.filling) for slot in self._slots)
        clippings = [(entry, None if f is None else f.clipping) for entry, f in fillings]
        return Built(records, files, clippings)

    def _copy(self, slot: Slot, found: Field) -> Copy | None:
        """Return what puts rows of a slot in their place, or None if they are there."""
        source, array = _source(slot, found), self._target(found)
        row, base = slot.row(found), slot.base(found)
        if isinstance(source, Span) and (source.file, source.start, source.base) == (
            array.path,
            array.byte_of(row),
            base,
        ):
            return None
        return Copy(((self.column.key, found.role),), found, source, array, row, base)

    def _target(self, found: Field) -> RandomAccessArray:
        group = self._groups.get(found.role)
        return self._arrays[found.role] if group is None else group.array


def _source(slot: Slot, found: Field) -> Span | Array:
    """Return where rows of a slot lie, or the rows."""
    assert slot.filling is not None
    rows = slot.filling.arrays.get(found.role)
    return slot.filling.spans[found.role] if rows is None else rows
