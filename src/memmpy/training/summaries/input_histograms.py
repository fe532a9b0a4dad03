"""`InputHistograms`: histograms of inputs by class, before and after scaling, and their plot."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag
from memmpy.display import DisplayBlock, Renderable, Table, format_count, format_share, shorten
from memmpy.errors import argument_hints
from memmpy.figures import (
    add_legend,
    check_figure_path,
    line_style,
    new_figure,
    save_figure,
    set_plain_text,
)
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["NUMBER", "InputHistogram", "InputHistograms"]

#: The key of the number of objects of an event.
NUMBER = "number"
#: Panels of one row, and keys that are drawn.
_MAX_COLUMNS, _MAX_KEYS = 8, 100
#: The size of a panel in inches, and the height of title and legend.
_WIDTH, _HEIGHT, _HEAD = 2.7, 1.95, 0.9
#: The background of a note in a panel.
_NOTE_BOX = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1}
#: Names in a line of the legend.
_MAX_LEGEND = 4


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False)
class InputHistogram:
    """The histogram of one key of an input, for c classes and the events of none.

    Attributes
    ----------
    input, key : str
        The input and the key; `NUMBER` is the key of the number of objects of an event.
    label : str
        The name of the panel.
    edges : float64 array of shape (b + 1,)
        The edges of the bins.
    sums, squares : float64 arrays of shape (c + 1, b + 2)
        The sum of the weights of each bin, and of their squares. The first bin is for values below
        all edges, and the last one for those above.
    num_items, num_missing : int64 arrays of shape (c + 1,)
        The number of items, and of those that are missing: NaN.
    """

    input: str
    key: str
    label: str
    edges: NDArray[np.float64]
    sums: NDArray[np.float64]
    squares: NDArray[np.float64]
    num_items: NDArray[np.int64]
    num_missing: NDArray[np.int64]

    def __add__(self, other: "InputHistogram") -> "InputHistogram":
        names = ("sums", "squares", "num_items", "num_missing")
        return replace(self, **{name: getattr(self, name) + getattr(other, name) for name in names})

    @property
    def missing_share(self) -> float:
        """The share of all items that are missing; 0 without items."""
        return float(self.num_missing.sum() / max(1, self.num_items.sum()))

    @property
    def outside_share(self) -> float:
        """The greatest share of the weights of a class that lies in no bin."""
        totals = self.sums.sum(axis=1)
        outside = self.sums[:, 0] + self.sums[:, -1]
        return float(np.max(outside[totals > 0] / totals[totals > 0], initial=0.0))

    def density(self, number: int) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Return the density of a class in each bin, and its error sqrt(sum w^2).

        The area of all bins is the share of the weights in them. None if the weights have no
        positive sum.
        """
        total = self.sums[number].sum()
        if not total > 0:
            return None
        scale = 1.0 / (total * np.diff(self.edges))
        return self.sums[number, 1:-1] * scale, np.sqrt(self.squares[number, 1:-1]) * scale


@argument_hints
@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class InputHistograms(Renderable):
    """The histograms of inputs in one split, with the weights of a training.

    ``print``, ``rich.print`` and notebooks show a table of the keys.

    Attributes
    ----------
    title : str
        The split and its fold.
    classes : tuple of str
        The names of the classes, and ``"no class"`` for the events of none.
    num_events : int64 array of shape (c + 1,)
        The number of events of each.
    before : tuple of InputHistogram
        One of each key, in the order of the inputs, and after the keys of objects one of their
        number. Each object has the weight of its event.
    after : tuple of InputHistogram or None
        The same after scaling and filling, in bins that all keys share; None if a key is not
        scaled.
    """

    title: str
    classes: tuple[str, ...]
    num_events: NDArray[np.int64]
    before: tuple[InputHistogram, ...]
    after: tuple[InputHistogram | None, ...]

    def __add__(self, other: "InputHistograms") -> "InputHistograms":
        return replace(
            self,
            num_events=self.num_events + other.num_events,
            before=tuple(one + new for one, new in zip(self.before, other.before, strict=True)),
            after=tuple(
                None if one is None or new is None else one + new
                for one, new in zip(self.after, other.after, strict=True)
            ),
        )

    def plot(self, path: PathLike | None = None, *, log: bool = False) -> "Figure":
        """Draw a panel of each key, and below it one after scaling.

        Each class has an area of 1; bands are the statistical errors.

        Parameters
        ----------
        path : path-like, optional
            The file, ``.png``, ``.pdf`` or ``.svg``; it is replaced. By default no file is written.
        log : bool, default False
            Whether the densities have a logarithmic axis.

        Returns
        -------
        matplotlib.figure.Figure
            The figure, to change it or to show it in a notebook.

        Raises
        ------
        MissingPackageError
            If matplotlib is not installed: ``pip install 'memmpy[plot]'``.
        OptionError
            If the suffix is another one.
        DiskError, ReadOnlyStoreError
            If memmpy cannot write the file.
        """
        file = check_figure_path(path)
        return save_figure(_draw_inputs(self, log=check_flag("log", log)), file)

    def _blocks(self) -> Sequence[str | DisplayBlock]:
        rows = [
            (
                one.input,
                one.key,
                f"{one.num_items.sum():,}",
                format_share(one.missing_share),
                *_bounds(one.edges),
                "" if after is None else format_share(after.outside_share),
            )
            for one, after in zip(self.before, self.after, strict=True)
        ]
        headings = ("input", "key", "items", "missing", "from", "to", "scaled outside")
        return [Table(headings, 2, [rows], title=f"Inputs, {self.title}", optional=(6, 5, 4))]


