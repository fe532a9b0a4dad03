"""The findings of an audit, as values, as a table and for JSON."""

import dataclasses
import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

from memmpy.display import (
    WIDTH,
    DisplayBlock,
    Renderable,
    Table,
    format_count,
    format_path,
    printable,
)

if TYPE_CHECKING:
    import rich.console
from memmpy.errors import argument_hints

__all__ = ["LEVELS", "Audit", "Finding", "Level"]

Level: TypeAlias = Literal["info", "warning", "error"]
#: Rows of one kind in a table, at most.
_MAX_ROWS = 6
#: The worst first.
LEVELS: tuple[Level, ...] = ("error", "warning", "info")


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that an audit found.

    Parameters
    ----------
    kind : str
        Such as ``"overlap"``, ``"same rows"`` or ``"constant"``; the guide lists all kinds.
    key : str
        The column, or the columns that name an event, joined by commas; may be empty.
    where : str
        The files, the names, the first entry, or the input.
    count : int
        Number of entries, or of sampled values.
    level : "info", "warning" or "error"
        Possibly intended, probably wrong, or wrong.
    message : str
        The meaning, and what to do.
    """

    kind: str
    key: str
    where: str
    count: int
    level: Level
    message: str = ""


@argument_hints
@final
@dataclass(frozen=True, slots=True, repr=False)
class Audit(Renderable):
    """The findings of `Store.check` or `TrainingSet.check`; ``print`` and notebooks show a table.

    Parameters
    ----------
    path : str
        The store.
    num_entries : int
        The number of its entries, or of the events of the training set.
    findings : tuple of Finding
        Errors first, then warnings, then infos.
    """

    path: str
    num_entries: int
    findings: tuple[Finding, ...]

    @property
    def level(self) -> Level | None:
        """The worst level of all findings; None without any."""
        return next((one for one in LEVELS if self._num(one)), None)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as dicts, lists, texts and numbers, for JSON."""
        return {
            "path": self.path,
            "num_entries": self.num_entries,
            "findings": [dataclasses.asdict(one) for one in self.findings],
        }

    def _num(self, level: Level) -> int:
        return sum(one.level == level for one in self.findings)

    def _blocks(self) -> list[str | DisplayBlock]:
        num = format_count(self.num_entries, "entry", "entries")
        title = f"{format_path(self.path)}: {num}, "
        if not self.findings:
            return [f"{title}nothing found"]
        nums = ((self._num(level), level) for level in LEVELS)
        title += ", ".join(format_count(num, name, _many(name)) for num, name in nums if num)
        headings = ("level", "kind", "key", "where", "entries")
        table = Table(headings, 4, [rows for level in LEVELS if (rows := self._rows(level))])
        pairs = {(one.kind, printable(one.message)): None for one in self.findings if one.message}
        return [title, table, _Messages([*pairs])]

    def _rows(self, level: Level) -> list[tuple[str, ...]]:
        """Return the rows of one level; of many keys of one kind, those with most entries."""
        rows: list[tuple[str, ...]] = []
        chosen = [one for one in self.findings if one.level == level]
        for kind in dict.fromkeys(one.kind for one in chosen):
            same = sorted((one for one in chosen if one.kind == kind), key=lambda one: -one.count)
            shown = same if len(same) <= _MAX_ROWS else same[: _MAX_ROWS - 1]
            rows += [(level, kind, one.key, one.where, f"{one.count:,}") for one in shown]
            if len(shown) < len(same):
                rows.append((level, kind, f"and {len(same) - len(shown):,} more keys", "", ""))
        return rows


@final
@dataclass(frozen=True, slots=True)
class _Messages:
    """Each kind of finding with its message."""

    pairs: Sequence[tuple[str, str]]

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        from rich.text import Text

        for kind, message in self.pairs:
            yield Text.assemble((kind, "bold"), f": {message}")

    def to_text(self) -> str:
        """Return each as a paragraph."""
        wrap = textwrap.TextWrapper(WIDTH, subsequent_indent="  ", break_long_words=False)
        return "\n".join(wrap.fill(f"{kind}: {message}") for kind, message in self.pairs)

    def to_html(self) -> str:
        """Return a list of them."""
        items = (f"<li><b>{html.escape(k)}</b>: {html.escape(m)}</li>" for k, m in self.pairs)
        return f"<ul>{''.join(items)}</ul>"


def _many(level: Level) -> str:
    return "info" if level == "info" else f"{level}s"
