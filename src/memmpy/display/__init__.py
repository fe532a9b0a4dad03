"""Tables, progress bars, and sizes and counts as users read them."""

from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet
from memmpy.display.tables import (
    WIDTH,
    Table,
    TrimmedLines,
    format_count,
    format_rate,
    format_size,
    printable,
)

__all__ = [
    "WIDTH",
    "Note",
    "Progress",
    "Table",
    "TrimmedLines",
    "format_count",
    "format_rate",
    "format_size",
    "is_quiet",
    "is_terminal",
    "printable",
    "quiet",
]
