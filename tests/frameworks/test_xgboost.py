import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitLoader
from memmpy.errors import ColumnError, LoaderWarning, MissingKeyError, OptionError
from memmpy.frameworks.feature_rows import FeatureRows
from tests.frameworks.tree_events import TreeEvents, make_events

xgboost = pytest.importorskip("xgboost")
metrics = pytest.importorskip("sklearn.metrics")

from memmpy.frameworks.xgboost_iterator import RowIterator

OPTIONS = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3, "base_score": 0.5}
INTERRUPTED = Path(__file__).parent / "interrupted_xgboost.py"


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> TreeEvents:
    return make_events(tmp_path_factory.mktemp("events") / "data.mmpy", 3000)


def in_chunks(loader: SplitLoader, num_bytes: int, negative: Any = None) -> Any:
    """Return an iterator that hands over many small chunks."""
    rows = FeatureRows(
        loader,
        function="to_xgboost",
        package="XGBoost",
        label="label",
        weight="weight",
        negative=negative,
        choices=("drop", "abs"),
    )
    return RowIterator(rows, num_bytes=num_bytes, cache_prefix=None)


def chunks(iterator: Any) -> Iterator[dict[str, Any]]:
    """Yield what is handed over in one pass."""
    given: list[dict[str, Any]] = []
    iterator.reset()
    while iterator.next(lambda **columns: given.append(columns)):
        yield given.pop()


def rows_of(iterator: Any) -> tuple[np.ndarray, ...]:
    """Return features, labels and weights of one pass."""
    parts = [(one["data"], one["label"], one["weight"]) for one in chunks(iterator)]
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def entries_of(loader: SplitLoader) -> np.ndarray:
    entries: np.ndarray = loader.take(np.arange(loader.split_size))["_index"]
    return entries


def test_the_auc_is_that_of_arrays_in_memory(tmp_path: Path) -> None:
    events = make_events(tmp_path / "data.mmpy", 20_000)
    data = events.training_set(weight=None)
    train, test = data.loader("train"), data.loader("test")
    own, other = entries_of(train), entries_of(test)
    labels = events.columns["is_signal"]
    matrices = {
        "iterator": xgboost.QuantileDMatrix(in_chunks_without_weights(train)),
        "arrays": xgboost.DMatrix(events.features[own], labels[own]),
    }
    aucs = {}
    for name, matrix in matrices.items():
        booster = xgboost.train({**OPTIONS, "tree_method": "hist"}, matrix, 40)
        scores = np.concatenate(
            [booster.inplace_predict(memmpy.feature_matrix(batch, test)) for batch in ordered(test)]
        )
        aucs[name] = metrics.roc_auc_score(labels[other], scores)
    assert aucs["arrays"] > 0.75
    assert abs(aucs["iterator"] - aucs["arrays"]) < 1e-3


def in_chunks_without_weights(loader: SplitLoader) -> Any:
    iterator = in_chunks(loader, 4 * 6 * 1000)
    assert sum(1 for _ in chunks(iterator)) > 10
    return iterator


def ordered(loader: SplitLoader) -> Iterator[Any]:
    for start in range(0, loader.split_size, 999):
        yield loader.take(np.arange(start, min(start + 999, loader.split_size)))


def test_each_pass_hands_over_each_entry_once_in_the_same_order(events: TreeEvents) -> None:
    loader = events.training_set(negative="drop").loader("train")
    iterator = in_chunks(loader, 4 * 6 * 123)
    entries = entries_of(loader)
    weights = loader.take(np.arange(loader.split_size))["weight"]
    for _ in range(4):
        features, labels, given = rows_of(iterator)
        np.testing.assert_array_equal(features, events.features[entries])
        np.testing.assert_array_equal(labels, events.columns["is_signal"][entries])
        np.testing.assert_array_equal(given, weights)
    assert len(set(entries.tolist())) == loader.split_size


def test_a_matrix_has_names_labels_weights_and_missing_values(events: TreeEvents) -> None:
    loader = events.training_set(negative="drop").loader("train")
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader))
    entries = entries_of(loader)
    names = ["met", "njets", "jet_pt_0", "jet_eta_0", "jet_pt_1", "jet_eta_1"]
    assert matrix.feature_names == names
    np.testing.assert_array_equal(matrix.get_label(), events.columns["is_signal"][entries])
    assert (matrix.get_weight() >= 0).all()
    assert matrix.num_nonmissing() == np.isfinite(events.features[entries]).sum()


