"""Figures of matplotlib without pyplot: made, labelled with names as they are, and saved."""

import io
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memmpy.checks import check_path
from memmpy.display import printable
from memmpy.errors import OptionError, nearest, require
from memmpy.store import write_in_folder
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "COLOURS",
    "add_legend",
    "check_figure_path",
    "label_axes",
    "label_ticks",
    "line_style",
    "new_figure",
    "save_figure",
    "set_plain_text",
]

#: Ten colours that differ for all kinds of sight: M. A. Petroff, arXiv:2107.02270.
COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
_DASHES = ("-", "--", ":", "-.")
#: The formats, and the entries that would make two files of one figure differ.
_FORMATS = {".png": {}, ".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
_DPI = 150


def line_style(number: int) -> dict[str, Any]:
    """Return the colour and the dashes of a class or a process in all figures.

    Parameters
    ----------
    number : int
        Its number, in the order of the classes or of the processes. Above 9 the colours repeat,
        with other dashes; a negative number is for events of no class, which are grey.

    Returns
    -------
    dict of str to str
        ``color`` and ``linestyle``, the options of a line.
    """
    if number < 0:
        return {"color": "0.3", "linestyle": "-"}
    repeat, place = divmod(number, len(COLOURS))
    return {"color": COLOURS[place], "linestyle": _DASHES[repeat % len(_DASHES)]}


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, of a size in inches, that notebooks show.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    figures = require("matplotlib.figure", what="a plot", extra="plot")
    figure: Figure = figures.Figure(figsize=(width, height), layout="constrained")
    # IPython shows the figures of pyplot alone; of others, what they return here.
    setattr(figure, "_repr_png_", partial(_image, figure, ".png"))  # noqa: B010 - no name of Figure
    return figure


def check_figure_path(path: PathLike | None) -> Path | None:
    """Return the path of a figure, before there is one; None to save none.

    Raises
    ------
    OptionError
        If it is no path, or its suffix is not ``.png``, ``.pdf`` or ``.svg``.
    """
    if path is None:
        return None
    file = check_path(path)
    if file.suffix.lower() not in _FORMATS:
        message = f"a plot is a file {', '.join(_FORMATS)}, got {str(file)!r}"
        raise OptionError(message + nearest(file.suffix.lower(), _FORMATS))
    return file


def save_figure(figure: "Figure", file: Path | None) -> "Figure":
    """Write a figure to a file, which it replaces, and return the figure.

    Readers of the file see the old figure or the whole new one. Its folder is created. Two figures
    that look the same make equal files.

    Parameters
    ----------
    figure : Figure
        The figure.
    file : Path or None
        The file, from `check_figure_path`; None to write none.

    Raises
    ------
    DiskError, ReadOnlyStoreError
        If the file cannot be written.
    """
    if file is not None:
        write_in_folder(file, _image(figure, file.suffix.lower()))
    return figure


def label_axes(axes: Any, x: str, y: str) -> None:
    """Label both axes with texts as they are; see `set_plain_text`."""
    set_plain_text(axes.xaxis.label, x)
    set_plain_text(axes.yaxis.label, y)


def label_ticks(axis: Any, names: Sequence[str], *, angle: float = 0.0) -> None:
    """Label the places 0, 1, ... of an axis with names as they are; see `set_plain_text`.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        The axis, such as ``axes.xaxis``.
    names : sequence of str
        The names.
    angle : float
        How far names are turned, in degrees, so that long ones have room beside each other.
    """
    axis.set_ticks(range(len(names)), map(printable, names))
    for label in axis.get_ticklabels():
        label.set_parse_math(False)
        label.set_usetex(False)
        if angle:
            label.set(rotation=angle, ha="right", rotation_mode="anchor")


def add_legend(axes: Any, handles: Sequence[Any], names: Sequence[str], **options: Any) -> Any:
    """Add a legend of names as they are, without a frame, and return it.

    Parameters
    ----------
    axes : Axes or Figure
        What gets the legend.
    handles, names : sequences
        What is drawn, and its names: no leading ``_`` hides one; see `set_plain_text`.
    **options
        Those of matplotlib's ``legend``.
    """
    numbers = [str(number) for number in range(len(names))]
    legend = axes.legend(handles, numbers, frameon=False, **options)
    for text, name in zip(legend.get_texts(), names, strict=True):
        set_plain_text(text, name)
    return legend


def set_plain_text(text: Any, name: str) -> None:
    """Show a name as it is: no ``$`` is mathematics, no ``_`` is TeX, and no character is control.

    Parameters
    ----------
    text : matplotlib.text.Text
        A text of a figure, such as a label of an axis.
    name : str
        What it shows.
    """
    text.set_parse_math(False)
    text.set_usetex(False)
    text.set_text(printable(name))


def _image(figure: "Figure", suffix: str) -> bytes:
    """Return the bytes of a file of a figure."""
    from matplotlib import rc_context

    image = io.BytesIO()
    with rc_context({"svg.hashsalt": "memmpy"}), warnings.catch_warnings():
        # A box in the picture shows that the font lacks a character of a name, such as an emoji.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        figure.savefig(image, format=suffix[1:], dpi=_DPI, metadata=_FORMATS[suffix])
    return image.getvalue()
