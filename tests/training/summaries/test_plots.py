"""Tests of the plots of a training set; warnings of matplotlib are errors here."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Objects
from memmpy.errors import OptionError
from memmpy.figures import COLOURS
from memmpy.training.summaries import InputHistograms
from tests.training.audit.training_sets import clean_columns, training_set_of
from tests.training.samples import Sample, write_vectors

colors = pytest.importorskip("matplotlib.colors")
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*which cuts off:memmpy.errors.ConversionWarning"),
    pytest.mark.filterwarnings("ignore::memmpy.errors.FitWarning"),
]
LONG = "$H_{T}$ a_very_long_name_with_underscores of a class"
MAGIC = b"\x89PNG"


def shown_axes(figure: Any) -> list[Any]:
    return [axes for axes in figure.axes if axes.axison]


def stairs_of(axes: Any) -> list[Any]:
    return [patch for patch in axes.patches if not patch.get_fill()]


def legend_of(figure: Any) -> list[str]:
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def wide_set(path: Path, num: int, num_classes: int) -> memmpy.TrainingSet:
    """Return a training set of many keys and classes; one key is missing, one constant."""
    random = np.random.default_rng(0)
    numbers = random.integers(0, num_classes, 3000)
    keys = [f"key_{i}" for i in range(num)]
    columns: dict[str, Any] = {
        key: random.normal(size=3000) + i * numbers for i, key in enumerate(keys)
    }
    columns |= {"event": np.arange(3000), "number": numbers, "w": random.random(3000)}
    columns["key_1"][:] = np.nan
    columns["key_2"][:] = 3.0
    names = [LONG, *(f"class_{i}" for i in range(1, num_classes))]
    return write_vectors(path, columns).training_set(
        inputs={"all": keys},
        labels={name: f"number == {i}" for i, name in enumerate(names)},
        weight="w",
        scale="standard",
        splits=memmpy.Splits(by=("event",)),
    )


def test_each_key_has_a_panel_of_densities_before_and_after_scaling(
    sample: Sample, tmp_path: Path
) -> None:
    data = sample.training_set(
        inputs={"kin": ["met", "njets"], "jets": Objects(["jet_pt"], length=3)},
        scale={"met": "standard"},
    )
    histograms = data.histograms(fold=1)
    figure = histograms.plot(tmp_path / "inputs.png")
    assert (tmp_path / "inputs.png").read_bytes().startswith(MAGIC)
    panels = {axes.get_title(): axes for axes in shown_axes(figure) if axes.get_title()}
    assert [*panels] == ["met", "njets", "jet_pt", "number of jets"]
    for axes, one in zip(panels.values(), histograms.before, strict=True):
        check_panel(axes, one)
    (scaled,) = [axes for axes in shown_axes(figure) if not axes.get_title()]
    check_panel(scaled, histograms.after[0])
    numbers = histograms.num_events
    assert legend_of(figure) == [
        f"background: {numbers[0]:,} events",
        f"signal: {numbers[1]:,} events",
    ]


def check_panel(axes: Any, one: Any) -> None:
    drawn = stairs_of(axes)
    assert len(drawn) == 2
    for number, patch in enumerate(drawn):
        area = one.sums[number, 1:-1] / one.sums[number].sum()
        np.testing.assert_allclose(patch.get_data().values * np.diff(one.edges), area)
        np.testing.assert_array_equal(patch.get_data().edges, one.edges)
        assert colors.to_hex(patch.get_edgecolor()) == COLOURS[number]


def test_without_scaling_there_is_one_panel_for_each_key(sample: Sample) -> None:
    figure = sample.training_set().histograms().plot()
    assert [axes.get_title() for axes in shown_axes(figure)] == ["met", "pt_1"]


def test_densities_can_be_logarithmic(sample: Sample, tmp_path: Path) -> None:
    histograms = sample.training_set().histograms()
    figure = histograms.plot(tmp_path / "inputs.png", log=True)
    assert {axes.get_yscale() for axes in shown_axes(figure)} == {"log"}
    assert {axes.get_yscale() for axes in shown_axes(histograms.plot())} == {"linear"}
    with pytest.raises(OptionError, match="log must be True or False"):
        histograms.plot(log="y")  # type: ignore[arg-type]


@pytest.mark.slow
def test_sixty_keys_and_twelve_classes_are_drawn(tmp_path: Path) -> None:
    data = wide_set(tmp_path / "s.mmpy", 60, 12)
    figure = data.histograms().plot(tmp_path / "inputs.png")
    assert len(shown_axes(figure)) == 120
    notes = [text.get_text() for axes in shown_axes(figure) for text in axes.texts]
    assert notes.count("all missing") == 1
    correlations = data.correlations().plot(tmp_path / "correlations.pdf")
    assert len(shown_axes(correlations)) == 13  # and the bar of colours
    balance = data.balance().plot(tmp_path / "balance.svg")
    labels = [label.get_text() for label in balance.axes[0].get_yticklabels()]
    assert labels[0].startswith("$H_{T}$ a_")
    assert labels[0].endswith(" a class")
    assert labels[1:] == [f"class_{i}" for i in range(1, 12)]


def test_too_many_keys_are_cut_and_the_figure_says_so(tmp_path: Path) -> None:
    data = wide_set(tmp_path / "s.mmpy", 6, 2)
    histograms = data.histograms()
    many = InputHistograms(
        histograms.title,
        histograms.classes,
        histograms.num_events,
        histograms.before * 20,
        (None,) * 120,
    )
    figure = many.plot()
    assert len(shown_axes(figure)) == 100
    assert "100 of 120 keys, choose others with inputs=" in figure.get_suptitle()


def test_a_matrix_has_its_coefficients_and_names(tmp_path: Path) -> None:
    data = wide_set(tmp_path / "s.mmpy", 5, 2)
    correlations = data.correlations()
    figure = correlations.plot(tmp_path / "correlations.png")
    for number, axes in enumerate(figure.axes[:2]):
        (image,) = axes.images
        matrix = correlations.matrices[number]
        np.testing.assert_array_equal(image.get_array().filled(np.nan), matrix)
        percents = [
            str(round(100 * one)) if np.isfinite(one) else "-" for one in matrix.ravel().tolist()
        ]
        assert [text.get_text() for text in axes.texts] == percents
    names = [f"key_{i}" for i in range(5)]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == names
    assert [label.get_text() for label in figure.axes[1].get_xticklabels()] == names
    assert figure.axes[0].get_title().startswith("$H_{T}$ a_")


def test_names_are_no_mathematics(tmp_path: Path) -> None:
    data = wide_set(tmp_path / "s.mmpy", 5, 2)
    for figure in (data.correlations().plot(), data.balance().plot()):
        axes = figure.axes[0]
        assert not any(label.get_parse_math() for label in axes.get_yticklabels())


def test_bars_are_as_long_as_the_numbers(sample: Sample, tmp_path: Path) -> None:
    balance = sample.training_set().balance(fold=1)
    figure = balance.plot(tmp_path / "balance.png")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == ["events", "sum of weights", "effective events", "negative weights (%)"]
    shares = 100 * balance.num_negative / balance.num_events
    numbers = [balance.num_events, balance.sums, balance.effective, shares]
    for axes, values in zip(figure.axes, numbers, strict=True):
        bars = [patch.get_width() for patch in axes.patches]
        np.testing.assert_allclose(bars, np.ravel(values))
    assert legend_of(figure) == ["train", "val", "test"]


def test_weights_that_are_not_negative_have_no_panel(tmp_path: Path) -> None:
    figure = training_set_of(tmp_path / "s.mmpy", clean_columns(300)).balance().plot()
    assert len(figure.axes) == 3


@pytest.mark.parametrize(
    "labels", [None, {"only": "pt >= 0"}, {"some": "pt > 0", "rare": "pt > 1e9"}]
)
def test_one_class_or_none_or_an_empty_one_is_drawn(labels: Any, tmp_path: Path) -> None:
    columns = clean_columns(300)
    columns["w"] = columns["w"] - 2.0  # no class has a positive sum
    data = training_set_of(tmp_path / "s.mmpy", columns, labels=labels, normalise=None)
    data.balance().plot(tmp_path / "balance.png")
    if labels is None or "rare" not in labels:
        data.histograms().plot(tmp_path / "inputs.png")
        data.correlations().plot(tmp_path / "correlations.png")


def test_a_set_without_events_has_a_balance(tmp_path: Path) -> None:
    data = training_set_of(
        tmp_path / "s.mmpy",
        clean_columns(50),
        splits=memmpy.Splits(by=("event",), fractions={"train": 1}),
    )
    figure = data.histograms("test").plot(tmp_path / "inputs.png")
    assert {text.get_text() for axes in shown_axes(figure) for text in axes.texts} == {"no values"}


def test_files_are_checked_before_anything_is_drawn(sample: Sample, tmp_path: Path) -> None:
    data = sample.training_set()
    for result in (data.histograms(), data.correlations(), data.balance()):
        with pytest.raises(OptionError, match=r"a plot is a file \.png"):
            result.plot(tmp_path / "plot.gif")
