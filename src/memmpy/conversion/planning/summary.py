"""What a conversion does and why, in words: a few facts, and a table of columns."""

import html
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from memmpy.columns import ColumnType
from memmpy.conversion.planning.recipe import missing_in_words
from memmpy.display import WIDTH, Table, TrimmedLines, format_count, format_size, printable
from memmpy.store import SourceRecord

if TYPE_CHECKING:
    import rich.console

__all__ = ["Files", "Line", "Report", "Reported", "compared", "type_in_words"]

#: Columns that the table shows, and names that a line does, at most.
_MAX_COLUMNS = 60
_MAX_NAMES = 3
#: Characters of a cell, at most: types and expressions can be long.
_MAX_CELL = 90


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a conversion.

    Parameters
    ----------
    num : int
        How many there are.
    num_opened : int
        How many were looked at.
    num_read : int
        Of how many some entries are read.
    new, changed : sequence of str
        The paths of those that did not fill the store before, or did with another content.
    gone : sequence of str
        The paths of those that filled the store before, and no longer do.
    """

    num: int
    num_opened: int
    num_read: int
    new: Sequence[str] = ()
    changed: Sequence[str] = ()
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """What is said of one column.

    Parameters
    ----------
    key : str
        The column.
    type : str
        What its entries are.
    num_read : int
        From how many files entries are read.
    held : tuple of str
        The columns of the store that give the other entries.
    why : str
        Why it is written.
    """

    key: str
    type: str
    num_read: int = 0
    held: tuple[str, ...] = ()
    why: str = ""


@final
@dataclass(frozen=True, slots=True)
class Report:
    """A plan, or what came of it, as `print`, rich and notebooks show it.

    Parameters
    ----------
    files : Files
        What is read.
    num_entries : int
        Of all files.
    bytes_packed, bytes_unpacked : int
        What is read, in the files and once decompressed.
    bytes_written, bytes_kept : int
        What the columns take that are written, and that are in the store already.
    is_exact : bool
        Whether the size of what is written is known, and not a guess.
    written, kept : sequence of Line
        These columns.
    skipped : sequence of str
        Branches that a pattern matched, and no column can hold.
    undecodable : sequence of str
        Branches that a pattern matched, and memmpy and uproot cannot decode.
    stale, stale_metadata : sequence of str
        Columns of the store that are made of other files, and of the metadata of other files.
    stale_own : sequence of str
        Columns that the user wrote for the events of other files.
    is_done : bool
        Whether it happened.
    store : str
        Where; empty if that is not known.
    seconds : float or None
        How long it took, if that is known.
    clipped : mapping of str to str
        Columns, each with what padding cuts off of it.
    """

    files: Files
    num_entries: int
    bytes_packed: int
    bytes_unpacked: int
    bytes_written: int
    is_exact: bool
    bytes_kept: int
    written: Sequence[Line]
    kept: Sequence[Line]
    skipped: Sequence[str] = ()
    undecodable: Sequence[str] = ()
    stale: Sequence[str] = ()
    stale_metadata: Sequence[str] = ()
    stale_own: Sequence[str] = ()
    is_done: bool = False
    store: str = ""
    seconds: float | None = None
    clipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """All of it in one line."""
        store = f"{self.store}: " if self.store else ""
        if not self.written:
            nothing = "nothing was done" if self.is_done else "nothing to do"
            return f"{store}{nothing}, the store has {_all_of(len(self.kept), 'column')}"
        read = format_count(self.files.num_read, "file") if self.files.num_read else "no file"
        written = format_count(len(self.written), "column")
        if self.is_done:
            return f"{store}read {read}, wrote {written}"
        return f"{store}to do: read {read}, write {written}"

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What there is to know of files, entries and bytes: each with a name."""
        files = self.files
        facts = [("files", self._files()), ("entries", f"{self.num_entries:,}")]
        if self.bytes_unpacked:
            sizes = (format_size(size) for size in (self.bytes_packed, self.bytes_unpacked))
            facts.append(("read", "about {}, {} decompressed".format(*sizes)))
        if self.written:
            about = "" if self.is_exact else "about "
            facts.append(("written", f"{about}{format_size(self.bytes_written)}"))
        if self.kept:
            kept = f"{format_count(len(self.kept), 'column')}, {format_size(self.bytes_kept)}"
            facts.append(("in the store", kept))
        if files.changed:
            facts.append(("changed", _names(files.changed)))
        if files.gone:
            facts.append(("left out", f"{_names(files.gone)}, which filled the store before"))
        if self.stale:
            text = f"{_names(self.stale)}: made of other files; name them in keys to make them anew"
            facts.append(("stale", text))
        if self.stale_metadata:
            shown = ", ".join(f"{name!r}: ..." for name in self.stale_metadata[:_MAX_NAMES])
            more = ", ..." if len(self.stale_metadata) > _MAX_NAMES else ""
            text = f"{_names(self.stale_metadata)}: metadata of other files; give "
            facts.append(("stale", f"{text}metadata={{{shown}{more}}} for each file"))
        if self.stale_own:
            text = f"{_names(self.stale_own)}: written for the events of other files; write again, "
            facts.append(("stale", f"{text}or convert those files again, in their order"))
        reasons = {"no column can hold": self.skipped, "uproot cannot decode": self.undecodable}
        for reason, names in reasons.items():
            if names:
                num = format_count(len(names), "branch", "branches")
                facts.append(("skipped", f"{num} that {reason}: {_names(names)}"))
        facts += [("padded", f"{name}: {words}") for name, words in self.clipped.items()]
        if self.seconds is not None:
            facts.append(("time", self._time(self.seconds)))
        return facts

    @property
    def table(self) -> Table:
        """The columns: first those that are written."""
        lines = [*self.written, *self.kept]
        rows = [
            [line.key, _short(line.type), self._state(line, is_kept=i >= len(self.written)), why]
            for i, line in enumerate(lines[:_MAX_COLUMNS])
            for why in [_short(line.why)]
        ]
        more = len(lines) - _MAX_COLUMNS
        caption = f"... and {format_count(more, 'more column')}" if more > 0 else ""
        headings = ["key", "type", "from", "why"]
        if not self.written:
            headings, rows = headings[:3], [row[:3] for row in rows]
        return Table(headings, len(headings), [rows], caption)

    def _files(self) -> str:
        files = self.files
        as_before = files.num - len(files.new) - len(files.changed)
        kinds = [(len(files.new), "new"), (len(files.changed), "changed"), (as_before, "as before")]
        said = ", ".join(f"{num:,} {kind}" for num, kind in kinds if num)
        opened = "all" if files.num_opened == files.num else f"{files.num_opened:,}"
        return f"{files.num:,} ({said}), {'none' if opened == '0' else opened} opened"

    def _state(self, line: Line, *, is_kept: bool) -> str:
        if is_kept:
            return "the store"
        stored = "the store" if line.held == (line.key,) else f"the store ({_names(line.held)})"
        if line.num_read and line.held:
            return f"{format_count(line.num_read, 'file')}, {stored}"
        if line.num_read:
            return format_count(line.num_read, "file")
        return stored if line.held else "the metadata"

    def _time(self, seconds: float) -> str:
        if not self.bytes_unpacked:
            return f"{seconds:.1f} s"
        rate = self.num_entries / max(seconds, 1e-9)
        bytes_rate = format_size(round(self.bytes_unpacked / max(seconds, 1e-9)))
        return f"{seconds:.1f} s, {rate:,.0f} entries/s, {bytes_rate}/s decompressed"

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich.table import Table as RichTable
        from rich.text import Text

        # What users wrote is shown as it is: jet_pt[0] is no markup.
        yield Text(printable(self.headline), style="bold")
        facts = RichTable.grid(padding=(0, 2, 0, 0))
        facts.add_column(no_wrap=True)
        facts.add_column(overflow="fold")
        for name, text in self.facts:
            facts.add_row(Text(f"  {name}"), Text(printable(text)))
        yield TrimmedLines(facts)
        yield self.table

    def __str__(self) -> str:
        from rich.console import Console

        file = io.StringIO()
        console = Console(file=file, width=WIDTH, color_system=None, force_jupyter=False)
        console.print(self)
        return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).strip("\n")

    def _repr_html_(self) -> str:
        lines = (
            f"{html.escape(name)}: {html.escape(printable(text))}" for name, text in self.facts
        )
        head = f"<p><b>{html.escape(printable(self.headline))}</b><br>{'<br>'.join(lines)}</p>"
        return head + self.table.to_html()


