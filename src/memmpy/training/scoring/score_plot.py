"""Draws scores: the histogram of each class, and the ROC curve."""

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from memmpy.display import (
    add_legend,
    check_figure_path,
    format_count,
    label_axes,
    line_style,
    new_figure,
    save_figure,
)
from memmpy.errors import OptionError
from memmpy.training.scoring.roc_curve import RocCurve
from memmpy.training.scoring.score_rows import ScoreRows
from memmpy.typing import Array, PathLike

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["draw_scores"]

#: Points of a drawn curve, at most: more are not seen, and make files large.
_MAX_POINTS = 1000


def draw_scores(
    path: PathLike, rows: ScoreRows, classes: Sequence[str], *, signal: int | None, bins: int
) -> "Figure":
    """Draw scores to a file, and return the figure.

    Parameters
    ----------
    path : path-like
        The file, ``.png``, ``.pdf`` or ``.svg``.
    rows : ScoreRows
        One row for each event, at least one.
    classes : sequence of str
        The names of the classes.
    signal : int or None
        The class whose score is drawn; None without classes.
    bins : int
        The number of bins.

    Raises
    ------
    OptionError
        If matplotlib is missing, the suffix is another one, or a side of the ROC curve has no
        positive sum of weights.
    DiskError, ReadOnlyStoreError
        If the file cannot be written.
    """
    file = check_figure_path(path)
    curves = _curves(rows, classes, signal)
    figure = new_figure(10.5 if curves else 5.5, 4.5)
    axes = figure.subplots(1, 2 if curves else 1, squeeze=False)[0]
    _draw_histogram(axes[0], rows, classes, signal=signal, bins=bins)
    if curves:
        _draw_curves(axes[1], curves, classes)
    return save_figure(figure, file)


def _curves(
    rows: ScoreRows, classes: Sequence[str], signal: int | None
) -> dict[int | None, RocCurve]:
    """Return the ROC curve against all other classes (None), and if several, against each."""
    labels = np.unique(rows.labels).tolist()
    others = [other for other in labels if other not in {-1, signal}]
    if signal is None or signal not in labels or not others:
        return {}
    curves: dict[int | None, RocCurve] = {None: rows.roc(signal, signal=classes[signal])}
    for other in others if len(others) > 1 else []:
        pair = rows.take((rows.labels == signal) | (rows.labels == other))
        with suppress(OptionError):  # the weights of the other class have no positive sum
            curves[other] = pair.roc(signal, signal=classes[signal])
    return curves


def _draw_histogram(
    axes: Any, rows: ScoreRows, classes: Sequence[str], *, signal: int | None, bins: int
) -> None:
    """Draw the density of the score by class, with its statistical errors."""
    values = rows.values_of(-1 if signal is None else signal)
    low, high = float(values.min()), float(values.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    edges = np.histogram_bin_edges(values, bins, (low, high))
    widths, centres = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    handles: list[Any] = []
    names: list[str] = []
    for label in [*range(len(classes)), -1]:
        is_class = rows.labels == label
        num = int(np.count_nonzero(is_class))
        if not num:
            continue
        weights = rows.weights[is_class]
        total, style = float(weights.sum()), line_style(label)
        name = classes[label] if label >= 0 else "no class" if num < len(rows) else "all"
        names.append(f"{name}: {format_count(num, 'event')}")
        if total <= 0:
            names[-1] += f", weights sum to {total:.4g}"
            handles += axes.plot([], **style)  # a class without a density
            continue
        sums, _ = np.histogram(values[is_class], edges, weights=weights)
        squares, _ = np.histogram(values[is_class], edges, weights=weights**2)
        density, errors = sums / (total * widths), np.sqrt(squares) / (total * widths)
        handles.append(axes.stairs(density, edges, linewidth=1.5, fill=False, **style))
        if label == signal:
            axes.stairs(density, edges, color=style["color"], alpha=0.25, fill=True)
        axes.errorbar(centres, density, errors, fmt="none", ecolor=style["color"], elinewidth=1)
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_ylim(top=1.15 * axes.get_ylim()[1])
    label_axes(axes, "score" if signal is None else f"score of {classes[signal]}", "density")
    add_legend(axes, handles, names)


def _draw_curves(axes: Any, curves: dict[int | None, RocCurve], classes: Sequence[str]) -> None:
    handles, names = [], []
    for label, curve in curves.items():
        points = _points(curve)
        (handle,) = axes.plot(
            curve.background_efficiency[points],
            curve.signal_efficiency[points],
            linewidth=2 if label is None else 1.25,
            **({"color": "black"} if label is None else line_style(label)),
        )
        handles.append(handle)
        name = "all others" if label is None else classes[label]
        names.append(f"against {name}: AUC {curve.auc:.4f}")
    axes.margins(0.02)
    (chance,) = axes.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
    label_axes(axes, "background efficiency", f"efficiency of {curves[None].signal}")
    add_legend(axes, [*handles, chance], [*names, "chance: AUC 0.5"])


def _points(curve: RocCurve) -> Array:
    """Return points that lie about equally far apart on the curve, the first and the last too."""
    steps = np.abs(np.diff([curve.background_efficiency, curve.signal_efficiency])).sum(axis=0)
    way = np.append(0.0, np.cumsum(steps))
    points = np.searchsorted(way, np.linspace(0, way[-1], _MAX_POINTS))
    return np.unique(np.append(points, len(way) - 1))
