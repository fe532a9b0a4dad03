from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitLoader
from memmpy.errors import OptionError
from tests.frameworks.tree_events import TreeEvents, make_events

lightgbm = pytest.importorskip("lightgbm")

OPTIONS = {"objective": "binary", "num_threads": 1, "verbose": -1, "max_depth": 3}


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> TreeEvents:
    return make_events(tmp_path_factory.mktemp("events") / "data.mmpy", 6000)


@pytest.fixture
def train(events: TreeEvents) -> SplitLoader:
    return events.training_set(negative="drop").loader("train")


def arrays_of(loader: SplitLoader, events: TreeEvents) -> tuple[np.ndarray, ...]:
    """Return features, labels and weights of all entries, in the order of the split."""
    batch = loader.take(np.arange(loader.split_size))
    entries = batch["_index"]
    return events.features[entries], events.columns["is_signal"][entries], batch["weight"]


def trees_of(dataset: Any, num: int = 10) -> Any:
    return lightgbm.train(OPTIONS, dataset, num).dump_model()["tree_info"]


def test_trees_are_those_of_arrays_in_memory(events: TreeEvents, train: SplitLoader) -> None:
    features, labels, weights = arrays_of(train, events)
    expected = lightgbm.Dataset(features, labels, weight=weights)
    assert trees_of(memmpy.to_lightgbm(train)) == trees_of(expected)


def test_a_dataset_has_names_labels_and_weights(events: TreeEvents, train: SplitLoader) -> None:
    dataset = memmpy.to_lightgbm(train).construct()
    _, labels, weights = arrays_of(train, events)
    names = ["met", "njets", "jet_pt_0", "jet_eta_0", "jet_pt_1", "jet_eta_1"]
    assert dataset.get_feature_name() == names
    np.testing.assert_array_equal(dataset.get_label(), labels)
    np.testing.assert_array_equal(dataset.get_weight(), weights)


def test_rows_are_found_by_numbers_slices_and_lists(events: TreeEvents, train: SplitLoader) -> None:
    features, _, _ = arrays_of(train, events)
    sequence = memmpy.to_lightgbm(train).data
    num = len(sequence)
    assert num == len(features) > 4096
    for index in (0, 1, 4095, 4096, 3, num - 1, np.int64(7), -1):
        row = sequence[index]
        assert row.dtype == np.float64  # LightGBM takes no other
        np.testing.assert_array_equal(row, features[index])
    for rows in (slice(0, 5), slice(4000, 4200), slice(num - 3, num + 9), slice(2, 2)):
        np.testing.assert_array_equal(sequence[rows], features[rows])
    places = [5, 3, 3, num - 1]
    np.testing.assert_array_equal(sequence[places], features[places])
    assert sequence[[]].shape == (0, 6)
    with pytest.raises(IndexError):
        sequence[num]
    with pytest.raises(TypeError):
        sequence["met"]


def test_the_validation_split_has_the_bins_of_train(events: TreeEvents, train: SplitLoader) -> None:
    val = events.training_set(negative="drop").loader("val")
    binned = memmpy.to_lightgbm(train)
    held_out = memmpy.to_lightgbm(val, reference=binned, negative="abs")
    results: dict[str, Any] = {}
    booster = lightgbm.train(
        {**OPTIONS, "metric": "auc"},
        binned,
        10,
        valid_sets=[held_out],
        callbacks=[lightgbm.record_evaluation(results)],
    )
    features, labels, weights = arrays_of(val, events)
    metrics = pytest.importorskip("sklearn.metrics")
    scores = booster.predict(features)
    expected = metrics.roc_auc_score(labels, scores, sample_weight=np.abs(weights))
    assert expected > 0.7
    assert results["valid_0"]["auc"][-1] == pytest.approx(expected, abs=1e-6)


def test_negative_weights_are_refused_unless_a_choice_is_made(events: TreeEvents) -> None:
    loader = events.training_set().loader("val")
    weights = loader.take(np.arange(loader.split_size))["weight"]
    with pytest.raises(OptionError, match=r"to_lightgbm: 1?\d\.\d % of .* negative, and LightGBM"):
        memmpy.to_lightgbm(loader)
    chosen = {"keep": weights, "abs": np.abs(weights), "drop": np.maximum(weights, 0)}
    for negative, expected in chosen.items():
        dataset = memmpy.to_lightgbm(loader, negative=negative)  # type: ignore[arg-type]
        np.testing.assert_array_equal(dataset.weight, expected)
    with pytest.raises(OptionError, match="must be one of 'drop', 'abs', 'keep', got 'pray'"):
        memmpy.to_lightgbm(loader, negative="pray")  # type: ignore[arg-type]


def slices(loader: SplitLoader) -> Iterator[np.ndarray]:
    sequence = memmpy.to_lightgbm(loader).data
    for start in range(0, len(sequence), 100):
        yield sequence[start : start + 100]


def test_rows_that_are_alive_do_not_change(train: SplitLoader) -> None:
    rows = slices(train)
    kept = [next(rows) for _ in range(3)]
    before = [one.copy() for one in kept]
    next(rows)
    for one, copy in zip(kept, before, strict=True):
        np.testing.assert_array_equal(one, copy)


def test_a_write_into_rows_leaves_the_store_alone(events: TreeEvents) -> None:
    data = events.training_set(inputs={"flat": ["met", "njets"]}, weight=None)
    first = next(slices(data.loader("train")))
    copy = first.copy()
    first[:] = 7
    np.testing.assert_array_equal(next(slices(data.loader("train"))), copy)
    np.testing.assert_array_equal(memmpy.open(events.path)["met"], events.columns["met"])


def test_a_reference_is_a_dataset(train: SplitLoader) -> None:
    with pytest.raises(OptionError, match=r"reference must be the lightgbm\.Dataset.*got SplitLo"):
        memmpy.to_lightgbm(train, reference=train)
