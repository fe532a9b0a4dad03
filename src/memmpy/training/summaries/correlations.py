"""`Correlations`: correlations of inputs of each class, which draw themselves as matrices."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.display import DisplayBlock, Renderable, Table, format_count, shorten
from memmpy.errors import argument_hints
from memmpy.figures import Drawable, label_ticks, new_figure, set_plain_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Correlations"]

#: Pairs of keys in a table.
_MAX_PAIRS = 20
#: Matrices in a row, and keys whose coefficients are written into the cells.
_MAX_COLUMNS, _MAX_WRITTEN = 3, 12
#: The width of all matrices in inches.
_MAX_WIDTH = 16.0
#: Characters of a name beside a matrix.
_MAX_NAME = 24


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Correlations(Renderable, Drawable):
    """The linear correlations of inputs in one split, with the weights of a training.

    ``print``, ``rich.print`` and notebooks show the strongest ones. `plot` draws a matrix of each
    class; grey cells have no coefficient.

    Attributes
    ----------
    title : str
        The split and its fold.
    keys : tuple of str
        The k keys. ``"jet_pt[0]"`` is the first object of an event.
    classes : tuple of str
        The g classes that have events, or ``("all",)``.
    num_events : int64 array of shape (g,)
        The number of events of each.
    matrices : float64 array of shape (g, k, k)
        The coefficients of each pair, of the events that have both values. NaN if these events do
        not have two different values, or their weights have no positive sum.
    """

    title: str
    keys: tuple[str, ...]
    classes: tuple[str, ...]
    num_events: NDArray[np.int64]
    matrices: NDArray[np.float64]

    def _draw(self) -> "Figure":
        return _draw_correlations(self)

    def table(self) -> Table:
        """Return the strongest ones as a table."""
        first, second = np.triu_indices(len(self.keys), 1)
        pairs = self.matrices[:, first, second]
        sizes = np.max(np.abs(pairs), axis=0, initial=0.0, where=np.isfinite(pairs))
        rows = [
            (
                self.keys[first[i]],
                self.keys[second[i]],
                *(f"{one:.3f}" if np.isfinite(one) else "-" for one in pairs[:, i]),
            )
            for i in np.argsort(-sizes, kind="stable")[:_MAX_PAIRS]
        ]
        title = f"Correlations of inputs, {self.title}"
        if len(rows) < len(first):
            title += f": the {len(rows)} strongest of {len(first):,}"
        headings = ("key", "key", *self.classes)
        optional = range(len(headings) - 1, 2, -1)
        return Table(headings, 2, [rows], title=title, optional=optional)

    def _blocks(self) -> Sequence[str | DisplayBlock]:
        return [self.table()]


def _draw_correlations(correlations: Correlations) -> "Figure":
    """Draw a matrix of each class, at least one, and return the figure."""
    num, num_keys = len(correlations.classes), len(correlations.keys)
    num_columns = min(num, _MAX_COLUMNS) if num != 4 else 2
    num_rows = math.ceil(num / num_columns)
    size = min(
        _MAX_WIDTH / num_columns, max(2.8, 0.4 * min(num_keys, _MAX_WRITTEN), 0.1 * num_keys)
    )
    names = [shorten(key, _MAX_NAME, keep_end=True) for key in correlations.keys]
    fontsize = min(9.0, 0.75 * 72 * size / num_keys)
    margin = 0.6 * fontsize * max(map(len, names)) / 72
    height = num_rows * (size + 0.35) + margin + 0.4
    figure = new_figure(num_columns * size + margin + 1.2, height)
    figure.set_layout_engine("compressed")  # for squares
    axes = figure.subplots(num_rows, num_columns, squeeze=False)
    image: Any = None
    for place, one in enumerate(axes.flat):
        if place >= num:
            one.set_axis_off()
            continue
        image = one.imshow(correlations.matrices[place], vmin=-1, vmax=1, cmap="RdBu_r")
        one.set_facecolor("0.85")  # of pairs without a coefficient
        events = format_count(int(correlations.num_events[place]), "event")
        name = f"{shorten(correlations.classes[place], keep_end=True)}: {events}"
        set_plain_text(one.set_title("", fontsize="small"), name)
        if num_keys <= _MAX_WRITTEN:
            _write_percents(one, correlations.matrices[place])
        label_ticks(one.xaxis, names if place + num_columns >= num else ())
        label_ticks(one.yaxis, names if place % num_columns == 0 else ())
        one.tick_params(length=0, labelsize=fontsize)
        one.tick_params(axis="x", rotation=90)
    bar = figure.colorbar(
        image, ax=axes, shrink=min(1.0, 4 / height), aspect=25, pad=0.02, anchor=(0, 1)
    )
    bar.set_label("linear correlation", fontsize="small")
    bar.ax.tick_params(labelsize="small")
    title = f"Correlations of inputs, {correlations.title}"
    set_plain_text(figure.suptitle("", fontsize="medium", fontweight="bold"), title)
    return figure


def _write_percents(axes: Any, matrix: Any) -> None:
    """Write each coefficient into its cell, in percent; a dash where there is none."""
    for row, column in np.ndindex(matrix.shape):
        value = matrix[row, column]
        axes.text(
            column,
            row,
            f"{round(100 * value)}" if np.isfinite(value) else "-",
            ha="center",
            va="center",
            fontsize="x-small",
            color="white" if abs(value) > 0.6 else "black",
        )
