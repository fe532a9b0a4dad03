"""A table of many columns, which a terminal shows as tables below each other."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from memmpy.display.tables import Table, plain_text

if TYPE_CHECKING:
    import rich.console

__all__ = ["WideTable"]

#: Characters between two columns, and on both sides of a table; see `Table`.
_GAP, _EDGES = 3, 4


@final
@dataclass(frozen=True, slots=True)
class WideTable:
    """A table in sections, for numbers with many columns.

    If its columns do not fit on one line, each section becomes tables of its own, which repeat the
    first column.

    Attributes
    ----------
    headings : sequence of str
        Headings of the columns: one of words, the others of numbers.
    sections : sequence of (str, sequence of rows)
        The name of each section, and its rows: sequences of str, one a column.
    caption : str
        A line below.
    """

    headings: Sequence[str]
    sections: Sequence[tuple[str, Sequence[Sequence[str]]]]
    caption: str = ""

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        columns = range(1, len(self.headings))
        rows = [[f"  {row[0]}", *row[1:]] for _, section in self.sections for row in section]
        if len(list(self._parts(columns, rows, options.max_width))) == 1:
            yield self._whole()
            return
        tables = []
        for name, section in self.sections:
            filled = [column for column in columns if any(row[column] for row in section)]
            for part in self._parts(filled, section, options.max_width):
                headings = [name, *(self.headings[column] for column in part)]
                body = [[row[0], *(row[column] for column in part)] for row in section]
                tables.append(Table(headings, 1, [body]))
        yield from tables[:-1]
        for last in tables[-1:]:
            yield Table(last.headings, 1, last.sections, self.caption)

    def to_text(self) -> str:
        """Return the table as plain text of lines of 100 characters at most."""
        return plain_text(self)

    def to_html(self) -> str:
        """Return the table as an HTML element, which is as wide as it needs."""
        return self._whole().to_html()

    def _whole(self) -> Table:
        """Return one table, with the name of each section in a row above it."""
        blank = [""] * (len(self.headings) - 1)
        sections = [
            [[name, *blank], *([f"  {row[0]}", *row[1:]] for row in section)]
            for name, section in self.sections
        ]
        return Table(self.headings, 1, sections, self.caption)

    def _parts(
        self, columns: Sequence[int], rows: Sequence[Sequence[str]], max_width: int
    ) -> Iterator[list[int]]:
        """Yield the columns that fit beside each other."""
        # A long first column is folded.
        first = _EDGES + min(max((len(row[0]) for row in rows), default=0), max_width // 3)
        part: list[int] = []
        width = first
        for column in columns:
            own = _GAP + max(len(self.headings[column]), *(len(row[column]) for row in rows))
            if part and width + own > max_width:
                yield part
                part, width = [], first
            part.append(column)
            width += own
        yield part
