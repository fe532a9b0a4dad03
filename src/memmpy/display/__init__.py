"""Tables, progress bars, and sizes and counts as users read them."""

from memmpy.display.progress import Note, Progress, is_quiet, is_terminal, quiet
from memmpy.display.renderable import DisplayBlock, Renderable
from memmpy.display.tables import (
    WIDTH,
    Table,
    Trimmed,
    num_in_words,
    plain_text,
    printable,
    rate_in_words,
    size_in_words,
)

__all__ = [
    "WIDTH",
    "DisplayBlock",
    "Note",
    "Progress",
    "Renderable",
    "Table",
    "Trimmed",
    "is_quiet",
    "is_terminal",
    "num_in_words",
    "plain_text",
    "printable",
    "quiet",
    "rate_in_words",
    "size_in_words",
]
