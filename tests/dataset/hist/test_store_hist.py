"""`Store.hist`: a `hist.Hist` that draws itself; read from the figure and compared with NumPy."""

import pickle
import sys
from pathlib import Path
from typing import Any

import hist
import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.patches import StepPatch

import memmpy
from memmpy import Store, WriteJagged, WriteText, WriteVector
from memmpy.errors import CorruptStoreError, CutError, MissingPackageError, OptionError
from memmpy.store import read_metadata

NUM = 2000
PROCESSES = ["ttbb", "ttH_$x$", "data"]


@pytest.fixture(scope="module")
def events() -> dict[str, Any]:
    rng = np.random.default_rng(3)
    return {
        "met": rng.exponential(50, NUM).astype(np.float32),
        "nJets": rng.poisson(4, NUM).astype(np.int32),
        "w": rng.normal(0.5, 1, NUM),
        "nan": np.full(NUM, np.nan),
        "minus": np.full(NUM, -1.0),
    }


@pytest.fixture(scope="module")
def store(events: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("hist") / "data.mmpy"
    for key, values in events.items():
        with WriteVector(path, key) as vector:
            vector.extend(values)
    with WriteText(path, "process") as texts:
        texts.extend([PROCESSES[i % 3] for i in range(NUM)])
    with WriteJagged(path, "jet_pt") as lists:
        lists.extend([events["met"][: i % 3] for i in range(NUM)])
    return memmpy.open(path)


def steps_of(axes: Any) -> list[StepPatch]:
    return [patch for patch in axes.patches if isinstance(patch, StepPatch)]


def legend_of(axes: Any) -> list[str]:
    legend = axes.get_legend() or axes.figure.legends[0]
    return [text.get_text() for text in legend.get_texts()]


def points_of(axes: Any) -> list[Any]:
    """Return the heights of the points with error bars."""
    return [bars.lines[0].get_ydata() for bars in axes.containers if bars.lines[0] is not None]


def test_it_is_the_hist_that_is_filled_by_hand(store: Store, events: dict[str, Any]) -> None:
    histogram = store.hist("met", by="process", bins=(10, 0, 200), weight="w")
    by_hand = hist.Hist(
        hist.axis.StrCategory(PROCESSES, name="process", label="process"),
        hist.axis.Regular(10, 0, 200, name="met", label="met"),
        storage=hist.storage.Weight(),
    )
    processes = [PROCESSES[i % 3] for i in range(NUM)]
    by_hand.fill(process=processes, met=events["met"], weight=events["w"])
    assert isinstance(histogram, hist.Hist)
    assert histogram.axes == by_hand.axes
    np.testing.assert_allclose(histogram.values(flow=True), by_hand.values(flow=True))
    np.testing.assert_allclose(histogram.variances(flow=True), by_hand.variances(flow=True))


def test_nan_is_in_the_overflow(store: Store) -> None:
    assert store.hist("nan", bins=[0, 1, 5]).values(flow=True).tolist() == [0, 0, 0, NUM]


def test_without_groups_the_only_axis_is_the_key(store: Store, events: dict[str, Any]) -> None:
    histogram = store.hist("nJets")
    assert [axis.name for axis in histogram.axes] == ["nJets"]
    assert histogram[4j].value == (events["nJets"] == 4).sum()


def test_bytes_that_are_no_utf8_are_escaped_on_the_axis(tmp_path: Path) -> None:
    with WriteText(tmp_path / "s", "name") as texts:
        texts.extend(["ok", "b\udcff", "ok"])
    histogram = memmpy.open(tmp_path / "s").hist("name")
    assert list(histogram.axes[0]) == ["ok", r"b\udcff"]
    assert histogram.values().tolist() == [2, 1]


def test_texts_are_an_axis(store: Store, events: dict[str, Any]) -> None:
    histogram = store.hist("process", cut="met > 50")
    assert list(histogram.axes[0]) == PROCESSES
    assert histogram.values().sum() == (events["met"] > 50).sum()


def test_axes_have_names_that_hist_accepts(store: Store) -> None:
    assert [axis.name for axis in store.hist("process", by="process").axes] == [
        "process",
        "bins of process",
    ]
    aliases = {"weight": "w", "sample": "nJets"}
    axes = store.hist("weight", aliases=aliases).axes
    assert [(axis.name, axis.label) for axis in axes] == [("bins of weight", "weight")]


CHANGES = {"slice": lambda h: h["data", :], "product": lambda h: h * 2, "copy": pickle.loads}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_made_of_it_draws_itself_too(store: Store, change: Any) -> None:
    histogram = store.hist("met", by="process")
    changed = change(pickle.dumps(histogram) if change is pickle.loads else histogram)
    assert len(steps_of(changed.plot().axes[0])) > 0


def test_a_stack_has_the_sums_on_top_of_each_other(store: Store) -> None:
    histogram = store.hist("met", by="process", bins=(10, 0, 200), weight="w")
    figure = histogram.plot()
    *stack, band = steps_of(figure.axes[0])
    heights = np.cumsum(histogram.values(), axis=0)
    for patch, height in zip(stack, heights, strict=True):
        np.testing.assert_allclose(patch.get_data().values, height)
    errors = np.sqrt(histogram.variances().sum(axis=0))
    np.testing.assert_allclose(band.get_data().values, heights[-1] + errors)
    np.testing.assert_allclose(band.get_data().baseline, heights[-1] - errors)
    assert legend_of(figure.axes[0]) == [*PROCESSES[::-1], "statistical error"]


def test_densities_have_an_area_of_one(store: Store) -> None:
    patches = steps_of(store.hist("met", by="process").plot(density=True).axes[0])
    assert len(patches) == 3
    for patch in patches:
        values, edges, _ = patch.get_data()
        assert (values * np.diff(edges)).sum() == pytest.approx(1)


def test_a_group_without_a_positive_sum_has_no_density(store: Store) -> None:
    figure = store.hist("met", by="process", weight="minus", cut="process != 'data'").plot(
        density=True
    )
    assert legend_of(figure.axes[0])[0].startswith("ttbb (sum -")


def test_data_are_points_over_the_stack_of_the_others(store: Store) -> None:
    histogram = store.hist("met", by="process", bins=(10, 0, 200))
    figure = histogram.plot(ratio="data")
    values = dict(zip(PROCESSES, histogram.values(), strict=True))
    others = values["ttbb"] + values["ttH_$x$"]
    assert len(steps_of(figure.axes[0])) == 3  # two groups and the band
    np.testing.assert_allclose(points_of(figure.axes[0])[0], values["data"])
    np.testing.assert_allclose(points_of(figure.axes[1])[0], values["data"] / others)
    band = steps_of(figure.axes[1])[0].get_data()
    np.testing.assert_allclose(band.values, 1 + 1 / np.sqrt(others))
    assert figure.axes[1].get_ylabel() == "data /\nsum of others"


def test_a_ratio_of_two_groups(store: Store) -> None:
    histogram = store.hist("met", by="process", bins=(5, 0, 100))
    figure = histogram.plot(ratio="ttH_$x$/ttbb")
    ttbb, tth, _ = histogram.values()
    np.testing.assert_allclose(points_of(figure.axes[1])[0], tth / ttbb)
    assert len(steps_of(figure.axes[0])) == 3  # beside each other, without a band


def test_a_ratio_of_densities_has_equal_areas(store: Store) -> None:
    histogram = store.hist("met", by="process", bins=(5, 0, 100))
    figure = histogram.plot(ratio="data", density=True)
    ttbb, tth, data = histogram.values()
    wanted = data / data.sum() / ((ttbb + tth) / (ttbb + tth).sum())
    np.testing.assert_allclose(points_of(figure.axes[1])[0], wanted)


def test_flows_are_bins_on_request_and_else_a_note(store: Store, events: dict[str, Any]) -> None:
    histogram = store.hist("met", bins=(10, 10, 100))
    beyond = (events["met"] >= 100).sum()
    values, edges, _ = steps_of(histogram.plot(overflow=True).axes[0])[0].get_data()
    assert edges.tolist() == [1, *range(10, 101, 9), 109]
    assert (values[0], values[-1]) == ((events["met"] < 10).sum(), beyond)
    notes = " ".join(text.get_text() for text in histogram.plot().axes[0].texts)
    assert f"overflow: {beyond:.4g}" in notes


def test_names_are_shown_as_they_are(store: Store) -> None:
    figure = store.hist("met", by="process").plot()
    assert "ttH_$x$" in legend_of(figure.axes[0])
    assert not any(text.get_parse_math() for text in figure.axes[0].get_legend().get_texts())


@pytest.mark.parametrize(
    ("key", "counted"), [("met", "events / 10"), ("nJets", "events"), ("jet_pt", "values / 10")]
)
def test_the_vertical_axis_says_what_is_counted(store: Store, key: str, counted: str) -> None:
    bins: Any = "auto" if key == "nJets" else (10, 0, 100)
    assert store.hist(key, bins=bins).plot().axes[0].get_ylabel() == counted


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"key": "nan"},
        {"key": "minus", "weight": "minus"},
        {"key": "met", "cut": "met < 0"},
        {"key": "met", "weight": "w"},
        {"key": "process"},
    ],
)
def test_any_histogram_is_drawn(
    store: Store, options: dict[str, Any], log: bool, tmp_path: Path
) -> None:
    for plot in ({}, {"density": True}, {"ratio": "data", "overflow": True}):
        path = tmp_path / "figure.png"
        store.hist(by="process", **options).plot(path, log=log, **plot)
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("label", ["CMS Preliminary", "ATLAS Internal"])
def test_the_words_of_a_label_do_not_overlap(store: Store, label: str) -> None:
    figure = store.hist("met", by=("process", "nJets")).plot(label=label)
    assert figure.legends  # beside the panel, which is narrow then
    figure.draw_without_rendering()
    first, second = [text.get_window_extent() for text in figure.axes[0].texts[-2:]]
    assert not first.overlaps(second)


