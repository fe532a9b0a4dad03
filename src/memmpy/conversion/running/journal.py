"""The journal of a conversion: what has been read, and where it lies."""

import os
from collections.abc import Mapping
from dataclasses import astuple
from typing import Annotated, TypeAlias, final

import msgspec
from msgspec import Meta

from memmpy.conversion.running.read_tasks import Filling, Span
from memmpy.jagged import Clipping
from memmpy.store import Count, Hash, JsonObject, Unfinished

__all__ = ["Journal", "Name"]

#: What names a range of entries of a file: the id of the source, the first and the last entry.
Name: TypeAlias = tuple[str, int, int]


class _Span(JsonObject, frozen=True, array_like=True):
    """A `Span` in a file of this folder."""

    file: Annotated[str, Meta(pattern=r"\A[0-9a-z.]+\Z")]
    start: Count
    num_rows: Count
    num_bytes: Count
    crc: Annotated[int, Meta(ge=0, lt=2**32)]
    base: int


class _Column(JsonObject, frozen=True):
    column: str
    lengths: dict[str, Count]
    spans: dict[str, _Span]
    clipping: tuple[Count, Count, Count, Count, Count] | None = None


class _Line(JsonObject, frozen=True):
    name: tuple[Hash, Count, Count]
    columns: tuple[_Column, ...]


@final
class Journal:
    """Remembers, for ranges of entries of files, where the arrays made of them lie.

    Parameters
    ----------
    unfinished : Unfinished
        The folder that they lie in.
    """

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished
        self._known: dict[tuple[Name, str], Filling] = {}
        for line in unfinished.notes():
            self._read(line)

    def note(self, name: Name, columns: Mapping[str, Filling]) -> None:
        """Write down where arrays of some columns lie; the last word counts.

        Parameters
        ----------
        name : Name
            Of the range of entries.
        columns : mapping of identity to Filling
            A text that is equal for columns whose entries are made alike, and what there is.
        """
        noted = tuple(
            _Column(
                identity,
                dict(filling.lengths),
                {role: _noted(span) for role, span in filling.spans.items()},
                None if filling.clipping is None else astuple(filling.clipping),
            )
            for identity, filling in columns.items()
        )
        self._unfinished.note(msgspec.json.encode(_Line(name, noted)))

    def known(self, name: Name, identity: str) -> Filling | None:
        """Return what there is of a range of a column."""
        return self._known.get((name, identity))

    def _read(self, text: bytes) -> None:
        try:
            line = msgspec.json.decode(text, type=_Line)
        except msgspec.MsgspecError:  # of another memmpy
            return
        for column in line.columns:
            spans = {role: self._span(span) for role, span in column.spans.items()}
            clipping = None if column.clipping is None else Clipping(*column.clipping)
            self._known[line.name, column.column] = Filling(
                column.lengths, spans, clipping=clipping
            )

    def _span(self, noted: _Span) -> Span:
        file, *numbers = msgspec.structs.astuple(noted)
        return Span(self._unfinished.file(file), *numbers)


def _noted(span: Span) -> _Span:
    name = os.path.basename(span.file)  # noqa: PTH119 - one of many thousands
    return _Span(name, span.start, span.num_rows, span.num_bytes, span.crc, span.base)
