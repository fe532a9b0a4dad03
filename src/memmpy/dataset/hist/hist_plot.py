"""Draws histograms by group: stacked or beside each other, with errors and a ratio."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_flag
from memmpy.dataset.hist.experiment_label import add_label, enter_style
from memmpy.display import format_number, shorten
from memmpy.errors import OptionError, nearest
from memmpy.figures import (
    add_legend,
    check_figure_path,
    label_axes,
    label_ticks,
    line_style,
    new_figure,
    save_figure,
    set_plain_text,
)
from memmpy.typing import PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Bars", "PlotOptions", "draw_bars"]

#: Names of groups in a legend are cut at this length.
_LONGEST = 36
_BAND = {"hatch": "/////", "facecolor": "none", "edgecolor": "0.35", "linewidth": 0}


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """The bins that are drawn.

    Attributes
    ----------
    key, counted : str
        The names of the axes: the key, and what its bins count, such as ``events``.
    groups : sequence of str
        The names of the groups.
    edges : float64 array of shape (k + 1,)
        The edges of the bins.
    texts : sequence of str, optional
        The texts of the bins of a key of text.
    values, variances : float64 arrays of shape (num_groups, k + 2)
        The sums of weights and of squared weights, with the underflow and the overflow.
    """

    key: str
    counted: str
    groups: Sequence[str]
    edges: NDArray[np.float64]
    texts: Sequence[str] | None
    values: NDArray[np.float64]
    variances: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """How to draw; see `StoreHist.plot`."""

    stack: bool | None
    density: bool
    ratio: str | None
    overflow: bool
    log: bool
    label: str | None

    def __post_init__(self) -> None:
        if self.stack is not None:
            check_flag("stack", self.stack)
        for name in ("density", "overflow", "log"):
            check_flag(name, getattr(self, name))
        for name in ("ratio", "label"):
            if not isinstance(getattr(self, name), str | None):
                raise OptionError(f"{name} must be a text, got {getattr(self, name)!r}")
        if self.label is not None and not self.label.strip():
            raise OptionError("label is empty; give an experiment, such as 'CMS Simulation'")


@dataclass(frozen=True, slots=True, eq=False)
class _Curves:
    """Sums of bins and their errors, for each group."""

    names: Sequence[str]
    edges: NDArray[np.float64]
    values: NDArray[np.float64]
    errors: NDArray[np.float64]

    @property
    def centres(self) -> NDArray[np.float64]:
        centres: NDArray[np.float64] = (self.edges[1:] + self.edges[:-1]) / 2
        return centres

    def sum_of(self, rows: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the sum of some groups, and its error."""
        return self.values[rows].sum(axis=0), np.sqrt((self.errors[rows] ** 2).sum(axis=0))

    def densities(self, stacked: Sequence[int]) -> "_Curves":
        """Return curves with an area of 1; the stacked ones have it together."""
        totals = self.values.sum(axis=1)
        totals[stacked] = totals[stacked].sum()
        names = [
            name if total > 0 else f"{name} (sum {total:.3g})"
            for name, total in zip(self.names, totals.tolist(), strict=True)
        ]
        with np.errstate(all="ignore"):
            scale = np.diff(self.edges) * np.where(totals > 0, totals, np.nan)[:, None]
            return _Curves(names, self.edges, self.values / scale, self.errors / scale)


def draw_bars(bars: Bars, options: PlotOptions, *, path: PathLike | None) -> "Figure":
    """Draw a histogram, to a file if there is a path, and return the figure."""
    file = check_figure_path(path)
    above, below = _ratio_of(options.ratio, bars.groups)
    is_of_others = options.ratio in bars.groups
    is_stacked = options.stack
    if is_stacked is None:
        is_stacked = is_of_others or not (options.density or above)
    points = above if is_stacked and is_of_others else []
    stacked = [row for row in range(len(bars.groups)) if is_stacked and row not in points]
    sums = _curves(bars, options)
    curves = sums.densities(stacked) if options.density else sums
    with ExitStack() as stack:
        width, height = enter_style(stack, options.label)
        width *= 1.3 if _is_outside(curves.names) else 1
        figure = new_figure(width, 1.2 * height if above else height)
        panels = figure.subplots(
            2 if above else 1, 1, sharex=True, squeeze=False,
            gridspec_kw={"height_ratios": [3, 1]} if above else None,
        )[:, 0]  # fmt: skip
        if options.log:
            panels[0].set_ylim(0.1, 1)  # so that matplotlib does not look for values above 0
            panels[0].set_yscale("log")
        with np.errstate(all="ignore"):
            heights = _draw_groups(panels[0], curves, stacked=stacked, points=points)
            if above:
                _draw_ratio(panels[1], sums, above, below, options, is_of_others=is_of_others)
            _set_axes(panels, bars, curves, options)
            figure.align_ylabels(panels)
            figure.draw_without_rendering()  # places the panels and the legend
            _set_height(panels[0], curves, heights, options)
        if options.label:
            add_label(figure, options.label)
        return save_figure(figure, file)