def _draw_inputs(histograms: InputHistograms, *, log: bool) -> "Figure":
    """Draw a panel of each key, and below it one after scaling, and return the figure.

    Parameters
    ----------
    histograms : InputHistograms
        At least one key.
    log : bool
        Whether densities have a logarithmic axis.
    """
    shown = histograms.before[:_MAX_KEYS]
    pairs = [*zip(shown, histograms.after[:_MAX_KEYS], strict=True)]
    has_after = any(after is not None for _, after in pairs)
    num_columns = min(_MAX_COLUMNS, len(pairs), math.ceil(math.sqrt(2 * len(pairs))))
    num_rows = math.ceil(len(pairs) / num_columns)
    height = num_rows * _HEIGHT * (2 if has_after else 1)
    figure = new_figure(max(5.4, num_columns * _WIDTH), height + _HEAD)
    axes = figure.subplots(num_rows * (2 if has_after else 1), num_columns, squeeze=False)
    for one in axes.flat:
        one.set_axis_off()
    classes = np.flatnonzero(histograms.num_events).tolist()
    for place, (before, after) in enumerate(pairs):
        row, column = divmod(place, num_columns)
        if not has_after:
            _draw_panel(axes[row, column], histograms, before, log=log, is_after=False)
            continue
        _draw_panel(axes[2 * row, column], histograms, before, log=log, is_after=False)
        if after is not None:
            _draw_panel(axes[2 * row + 1, column], histograms, after, log=log, is_after=True)
        elif before.key != NUMBER:
            below = axes[2 * row + 1, column]
            below.text(0.5, 0.5, "not scaled", ha="center", transform=below.transAxes, color="0.5")
    title = f"Inputs, {histograms.title}"
    if len(pairs) < len(histograms.before):
        title += f": {len(pairs)} of {len(histograms.before):,} keys, choose others with inputs="
    set_plain_text(figure.suptitle("", fontsize="medium", fontweight="bold"), title)
    names = [
        f"{shorten(name, 24, keep_end=True)}: {format_count(int(num), 'event')}"
        for number, (name, num) in enumerate(
            zip(histograms.classes, histograms.num_events, strict=True)
        )
        if number in classes
    ]
    if names:
        from matplotlib.lines import Line2D

        handles = [Line2D([], [], **_style_of(histograms.classes, one)) for one in classes]
        width = 0.085 * max(map(len, names)) + 0.7  # inches of a name and its line
        num = max(1, min(len(names), _MAX_LEGEND, int(figure.get_figwidth() / width)))
        figure.set_figheight(figure.get_figheight() + 0.22 * (math.ceil(len(names) / num) - 1))
        add_legend(figure, handles, names, loc="outside lower center", ncols=num)
    return figure


def _draw_panel(
    axes: Any, histograms: InputHistograms, one: InputHistogram, *, log: bool, is_after: bool
) -> None:
    axes.set_axis_on()
    highest, lowest = 0.0, math.inf
    for number in np.flatnonzero(histograms.num_events).tolist():
        pair = one.density(number)
        if pair is None:
            continue
        density, errors = pair
        style = _style_of(histograms.classes, number)
        axes.stairs(density, one.edges, baseline=None, linewidth=1.2, **style)
        axes.stairs(
            density + errors,
            one.edges,
            baseline=density - errors,
            fill=True,
            color=style["color"],
            alpha=0.25,
            linewidth=0,
        )
        reach = np.minimum(density + errors, 1.3 * density.max(initial=0.0))
        highest = max(highest, float(reach.max(initial=0.0)))
        lowest = min(lowest, float(density[density > 0].min(initial=math.inf)))
    axes.set_xlim(one.edges[0], one.edges[-1])
    if log and lowest < math.inf:
        axes.set_yscale("log")
        axes.set_ylim(max(lowest / 2, highest * 1e-6), 3 * highest)
    elif highest:
        low = min(0.0, axes.get_ylim()[0])
        axes.set_ylim(low, 1.1 * highest)
        if low:  # negative weights
            axes.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
    axes.tick_params(labelsize="x-small")
    axes.tick_params(axis="y", labelleft=False, left=False, which="both")
    notes = [*_notes(one)]
    if is_after:
        notes = ["scaled", *notes]
    else:
        set_plain_text(
            axes.set_title("", fontsize="small", pad=3), shorten(one.label, keep_end=True)
        )
    if notes:
        set_plain_text(
            axes.annotate("", (0.98, 0.96), xycoords="axes fraction", ha="right", va="top",
                          fontsize="x-small", color="0.35", bbox=_NOTE_BOX),
            "\n".join(notes),
        )  # fmt: skip
    is_number = np.allclose(np.diff(one.edges), 1) and np.allclose(one.edges % 1, 0.5)
    axes.locator_params(axis="x", nbins=4, integer=is_number)
    axes.xaxis.get_offset_text().set_fontsize("x-small")


def _style_of(classes: tuple[str, ...], number: int) -> dict[str, Any]:
    """Return the style of a class; the last number is for the events of no class."""
    return line_style(number if number < len(classes) - 1 else -1)


def _notes(one: InputHistogram) -> Iterator[str]:
    """Yield what a panel does not show."""
    if not one.num_items.any():
        yield "no values"
    elif one.missing_share == 1:
        yield "all missing"
    elif one.missing_share:
        yield f"{format_share(one.missing_share)} missing"
    if one.outside_share > 0.01:
        yield f"{format_share(one.outside_share)} outside"


def _bounds(edges: NDArray[np.float64]) -> tuple[str, str]:
    """Return the first and the last edge, with as many digits as they differ by."""
    first, last = float(edges[0]), float(edges[-1])
    num = 4 + max(0, math.floor(math.log10(max(abs(first), abs(last)) / (last - first))))
    return f"{first:.{num}g}", f"{last:.{num}g}"
