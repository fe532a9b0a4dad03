"""Tests of histograms of inputs, compared with the batches of loaders."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import Objects, Reweight
from memmpy.errors import OptionError, SplitError
from memmpy.training import input_items
from memmpy.training.summaries import InputHistogram, InputHistograms, input_counts, split_rows
from tests.training.audit.training_sets import clean_columns, training_set_of
from tests.training.samples import Sample, arrays_of

CLIPS = pytest.mark.filterwarnings("ignore:.*which cuts off:memmpy.errors.ConversionWarning")
pytestmark = CLIPS
INPUTS: dict[str, Any] = {
    "kin": ["met", "pt_1", "njets"],
    "jets": Objects(["jet_pt", "jet_eta"], length=3),
    "lists": Objects(["jet_eta", "jet_pt"], max_length=4),
}
OPTIONS: dict[str, Any] = {
    "inputs": INPUTS,
    "missing": -999,
    "fill": -7.0,
    "scale": {"kin": "standard", "met": "log", "jets": "minmax", "njets": None},
    "normalise": "equal",
    "negative": "abs",
    "reweight": Reweight({"met": [0, 30, 60, 200]}, to="signal"),
}
#: The numbers of jets and lists that a batch has, of those of the sample.
LENGTHS = {"jets": 3, "lists": 4}


@pytest.fixture
def data(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> memmpy.TrainingSet:
    monkeypatch.setattr(input_items, "_STEP_ROWS", 700)  # so that there are several steps
    return sample.training_set(**OPTIONS)


def by_key(histograms: tuple[InputHistogram | None, ...]) -> dict[tuple[str, str], InputHistogram]:
    return {(one.input, one.key): one for one in histograms if one is not None}


def check(one: InputHistogram, values: Any, weights: Any, labels: Any) -> None:
    """Compare a histogram with NumPy's of the values of all items."""
    values, weights = np.asarray(values, np.float64), np.asarray(weights, np.float64)
    assert len(values)
    edges = np.concatenate([[-np.inf], one.edges, [np.inf]])
    for label in range(3):
        is_own = labels == label
        is_there = is_own & ~np.isnan(values)
        assert one.num_items[label] == np.count_nonzero(is_own)
        assert one.num_missing[label] == np.count_nonzero(is_own & ~is_there)
        bins = np.searchsorted(edges[1:-1], values[is_there], side="right")
        for total, power in ((one.sums, 1), (one.squares, 2)):
            plain = np.bincount(bins, weights[is_there] ** power, minlength=len(edges) - 1)
            np.testing.assert_allclose(total[label], plain, rtol=1e-9, atol=1e-9)


def items_of(lists: Any, counts: Any, *columns: Any) -> tuple[Any, ...]:
    """Return the items of lists, and columns of events repeated for each item."""
    return (np.concatenate([*lists]), *(np.repeat(column, counts) for column in columns))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_histograms_before_scaling_are_those_of_the_files(
    sample: Sample, data: memmpy.TrainingSet, split: str
) -> None:
    batches = arrays_of(data.loader(split, fold=1))
    entries, weights, labels = batches["_index"], batches["weight"], batches["label"]
    before = by_key(data.histograms(split, fold=1, bins=20).before)
    assert [*before] == [
        ("kin", "met"), ("kin", "pt_1"), ("kin", "njets"),
        ("jets", "jet_pt"), ("jets", "jet_eta"), ("jets", "number"),
        ("lists", "jet_eta"), ("lists", "jet_pt"), ("lists", "number"),
    ]  # fmt: skip
    for key in ("met", "pt_1", "njets"):
        values = np.asarray(sample.columns[key])[entries].astype(np.float64)
        values[values == -999] = np.nan
        check(before["kin", key], values, weights, labels)
    for name, length in LENGTHS.items():
        for key in ("jet_pt", "jet_eta"):
            lists = [sample.columns[key][entry].to_numpy()[:length] for entry in entries]
            counts = [*map(len, lists)]
            check(before[name, key], *items_of(lists, counts, weights, labels))
        check(before[name, "number"], counts, weights, labels)