def test_a_ratio_of_few_events_does_not_flatten_the_others(tmp_path: Path) -> None:
    with WriteVector(tmp_path / "s", "x") as x, WriteText(tmp_path / "s", "process") as process:
        for name, counts in {"a": [100, 110, 100, 20], "b": [100, 100, 90, 1]}.items():
            x.extend(np.repeat(np.arange(4.0), counts))
            process.extend([name] * sum(counts))
    histogram = memmpy.open(tmp_path / "s").hist("x", by="process", bins=(4, -0.5, 3.5))
    figure = histogram.plot(ratio="a/b")
    assert figure.axes[1].get_ylim()[1] < 2 < points_of(figure.axes[1])[0][-1]
    assert [line.get_marker() for line in figure.axes[1].lines][-1] == "^"


@pytest.mark.parametrize("label", ["CMS Simulation", "ATLAS Internal", "LHCb", "own experiment"])
def test_a_label_sets_a_style_and_no_setting_of_matplotlib(store: Store, label: str) -> None:
    before = dict(mpl.rcParams)
    figure = store.hist("met", by="process").plot(label=label)
    assert dict(mpl.rcParams) == before
    texts = " ".join(text.get_text() for text in figure.axes[0].texts)
    assert label.split(maxsplit=1)[0] in texts


