"""What is shown to users: tables on a terminal, as plain text and as HTML, and sizes in words."""

import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import rich.console

__all__ = ["WIDTH", "Table", "size_in_words"]

#: Characters in a line of plain text, at most.
WIDTH = 100
#: Characters that a column of words takes, at least, with the room before it.
MIN_WORDS = 8


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A table whose left columns hold words, and whose right ones hold numbers.

    Attributes
    ----------
    headings : sequence of str
        What stands over each column.
    num_words : int
        Columns of words; the others are aligned to the right.
    sections : sequence of sequences of rows
        Rows are sequences of str, one a column; a line is drawn between sections.
    caption : str
        A line under the table.
    """

    headings: Sequence[str]
    num_words: int
    sections: Sequence[Sequence[Sequence[str]]]
    caption: str = ""

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        # What users wrote is shown as it is: jet_pt[0] is no markup.
        caption = Text(self.caption) if self.caption else None
        table = RichTable(box=box.SIMPLE_HEAD, caption=caption, caption_justify="left")
        # rich would cut numbers off where it may not fold them.
        is_narrow = options.max_width < self._width_of_numbers() + MIN_WORDS * self.num_words
        for i, heading in enumerate(self.headings):
            is_word = i < self.num_words
            table.add_column(
                Text(heading),
                justify="left" if is_word else "right",
                no_wrap=not is_word and not is_narrow,
                overflow="fold",
            )
        for section in self.sections:
            for row in section:
                table.add_row(*map(Text, row))
            table.add_section()
        yield table

    def to_text(self) -> str:
        """Return the table as plain text of lines of 100 characters at most."""
        from rich.console import Console

        file = io.StringIO()
        console = Console(file=file, width=WIDTH, color_system=None, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")

    def to_html(self) -> str:
        """Return the table as an HTML element."""
        head = "".join(self._cell("th", i, heading) for i, heading in enumerate(self.headings))
        bodies = "".join(
            "<tbody>"
            + "".join(
                f"<tr>{''.join(self._cell('td', i, cell) for i, cell in enumerate(row))}</tr>"
                for row in section
            )
            + "</tbody>"
            for section in self.sections
        )
        caption = f"<caption>{html.escape(self.caption)}</caption>" if self.caption else ""
        return f"<table>{caption}<thead><tr>{head}</tr></thead>{bodies}</table>"

    def _width_of_numbers(self) -> int:
        """Return what the columns of numbers take in a line, with the room between them."""
        rows = [self.headings, *(row for section in self.sections for row in section)]
        columns = list(zip(*rows, strict=True))[self.num_words :]
        return 2 + sum(3 + max(map(len, column)) for column in columns)

    def _cell(self, tag: str, column: int, text: str) -> str:
        side = "left" if column < self.num_words else "right"
        return f'<{tag} style="text-align: {side}">{html.escape(text)}</{tag}>'


def size_in_words(num_bytes: int) -> str:
    """Return a number of bytes in the unit that fits: ``999 B``, ``1.5 kB``, ``26.4 MB``."""
    if num_bytes < 1000:
        return f"{num_bytes} B"
    size, unit = num_bytes / 1e3, "kB"
    for larger in ("MB", "GB", "TB", "PB", "EB"):
        if size < 999.95:
            break
        size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}"
