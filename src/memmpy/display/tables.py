"""Tables on a terminal, as text and as HTML."""

import dataclasses
import html
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, final

from memmpy.display.inline_charts import InlineChart
from memmpy.display.number_formats import format_count

if TYPE_CHECKING:
    import rich.console

__all__ = [
    "WIDTH",
    "Cell",
    "Table",
    "TrimmedLines",
    "plain_text",
    "printable",
]

#: Characters in a line of plain text, at most.
WIDTH = 100
#: Least characters of a column of words, with the gap before it.
_MIN_WORDS = 8
#: Characters of a column that is cut, at least.
_MIN_CUT = 20
#: Characters between two columns, and on both sides of the table; the same in a narrow table.
_GAP, _EDGES = 3, 4
_SMALL_GAP = 2
#: Rows of a table in a page, at most.
_MAX_PAGE_ROWS = 1000

#: A text, or a small chart, which a terminal shows as a text.
Cell: TypeAlias = str | InlineChart


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
        Rows are sequences of str or `InlineChart`, one a column; a line is drawn between sections.
    caption, title : str
        Lines below and above the table.
    optional : sequence of int
        Columns that a narrow terminal leaves out, this one first; a line below names them.
    cut : sequence of int
        Columns of words whose ends a narrow terminal cuts off, where it folds others.
    max_rows : int
        Rows that a terminal shows, at most; a line below counts the others. 0 for all rows. A page
        shows more of them, and scrolls.
    hint : str
        How to see the other rows, for that line.
    """

    headings: Sequence[str]
    num_words: int
    sections: Sequence[Sequence[Sequence[Cell]]]
    caption: str = ""
    title: str = ""
    optional: Sequence[int] = ()
    cut: Sequence[int] = ()
    max_rows: int = 0
    hint: str = ""

    def __post_init__(self) -> None:
        headings = [_in_a_line(heading) for heading in self.headings]
        sections = [[[_in_a_cell(cell) for cell in row] for row in rows] for rows in self.sections]
        object.__setattr__(self, "headings", headings)
        object.__setattr__(self, "sections", sections)
        object.__setattr__(self, "caption", printable(self.caption))
        object.__setattr__(self, "title", printable(self.title))

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich.text import Text

        table = self._first_rows(self.max_rows)._narrowed(options.max_width)
        has_room = table.fits(options.max_width)
        if table.title:
            yield Text(table.title)
        around = () if has_room else ("",)  # the edges are the empty lines above and below
        parts = [table] if has_room else table._parts(options.max_width)
        for part in parts:
            yield from around
            yield TrimmedLines(part._rich_table(options.max_width, has_room=has_room))
        yield from around
        if table.caption:
            yield Text(table.caption, style="table.caption")

    def _rich_table(self, width: int, *, has_room: bool) -> "rich.console.RenderableType":
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        widths = self._widths()
        room = width - (len(self.headings) - 1) * _SMALL_GAP
        if not has_room and sum(widths) > room:
            widths = self._widths(of_headings=False)
        table = RichTable(
            box=box.SIMPLE_HEAD,
            show_header=any(self.headings),
            show_edge=has_room,
            pad_edge=has_room,
            padding=(0, 1) if has_room else (0, _SMALL_GAP - 1, 0, 0),
        )
        fixed = self._fixed_widths(widths, room)
        for i, heading in enumerate(self.headings):
            # As Text, since jet_pt[0] is no markup of rich.
            table.add_column(
                Text(heading),
                justify="left" if i < self.num_words else "right",
                width=fixed[i],
                no_wrap=i in self.cut,
                overflow="ellipsis" if i in self.cut else "fold",
            )
        for section in self.sections:
            for row in section:
                texts = (Text(str(c), "" if isinstance(c, str) else c.style) for c in row)
                table.add_row(*texts)
            table.add_section()
        return table

    def _fixed_widths(self, widths: Sequence[int], room: int) -> list[int | None]:
        """Return the widths of the columns; None for those that rich may fold as it must."""
        words, numbers = widths[: self.num_words], widths[self.num_words :]
        least = [*map(self._longest, range(self.num_words))]
        for i in self.cut:
            least[i] = min(_MIN_WORDS, least[i])
        spare = room - sum(least) - sum(numbers)
        if spare < 0:
            # rich would truncate numbers that it may not fold.
            is_narrow = room < sum(numbers) + _MIN_WORDS * self.num_words
            return [None] * len(words) + [None if is_narrow else one for one in numbers]
        # rich would take room from the widest column, and break its words before it folds others.
        fixed: list[int | None] = [*least, *numbers]
        wanted = [one - own for one, own in zip(words, least, strict=True)]
        for left, i in enumerate(sorted(range(len(words)), key=wanted.__getitem__)):
            more = min(wanted[i], spare // (len(words) - left))
            fixed[i], spare = least[i] + more, spare - more
        return fixed

    def _first_rows(self, max_rows: int) -> "Table":
        """Return the first rows, with a line below that counts the others."""
        num = sum(map(len, self.sections))
        if not max_rows or num <= max_rows + 1:  # the line would take the place of the row
            return self
        sections, left = [], max_rows
        for section in self.sections:
            sections.append(section[:left])
            left -= len(sections[-1])
        more = f"and {format_count(num - max_rows, 'more row')}{self.hint and ': ' + self.hint}"
        return dataclasses.replace(self, sections=sections, caption=_lines(more, self.caption))

    def _narrowed(self, width: int) -> "Table":
        """Return the table without optional columns for which there is no room."""
        dropped: list[int] = []
        for column in self.optional:
            # Better none of its words than rows of two lines because of them.
            whole = self._widths()[column] - self._longest(column) if column < self.num_words else 0
            if self._width(_SMALL_GAP, without=dropped, of_words=True) + whole <= width:
                break
            dropped.append(column)
        if not dropped:
            return self
        names = ", ".join(self.headings[i] for i in sorted(dropped))
        table = self._with_columns(i for i in range(len(self.headings)) if i not in dropped)
        return dataclasses.replace(table, caption=_lines(f"no room for: {names}", self.caption))

    def _parts(self, width: int) -> Iterator["Table"]:
        """Yield tables below each other, with the columns of words and the numbers that fit."""
        words, widths = [*range(self.num_words)], self._widths(of_headings=False)
        for i in words:  # long words are folded
            widths[i] = max(self._longest(i), min(widths[i], width // 3 // len(words)))
        first = sum(widths[: self.num_words]) + _SMALL_GAP * (self.num_words - 1)
        if first + _SMALL_GAP + max(widths[self.num_words :], default=0) > width:
            yield self  # not even one number fits beside the words, whose words are folded, then
            return
        numbers: list[int] = []
        room = width - first
        for i in range(self.num_words, len(self.headings)):
            if widths[i] + _SMALL_GAP > room:
                yield self._with_columns([*words, *numbers])
                numbers, room = [], width - first
            numbers.append(i)
            room -= widths[i] + _SMALL_GAP
        yield self._with_columns([*words, *numbers])

    def _with_columns(self, kept: Iterable[int]) -> "Table":
        """Return the table of some columns."""
        columns = [*kept]
        return dataclasses.replace(
            self,
            headings=[self.headings[i] for i in columns],
            num_words=sum(i < self.num_words for i in columns),
            sections=[[[row[i] for i in columns] for row in rows] for rows in self.sections],
            optional=(),
            cut=[columns.index(i) for i in self.cut if i in columns],
        )

    def fits(self, width: int) -> bool:
        """Return whether the table is whole in lines of `width` characters."""
        return self._width(_GAP) + _EDGES <= width

    def to_text(self) -> str:
        """Return the table as plain text of lines of 100 characters at most."""
        title = f"{self.title}\n" if self.title else ""
        return title + plain_text(dataclasses.replace(self, title=""))

    def to_html(self) -> str:
        """Return the table as an HTML element."""
        table = self._first_rows(_MAX_PAGE_ROWS)
        head = f"<thead>{self._row_html(self.headings, 'col')}</thead>"
        bodies = "".join(
            f"<tbody>{''.join(self._row_html(row, 'row') for row in rows)}</tbody>"
            for rows in table.sections
        )
        title, caption = (
            html.escape(text).replace("\n", "<br>") for text in (table.title, table.caption)
        )
        title = f"<p>{title}</p>" if title else ""
        caption = f'<div class="note">{caption}</div>' if caption else ""
        return (
            f'{title}<div class="scroll" role="group" aria-label="Table" tabindex="0">'
            f"<table>{head if any(self.headings) else ''}{bodies}</table></div>{caption}"
        )

    def _widths(self, *, of_headings: bool = True) -> list[int]:
        """Return the width of each column; where headings fold, the width of their longest word."""
        widths = []
        for i, heading in enumerate(self.headings):
            cells = [str(row[i]) for section in self.sections for row in section]
            widths.append(
                max(map(len, [*([heading] if of_headings else heading.split()), *cells, ""]))
            )
        return widths

    def _width(self, gap: int, *, without: Sequence[int] = (), of_words: bool = False) -> int:
        """Return the width of some columns; `of_words`, if words stand below each other."""
        widths = self._widths(of_headings=not of_words)
        if of_words:
            widths[: self.num_words] = map(self._longest, range(self.num_words))
        kept = [width for i, width in enumerate(widths) if i not in without]
        return sum(kept) + gap * (len(kept) - 1)

    def _longest(self, column: int) -> int:
        """Return the width of the longest word or chart of a column, which no line should break."""
        cells = [self.headings[column], *(row[column] for rows in self.sections for row in rows)]
        if column in self.cut:
            return min(_MIN_CUT, max(len(str(cell)) for cell in cells))
        words = [cell.split() if isinstance(cell, str) else [str(cell)] for cell in cells]
        return max((len(word) for each in words for word in each), default=0)

    def _row_html(self, cells: Sequence[Cell], scope: str) -> str:
        """Return a row as HTML: of headings for the scope ``col``, else with one of the row."""
        row = ""
        for column, cell in enumerate(cells):
            side = "left" if column < self.num_words else "right"
            content = html.escape(cell) if isinstance(cell, str) else cell.to_html()
            is_head = scope == "col" or (column == 0 and content)
            tag, of = ("th", f' scope="{scope}"') if is_head else ("td", "")
            row += f'<{tag}{of} style="text-align: {side}">{content}</{tag}>'
        return f"<tr>{row}</tr>"


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


def _in_a_cell(cell: Cell) -> Cell:
    return _in_a_line(cell) if isinstance(cell, str) else cell


def _lines(*texts: str) -> str:
    return "\n".join(text for text in texts if text)
