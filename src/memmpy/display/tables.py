"""Tables on a terminal, as text and as HTML; and sizes, counts and rates as users read them."""

import dataclasses
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    import rich.console

__all__ = [
    "WIDTH",
    "Table",
    "TrimmedLines",
    "format_count",
    "format_rate",
    "format_seconds",
    "format_size",
    "plain_text",
    "printable",
]

#: Characters in a line of plain text, at most.
WIDTH = 100
#: Least characters of a column of words, with the gap before it.
MIN_WORDS = 8
#: Characters between two columns, and on both sides of the table; the same in a narrow table.
_GAP, _EDGES = 3, 4
_SMALL_GAP = 2


@final
@dataclass(frozen=True, slots=True)
class TrimmedLines:
    """A rich renderable without blanks at the ends of its lines.

    Attributes
    ----------
    content : renderable
        The renderable to show.
    """

    content: "rich.console.RenderableType"

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich.segment import Segment

        for line in console.render_lines(self.content, options, pad=False):
            while line and not line[-1].text.strip():
                line.pop()
            yield from line[:-1]
            for text, style, control in line[-1:]:
                yield Segment(text.rstrip(), style, control)
            yield Segment.line()


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A table whose left columns hold words, and whose right ones hold numbers.

    Attributes
    ----------
    headings : sequence of str
        Headings of the columns. In all texts, control characters are escaped, because keys, paths
        and texts may come from strangers.
    num_words : int
        Number of columns with words. The others are aligned to the right.
    sections : sequence of sequences of rows
        Rows are sequences of str, one a column; a line is drawn between sections.
    caption, title : str
        Lines below and above the table.
    """

    headings: Sequence[str]
    num_words: int
    sections: Sequence[Sequence[Sequence[str]]]
    caption: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        headings = [_in_a_line(heading) for heading in self.headings]
        sections = [[[_in_a_line(cell) for cell in row] for row in rows] for rows in self.sections]
        object.__setattr__(self, "headings", headings)
        object.__setattr__(self, "sections", sections)
        object.__setattr__(self, "caption", printable(self.caption))
        object.__setattr__(self, "title", printable(self.title))

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        widths, num_gaps = self._widths(), len(self.headings) - 1
        has_room = sum(widths) + num_gaps * _GAP + _EDGES <= options.max_width
        room = options.max_width - num_gaps * _SMALL_GAP
        if not has_room and sum(widths) > room:
            widths = self._widths(of_headings=False)
        table = RichTable(
            box=box.SIMPLE_HEAD,
            show_edge=has_room,
            pad_edge=has_room,
            padding=(0, 1) if has_room else (0, _SMALL_GAP - 1, 0, 0),
        )
        # rich would truncate numbers that it may not fold.
        is_narrow = room < sum(widths[self.num_words :]) + MIN_WORDS * self.num_words
        for i, heading in enumerate(self.headings):
            is_word = i < self.num_words
            # As Text, since jet_pt[0] is no markup of rich.
            table.add_column(
                Text(heading),
                justify="left" if is_word else "right",
                width=None if is_word or is_narrow else widths[i],
                overflow="fold",
            )
        for section in self.sections:
            for row in section:
                table.add_row(*map(Text, row))
            table.add_section()
        if self.title:
            yield Text(self.title)
        around = () if has_room else ("",)  # the edges are the empty lines above and below
        yield from around
        yield TrimmedLines(table)
        yield from around
        if self.caption:
            yield Text(self.caption, style="table.caption")

    def to_text(self) -> str:
        """Return the table as plain text of lines of 100 characters at most."""
        title = f"{self.title}\n" if self.title else ""
        return title + plain_text(dataclasses.replace(self, title=""))

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
        title, caption = (
            html.escape(text).replace("\n", "<br>") for text in (self.title, self.caption)
        )
        title = f"<p>{title}</p>" if title else ""
        caption = f"<caption>{caption}</caption>" if caption else ""
        return f"{title}<table>{caption}<thead><tr>{head}</tr></thead>{bodies}</table>"

    def _widths(self, *, of_headings: bool = True) -> list[int]:
        """Return the width of each column; where headings fold, the width of their longest word."""
        widths = []
        for i, heading in enumerate(self.headings):
            cells = [row[i] for section in self.sections for row in section]
            widths.append(
                max(map(len, [*([heading] if of_headings else heading.split()), *cells, ""]))
            )
        return widths

    def _cell(self, tag: str, column: int, text: str) -> str:
        side = "left" if column < self.num_words else "right"
        return f'<{tag} style="text-align: {side}">{html.escape(text)}</{tag}>'


def plain_text(renderable: "rich.console.RenderableType") -> str:
    """Return a renderable as plain text, in lines of 100 characters at most."""
    from rich.console import Console

    file = io.StringIO()
    Console(file=file, width=WIDTH, color_system=None, force_jupyter=False).print(renderable)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")


def printable(text: str) -> str:
    """Return a text with its control characters escaped, except newlines."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)


def _in_a_line(text: str) -> str:
    return printable(text).replace("\n", "\\n")


def format_count(num: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun: ``1 file``, ``1,234 files``. `many` is an irregular plural."""
    return f"{num:,} {one if num == 1 else many or one + 's'}"


def format_rate(rate: float) -> str:
    """Return a rate per second in a suitable unit: ``99,999``, ``0.10 M``, ``1,234.57 M``."""
    return f"{rate / 1e6:,.2f} M" if rate >= 1e5 else f"{rate:,.0f}"


def format_seconds(seconds: float) -> str:
    """Return a time in a suitable unit: ``4.2 ms``, ``0.15 s``, ``12 s``, ``35 min``, ``1.7 h``."""
    size, unit = 3600.0, "h"
    for limit, smaller, name in ((5970, 60.0, "min"), (99.5, 1.0, "s"), (0.00995, 1e-3, "ms")):
        if seconds < limit:
            size, unit = smaller, name
    number = seconds / size
    return f"{number:,.0f} {unit}" if number >= 9.95 else f"{number:.2g} {unit}"


def format_size(num_bytes: int) -> str:
    """Return a number of bytes in a suitable unit: ``999 B``, ``1.5 kB``, ``26.4 MB``."""
    if num_bytes < 1000:
        return f"{num_bytes} B"
    size, unit = num_bytes / 1e3, "kB"
    for larger in ("MB", "GB", "TB", "PB", "EB"):
        if size < 999.95:
            break
        size, unit = size / 1e3, larger
    return f"{size:.1f} {unit}"
