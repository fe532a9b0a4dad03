"""The journal of a conversion: what has been read, and where it lies."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypeAlias, final

from memmpy.conversion.tasks import Filling, Span
from memmpy.lists import Clipping
from memmpy.store import Unfinished

__all__ = ["Journal", "Name"]

#: What names a range of entries of a file: the id of the source, the first and the last entry.
Name: TypeAlias = tuple[str, int, int]


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
        noted = [
            {
                "column": identity,
                "lengths": dict(filling.lengths),
                "spans": {role: self._to_json(span) for role, span in filling.spans.items()},
                "clipping": None if filling.clipping is None else asdict(filling.clipping),
            }
            for identity, filling in columns.items()
        ]
        self._unfinished.note({"name": list(name), "columns": noted})

    def known(self, name: Name, identity: str) -> Filling | None:
        """Return what there is of a range of a column."""
        return self._known.get((name, identity))

    def _read(self, line: Mapping[str, Any]) -> None:
        try:
            source, start, stop = line["name"]
            for column in line["columns"]:
                spans = {role: self._of_json(span) for role, span in column["spans"].items()}
                counts = column["clipping"]
                clipping = None if counts is None else Clipping(**counts)
                self._known[(source, start, stop), column["column"]] = Filling(
                    column["lengths"], spans, clipping=clipping
                )
        except (LookupError, TypeError, ValueError, AttributeError):
            return

    def _to_json(self, span: Span) -> list[Any]:
        name = os.path.basename(span.file)  # noqa: PTH119 - one of many thousands
        return [name, span.start, span.num_rows, span.num_bytes, span.crc, span.base]

    def _of_json(self, values: list[Any]) -> Span:
        file, *numbers = values
        return Span(self._unfinished.file(os.path.basename(file)), *map(int, numbers))  # noqa: PTH119
