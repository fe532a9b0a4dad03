"""A column that is being made: what fills it, where that belongs, and its end.

Columns whose lists have the same lengths, such as all branches of a collection, share the array of
their offsets: as long as every slot of a column has the very offsets of another one, they are
written once. Where they come to differ, the column goes on in an array of its own, and what the
other array has of it is copied at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import FileIO
from typing import NamedTuple, TypeAlias, final

import numpy as np

from memmpy._version import __version__
from memmpy.columns import ENTRIES, Field
from memmpy.conversion.parts import rereading
from memmpy.conversion.plan import NewColumn
from memmpy.conversion.tasks import Copy, Filling, Span
from memmpy.store import (
    ArrayRecord,
    Part,
    PlacedArray,
    Unfinished,
    crc_text,
    hash64,
    hash_text,
    joined_crc,
)
from memmpy.typing import Array

__all__ = ["Built", "Growing", "Rows", "Shared", "Slot"]


class Rows(NamedTuple):
    """What makes rows of two columns the same.

    Parameters
    ----------
    source : Span or int
        Where they lie, or which array in memory they are.
    means : str
        What they mean.
    row : int
        Where the first belongs.
    base : int
        What is added to them.
    """

    source: Span | int
    means: str
    row: int
    base: int


#: The arrays that rows go to.
Shared: TypeAlias = dict[Rows, PlacedArray]


@dataclass(frozen=True, slots=True)
class Built:
    """The arrays of a finished column, by role, and the files that they are in beside the store."""

    arrays: Mapping[str, ArrayRecord]
    files: Mapping[str, str]


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
            found.role: PlacedArray(
                unfinished.file(f"{hash_text(hash64(f'{made} {parts} {found.role}'))}.npy"),
                found.dtype,
                found.shape,
                column.key,
                is_shared,
            )
            for found in column.layout.fields
        }
        # Where the rows of shared arrays go, once it is decided.
        self._targets: dict[str, PlacedArray] = {}
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

    def in_place(self, entry: int) -> dict[str, tuple[PlacedArray, int]]:
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
        """Choose the arrays that what can be shared of a slot goes to, slot by slot.

        Parameters
        ----------
        slot : Slot
            One that `advance` gave.
        shared : dict
            For what the columns of the same task have of arrays that can be shared, where it goes.
            The place of what is not in it is added.
        """
        for found in self.column.layout.fields:
            if found.links is not None:
                source = _source(slot, found)
                which = source if isinstance(source, Span) else id(source)
                rows = Rows(which, found.means, slot.row(found), slot.base(found))
                self._targets[found.role] = self._follow(found, shared.get(rows))
                shared.setdefault(rows, self._targets[found.role])

    def copies(self, slot: Slot) -> list[Copy]:
        """Return what is to be placed of the slot that was settled last."""
        found = (self._copy(slot, f) for f in self.column.layout.fields)
        return [copy for copy in found if copy is not None]

    def place(self, slot: Slot, spans: Mapping[str, Span]) -> None:
        """Take note of where the arrays of a slot lie now, which is where they belong."""
        assert slot.filling is not None
        slot.filling = Filling(slot.filling.lengths, {**slot.filling.spans, **spans})
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
                    with rereading(self.column.key), FileIO(span.file) as file:
                        array.copy(slot.row(found), file.fileno(), span.start, span.num_bytes)
                crc = joined_crc(crc, span.crc, span.num_bytes)
                num_rows += span.num_rows
            records[found.role] = array.finish(num_rows, crc_text(crc))
            files[found.role] = array.path
        return Built(records, files)

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

    def _target(self, found: Field) -> PlacedArray:
        return self._targets.get(found.role, self._arrays[found.role])

    def _follow(self, found: Field, other: PlacedArray | None) -> PlacedArray:
        """Return the array of another column if all rows so far went there; else its own."""
        own = self._arrays[found.role]
        return own if other is None or self._targets.get(found.role, other) != other else other


def _source(slot: Slot, found: Field) -> Span | Array:
    """Return where rows of a slot lie, or the rows."""
    assert slot.filling is not None
    rows = slot.filling.arrays.get(found.role)
    return slot.filling.spans[found.role] if rows is None else rows
