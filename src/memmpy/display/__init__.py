"""Tables, progress bars, versions, and sizes and counts as users read them."""

from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet
from memmpy.display.renderable import DisplayBlock, Renderable
from memmpy.display.tables import (
    WIDTH,
    Table,
    TrimmedLines,
    format_count,
    format_rate,
    format_seconds,
    format_size,
    plain_text,
    printable,
)
from memmpy.display.versions import show_versions

__all__ = [
    "WIDTH",
    "DisplayBlock",
    "Note",
    "Progress",
    "Renderable",
    "Table",
    "TrimmedLines",
    "format_count",
    "format_rate",
    "format_seconds",
    "format_size",
    "is_quiet",
    "is_terminal",
    "plain_text",
    "printable",
    "quiet",
    "show_versions",
]