@pytest.mark.parametrize("split", ["train", "test"])
def test_histograms_after_scaling_are_those_of_batches(
    data: memmpy.TrainingSet, split: str
) -> None:
    batches = arrays_of(data.loader(split, fold=2))
    weights, labels = batches["weight"], batches["label"]
    after = by_key(data.histograms(split, fold=2).after)
    assert [*after] == [("kin", "met"), ("kin", "pt_1"), ("jets", "jet_pt"), ("jets", "jet_eta")]
    for number, key in enumerate(("met", "pt_1")):
        check(after["kin", key], batches["kin"][:, number], weights, labels)
    mask = batches["jets_mask"]
    for number, key in enumerate(("jet_pt", "jet_eta")):
        counts = mask.sum(axis=1)
        columns = (np.repeat(column, counts) for column in (weights, labels))
        check(after["jets", key], batches["jets"][mask][:, number], *columns)
    edges = [one.edges for one in after.values()]
    assert all((one == edges[0]).all() for one in edges)
    assert not after["kin", "pt_1"].num_missing.any()  # they have the fill


def test_the_numbers_of_events_are_those_of_the_split(
    sample: Sample, data: memmpy.TrainingSet
) -> None:
    histograms = data.histograms("val", fold=3)
    is_in = sample.is_in("val", fold=3)
    assert histograms.classes == ("background", "signal", "no class")
    assert histograms.num_events.tolist() == [*np.bincount(sample.labels[is_in]), 0]
    assert data.histograms("all").num_events.tolist() == [*np.bincount(sample.labels), 0]


