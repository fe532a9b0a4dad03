"""The journal of a conversion: which entries were read, and where their arrays lie."""

import os
from collections.abc import Mapping
from dataclasses import astuple
from typing import Annotated, TypeAlias, final

import msgspec
from msgspec import Meta

from memmpy.conversion.running.read_tasks import FileSpan, SlotData
from memmpy.jagged import Clipping
from memmpy.store import Count, Hash, JsonObject, Unfinished

__all__ = ["Journal", "Name"]

#: Name of a range of entries of a file: id of the source, first entry, one more than the last.
Name: TypeAlias = tuple[str, int, int]


class _SpanNote(JsonObject, frozen=True, array_like=True):
    """A `FileSpan` in a file of this folder."""

    file: Annotated[str, Meta(pattern=r"\A[0-9a-z.]+\Z")]
    start: Count
    num_rows: Count
    num_bytes: Count
    crc: Annotated[int, Meta(ge=0, lt=2**32)]
    base: int


class _ColumnNote(JsonObject, frozen=True):
    column: str
    lengths: dict[str, Count]
    spans: dict[str, _SpanNote]
    clipping: tuple[Count, Count, Count, Count, Count] | None = None


class _Line(JsonObject, frozen=True):
    name: tuple[Hash, Count, Count]
    columns: tuple[_ColumnNote, ...]


@final
class Journal:
    """Notes the places of the arrays that were made of ranges of entries of files.

    Parameters
    ----------
    unfinished : Unfinished
        The folder of the arrays.
    """

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished
        self._known: dict[tuple[Name, str], SlotData] = {}
        for line in unfinished.notes():
            self._read(line)

    def note(self, name: Name, columns: Mapping[str, SlotData]) -> None:
        """Note where arrays of some columns lie; a later note replaces an earlier one.

        Parameters
        ----------
        name : Name
            The name of the range of entries.
        columns : mapping of identity to SlotData
            The data of each column. Columns of one identity make their entries alike.
        """
        notes = tuple(
            _ColumnNote(
                identity,
                dict(data.lengths),
                {role: _note_of(span) for role, span in data.spans.items()},
                None if data.clipping is None else astuple(data.clipping),
            )
            for identity, data in columns.items()
        )
        self._unfinished.note(msgspec.json.encode(_Line(name, notes)))

    def find(self, name: Name, identity: str) -> SlotData | None:
        """Return the data of a column in a range; None without a note."""
        return self._known.get((name, identity))

    def _read(self, text: bytes) -> None:
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.MsgspecError:  # another memmpy wrote it
            return
        for column in line.columns:
            spans = {role: self._span(span) for role, span in column.spans.items()}
            clipping = None if column.clipping is None else Clipping(*column.clipping)
            data = SlotData(column.lengths, spans, clipping=clipping)
            self._known[line.name, column.column] = data

    def _span(self, note: _SpanNote) -> FileSpan:
        file, *numbers = msgspec.structs.astuple(note)
        return FileSpan(self._unfinished.file(file), *numbers)


def _note_of(span: FileSpan) -> _SpanNote:
    name = os.path.basename(span.file)  # noqa: PTH119 - one of many thousands
    return _SpanNote(name, span.start, span.num_rows, span.num_bytes, span.crc, span.base)