def test_a_loader_without_a_training_set_takes_the_keys_of_labels_and_weights() -> None:
    random = np.random.default_rng(1)
    columns = {"x": random.normal(size=(50, 2)), "y": random.integers(0, 3, 50), "w": np.ones(50)}
    loader = SplitLoader(columns, shuffle=False)
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, label="y", weight="w"))
    assert matrix.feature_names == ["x_0", "x_1"]
    np.testing.assert_array_equal(matrix.get_label(), columns["y"])
    np.testing.assert_array_equal(matrix.get_weight(), columns["w"])
    assert xgboost.QuantileDMatrix(memmpy.to_xgboost(loader)).num_col() == 4
    with pytest.raises(MissingKeyError, match="no 'ww'; nearest: 'w'"):
        memmpy.to_xgboost(loader, label="y", weight="ww")


def test_the_keys_label_and_weight_are_taken_unless_they_are_left_out() -> None:
    columns = {"x": np.arange(5.0), "label": np.arange(5) % 2, "weight": np.arange(5) + 1}
    loader = SplitLoader(columns, shuffle=False)
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader))
    assert matrix.feature_names == ["x"]
    np.testing.assert_array_equal(matrix.get_label(), columns["label"])
    np.testing.assert_array_equal(matrix.get_weight(), columns["weight"])
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, label="label", weight=None))
    assert matrix.feature_names == ["x", "weight"]
    assert len(matrix.get_weight()) == 0


def test_a_training_set_without_weights_or_labels_has_none(events: TreeEvents) -> None:
    data = events.training_set(weight=None, labels=None)
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(data.loader("train")))
    assert len(matrix.get_label()) == len(matrix.get_weight()) == 0


def test_negative_weights_are_refused_before_xgboost_sees_them(events: TreeEvents) -> None:
    iterator = memmpy.to_xgboost(events.training_set().loader("train"))
    message = r"1?\d\.\d % of [\d,]+ weights are negative, and XGBoost needs .* for training, give "
    message += "negative='drop' or 'abs' to training_set.* to evaluate .* give it to to_xgboost"
    with pytest.raises(OptionError, match=message):
        xgboost.QuantileDMatrix(iterator)
    loader = SplitLoader({"x": np.arange(3.0), "w": np.array([1.0, -1.0, 1.0])})
    with pytest.raises(OptionError, match=r"33.3 % of 3 weights.*; give negative='drop' or 'abs'"):
        xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, weight="w"))


def test_negative_weights_of_an_eval_set_become_zero_or_positive(events: TreeEvents) -> None:
    loader = events.training_set().loader("val")
    weights = events.columns["w"][entries_of(loader)].astype(np.float32)
    assert (weights < 0).any()
    dropped = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, negative="drop"))
    np.testing.assert_array_equal(dropped.get_weight(), np.where(weights > 0, weights, 0))
    absolute = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, negative="abs"))
    np.testing.assert_array_equal(absolute.get_weight(), np.abs(weights))
    np.testing.assert_array_equal(loader.take(np.arange(len(weights)))["weight"], weights)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(value: float) -> None:
    loader = SplitLoader({"x": np.arange(3.0), "w": np.array([1.0, value, 1.0])})
    with pytest.raises(OptionError, match="the weight 'w' is NaN or infinite"):
        xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, weight="w"))


def test_infinities_are_refused_by_name() -> None:
    loader = SplitLoader({"x": np.arange(3.0), "y": np.array([1.0, -np.inf, 1.0])})
    with pytest.raises(OptionError, match="'y' has infinities"):
        xgboost.QuantileDMatrix(memmpy.to_xgboost(loader))


def test_a_fill_for_missing_values_is_warned_of(events: TreeEvents) -> None:
    filled = events.training_set(fill=0.0)
    with pytest.warns(LoaderWarning, match="of 'jets' arrive as 0, which XGBoost .* fill=None"):
        memmpy.to_xgboost(filled.loader("train"))
    complete = events.training_set(fill=0.0, inputs={"flat": ["met"]}, scale="standard")
    memmpy.to_xgboost(complete.loader("train"))  # warnings are errors


