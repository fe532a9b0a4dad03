"""A table of many columns, which a terminal shows as tables below each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from memmpy.display.tables import Table, plain_text

if TYPE_CHECKING:
    import rich.console

__all__ = ["WideTable"]


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
        whole = self._whole()
        if whole.fits(options.max_width):
            yield whole
            return
        last = len(self.sections) - 1
        for number, (name, rows) in enumerate(self.sections):
            columns = [i for i in range(1, len(self.headings)) if any(row[i] for row in rows)]
            headings = [name, *(self.headings[i] for i in columns)]
            body = [[row[0], *(row[i] for i in columns)] for row in rows]
            yield Table(headings, 1, [body], self.caption if number == last else "")

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
