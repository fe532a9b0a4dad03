"""What a report shows of a training set: balance, inputs before and after scaling, scores."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from memmpy.display import Table, format_count, format_share
from memmpy.errors import FitError, OptionError
from memmpy.report.chart_words import histogram_in_words
from memmpy.report.report_data import Chart, ChartSet, Panel, Section, View, bins_of, table_panel
from memmpy.training import RocCurve, ScoreCurves, Scores, TrainingSet, points_of

__all__ = ["score_section", "training_section"]

#: Keys of a matrix, and points of a curve, at most.
_MAX_KEYS, _NUM_POINTS = 60, 300


def training_section(data: TrainingSet) -> Section:
    """Return the section of a training set: of its first fold, if there are folds."""
    request = data.request
    events = format_count(len(data), "event")
    words = [f"{events} of {format_count(data.num_entries, 'entry', 'entries')}"]
    words += [f"cut: {request.cut}"] if request.cut is not None else []
    words += [f"weight: {request.weight}"] if request.weight is not None else []
    note = f"{'; '.join(words)}. {data.splits}."
    try:
        panels = [
            table_panel(data.balance().table()),
            *_factors(data),
            *_inputs(data),
            *_correlations(data),
        ]
    except FitError as error:
        panels = [Panel(note=f"Nothing can be fitted: {error}")]
    return Section("training", "Training set", panels, note)


def _factors(data: TrainingSet) -> Iterator[Panel]:
    fit = data.fit(None if data.splits.num_folds is None else 0)
    if fit.factors:
        rows = [(name, f"{factor:.6g}") for name, factor in fit.factors.items()]
        note = "In a training, the weights of a class are multiplied by its factor."
        yield Panel("Factors of classes", note, Table(("class", "factor"), 1, [rows]))


def _inputs(data: TrainingSet) -> Iterator[Panel]:
    histograms = data.histograms()
    has_events = histograms.num_events > 0
    names = [one for one, has in zip(histograms.classes, has_events, strict=True) if has]
    views = [View("class", names, np.where(has_events, np.cumsum(has_events) - 1, -1).tolist())]
    parts = (
        ("Inputs before scaling", histograms.before),
        ("Inputs after scaling", [one for one in histograms.after if one is not None]),
    )
    for title, keys in parts:
        charts = []
        for one in keys:
            inner = one.sums[:, 1:-1]
            words = histogram_in_words(one.label, histograms.classes, inner, one.edges)
            drawing = {
                "bins": bins_of(inner),
                "low": float(one.edges[0]),
                "high": float(one.edges[-1]),
            }
            note = []
            if one.missing_share:
                note.append(f"{format_share(one.missing_share)} missing")
            if one.outside_share:
                note.append(f"{format_share(one.outside_share)} outside")
            charts.append(Chart(one.label, drawing, words, kind=one.input, facts=note))
        if charts:
            note_of_all = f"Events of the {histograms.title}, with the weights of a training."
            yield Panel(title, note_of_all, charts=ChartSet(views, charts, is_normalised=True))


def _correlations(data: TrainingSet) -> Iterator[Panel]:
    result = data.correlations()
    num = len(result.keys)
    if num < 2:
        return
    charts, note = None, ""
    if num <= _MAX_KEYS:
        note = "Below the table: orange is 1, grey is 0, blue is -1."
        words = "Matrix of correlations. The table names the strongest."
        charts = ChartSet(
            [],
            [
                Chart(name, {"matrix": _coefficients(matrix), "names": result.keys}, words)
                for name, matrix in zip(result.classes, result.matrices, strict=True)
            ],
            has_toolbar=False,
        )
    yield replace(table_panel(result.table(), charts=charts), note=note)


def _coefficients(matrix: NDArray[np.float64]) -> list[list[float | None]]:
    return [[round(one, 2) if np.isfinite(one) else None for one in row] for row in matrix.tolist()]


def score_section(data: TrainingSet, scores: Scores) -> Section:
    """Return the section of the scores of the events of a training set."""
    classes = data.classes if (scores.labels >= 0).any() else ()
    is_of_each = scores.values.ndim > 1
    charts, groups = [], []
    for name in classes if is_of_each else classes[-1:] or ["all"]:
        histograms = scores.histograms(signal=name if classes else None)
        groups = [one.name for one in histograms.test]
        bins, edges = np.array([one.sums for one in histograms.test]), histograms.edges
        title = f"Score of {name}"
        drawing = {"bins": bins_of(bins), "low": float(edges[0]), "high": float(edges[-1])}
        charts.append(Chart(title, drawing, histogram_in_words(title, groups, bins, edges)))
    views = [View("class", groups, range(len(groups)))]
    by_class = ChartSet(views, charts, is_normalised=True)
    note = "Each event is scored by a fold that has not seen it."
    curves = None
    try:
        curves = scores.curves()
    except OptionError as error:  # the weights of a class have no positive sum
        note = f"{note} No ROC curve: {error}."
    panels = [Panel(table=scores.table(), charts=None if curves is None else _curves(curves))]
    panels.append(Panel("Scores by class", charts=by_class))
    return Section("scores", "Scores", panels, note)


def _curves(curves: ScoreCurves) -> ChartSet:
    """Return the ROC curves of all events and of each fold."""
    named = {"all": curves.whole} | {f"fold {fold}": one for fold, one in curves.folds.items()}
    title = f"AUC {curves.whole.auc:.4f}"
    spread = [f"{title} ± {curves.spread:.4f} of the folds"] if len(curves.folds) > 1 else [title]
    drawing = {
        "curves": [_points(curve) for curve in named.values()],
        "axes": ["background efficiency", f"efficiency of {curves.whole.signal}"],
        "low": 0,
        "high": 1,
    }
    words = f"ROC curve of {curves.whole.signal}: {title}"
    views = [View("curve", list(named), range(len(named)))]
    return ChartSet(views, [Chart("ROC curve", drawing, words, facts=spread)])


def _points(curve: RocCurve) -> list[list[float]]:
    points = points_of(curve, _NUM_POINTS)
    pair = curve.background_efficiency, curve.signal_efficiency
    return [np.round(one[points], 4).tolist() for one in pair]
