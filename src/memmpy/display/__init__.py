"""Tables, progress bars, and sizes and counts as users read them."""

from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet
from memmpy.display.tables import (
    WIDTH,
    Table,
    Trimmed,
    num_in_words,
    printable,
    rate_in_words,
    size_in_words,
)

__all__ = [
    "WIDTH",
    "Note",
    "Progress",
    "Table",
    "Trimmed",
    "is_quiet",
    "is_terminal",
    "num_in_words",
    "printable",
    "quiet",
    "rate_in_words",
    "size_in_words",
]
