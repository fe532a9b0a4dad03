"""Draws scores: the histogram of each class, and the ROC curve with its spread over folds."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.display import format_count, shorten
from memmpy.figures import add_legend, label_axes, line_style, new_figure
from memmpy.training.scoring.roc_curve import RocCurve, points_of, roc_band
from memmpy.training.scoring.score_curves import ScoreCurves
from memmpy.training.scoring.score_histograms import ScoreHistogram, ScoreHistograms
from memmpy.typing import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_scores"]

#: Points of a drawn curve, at most: more are not seen, and make files large.
_MAX_POINTS = 1000
#: Lines of a legend inside a panel.
_MAX_NAMES = 6
#: The least efficiency whose rejection is drawn, if the curve has it.
_LEAST = 1e-6


def draw_scores(
    histograms: ScoreHistograms,
    curves: ScoreCurves | None,
    classes: Sequence[str],
    *,
    log: bool,
    rejection: bool,
) -> "Figure":
    """Draw scores, and return the figure.

    Parameters
    ----------
    histograms : ScoreHistograms
        The histograms of the classes.
    curves : ScoreCurves or None
        The ROC curves, if there are any.
    classes : sequence of str
        The names of the classes.
    log : bool
        Whether densities have a logarithmic axis.
    rejection : bool
        Whether the ROC curve has the background rejection on a logarithmic axis.
    """
    num_names = max(len(histograms.test) + 1, len(curves.others) + 3 if curves else 0)
    below = 0.2 * num_names if num_names > _MAX_NAMES else 0.0
    figure = new_figure(11.0 if curves else 5.5, 4.5 + below)
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    _draw_histograms(axes[0], histograms, log=log)
    if curves is not None and rejection:
        _draw_rejections(axes[1], curves, classes)
    elif curves is not None:
        _draw_efficiencies(axes[1], curves, classes)
    return figure


def _draw_histograms(axes: Any, histograms: ScoreHistograms, *, log: bool) -> None:
    """Draw the density of the score by class: lines for test events, points for training ones."""
    edges, handles, names = histograms.edges, [], []
    for one in histograms.test:
        style = line_style(one.label)
        name = f"{_short(one.name)}: {format_count(one.num_events, 'event')}"
        if one.name in histograms.distances:
            name += f", KS {histograms.distances[one.name]:.3f}"
        if one.density is None or one.errors is None:
            name += f", weights sum to {one.total:.4g}"
            handles += axes.plot([], **style)  # a class without a density
        else:
            handles.append(axes.stairs(one.density, edges, linewidth=1.5, fill=False, **style))
            low, high = one.density - one.errors, one.density + one.errors
            options = {"color": style["color"], "alpha": 0.3, "linewidth": 0}
            axes.stairs(high, edges, baseline=low, fill=True, **options)
            if one.name == histograms.signal:
                axes.stairs(one.density, edges, color=style["color"], alpha=0.15, fill=True)
        names.append(name)
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    if histograms.train:
        for one in histograms.train:
            _draw_points(axes, one, edges)
        handles.append(axes.errorbar([], [], [], fmt="o", color="0.3", markersize=3, elinewidth=1))
        names.append("points: training events")
    heights = [one.density for one in (*histograms.test, *histograms.train)]
    drawn = np.concatenate([np.empty(0), *(one for one in heights if one is not None)])
    if log and (drawn > 0).any():
        axes.set_yscale("log")
        axes.set_ylim(0.5 * drawn[drawn > 0].min(), 10 * drawn.max())
    elif drawn.size:
        room = 0.07 * len(names) if len(names) <= _MAX_NAMES else 0.0
        axes.set_ylim(min(0.0, 1.1 * drawn.min()), (1.1 + room) * drawn.max())
    of_class = histograms.signal
    label_axes(axes, "score" if of_class is None else f"score of {_short(of_class)}", "density")
    _legend(axes, handles, names)


def _draw_points(axes: Any, one: ScoreHistogram, edges: Array) -> None:
    if one.density is None or one.errors is None:
        return
    is_filled = one.errors > 0
    axes.errorbar(
        ((edges[1:] + edges[:-1]) / 2)[is_filled],
        one.density[is_filled],
        one.errors[is_filled],
        fmt="o",
        color=line_style(one.label)["color"],
        markersize=3,
        elinewidth=1,
        zorder=3,
    )


def _draw_efficiencies(axes: Any, curves: ScoreCurves, classes: Sequence[str]) -> None:
    """Draw the signal efficiency against the background efficiency."""
    handles, names = [], []
    for curve, style, name in _lines(curves, classes):
        points = points_of(curve, _MAX_POINTS)
        efficiencies = curve.background_efficiency[points], curve.signal_efficiency[points]
        handles += axes.plot(*efficiencies, **style)
        names.append(name)
    if len(curves.folds) > 1:
        grid, low, high = roc_band([*curves.folds.values()])
        axes.fill_between(grid, low, high, color="black", alpha=0.2, linewidth=0)
    axes.margins(0.02)
    handles += axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
    label_axes(axes, "background efficiency", f"efficiency of {_short(curves.whole.signal)}")
    _legend(axes, handles, [*names, "chance: AUC 0.5"], loc="lower right")


def _draw_rejections(axes: Any, curves: ScoreCurves, classes: Sequence[str]) -> None:
    """Draw the background rejection, 1 over the background efficiency, on a logarithmic axis."""
    handles, names, highest = [], [], 1.0
    for curve, style, name in _lines(curves, classes):
        points = points_of(curve, _MAX_POINTS, least=_LEAST)
        background, signal = curve.background_efficiency[points], curve.signal_efficiency[points]
        is_shown = background > _LEAST
        handles += axes.plot(signal[is_shown], 1 / background[is_shown], **style)
        names.append(name)
        highest = max(highest, float((1 / background[is_shown & (signal > 0.05)]).max(initial=1)))
    if len(curves.folds) > 1:
        grid, low, high = roc_band([*curves.folds.values()])
        axes.fill_betweenx(1 / grid[1:], low[1:], high[1:], color="black", alpha=0.2, linewidth=0)
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.set_ylim(1, 3 * highest ** (1.3 if len(names) < _MAX_NAMES else 1))
    chance = np.geomspace(1e-3, 1, 100)
    handles += axes.plot(chance, 1 / chance, color="0.6", linestyle="--", linewidth=1)
    axes.grid(visible=True, alpha=0.3)
    rejection = "background rejection, 1 / efficiency"
    label_axes(axes, f"efficiency of {_short(curves.whole.signal)}", rejection)
    _legend(axes, handles, [*names, "chance: AUC 0.5"], loc="upper right")


def _lines(
    curves: ScoreCurves, classes: Sequence[str]
) -> list[tuple[RocCurve, dict[str, Any], str]]:
    """Return each curve with its style and its name in the legend."""
    others = [name for name in classes if name != curves.whole.signal]
    against = _short(others[0]) if len(others) == 1 else "all others"
    name = f"against {against}: AUC {curves.whole.auc:.4f}"
    if len(curves.folds) > 1:
        name += f", folds \N{PLUS-MINUS SIGN} {curves.spread:.4f}"
    lines = [(curves.whole, {"color": "black", "linewidth": 2}, name)]
    for label, curve in curves.others.items():
        name = f"against {_short(classes[label])}: AUC {curve.auc:.4f}"
        lines.append((curve, {"linewidth": 1.25, **line_style(label)}, name))
    if curves.train is not None:
        style = {"color": "black", "linewidth": 1.5, "linestyle": ":"}
        lines.append((curves.train, style, f"training events: AUC {curves.train.auc:.4f}"))
    return lines


def _legend(axes: Any, handles: Sequence[Any], names: Sequence[str], **options: Any) -> None:
    """Add the legend, below the panel if it is long."""
    if len(names) <= _MAX_NAMES:
        add_legend(axes, handles, names, **options)
        return
    below = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.12)}
    add_legend(axes, handles, names, fontsize="small", **below)


def _short(name: str) -> str:
    """Return a name that fits beside an axis and in a legend."""
    return shorten(name, 24, keep_end=True)
