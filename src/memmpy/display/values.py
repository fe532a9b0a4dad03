"""Values of columns as a reader wants to see them, and pages of small values."""

import dataclasses
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from memmpy.display.inline_charts import InlineChart
from memmpy.display.number_formats import format_count
from memmpy.display.page_style import styled_html
from memmpy.display.tables import Table

__all__ = [
    "column_html",
    "facts_html",
    "fields_html",
    "format_path",
    "format_value",
    "json_value",
    "shorten",
]

#: Items of a list that a cell shows.
_MAX_ITEMS = 3
#: Entries of a column, and characters of a field, that a page shows.
_MAX_ENTRIES, _MAX_FIELD = 5, 400


class _Entries(Protocol):
    """A column: its length, and its entries by number."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


def format_path(path: str | Path) -> str:
    """Return a path, seen from the working directory if it lies in there; a URL as it is."""
    with suppress(ValueError, OSError):  # it lies elsewhere, or the directory is gone
        return str(Path(path).relative_to(Path.cwd()))
    return str(path)


def shorten(text: str, width: int = 32, *, keep_end: bool = False) -> str:
    """Return a text of `width` characters at most, whose end or middle is left out."""
    if len(text) <= width:
        return text
    num_last = (width - 1) // 2 if keep_end else 0
    return f"{text[: width - 1 - num_last].rstrip(' ,;')}…{text[len(text) - num_last :]}"


def format_value(value: Any) -> str:
    """Return a value in a few words: ``[81.2, 40.7, …] (6)`` for a list of six numbers."""
    if isinstance(value, str) or not hasattr(value, "dtype"):
        return shorten(str(value.to_list() if hasattr(value, "to_list") else value))
    return _list(value) if value.ndim else _item(value, 6)


def json_value(value: Any) -> Any:
    """Return a value for JSON, which has no NaN and no infinity: they become None."""
    if isinstance(value, Mapping):
        return {key: json_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def facts_html(title: str, facts: Mapping[str, str | InlineChart]) -> str:
    """Return a small table of names and values as HTML, with the style of memmpy."""
    return styled_html(Table(("", ""), 2, [[*facts.items()]], title=title).to_html())


def fields_html(value: Any) -> str:
    """Return the fields of a dataclass as HTML, without those that have their default."""
    facts = {}
    for field in dataclasses.fields(value):
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        content = getattr(value, field.name)
        if content != default:
            facts[field.name] = shorten(str(content), _MAX_FIELD)
    return facts_html(type(value).__name__, facts)


def column_html(column: _Entries) -> str:
    """Return the first entries of a column as HTML."""
    num = min(len(column), _MAX_ENTRIES)
    rows = [(f"{i:,}", format_value(column[i])) for i in range(num)]
    more = f"and {format_count(len(column) - num, 'more entry', 'more entries')}"
    caption = more if num < len(column) else ""
    title = repr(column).strip("<>")
    return styled_html(Table(("entry", "value"), 2, [rows], caption, title).to_html())


def _list(values: Any) -> str:
    shown = [_list(one) if one.ndim else _item(one, 4) for one in values[:_MAX_ITEMS]]
    if len(values) <= _MAX_ITEMS:
        return f"[{', '.join(shown)}]"
    return f"[{', '.join(shown[:-1])}, …] ({len(values):,})"


def _item(value: Any, num_digits: int) -> str:
    kind = value.dtype.kind
    if kind == "f":
        return f"{float(value):.{num_digits}g}"
    return str(bool(value)).lower() if kind == "b" else str(value)
