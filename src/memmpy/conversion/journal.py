"""The journal of a conversion: what has been read, and where it lies."""

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, TypeAlias

from memmpy.conversion.plan import NewColumn
from memmpy.conversion.tasks import Span
from memmpy.store import Unfinished

__all__ = ["Journal", "Name"]

#: What names a range of entries of a file: the id of the source, the first and the last entry.
Name: TypeAlias = tuple[str, int, int]


class Journal:
    """Remembers, for ranges of entries of files, where the arrays made of them lie.

    Parameters
    ----------
    unfinished : Unfinished
        The folder that they lie in.
    """

    def __init__(self, unfinished: Unfinished) -> None:
        self._unfinished = unfinished
        self._known: dict[tuple[Name, str], tuple[dict[str, int], dict[str, Span]]] = {}
        for line in unfinished.notes():
            self._read(line)

    def note(
        self,
        name: Name,
        keys: Mapping[str, tuple[NewColumn, Mapping[str, int], Mapping[str, Span]]],
    ) -> None:
        """Write down where arrays of some columns lie; the last word counts."""
        columns = [
            {
                "column": _identity(column),
                "lengths": dict(lengths),
                "spans": {role: self._to_json(span) for role, span in spans.items()},
            }
            for column, lengths, spans in keys.values()
        ]
        self._unfinished.note({"name": list(name), "columns": columns})

    def known(
        self, name: Name, columns: Mapping[str, NewColumn]
    ) -> dict[str, tuple[dict[str, int], dict[str, Span]]]:
        """Return what is known of a range, by key: lengths of nodes, and spans by role."""
        found = {key: self._known.get((name, _identity(c))) for key, c in columns.items()}
        return {key: value for key, value in found.items() if value is not None}

    def _read(self, line: Mapping[str, Any]) -> None:
        try:
            source, start, stop = line["name"]
            for column in line["columns"]:
                spans = {role: self._of_json(span) for role, span in column["spans"].items()}
                self._known[(source, start, stop), column["column"]] = (column["lengths"], spans)
        except (LookupError, TypeError, ValueError, AttributeError):
            return

    def _to_json(self, span: Span) -> list[Any]:
        return [os.path.basename(span.file), *dataclasses.astuple(span)[1:]]  # noqa: PTH119

    def _of_json(self, values: list[Any]) -> Span:
        file, *numbers = values
        return Span(self._unfinished.file(os.path.basename(file)), *map(int, numbers))  # noqa: PTH119


def _identity(column: NewColumn) -> str:
    """Return what is equal for columns whose entries are made alike."""
    return f"{column.key} {column.recipe} {column.layout}"
