"""The report of a conversion: some facts, and a table of columns with reasons."""

import dataclasses
import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from memmpy.columns import ColumnType
from memmpy.conversion.planning.column_spec import format_missing
from memmpy.display import (
    DisplayBlock,
    Renderable,
    Table,
    TrimmedLines,
    format_count,
    format_size,
    plain_text,
    printable,
    shorten,
)
from memmpy.store import SourceRecord

if TYPE_CHECKING:
    import rich.console

__all__ = ["ColumnLine", "FileCounts", "Report", "compare_files", "format_type"]

#: Columns in the table, and names in a line, at most.
_MAX_COLUMNS = 60
_MAX_NAMES = 3
#: Characters of a cell, at most: types and expressions can be long.
_MAX_CELL = 90


@dataclass(frozen=True, slots=True)
class FileCounts:
    """Counts of the files of a conversion, and the files that changed.

    Parameters
    ----------
    num : int
        All files.
    num_opened : int
        Files that were inspected.
    num_read : int
        Files of which entries are read.
    new, changed : sequence of str
        Paths of files that are new in the store, and of those with another content than before.
    gone : sequence of str
        Paths of files that filled the store before, and no longer do.
    num_friends : int
        All friend trees.
    changed_friends : sequence of str
        Paths of friends with another content than before.
    """

    num: int
    num_opened: int
    num_read: int
    new: Sequence[str] = ()
    changed: Sequence[str] = ()
    gone: Sequence[str] = ()
    num_friends: int = 0
    changed_friends: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """One column in the report.

    Parameters
    ----------
    key : str
        The column.
    type : str
        The type of its entries.
    num_read : int
        Number of files from which entries are read.
    reused : tuple of str
        The columns of the store from which the other entries come.
    reason : str
        The reason why it is written.
    """

    key: str
    type: str
    num_read: int = 0
    reused: tuple[str, ...] = ()
    reason: str = ""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Report(Renderable):
    """A plan, or the conversion that carried it out, as `print`, rich and notebooks show it.

    Parameters
    ----------
    files : FileCounts
        The files.
    num_entries : int
        Entries of all files.
    bytes_packed, bytes_unpacked : int
        Bytes to read: in the files, and decompressed.
    bytes_written, bytes_kept : int
        Bytes of the columns that are written, and of those that are in the store already.
    is_exact : bool
        Whether `bytes_written` is exact.
    written, kept : sequence of ColumnLine
        The columns that are written, and those that are in the store already.
    skipped : sequence of str
        Branches that a pattern matched, and no column can hold.
    undecodable : sequence of str
        Branches that a pattern matched, and neither memmpy nor uproot can decode.
    stale, stale_metadata : sequence of str
        Columns of the store that are made of other files, and of the metadata of other files.
    stale_own : sequence of str
        Columns that the user wrote for the events of other files.
    is_done : bool
        Whether the conversion is done.
    store : str
        The path of the store; empty where it is unknown.
    seconds : float or None
        The duration of the conversion; None if unknown.
    clipped : mapping of str to str
        By column, the items that padding cuts off, in words.
    numbers : sequence of (str, str)
        Facts about numbers of the metadata and about totals.
    num_totals_read : int
        Files whose totals were read.
    seconds_open : float
        The time that it took to open the files.
    """

    files: FileCounts
    num_entries: int
    bytes_packed: int
    bytes_unpacked: int
    bytes_written: int
    is_exact: bool
    bytes_kept: int
    written: Sequence[ColumnLine]
    kept: Sequence[ColumnLine]
    skipped: Sequence[str] = ()
    undecodable: Sequence[str] = ()
    stale: Sequence[str] = ()
    stale_metadata: Sequence[str] = ()
    stale_own: Sequence[str] = ()
    is_done: bool = False
    store: str = ""
    seconds: float | None = None
    clipped: Mapping[str, str] = field(default_factory=dict)
    numbers: Sequence[tuple[str, str]] = ()
    num_totals_read: int = 0
    seconds_open: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values, for JSON."""
        return dataclasses.asdict(self) | {"clipped": dict(self.clipped)}

    @property
    def headline(self) -> str:
        """The report in one line."""
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
        """Names and texts of the facts about files, entries and bytes."""
        files = self.files
        facts = [("files", self._files()), ("entries", f"{self.num_entries:,}")]
        if files.num_friends:
            changed = _first_names(files.changed_friends)
            num = format_count(files.num_friends, "tree")
            facts.insert(1, ("friends", f"{num}{'; changed: ' if changed else ''}{changed}"))
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
            facts.append(("changed", _first_names(files.changed)))
        if files.gone:
            gone = _first_names(files.gone)
            facts.append(("left out", f"{gone}, which filled the store before"))
        if self.stale:
            text = f"{_first_names(self.stale)}: made of other files or numbers; "
            facts.append(("stale", f"{text}name them in keys to rebuild them"))
        if self.stale_metadata:
            shown = ", ".join(f"{name!r}: ..." for name in self.stale_metadata[:_MAX_NAMES])
            more = ", ..." if len(self.stale_metadata) > _MAX_NAMES else ""
            text = f"{_first_names(self.stale_metadata)}: metadata of other files; give "
            facts.append(("stale", f"{text}metadata={{{shown}{more}}} for each file"))
        if self.stale_own:
            text = f"{_first_names(self.stale_own)}: written for the events of other files; "
            text += "write again, or convert those files again, in their order"
            facts.append(("stale", text))
        reasons = {"no column can hold": self.skipped, "uproot cannot decode": self.undecodable}
        for reason, names in reasons.items():
            if names:
                num = format_count(len(names), "branch", "branches")
                facts.append(("skipped", f"{num} that {reason}: {_first_names(names)}"))
        facts += self.numbers
        if self.num_totals_read:
            facts.append(("totals", f"read from {format_count(self.num_totals_read, 'file')}"))
        facts += [("padded", f"{name}: {words}") for name, words in self.clipped.items()]
        if self.seconds is not None:
            facts.append(("time", self._time(self.seconds)))
        return facts

    @property
    def table(self) -> Table:
        """The table of columns; those that are written come first."""
        lines = [*self.written, *self.kept]
        rows = [
            [
                line.key,
                shorten(line.type, _MAX_CELL),
                self._state(line, is_kept=i >= len(self.written)),
                shorten(line.reason, _MAX_CELL),
            ]
            for i, line in enumerate(lines[:_MAX_COLUMNS])
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
        counts = ", ".join(f"{num:,} {kind}" for num, kind in kinds if num)
        opened = "all" if files.num_opened == files.num else f"{files.num_opened:,}"
        seconds = "" if self.is_done or not self.seconds_open else f" in {self.seconds_open:.1f} s"
        opened = "none opened" if opened == "0" else f"{opened} opened{seconds}"
        return f"{files.num:,} ({counts}), {opened}"

    def _state(self, line: ColumnLine, *, is_kept: bool) -> str:
        if is_kept:
            return "the store"
        stored = (
            "the store"
            if line.reused == (line.key,)
            else f"the store ({_first_names(line.reused)})"
        )
        if line.num_read and line.reused:
            return f"{format_count(line.num_read, 'file')}, {stored}"
        if line.num_read:
            return format_count(line.num_read, "file")
        return stored if line.reused else "the metadata"

    def _time(self, seconds: float) -> str:
        if not self.bytes_unpacked:
            return f"{seconds:.1f} s"
        rate = self.num_entries / max(seconds, 1e-9)
        bytes_rate = format_size(round(self.bytes_unpacked / max(seconds, 1e-9)))
        return f"{seconds:.1f} s, {rate:,.0f} entries/s, {bytes_rate}/s decompressed"

    def _blocks(self) -> list[DisplayBlock]:
        return [_Facts(self.headline, self.facts), self.table]


@final
@dataclass(frozen=True, slots=True)
class _Facts:
    """A headline, and a line for each fact under it."""

    headline: str
    facts: Sequence[tuple[str, str]]

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich.table import Table as RichTable
        from rich.text import Text

        # As plain text: a key such as jet_pt[0] is no markup.
        yield Text(printable(self.headline), style="bold")
        facts = RichTable.grid(padding=(0, 2, 0, 0))
        facts.add_column(no_wrap=True)
        facts.add_column(overflow="fold")
        for name, text in self.facts:
            facts.add_row(Text(f"  {name}"), Text(printable(text)))
        yield TrimmedLines(facts)

    def to_text(self) -> str:
        """Return them as lines of text."""
        return plain_text(self)

    def to_html(self) -> str:
        """Return them as a paragraph, and lines below."""
        lines = (f"{html.escape(k)}: {html.escape(printable(text))}" for k, text in self.facts)
        headline = html.escape(printable(self.headline))
        return f'<p>{headline}</p><div class="note">{"<br>".join(lines)}</div>'


def compare_files(
    sources: Sequence[SourceRecord],
    before: Sequence[SourceRecord],
    *,
    num_opened: int,
    num_read: int,
) -> FileCounts:
    """Compare the files of a store with those before.

    Parameters
    ----------
    sources, before : sequence of SourceRecord
        The trees that fill the store, and those that filled it before.
    num_opened, num_read : int
        See `FileCounts`.
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
    friends = {(f.path, f.tree): f for source in sources for f in source.friends}
    contents_before = {(f.path, f.tree): f.content for source in before for f in source.friends}
    changed_friends = [
        friend.path
        for place, friend in friends.items()
        if contents_before.get(place, friend.content) != friend.content
    ]
    return FileCounts(
        len(sources),
        num_opened,
        num_read,
        new,
        changed,
        gone,
        sum(len(source.friends) for source in sources),
        changed_friends,
    )


def format_type(entries: ColumnType, spec: Mapping[str, Any]) -> str:
    """Return the type of a column in words."""
    words = f"{entries.in_words()}{format_missing(spec)}"
    return "hash of text" if "metadata" in spec else words


def _content(source: SourceRecord) -> tuple[object, ...]:
    return source.uuid, source.size, source.mtime_ns, source.tag


def _all_of(num: int, one: str) -> str:
    return f"the {one}" if num == 1 else f"all {num:,} {one}s"


def _first_names(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    shown = ", ".join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f"{shown} and {more:,} more" if more > 0 else shown