def test_no_window_is_opened(store: Store) -> None:
    import matplotlib.pyplot as plt

    figure = store.hist("met").plot(label="CMS Simulation")
    assert plt.get_fignums() == []
    assert figure._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ratio": "dat"}, "'dat' is none of 'ttbb', .*; nearest: 'data'"),
        ({"ratio": "data/ttb"}, "'ttb' is none of .*; nearest: 'ttbb'"),
        ({"ratio": 1}, "ratio must be a text"),
        ({"label": " "}, "label is empty"),
        ({"density": 1}, "density must be True or False"),
        ({"path": "figure.gif"}, "a plot is a file .png, .pdf, .svg"),
    ],
)
def test_mistakes_are_errors(store: Store, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        store.hist("met", by="process").plot(**options)


def test_a_list_of_keys_is_an_error(store: Store) -> None:
    keys: Any = ["met", "nJets"]
    with pytest.raises(OptionError, match="the key of a histogram must be a non-empty string"):
        store.hist(keys)


def test_a_ratio_needs_two_groups(store: Store) -> None:
    with pytest.raises(OptionError, match="needs a second group to divide by"):
        store.hist("met").plot(ratio="all")


def test_more_axes_are_an_error(store: Store) -> None:
    with pytest.raises(OptionError, match=r"has 2 axes; project it"):
        store.hist("met", by="process").__class__(
            hist.axis.Regular(2, 0, 1, name="x"), hist.axis.Regular(2, 0, 1, name="y"),
            storage=hist.storage.Weight(),
        ).plot()  # fmt: skip


def test_a_missing_package_is_named(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hist", None)
    with pytest.raises(MissingPackageError, match=r"pip install 'memmpy\[plot\]'"):
        store.hist("met")


def test_a_missing_key_names_the_nearest(store: Store) -> None:
    with pytest.raises(CutError, match=r"no key 'mett' in .*; nearest: 'met'"):
        store.hist("mett")


@pytest.mark.parametrize("options", [{"key": "x"}, {"key": "2 * x"}, {"key": "y", "cut": "x > 0"}])
def test_a_damaged_column_is_named(tmp_path: Path, options: dict[str, Any]) -> None:
    for key in ("x", "y"):
        with WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(5.0))
    array = read_metadata(tmp_path / "s").columns["x"].arrays["values"]
    (tmp_path / "s" / array.file).write_bytes(b"damage")
    with pytest.raises(CorruptStoreError, match="'x'"):
        memmpy.open(tmp_path / "s").hist(**options)