def test_chunks_that_are_alive_do_not_change(events: TreeEvents) -> None:
    passes = chunks(in_chunks(events.training_set(negative="drop").loader("train"), 4 * 6 * 100))
    kept = [next(passes) for _ in range(3)]
    before = [{key: np.copy(one[key]) for key in ("data", "label", "weight")} for one in kept]
    next(passes)
    for one, copy in zip(kept, before, strict=True):
        for key, values in copy.items():
            np.testing.assert_array_equal(one[key], values)


@pytest.mark.parametrize("inputs", [{"flat": ["met", "njets"]}, {"a": ["met"], "b": ["njets"]}])
def test_a_write_into_a_chunk_leaves_the_store_alone(events: TreeEvents, inputs: Any) -> None:
    loader = events.training_set(inputs=inputs, weight=None).loader("train")
    iterator = in_chunks(loader, 4 * 2 * 100)
    first = next(chunks(iterator))
    copy = first["data"].copy()
    first["data"][:] = first["label"][:] = 7
    np.testing.assert_array_equal(next(chunks(iterator))["data"], copy)
    np.testing.assert_array_equal(memmpy.open(events.path)["met"], events.columns["met"])


def test_external_memory_gives_the_same_trees_and_leaves_no_file(
    events: TreeEvents, tmp_path: Path
) -> None:
    loader = events.training_set(negative="drop").loader("train")
    cached = xgboost.ExtMemQuantileDMatrix(memmpy.to_xgboost(loader, cache_dir=tmp_path))
    assert [*tmp_path.iterdir()] != []
    in_memory = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader))
    first, second = (xgboost.train(OPTIONS, matrix, 5).get_dump() for matrix in (cached, in_memory))
    assert first == second
    del cached
    assert [*tmp_path.iterdir()] == []


def test_a_cache_needs_a_directory(events: TreeEvents, tmp_path: Path) -> None:
    loader = events.training_set().loader("train")
    with pytest.raises(OptionError, match=r"cache_dir is no directory: '.*none'"):
        memmpy.to_xgboost(loader, cache_dir=tmp_path / "none")


def test_loaders_of_some_events_are_refused(events: TreeEvents) -> None:
    data = events.training_set()
    with pytest.raises(OptionError, match="takes all events: give no rank="):
        memmpy.to_xgboost(data.loader("train", rank=1, world_size=2))
    sampled = data.loader("train", sampling={"background": 0.5, "signal": 0.5})
    with pytest.raises(OptionError, match="takes each event once: give no sampling="):
        memmpy.to_xgboost(sampled)
    empty = SplitLoader({"x": np.empty(0)})
    with pytest.raises(OptionError, match="the loader has no entries: all entries"):
        memmpy.to_xgboost(empty)


def test_labels_of_another_byte_order_keep_their_values() -> None:
    labels = np.arange(5, dtype=">i4")
    loader = SplitLoader({"x": np.ones(5), "y": labels}, shuffle=False)
    matrix = xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, label="y"))
    assert matrix.get_label().tolist() == labels.tolist()


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"y": np.array(["a", "b"])}, "'y' has no numbers, but <U1"),
        ({"y": np.array([0, np.nan])}, "the label 'y' is NaN or infinite"),
        ({"y": np.arange(2), "w": np.ones((2, 3))}, "the weight 'w' has 3 numbers per event"),
    ],
)
def test_what_is_no_label_or_weight_is_refused(columns: dict[str, Any], words: str) -> None:
    loader = SplitLoader({"x": np.ones(2), **columns})
    weight = "w" if "w" in columns else None
    with pytest.raises((OptionError, ColumnError), match=f"to_xgboost: {words}"):
        xgboost.QuantileDMatrix(memmpy.to_xgboost(loader, label="y", weight=weight))


def test_inputs_without_numbers_are_refused() -> None:
    loader = SplitLoader({"x": np.empty((3, 0))})
    with pytest.raises(OptionError, match="to_xgboost: the inputs 'x' have no numbers"):
        memmpy.to_xgboost(loader)


@pytest.mark.slow
def test_an_interrupt_or_an_error_in_any_pass_ends_without_noise(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, INTERRUPTED, tmp_path / "data.mmpy"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "all as expected"