class Reported(ABC):
    """What is printed as its report: thousands of files and columns are nothing to look at."""

    __slots__ = ()

    @abstractmethod
    def report(self) -> Report:
        """Return it in words."""

    def __str__(self) -> str:
        return str(self.report())

    def __repr__(self) -> str:
        return str(self)

    def __rich__(self) -> Report:
        return self.report()

    def _repr_html_(self) -> str:
        return self.report()._repr_html_()


def compared(
    sources: Sequence[SourceRecord],
    before: Sequence[SourceRecord],
    *,
    num_opened: int,
    num_read: int,
) -> Files:
    """Return what became of the files of a store.

    Parameters
    ----------
    sources, before : sequence of SourceRecord
        What fills the store, and what filled it before.
    num_opened, num_read : int
        See `Files`.
    """
    ids = {source.id for source in before}
    contents: dict[str, set[tuple[object, ...]]] = {}
    for source in before:
        contents.setdefault(source.path, set()).add(_content(source))
    new, changed = [], []
    for source in sources:
        if source.path in contents and _content(source) not in contents[source.path]:
            changed.append(source.path)
        elif source.id not in ids:
            new.append(source.path)
    still = {text for source in sources for text in (source.id, source.path)}
    gone = [source.path for source in before if not still & {source.id, source.path}]
    return Files(len(sources), num_opened, num_read, new, changed, gone)


def type_in_words(found: ColumnType, recipe: Mapping[str, Any]) -> str:
    """Return the type of a column; for one of the metadata, what its numbers stand for."""
    return "hash of text" if "metadata" in recipe else f"{found}{missing_in_words(recipe)}"


def _content(source: SourceRecord) -> tuple[object, ...]:
    return source.uuid, source.size, source.mtime_ns, source.tag


def _all_of(num: int, one: str) -> str:
    return f"the {one}" if num == 1 else f"all {num:,} {one}s"


def _names(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown


def _short(text: str) -> str:
    return text if len(text) <= _MAX_CELL else f"{text[: _MAX_CELL - 3]}..."
