"""What a report shows of a training set: balance, inputs before and after scaling, scores."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.display import Table, format_count, format_number, format_share
from memmpy.errors import FitError, OptionError
from memmpy.report.chart_words import histogram_in_words
from memmpy.report.report_data import Chart, ChartSet, Panel, Section, View, bins_of
from memmpy.training import RocCurve, Scores, TrainingSet, points_of, roc_curve
from memmpy.typing import Array

__all__ = ["score_section", "training_section"]

#: Pairs of keys in a table, and keys of a matrix, at most.
_MAX_PAIRS, _MAX_KEYS = 12, 60
#: Bins of a score, and points of a curve at most.
_NUM_BINS, _NUM_POINTS = 40, 300


def training_section(data: TrainingSet) -> Section:
    """Return the section of a training set: of its first fold, if there are folds."""
    request = data.request
    events = format_count(len(data), "event")
    words = [f"{events} of {format_count(data.num_entries, 'entry', 'entries')}"]
    words += [f"cut: {request.cut}"] if request.cut is not None else []
    words += [f"weight: {request.weight}"] if request.weight is not None else []
    note = f"{'; '.join(words)}. {data.splits}."
    try:
        blocks = [_balance(data), *_factors(data), *_inputs(data), *_correlations(data)]
    except FitError as error:
        blocks = [Panel(note=f"Nothing can be fitted: {error}")]
    return Section("training", "Training set", blocks, note)


def _balance(data: TrainingSet) -> Panel:
    balance = data.balance()
    sections = []
    for row, split in enumerate(balance.splits):
        rows = []
        for column, name in enumerate(balance.classes):
            num, negative = balance.num_events[row, column], balance.num_negative[row, column]
            cells = [split if column == 0 else "", name, f"{num:,}"]
            if data.request.has_weight:
                cells.append(format_number(float(balance.sums[row, column])))
                cells.append(f"{balance.effective[row, column]:,.0f}")
                cells.append(format_share(int(negative), int(num)) if negative else "0")
            rows.append(cells)
        sections.append(rows)
    headings = ["split", "class", "events"]
    if data.request.has_weight:
        headings += ["sum of weights", "effective events", "negative weights"]
    of_fold = f" of {balance.title}" if balance.title else ""
    return Panel(f"Balance{of_fold}", table=Table(headings, 2, sections))


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
    first, second = np.triu_indices(num, 1)
    pairs = result.matrices[:, first, second]
    sizes = np.max(np.abs(pairs), axis=0, initial=0.0, where=np.isfinite(pairs))
    strongest = np.argsort(-sizes, kind="stable")[:_MAX_PAIRS].tolist()
    rows = [
        (result.keys[first[i]], result.keys[second[i]], *(f"{one:.3f}" for one in pairs[:, i]))
        for i in strongest
    ]
    table = Table(("key", "key", *result.classes), 2, [rows])
    charts = None
    if num <= _MAX_KEYS:
        words = "Matrix of correlations. The table names the strongest."
        charts = ChartSet(
            [],
            [
                Chart(name, {"matrix": _coefficients(matrix), "names": result.keys}, words)
                for name, matrix in zip(result.classes, result.matrices, strict=True)
            ],
            has_toolbar=False,
        )
    note = f"Linear correlations in the {result.title}, the strongest first."
    yield Panel("Correlations", note, table, charts)


def _coefficients(matrix: NDArray[np.float64]) -> list[list[float | None]]:
    return [[round(one, 2) if np.isfinite(one) else None for one in row] for row in matrix.tolist()]


def score_section(data: TrainingSet, scores: Scores) -> Section:
    """Return the section of the scores of the events of a training set."""
    classes = data.classes
    values, labels, weights = scores.values, scores.labels, scores.weights
    columns = {classes[-1] if classes else "all": values}
    if values.ndim > 1:
        columns = {name: values[:, i] for i, name in enumerate(classes)}
    blocks = []
    note = f"{format_count(len(scores), 'event')}, each scored by a fold that has not seen it."
    if len(classes) > 1:
        try:
            blocks.append(_curves(scores, classes[-1], columns[classes[-1]]))
        except OptionError as error:  # the weights of a class have no positive sum
            note = f"{note} No ROC curve: {error}."
    groups = [*classes, "no class"] if (labels < 0).any() else list(classes)
    numbers = np.where(labels < 0, len(classes), labels)
    charts = [_score_chart(name, own, numbers, weights, groups) for name, own in columns.items()]
    views = [View("class", groups, range(len(groups)))]
    blocks.append(Panel("Scores by class", charts=ChartSet(views, charts, is_normalised=True)))
    return Section("scores", "Scores", blocks, note)


def _score_chart(
    name: str,
    values: Array,
    numbers: NDArray[np.int64],
    weights: NDArray[np.float64],
    groups: Sequence[str],
) -> Chart:
    low, high = float(values.min(initial=0.0)), float(values.max(initial=1.0))
    edges = np.linspace(low, high, _NUM_BINS + 1)
    bins = np.array(
        [
            np.histogram(values[numbers == i], edges, weights=weights[numbers == i])[0]
            for i in range(len(groups))
        ]
    )
    title = f"Score of {name}"
    words = histogram_in_words(title, groups, bins, edges)
    return Chart(title, {"bins": bins_of(bins), "low": low, "high": high}, words)


def _curves(scores: Scores, signal: str, values: Array) -> Panel:
    """Return the ROC curves of all events and of each fold, and a table of the areas."""
    curves = {"all folds" if (scores.folds >= 0).any() else "all": scores.roc()}
    labels, number = scores.labels, int(scores.labels.max())
    for fold in np.unique(scores.folds[scores.folds >= 0]).tolist():
        is_own = (scores.folds == fold) & (labels >= 0)
        is_signal = labels[is_own] == number
        try:
            curve = roc_curve(values[is_own], scores.weights[is_own], is_signal, signal=signal)
        except OptionError:  # no signal, or no background, in a small fold
            continue
        curves[f"fold {fold}"] = curve
    areas = [curve.auc for curve in curves.values()]
    rows = [(name, f"{area:.4f}") for name, area in zip(curves, areas, strict=True)]
    facts = []
    if len(areas) > 2:
        spread = float(np.std(areas[1:], ddof=1))
        mean = f"{np.mean(areas[1:]):.4f} ± {spread:.4f}"
        facts = [f"AUC {areas[0]:.4f}", f"mean and spread of {len(areas) - 1} folds {mean}"]
    drawing = {
        "curves": [_points(curve) for curve in curves.values()],
        "axes": ["background efficiency", f"efficiency of {signal}"],
        "low": 0,
        "high": 1,
    }
    chart = Chart("ROC curve", drawing, f"ROC curve of {signal}: AUC {areas[0]:.4f}", facts=facts)
    views = [View("curve", list(curves), range(len(curves)))]
    return Panel(table=Table(("events", "AUC"), 1, [rows]), charts=ChartSet(views, [chart]))


def _points(curve: RocCurve) -> list[list[float]]:
    points = points_of(curve, _NUM_POINTS)
    pair = curve.background_efficiency, curve.signal_efficiency
    return [np.round(one[points], 4).tolist() for one in pair]
