"""What an audit finds, as values, as a table and for JSON."""

import dataclasses
import html
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from memmpy.display import WIDTH, Table, format_count, printable

if TYPE_CHECKING:
    import rich.console

__all__ = ["LEVELS", "Audit", "Finding", "Level"]

Level: TypeAlias = Literal["info", "warning", "error"]
#: Rows of one kind in a table, at most.
_MAX_ROWS = 6
#: The worst first.
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Parameters
    ----------
    kind : str
        What it is: ``"overlap"``, ``"same rows"``, ``"constant"``; the guide lists all kinds.
    key : str
        The column it is about, or the columns that name an event, joined by commas; empty where
        there are none.
    where : str
        The files, the names or the first entry.
    count : int
        How many entries.
    level : "info", "warning" or "error"
        Whether it is right in some stores, likely wrong, or wrong.
    message : str
        What it means and what to do.
    """

    kind: str
    key: str
    where: str
    count: int
    level: Level
    message: str = ""


@final
@dataclass(frozen=True, slots=True, repr=False)
class Audit:
    """What `Store.check` found; ``print`` and ``rich.print`` show it, and so do notebooks.

    Parameters
    ----------
    path : str
        The store.
    num_entries : int
        How many entries it has.
    findings : tuple of Finding
        Errors first, then warnings, then what is only to be known.
    """

    path: str
    num_entries: int
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level | None:
        """The worst level of all findings; None where there are none."""
        return next((one for one in LEVELS if self._num(one)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as dicts, lists, texts and numbers, for JSON."""
        return {
            "path": self.path,
            "num_entries": self.num_entries,
            "findings": [dataclasses.asdict(one) for one in self.findings],
        }

    def _num(self, level: Level) -> int:
        return sum(one.level == level for one in self.findings)

    def _title(self) -> str:
        start = (
            f"{printable(str(self.path))}: {format_count(self.num_entries, 'entry', 'entries')}, "
        )
        if not self.findings:
            return f"{start}nothing found"
        nums = ((self._num(level), level) for level in LEVELS)
        return start + ", ".join(format_count(num, name, _many(name)) for num, name in nums if num)

    def _table(self) -> Table:
        sections = [self._rows(level) for level in LEVELS]
        headings = ("level", "what", "key", "where", "entries")
        return Table(headings, 4, [section for section in sections if section])

    def _rows(self, level: Level) -> list[tuple[str, ...]]:
        """Return the rows of one level; of many keys of one kind, those of most entries."""
        rows: list[tuple[str, ...]] = []
        chosen = [one for one in self.findings if one.level == level]
        for kind in dict.fromkeys(one.kind for one in chosen):
            same = sorted((one for one in chosen if one.kind == kind), key=lambda one: -one.count)
            shown = same if len(same) <= _MAX_ROWS else same[: _MAX_ROWS - 1]
            rows += [(level, kind, one.key, one.where, f"{one.count:,}") for one in shown]
            if len(shown) < len(same):
                rows.append((level, kind, f"and {len(same) - len(shown):,} more keys", "", ""))
        return rows

    def _messages(self) -> Iterator[tuple[str, str]]:
        """Yield what each kind means and what to do, once."""
        pairs = {(one.kind, one.message): None for one in self.findings if one.message}
        yield from ((kind, printable(message)) for kind, message in pairs)

    def __rich__(self) -> "rich.console.Group | str":
        from rich.console import Group
        from rich.text import Text

        if not self.findings:
            return Group(Text(self._title()))
        messages = [Text.assemble((kind, "bold"), f": {text}") for kind, text in self._messages()]
        return Group(Text(self._title()), self._table(), *messages)

    def __str__(self) -> str:
        if not self.findings:
            return self._title()
        lines = [self._title(), "", self._table().to_text(), ""]
        for kind, message in self._messages():
            lines += textwrap.wrap(
                f"{kind}: {message}", WIDTH, subsequent_indent="  ", break_long_words=False
            )
        return "\n".join(lines)

    def __repr__(self) -> str:
        # What a terminal shows of it, as of a cut-flow.
        return str(self)

    def _repr_html_(self) -> str:
        title = f"<p>{html.escape(self._title())}</p>"
        if not self.findings:
            return title
        items = "".join(
            f"<li><b>{html.escape(kind)}</b>: {html.escape(message)}</li>"
            for kind, message in self._messages()
        )
        return f"{title}{self._table().to_html()}<ul>{items}</ul>"


def _many(level: Level) -> str:
    return "info" if level == "info" else f"{level}s"
