"""Tests of plots of scores, drawn by matplotlib."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import MemmpyError, OptionError
from memmpy.training.scoring.roc_curve import roc_band
from memmpy.training.scoring.score_curves import curves_of
from memmpy.training.scoring.score_histograms import count_scores
from memmpy.training.scoring.score_plot import draw_scores
from memmpy.training.scoring.score_rows import ScoreRows
from tests.training.scoring.scored import FOLDS, NO_FOLDS, Events

VALUES = np.random.default_rng(1).random(60)

needs_matplotlib = pytest.mark.usefixtures("matplotlib")
#: The first bytes of a file of each format.
MAGIC = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml", ".PNG": b"\x89PNG"}


@pytest.fixture
def matplotlib() -> Any:
    return pytest.importorskip("matplotlib")


def legend_of(axes: Any) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


@pytest.mark.slow
@needs_matplotlib
@pytest.mark.parametrize("suffix", MAGIC)
def test_the_suffix_is_the_format(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"new/scores{suffix}"
    Events().scored(VALUES).plot(file)
    assert file.read_bytes().startswith(MAGIC[suffix])
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    file.write_bytes(b"old")
    Events().scored(VALUES).plot(str(file))
    assert file.read_bytes().startswith(MAGIC[suffix])


@needs_matplotlib
@pytest.mark.parametrize("name", ["scores", "scores.jpeg", "scores.root"])
def test_another_suffix_is_an_error(name: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"a plot is a file \.png, \.pdf, \.svg, got"):
        Events().scored(VALUES).plot(tmp_path / name)


@needs_matplotlib
def test_the_histogram_is_a_density_with_errors_of_weights(tmp_path: Path) -> None:
    events = Events()
    histogram, _ = events.scored(VALUES).plot(tmp_path / "s.png", bins=5).axes
    edges = np.linspace(0, 1, 6)
    stairs = [patch for patch in histogram.patches if not patch.get_fill()]
    bands = [patch for patch in histogram.patches if np.ndim(patch.get_data().baseline)]
    assert len(stairs) == len(bands) == 2
    for label, (patch, band) in enumerate(zip(stairs, bands, strict=True)):
        np.testing.assert_allclose(patch.get_data().edges, edges)
        total = events.weights[events.labels == label].sum()
        for i, height in enumerate(patch.get_data().values):
            is_in = (events.labels == label) & (np.digitize(VALUES, edges) == i + 1)
            weights = events.weights[is_in]
            assert height == pytest.approx(weights.sum() / total / 0.2)
            error = np.sqrt((weights**2).sum()) / total / 0.2
            assert band.get_data().baseline[i] == pytest.approx(height - error)
            assert band.get_data().values[i] == pytest.approx(height + error)
    assert legend_of(histogram) == [
        f"{name}: {np.count_nonzero(events.labels == label)} events"
        for label, name in enumerate(events.classes)
    ]
    assert histogram.get_xlim() == (0, 1)
    assert histogram.get_xlabel() == "score of signal"


@pytest.mark.slow
@needs_matplotlib
def test_the_curve_has_the_area_in_its_legend(tmp_path: Path) -> None:
    scores = Events(splits=NO_FOLDS).scored(VALUES)
    _, axes = scores.plot(tmp_path / "s.png").axes
    assert legend_of(axes) == [f"against background: AUC {scores.auc():.4f}", "chance: AUC 0.5"]
    points = axes.lines[0].get_xydata()
    curve = scores.roc()
    every = np.column_stack([curve.background_efficiency, curve.signal_efficiency])
    assert {*map(tuple, points)} == {*map(tuple, every)}


@needs_matplotlib
def test_a_long_curve_is_drawn_with_fewer_points(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    num = 20_000
    labels = random.integers(0, 2, num).astype(np.int32)
    values = random.normal(size=num) + labels
    rows = ScoreRows(np.arange(num), values, labels, np.ones(num), np.zeros(num, np.int32))
    curve = rows.roc(1, signal="s")
    none = ScoreRows.empty()
    histograms = count_scores(rows, none, ("b", "s"), signal=1, bins=10)
    curves = curves_of(rows, none, ("b", "s"), signal=1)
    figure = draw_scores(histograms, curves, ("b", "s"), log=False, rejection=False)
    x, y = figure.axes[1].lines[0].get_data()
    assert len(x) <= 1001
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    assert (
        np.abs(np.interp(curve.background_efficiency, x, y) - curve.signal_efficiency).max() < 0.01
    )


@needs_matplotlib
def test_several_classes_have_a_curve_against_each(tmp_path: Path) -> None:
    events = Events(classes=("qcd", "top", "$H_{", "_W"))
    values = np.random.default_rng(2).normal(size=(60, 4))
    scores = events.scored(values)
    histogram, axes = scores.plot(tmp_path / "s.png", signal="top").axes
    names = [line.rpartition(":")[0] for line in legend_of(axes)]
    assert names == ["against all others", "against qcd", "against $H_{", "against _W", "chance"]
    assert legend_of(axes)[0].startswith(f"against all others: AUC {scores.auc('top'):.4f}, folds ")
    rows = [i for i in range(60) if events.labels[i] in {0, 1}]
    pairs = [
        (events.weights[i] * events.weights[j], values[i, 1] > values[j, 1])
        for i in rows
        if events.labels[i] == 1
        for j in rows
        if events.labels[j] == 0
    ]
    area = sum(w for w, is_right in pairs if is_right) / sum(w for w, _ in pairs)
    assert legend_of(axes)[1] == f"against qcd: AUC {area:.4f}"
    assert histogram.get_xlabel() == "score of top"
    assert histogram.get_xlim() == (values[:, 1].min(), values[:, 1].max())


@needs_matplotlib
def test_many_classes_with_long_names_fit_into_the_figure() -> None:
    names = tuple(f"process_{i}_{'with_a_long_name_' * 4}" for i in range(10))
    values = np.random.default_rng(2).normal(size=(200, 10))
    figure = Events(classes=names, num_entries=200).scored(values).plot()
    figure.draw_without_rendering()
    for axes in figure.axes:
        panel, legend = axes.get_window_extent(), axes.get_legend().get_window_extent()
        assert not panel.overlaps(legend)
        for box in (legend, axes.xaxis.label.get_window_extent()):
            assert figure.bbox.x0 <= box.x0
            assert box.x1 <= figure.bbox.x1
            assert figure.bbox.y0 <= box.y0


@needs_matplotlib
def test_data_without_classes_have_a_histogram_alone(tmp_path: Path) -> None:
    (axes,) = Events(classes=()).scored(VALUES).plot(tmp_path / "s.png").axes
    assert legend_of(axes) == ["all: 60 events"]
    assert axes.get_xlabel() == "score"


@needs_matplotlib
@pytest.mark.parametrize(("label", "name"), [(-1, "all"), (0, "background"), (1, "signal")])
def test_events_of_one_kind_have_a_histogram_alone(label: int, name: str, tmp_path: Path) -> None:
    events = Events()
    events.labels = np.full(60, label)
    events.weights = np.ones(60)
    (axes,) = events.scored(VALUES).plot(tmp_path / "s.png").axes
    assert legend_of(axes) == [f"{name}: 60 events"]
    assert axes.get_xlabel() == "score of signal"


@needs_matplotlib
def test_scores_of_one_value_are_drawn(tmp_path: Path) -> None:
    histogram, axes = Events().scored(np.full(60, 7.5)).plot(tmp_path / "s.png").axes
    assert histogram.get_xlim()[0] < 7.5 < histogram.get_xlim()[1]
    assert legend_of(axes)[0].startswith("against background: AUC 0.5000")


@needs_matplotlib
@pytest.mark.parametrize("bins", [0, -1, 2.5, True])
def test_bins_are_a_number(bins: Any, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="bins must be an integer of at least 1"):
        Events().scored(VALUES).plot(tmp_path / "s.png", bins=bins)


@needs_matplotlib
def test_a_class_without_a_positive_sum_of_weights_is_named_and_not_drawn(tmp_path: Path) -> None:
    events = Events(classes=("qcd", "top", "higgs"))
    events.labels = np.arange(60) % 3
    events.labels[4:] = np.where(events.labels[4:] == 1, 0, events.labels[4:])
    events.weights = np.where(events.labels == 1, -0.5, 1.0)
    histogram, axes = events.scored(VALUES).plot(tmp_path / "s.png").axes
    assert legend_of(histogram)[1] == "top: 1 event, weights sum to -0.5"
    assert len([patch for patch in histogram.patches if not patch.get_fill()]) == 2
    assert [line.partition(":")[0] for line in legend_of(axes)] == [
        "against all others",
        "against qcd",
        "chance",
    ]


@needs_matplotlib
def test_signal_without_a_positive_sum_of_weights_is_an_error(tmp_path: Path) -> None:
    events = Events()
    events.weights = np.where(events.labels == 1, -0.5, 1.0)
    with pytest.raises(OptionError, match="the weights of class 'signal' sum to"):
        events.scored(VALUES).plot(tmp_path / "s.png")
    assert not (tmp_path / "s.png").exists()


@needs_matplotlib
def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MemmpyError, match="cannot write"):
        Events().scored(VALUES).plot(tmp_path / "file/s.png")


def test_without_matplotlib_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hidden: Mapping[str, None] = dict.fromkeys(["matplotlib", "matplotlib.figure"])
    for name in hidden:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(
        OptionError, match=r"needs the package 'matplotlib': pip install 'memmpy\[plot\]'"
    ):
        Events().scored(VALUES).plot(tmp_path / "s.png")


@needs_matplotlib
def test_no_path_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert len(Events().scored(VALUES).plot().axes) == 2
    assert [*tmp_path.iterdir()] == []


@needs_matplotlib
def test_the_band_is_the_spread_of_the_curves_of_folds() -> None:
    events = Events(splits=FOLDS, num_entries=3000)
    events.weights = np.ones(3000)
    values = np.random.default_rng(0).random(3000) + 0.3 * events.labels
    scores = events.scored(values, size=500)
    figure = scores.plot()
    curves = [
        scores._set.rows.take(scores.folds == fold).roc(1, signal="signal") for fold in range(3)
    ]
    spread = np.std([curve.auc for curve in curves], ddof=1)
    name = f"against background: AUC {scores.auc():.4f}, folds \N{PLUS-MINUS SIGN} {spread:.4f}"
    assert legend_of(figure.axes[1])[0] == name
    (band,) = figure.axes[1].collections
    grid, low, high = roc_band(curves)
    drawn = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {*zip(grid, low, strict=True), *zip(grid, high, strict=True)} <= drawn
    for at in (30, 200, 300):
        effs = [np.interp(grid[at], c.background_efficiency, c.signal_efficiency) for c in curves]
        assert (low[at] + high[at]) / 2 == pytest.approx(np.mean(effs))
        assert (high[at] - low[at]) / 2 == pytest.approx(np.std(effs, ddof=1))


@needs_matplotlib
def test_rejection_is_one_over_the_background_efficiency(tmp_path: Path) -> None:
    events = Events(num_entries=600)
    events.weights = np.ones(600)
    scores = events.scored(np.random.default_rng(0).random(600) + 0.3 * events.labels)
    _, axes = scores.plot(tmp_path / "s.png", rejection=True).axes
    assert axes.get_yscale() == "log"
    curve = scores.roc()
    is_shown = curve.background_efficiency > 0
    every = zip(
        curve.signal_efficiency[is_shown], 1 / curve.background_efficiency[is_shown], strict=True
    )
    assert {*map(tuple, axes.lines[0].get_xydata())} <= {*every}
    assert axes.get_xlabel() == "efficiency of signal"


@needs_matplotlib
def test_densities_can_be_logarithmic(tmp_path: Path) -> None:
    axes, _ = Events().scored(VALUES).plot(tmp_path / "s.png", log=True).axes
    assert axes.get_yscale() == "log"
    for name in ("log", "rejection"):
        options: Any = {name: "y"}
        with pytest.raises(OptionError, match=f"{name} must be True or False"):
            Events().scored(VALUES).plot(**options)


@needs_matplotlib
def test_training_events_are_points_with_a_distance_and_a_curve(tmp_path: Path) -> None:
    events = Events(num_entries=600)
    events.weights = np.where(events.weights < 0, 0.5, events.weights)
    scores = events.scored(np.random.default_rng(0).random(600))
    trained = events.train(scores, lambda index: 0.5 * events.labels[index] + 0.01 * (index % 50))
    axes, curves = scores.plot(tmp_path / "s.png", bins=10).axes
    histograms = scores.histograms(bins=10)
    for one, bars in zip(histograms.train, axes.containers, strict=False):
        is_own = events.labels[trained[0]] == one.label
        weights = events.weights[trained[0]][is_own]
        plain, _ = np.histogram(trained[1][is_own], histograms.edges, weights=weights, density=True)
        assert one.density is not None
        np.testing.assert_allclose(one.density, plain)
        x, y = bars.lines[0].get_data()
        np.testing.assert_allclose(y, plain[plain > 0])
        assert len(x) == len(y)
    names = legend_of(axes)
    assert [f"KS {one:.3f}" for one in histograms.distances.values()] == [
        name.rpartition(", ")[2] for name in names[:2]
    ]
    assert names[2] == "points: training events"
    assert "training events: AUC 1.0000" in legend_of(curves)
