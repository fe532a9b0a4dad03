"""Tables, figures, progress bars, and sizes and counts as users read them."""

from memmpy.display.figures import (
    COLOURS,
    add_legend,
    check_figure_path,
    label_axes,
    label_ticks,
    line_style,
    new_figure,
    save_figure,
    set_plain_text,
)
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

__all__ = [
    "COLOURS",
    "WIDTH",
    "DisplayBlock",
    "Note",
    "Progress",
    "Renderable",
    "Table",
    "TrimmedLines",
    "add_legend",
    "check_figure_path",
    "format_count",
    "format_rate",
    "format_seconds",
    "format_size",
    "is_quiet",
    "is_terminal",
    "label_axes",
    "label_ticks",
    "line_style",
    "new_figure",
    "plain_text",
    "printable",
    "quiet",
    "save_figure",
    "set_plain_text",
]
