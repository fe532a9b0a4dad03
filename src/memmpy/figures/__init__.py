"""Figures of matplotlib: made, coloured, labelled and saved alike by all rooms."""

from memmpy.figures.drawable import Drawable
from memmpy.figures.drawing import (
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

__all__ = [
    "COLOURS",
    "Drawable",
    "add_legend",
    "check_figure_path",
    "label_axes",
    "label_ticks",
    "line_style",
    "new_figure",
    "save_figure",
    "set_plain_text",
]