def _ratio_of(ratio: str | None, groups: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the groups above and below the line of a ratio; none without one.

    Raises
    ------
    OptionError
        If they are no groups.
    """
    if ratio is None:
        return [], []
    place_of = {name: place for place, name in enumerate(groups)}
    if ratio in place_of and len(groups) > 1:
        return [place_of[ratio]], [place for place in place_of.values() if groups[place] != ratio]
    # The names may have slashes, too.
    for cut in (place for place, letter in enumerate(ratio) if letter == "/"):
        above, below = ratio[:cut].strip(), ratio[cut + 1 :].strip()
        if above in place_of and below in place_of and above != below:
            return [place_of[above]], [place_of[below]]
    names = [name.strip() for name in ratio.split("/")]
    unknown = next((name for name in names if name not in place_of), ratio)
    known = ", ".join(map(repr, groups[:10]))
    message = f"ratio is one of the groups or A/B of two, got {ratio!r}: {unknown!r} is none of "
    if unknown == ratio and ratio in place_of:
        raise OptionError(f"ratio={ratio!r} needs a second group to divide by; give by=")
    raise OptionError(f"{message}{known}{nearest(unknown, groups)}")


def _curves(bars: Bars, options: PlotOptions) -> _Curves:
    """Return the sums that are drawn, with the underflow and the overflow or without."""
    edges = bars.edges
    first, last = 1, bars.values.shape[1] - 1
    if options.overflow:
        width = float(np.mean(np.diff(edges)))
        has_under, has_over = (bars.values[:, place].any() for place in (0, -1))
        if has_under:
            first, edges = 0, np.append(edges[0] - width, edges)
        if has_over:
            last, edges = last + 1, np.append(edges, edges[-1] + width)
    values, errors = bars.values[:, first:last], np.sqrt(bars.variances[:, first:last])
    return _Curves(bars.groups, edges, values, errors)


def _draw_groups(
    axes: Any, curves: _Curves, *, stacked: Sequence[int], points: Sequence[int]
) -> NDArray[np.float64]:
    """Draw all groups, and their legend; return the heights that they reach."""
    handles: dict[int, Any] = {}
    base = np.zeros(curves.values.shape[1])
    heights = [base]
    for row in range(len(curves.names)):
        values, errors, style = curves.values[row], curves.errors[row], line_style(row)
        heights += [] if row in stacked else [values + errors, values - errors]
        if row in points:
            handles[row] = axes.errorbar(
                curves.centres, values, errors, fmt="o", color="black", markersize=3.5, linewidth=1
            )
        elif row in stacked:
            top = base + np.nan_to_num(values)
            dashed = style["linestyle"] != "-"  # the colours repeat
            handles[row] = axes.stairs(
                top, curves.edges, baseline=base, fill=True, facecolor=style["color"],
                edgecolor="white" if dashed else style["color"], hatch=".." if dashed else None,
                linewidth=0 if dashed else 0.5,
            )  # fmt: skip
            base = top
            heights.append(top)
        else:
            handles[row] = axes.stairs(values, curves.edges, **style, linewidth=1.5)
            axes.errorbar(
                curves.centres, values, errors, fmt="none", ecolor=style["color"], elinewidth=0.8
            )
    names = [shorten(name, _LONGEST) for name in curves.names]
    keys = [handles[row] for row in handles]
    if stacked:
        total, error = curves.sum_of(stacked)
        band = axes.stairs(total + error, curves.edges, baseline=total - error, fill=True, **_BAND)
        names, keys = [*names[::-1], "statistical error"], [*keys[::-1], band]
        heights += [total + error, total - error]
    if len(curves.names) > 1:
        _legend(axes, keys, names, is_outside=_is_outside(curves.names))
    return np.concatenate(heights)


def _is_outside(names: Sequence[str]) -> bool:
    """Return whether the legend stands on the right, as it is large."""
    return len(names) > 8 or max(map(len, names), default=0) > 24


def _legend(axes: Any, handles: Sequence[Any], names: Sequence[str], *, is_outside: bool) -> None:
    from matplotlib import rcParams

    if is_outside:
        size = min(10.0, 0.83 * rcParams["font.size"])  # styles of experiments write large
        add_legend(axes.figure, handles, names, loc="outside right upper", fontsize=size)
    else:
        num_columns = 1 if len(names) <= 3 else 2
        add_legend(axes, handles, names, loc="upper right", ncols=num_columns, fontsize="small")


def _set_height(
    axes: Any, curves: _Curves, heights: NDArray[np.float64], options: PlotOptions
) -> None:
    """Set a range that shows all heights, and the legend above."""
    heights = heights[np.isfinite(heights)]
    top, bottom = float(heights.max(initial=0)), float(heights.min(initial=0))
    legend, room = axes.get_legend(), 0.95
    if legend is not None:
        room -= min(0.45, legend.get_window_extent().height / axes.get_window_extent().height)
    if options.log:
        positive = curves.values[(curves.values > 0) & np.isfinite(curves.values)]
        least = max(float(positive.min(initial=np.inf)) / 2, top * 1e-7) if len(positive) else 0.1
        axes.set_ylim(least, least * (max(top, 10 * least) / least) ** (1 / room))
    else:
        bottom *= 1.05
        top = top if top > bottom else 1.0
        axes.set_ylim(bottom, bottom + (top - bottom) / room)


def _draw_ratio(
    axes: Any,
    sums: _Curves,
    above: Sequence[int],
    below: Sequence[int],
    options: PlotOptions,
    *,
    is_of_others: bool,
) -> None:
    """Draw the ratio of two groups, or of a group and the sum of the others.

    The errors of the others are a band around 1, as for data over simulation.
    """
    (value, error), (divisor, of_divisor) = sums.sum_of(above), sums.sum_of(below)
    if options.density:
        value, error = value / value.sum(), error / value.sum()
        divisor, of_divisor = divisor / divisor.sum(), of_divisor / divisor.sum()
    divisor = np.where(divisor == 0, np.nan, divisor)
    ratio, errors, band = value / divisor, error / np.abs(divisor), of_divisor / np.abs(divisor)
    axes.axhline(1, color="0.5", linewidth=0.8, linestyle="--")
    if is_of_others:
        colour, name = "black", "sum of others"
        axes.stairs(1 + band, sums.edges, baseline=1 - band, fill=True, **_BAND)
    else:
        colour, name = line_style(above[0])["color"], sums.names[below[0]]
        errors = np.hypot(errors, ratio * band)
    axes.errorbar(sums.centres, ratio, errors, fmt="o", color=colour, markersize=3, linewidth=1)
    certain = ratio[np.isfinite(ratio) & (errors < 0.5 * np.abs(ratio))]
    if len(certain):  # a few bins of few events would flatten all others
        certain = certain[np.abs(certain) <= 3 * np.median(np.abs(certain))]
    low, high = (min(certain), max(certain)) if len(certain) else (0.5, 1.5)
    if high > 0.3 and low < 3:  # the line at 1 is near
        low, high = min(low, 1), max(high, 1)
    margin = max(0.15 * (high - low), 0.05 * abs(high))
    low, high = low - margin, high + margin
    axes.set_ylim(low, high)
    for is_outside, end, marker in ((ratio > high, high, "^"), (ratio < low, low, "v")):
        for place in sums.centres[is_outside]:
            axes.plot(place, end, marker, color=colour, markersize=5, clip_on=False)
    parts = shorten(sums.names[above[0]], 16), shorten(name, 16)
    is_long = sum(map(len, parts)) > 10
    set_plain_text(axes.yaxis.label, (" /\n" if is_long else " / ").join(parts))
    axes.yaxis.label.set_size("x-small" if is_long else "medium")


def _set_axes(panels: Sequence[Any], bars: Bars, curves: _Curves, options: PlotOptions) -> None:
    """Set the range, the ticks and the labels of the axes."""
    from matplotlib.ticker import MaxNLocator

    axes, lowest = panels[0], panels[-1]
    edges = bars.edges
    axes.set_xlim(float(curves.edges[0]), float(curves.edges[-1]))
    widths = np.diff(edges)
    per_width = ""
    if bars.texts is not None:
        angle = 35 if sum(map(len, bars.texts)) > 60 else 0
        label_ticks(lowest.xaxis, [shorten(text, 24) for text in bars.texts], angle=angle)
    elif np.allclose(widths, 1) and np.allclose(edges % 1, 0.5):
        lowest.xaxis.set_major_locator(MaxNLocator(integer=True))
        lowest.xaxis.minorticks_off()
    elif np.allclose(widths, widths[0]):
        per_width = f" / {widths[0]:,.6g}" if widths[0] != 1 else ""
    else:
        per_width = " / bin"
    unit = "density" if options.density else f"{bars.counted}{per_width}"
    label_axes(axes, "" if lowest is not axes else bars.key, unit)
    set_plain_text(lowest.xaxis.label, bars.key)
    _add_flows(axes, bars, curves, options)
    if not bars.values[:, 1:-1].any():
        where = " in this range" if bars.values.any() else ""
        words = f"no {bars.counted}{where}"
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", color="0.4")


def _add_flows(axes: Any, bars: Bars, curves: _Curves, options: PlotOptions) -> None:
    """Mark the bins of the underflow and the overflow, or note their sums."""
    sums = dict(zip(("underflow", "overflow"), bars.values[:, [0, -1]].sum(axis=0), strict=True))
    if not options.overflow:
        notes = [f"{name}: {format_number(total)}" for name, total in sums.items() if total]
        axes.text(
            1.005, 0, "  ".join(notes), transform=axes.transAxes, rotation=90, va="bottom",
            fontsize="x-small", color="0.4",
        )  # fmt: skip
        return
    ends = {
        "underflow": (bars.edges[0], curves.edges[0]),
        "overflow": (bars.edges[-1], curves.edges[-1]),
    }
    for name, (inner, outer) in ends.items():
        if inner == outer:
            continue
        axes.axvline(inner, color="0.4", linewidth=0.8, linestyle=":")
        axes.text(
            (inner + outer) / 2, 0.02, name, transform=axes.get_xaxis_transform(), rotation=90,
            ha="center", va="bottom", fontsize="x-small", color="0.2",
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 1},
        )  # fmt: skip