def test_any_number_of_threads_and_kernels_give_the_same(
    data: memmpy.TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def numbers() -> list[Any]:
        histograms = data.histograms()
        all_ones = [*histograms.before, *(one for one in histograms.after if one is not None)]
        return [histograms.num_events, *(getattr(one, name) for one in all_ones for name in NAMES)]

    whole = numbers()
    for num, least in ((0, 0), (3, 1 << 60)):
        monkeypatch.setattr(input_counts, "num_helpers", lambda num=num: num)
        monkeypatch.setattr(split_rows, "VALUES_BINNED", least)
        for one, other in zip(whole, numbers(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-12)


NAMES = ("edges", "sums", "squares", "num_items", "num_missing")


def test_the_first_fold_is_the_default(data: memmpy.TrainingSet) -> None:
    assert data.histograms().title == "train split of fold 0"
    np.testing.assert_array_equal(data.histograms().num_events, data.histograms(fold=0).num_events)


def test_inputs_are_chosen_by_their_names_and_by_keys(data: memmpy.TrainingSet) -> None:
    chosen = data.histograms(inputs=["jets", "met"]).before
    assert [one.key for one in chosen] == ["met", "jet_pt", "jet_eta", "number"]
    with pytest.raises(OptionError, match=r"inputs names 'mett', .*; nearest: 'met'"):
        data.histograms(inputs=["mett"])
    not_names: list[Any] = ["met", [], 3]
    for wrong in not_names:
        with pytest.raises(OptionError, match="inputs must be a list of names"):
            data.histograms(inputs=wrong)


def test_other_options_are_checked(data: memmpy.TrainingSet) -> None:
    with pytest.raises(OptionError, match="no split 'tst'"):
        data.histograms("tst")
    with pytest.raises(OptionError, match="no fold 5 of 5"):
        data.histograms(fold=5)
    with pytest.raises(OptionError, match="bins must be an integer"):
        data.histograms(bins=0)


def test_a_fold_without_folds_is_an_error(tmp_path: Path) -> None:
    data = training_set_of(tmp_path / "s.mmpy", clean_columns(100))
    with pytest.raises(SplitError, match="has no folds"):
        data.histograms(fold=0)


def histograms_of(path: Path, values: Any, **options: Any) -> InputHistograms:
    columns = {"event": np.arange(len(values)), "x": values, "w": np.ones(len(values))}
    options = {"inputs": {"in": ["x"]}, "labels": None, **options}
    return training_set_of(path, columns, **options).histograms("all")


@pytest.mark.parametrize(
    "values",
    [
        np.full(300, np.nan),
        np.full(300, 7.5),
        np.full(300, 1e30),
        np.full(300, np.inf),
        np.linspace(-8e307, 8e307, 300),
        np.linspace(0, 1e-300, 300),
        np.append(np.linspace(0, 1, 299), 1e300),
        1e9 + np.linspace(0, 1e-6, 300),
        np.arange(300) % 2,
        np.arange(300) * 2.0**54,
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::memmpy.errors.FitWarning")
def test_values_of_any_kind_have_bins(values: Any, tmp_path: Path) -> None:
    (one,) = histograms_of(tmp_path / "s.mmpy", values, dtype="float64").before
    assert (np.diff(one.edges) > 0).all()
    assert np.isfinite(one.edges).all()
    assert one.num_items.tolist() == [300, 0]
    assert one.num_missing.tolist() == [np.count_nonzero(np.isnan(values)), 0]
    assert one.sums.sum() == np.count_nonzero(~np.isnan(values))


def test_bins_span_most_values_and_integers_have_one_each(tmp_path: Path) -> None:
    values = np.append(np.linspace(0, 1, 9999), 1e6)
    (one,) = histograms_of(tmp_path / "a.mmpy", values).before
    assert one.edges[0] == pytest.approx(0.005, abs=1e-3)
    assert one.edges[-1] == pytest.approx(0.995, abs=1e-3)
    assert one.outside_share == pytest.approx(0.01, abs=1e-3)
    (one,) = histograms_of(tmp_path / "b.mmpy", np.arange(300) % 4).before
    np.testing.assert_array_equal(one.edges, [-0.5, 0.5, 1.5, 2.5, 3.5])
    assert one.sums[0].tolist() == [0, 75, 75, 75, 75, 0]


def test_a_rare_class_decides_about_bins_too(tmp_path: Path) -> None:
    is_rare = np.arange(10_000) % 1000 == 0
    columns = {
        "event": np.arange(10_000),
        "x": np.where(is_rare, 50.0 + np.arange(10_000) / 1e4, np.arange(10_000) / 1e4),
        "signal": is_rare,
        "w": np.ones(10_000),
    }
    data = training_set_of(tmp_path / "s.mmpy", columns, inputs={"in": ["x"]})
    (one,) = data.histograms("all").before
    assert one.edges[-1] > 50


def test_events_that_are_applied_to_have_the_fit_of_the_training(sample: Sample) -> None:
    data = sample.training_set(inputs={"kin": ["met"]}, scale="standard", negative="abs")
    other = data.apply_to(cut="njets > 2")
    batches = arrays_of(other.loader("train", fold=0))
    (one,) = [one for one in other.histograms().after if one is not None]
    check(one, batches["kin"][:, 0], batches["weight"], batches["label"])
    assert (batches["weight"] < 0).any()


def test_events_without_a_class_are_grouped_together(tmp_path: Path) -> None:
    columns = clean_columns(2000)
    data = training_set_of(
        tmp_path / "s.mmpy",
        columns,
        labels={"few": "njets < 2", "many": "njets > 4"},
        others="drop",
    )
    other = data.apply_to(cut="pt > 0")
    assert other.histograms("all").classes == ("few", "many", "no class")
    numbers = columns["njets"]
    assert other.histograms("all").num_events.tolist() == [
        np.count_nonzero(is_own)
        for is_own in (numbers < 2, numbers > 4, (numbers >= 2) & (numbers <= 4))
    ]


def test_the_table_has_a_row_for_each_key(data: memmpy.TrainingSet) -> None:
    text = str(data.histograms())
    assert text.startswith("Inputs, train split of fold 0\n")
    rows = [line.split() for line in text.splitlines()[3:]]
    assert ["kin", "met"] in [row[:2] for row in rows]
    (row,) = [row for row in rows if row[1:2] == ["pt_1"]]
    share = 100 * data.histograms().before[1].missing_share
    assert row[3:5] == [f"{share:.1f}", "%"]
    assert math.isfinite(share)
