import json
import math
import pickle
import warnings
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import Objects, Reweight, RFileConfig, Splits, WriteVector, training_set
from memmpy.errors import (
    ColumnError,
    ConversionWarning,
    CutError,
    FitError,
    LengthError,
    LoaderWarning,
    MissingFileError,
    MissingKeyError,
    OptionError,
    ReadOnlyStoreError,
    SplitError,
)
from tests.forking import ForkServer
from tests.training.samples import (
    LABELS,
    NUM_FOLDS,
    Sample,
    arrays_of,
    epoch,
    total,
    write_file,
    write_vectors,
)

INPUTS: dict[str, Any] = {
    "kin": ["met", "pt_1", "log(met)"],
    "jets": Objects(["jet_pt", "jet_eta"], length=3, valid="jet_pt > 5", sort_by="-jet_pt"),
    "lists": Objects(["jet_eta", "jet_pt"], max_length=4),
}
OPTIONS: dict[str, Any] = {
    "inputs": INPUTS,
    "missing": -999,
    "scale": "standard",
    "normalise": "equal",
    "negative": "abs",
    "reweight": Reweight({"met": [0, 30, 60, 200]}, to="signal"),
    "spectators": ["event", "run"],
}
CLIPS = pytest.mark.filterwarnings("ignore:.*which cuts off:memmpy.errors.ConversionWarning")
pytestmark = CLIPS


def scaled(values: np.ndarray, scaling: Any, number: int) -> np.ndarray:
    result: np.ndarray = (values - scaling.center[number]) / scaling.width[number]
    return result


def assert_same(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Compare batches bit for bit."""
    assert first.keys() == second.keys()
    for key, values in first.items():
        if isinstance(values, list):
            assert [np.asarray(one).tobytes() for one in values] == [
                np.asarray(one).tobytes() for one in second[key]
            ], key
        else:
            assert values.dtype == second[key].dtype, key
            assert values.tobytes() == second[key].tobytes(), key


def test_a_split_has_each_of_its_events_once_with_its_label(sample: Sample) -> None:
    data = sample.training_set(**OPTIONS)
    for fold in range(NUM_FOLDS):
        for split in ("train", "val", "test"):
            batch = arrays_of(data.loader(split, fold=fold, batch_size=100))
            entries = np.flatnonzero(sample.is_in(split, fold))
            np.testing.assert_array_equal(batch["_index"], entries)
            np.testing.assert_array_equal(batch["label"], sample.labels[entries])
            np.testing.assert_array_equal(batch["event"], sample.columns["event"][entries])
            np.testing.assert_array_equal(batch["run"], sample.columns["run"][entries])
            np.testing.assert_array_equal(batch["weight_physics"], sample.columns["w"][entries])


def test_batches_have_the_documented_names_shapes_and_dtypes(sample: Sample) -> None:
    batch = next(iter(sample.training_set(**OPTIONS).loader("test", fold=0, batch_size=64)))
    arrays = {k: (v.shape, v.dtype.name) for k, v in batch.items() if isinstance(v, np.ndarray)}
    assert arrays == {
        "kin": ((64, 3), "float32"),
        "jets": ((64, 3, 2), "float32"),
        "jets_mask": ((64, 3), "bool"),
        "label": ((64,), "int64"),
        "weight": ((64,), "float32"),
        "weight_physics": ((64,), "float64"),
        "event": ((64,), "int64"),
        "run": ((64,), "int32"),
        "_index": ((64,), "int64"),
    }
    assert isinstance(batch["lists"], memmpy.Jagged)
    assert batch["lists"].content.shape[1:] == (2,)
    assert batch["lists"].content.dtype == np.float32


@pytest.mark.parametrize("fill", [0.0, -3.5, None])
def test_inputs_are_scaled_filled_sorted_and_padded(sample: Sample, fill: Any) -> None:
    data = sample.training_set(**{**OPTIONS, "fill": fill})
    batch, scaling = arrays_of(data.loader("val", fold=1)), data.fit(1).scaling
    entries, columns = batch["_index"], sample.columns
    number = math.nan if fill is None else fill
    met, pt = columns["met"][entries], columns["pt_1"][entries].astype(np.float64)
    missing = pt == -999
    assert missing.any()
    kin = [scaled(met, scaling["kin"], 0), scaled(pt, scaling["kin"], 1)]
    kin[1][missing] = number
    kin.append(scaled(np.log(met.astype(np.float64)), scaling["kin"], 2))
    np.testing.assert_allclose(batch["kin"], np.stack(kin, axis=-1), rtol=1e-4, atol=1e-5)
    for at, entry in enumerate(entries[:300].tolist()):
        pts = np.asarray(columns["jet_pt"][entry], np.float64)
        etas = np.asarray(columns["jet_eta"][entry], np.float64)
        order = [i for i in np.argsort(-pts, kind="stable") if pts[i] > 5][:3]
        expected = np.full((3, 2), number)
        expected[: len(order), 0] = scaled(pts[order], scaling["jets"], 0)
        expected[: len(order), 1] = scaled(etas[order], scaling["jets"], 1)
        np.testing.assert_allclose(batch["jets"][at], expected, rtol=1e-4, atol=1e-5)
        assert batch["jets_mask"][at].tolist() == [i < len(order) for i in range(3)]
        lists = np.stack(
            [scaled(etas[:4], scaling["lists"], 0), scaled(pts[:4], scaling["lists"], 1)], axis=-1
        )
        np.testing.assert_allclose(batch["lists"][at], lists, rtol=1e-4, atol=1e-5)


def test_flat_objects_that_are_missing_are_not_there(tmp_path: Path) -> None:
    one = np.array([5, -999, 7, -999, 1, 2, 3, 4], np.float32)
    two = np.array([6, 8, -999, -999, math.nan, 2, 3, 4], np.float32)
    store = write_vectors(tmp_path / "s", {"id": np.arange(8), "a": one, "b": two, "c": two})
    data = store.training_set(
        inputs={"objects": Objects({"pt": ["a", "b"], "eta": ["b", "c"]}, length=2)},
        missing=-999,
        splits=Splits(by=("id",), fractions={"train": 1.0}),
        fill=-1.0,
    )
    batch = arrays_of(data.loader("train"))
    assert batch["objects_mask"].sum(axis=1).tolist() == [2, 2, 1, 0, 1, 2, 2, 2]
    assert batch["objects"][0].tolist() == [[5, 6], [6, 6]]
    assert batch["objects"][1].tolist() == [[-1, 8], [8, 8]]
    assert batch["objects"][2].tolist() == [[7, -1], [-1, -1]]
    assert batch["objects"][3].tolist() == [[-1, -1], [-1, -1]]
    assert batch["objects"][4].tolist() == [[1, -1], [-1, -1]]


def test_missing_by_key_holds_in_expressions_and_leaves_the_other_keys(sample: Sample) -> None:
    data = sample.training_set(
        inputs={"a": ["pt_1"], "b": ["pt_1 / 1000"], "c": ["met"]}, missing={"pt_1": -999}
    )
    batch = arrays_of(data.loader("all", fold=0))
    missing = sample.columns["pt_1"] == -999
    assert missing.any()
    assert (batch["a"][missing] == 0).all()
    assert (batch["b"][missing] == 0).all()
    assert np.array_equal(batch["c"][:, 0], sample.columns["met"].astype(np.float32))


def test_float16_and_float64_by_input(sample: Sample) -> None:
    data = sample.training_set(
        inputs={"a": ["met"], "b": ["time"], "c": ["met"]},
        dtype={"a": "float16", "b": "float64"},
        scale="standard",
    )
    batch, scaling = arrays_of(data.loader("test", fold=0)), data.fit(0).scaling
    assert [batch[key].dtype.name for key in "abc"] == ["float16", "float64", "float32"]
    met = scaled(sample.columns["met"][batch["_index"]], scaling["c"], 0)
    np.testing.assert_allclose(batch["a"][:, 0], met, rtol=2e-2, atol=2e-3)
    time = scaled(sample.columns["time"][batch["_index"]], scaling["b"], 0)
    np.testing.assert_allclose(batch["b"][:, 0], time, rtol=1e-9, atol=1e-9)


#: Inputs of more than a few numbers, of each dtype, with and without what is missing.
WIDE: dict[str, Any] = {
    **INPUTS,
    "wide": ["met", "pt_1", *(f"{number} * njets" for number in range(2, 10))],
    "full": [f"{number} * met" for number in range(2, 11)],
    "double": ["time", *(f"{number} * pt_1" for number in range(2, 7))],
    "half": [f"{number} * met" for number in range(2, 11)],
    "padded": Objects(["jet_pt", "jet_eta"], length=6),
}
DTYPES = {"double": "float64", "half": "float16"}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("num_threads", [0, 1, 8])
@pytest.mark.parametrize("shuffle", [False, "blocks"])
@pytest.mark.parametrize(
    ("scale", "fill"),
    [(None, -2.5), ("standard", None), ({"full": "log", "padded": "robust"}, -2.5)],
    ids=["plain", "standard", "mixed"],
)
def test_threads_and_kernels_change_no_bit(
    sample: Sample,
    compiled: bool,
    num_threads: int,
    shuffle: Any,
    fill: Any,
    scale: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    changed = {"inputs": WIDE, "dtype": DTYPES, "scale": scale, "fill": fill}
    data = sample.training_set(**{**OPTIONS, **changed})
    options: dict[str, Any] = {"fold": 0, "batch_size": 77, "shuffle": shuffle}
    monkeypatch.setattr("memmpy.splits.split_chunks.is_worth_compiling", lambda *_, **__: False)
    expected = epoch(data.loader("train", **options, num_threads=0))
    monkeypatch.setattr("memmpy.splits.split_chunks.is_worth_compiling", lambda *_, **__: compiled)
    assert_same(epoch(data.loader("train", **options, num_threads=num_threads)), expected)


@pytest.mark.parametrize("compiled", [False, True])
def test_wide_inputs_have_the_values_of_the_formula(
    sample: Sample, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memmpy.splits.split_chunks.is_worth_compiling", lambda *_, **__: compiled)
    data = sample.training_set(**{**OPTIONS, "inputs": WIDE, "dtype": DTYPES, "fill": -9.0})
    batch, scaling = arrays_of(data.loader("test", fold=0)), data.fit(0).scaling
    columns = {
        key: sample.columns[key][batch["_index"]] for key in ("met", "pt_1", "njets", "time")
    }
    pt = scaled(columns["pt_1"].astype(np.float64), scaling["wide"], 1)
    np.testing.assert_allclose(
        batch["wide"][:, 1], np.where(columns["pt_1"] == -999, -9, pt), rtol=1e-4, atol=1e-5
    )
    for number in range(2, 10):
        expected = scaled(number * columns["njets"], scaling["wide"], number)
        np.testing.assert_allclose(batch["wide"][:, number], expected, rtol=1e-4, atol=1e-5)
    for number in range(9):
        expected = scaled((number + 2.0) * columns["met"], scaling["full"], number)
        np.testing.assert_allclose(batch["full"][:, number], expected, rtol=1e-4, atol=1e-5)
    time = scaled(columns["time"], scaling["double"], 0)
    np.testing.assert_allclose(batch["double"][:, 0], time, rtol=1e-9, atol=1e-9)


def test_ranks_share_an_epoch_and_its_fit(sample: Sample) -> None:
    data = sample.training_set(**OPTIONS)
    whole = arrays_of(data.loader("train", fold=3))
    parts = [epoch(data.loader("train", fold=3, rank=rank, world_size=3)) for rank in range(3)]
    joined: dict[str, Any] = {}
    order = np.argsort(np.concatenate([part["_index"] for part in parts]))
    for key in whole:
        if key == "lists":
            lists = [one for part in parts for one in part[key]]
            joined[key] = [lists[i] for i in order]
        else:
            joined[key] = np.concatenate([part[key] for part in parts])[order]
    assert_same(joined, whole)


def test_a_loader_that_was_pickled_gives_the_same_bits(sample: Sample) -> None:
    data = sample.training_set(**OPTIONS)
    loader = data.loader("train", fold=0)
    again = pickle.loads(pickle.dumps(loader))
    assert_same(epoch(again), epoch(loader))
    copied = pickle.loads(pickle.dumps(data))
    assert_same(epoch(copied.loader("val", fold=2)), epoch(data.loader("val", fold=2)))


def test_a_loader_knows_the_inputs_of_its_training_set_also_when_pickled(sample: Sample) -> None:
    loader = sample.training_set(**OPTIONS).loader("train", fold=1)
    expected = {
        "kin": ("met", "pt_1", "log(met)"),
        "jets": ("jet_pt", "jet_eta"),
        "lists": ("jet_eta", "jet_pt"),
    }
    assert loader.inputs == expected
    assert pickle.loads(pickle.dumps(loader)).inputs == expected
    assert memmpy.SplitLoader({"met": np.arange(3.0)}).inputs == {}


def test_the_second_call_makes_no_second_skim(sample: Sample) -> None:
    first = sample.training_set(cut="met > 33")
    num = len(sample.store().skims)
    for scale, normalise, fill in (("robust", None, None), ("minmax", "equal", 5.0)):
        other = sample.training_set(cut="met > 33", scale=scale, normalise=normalise, fill=fill)
        assert other.skim.path == first.skim.path
    assert len(sample.store().skims) == num


# Labels


def test_labels_follow_the_order_of_the_classes(sample: Sample) -> None:
    labels = {"high": "met > 80", "low": "met <= 20", "middle": "met > 20 && met <= 80"}
    data = sample.training_set(labels=labels)
    assert data.classes == ("high", "low", "middle")
    met = sample.columns["met"]
    expected = np.where(met > 80, 0, np.where(met <= 20, 1, 2))
    np.testing.assert_array_equal(arrays_of(data.loader("all", fold=0))["label"], expected)


def test_an_event_in_two_classes_is_an_error_that_names_both(sample: Sample) -> None:
    labels = {"a": "met > 50", "b": "process == 'ggH'"}
    with pytest.raises(ColumnError, match=r"is in two classes, 'a' and 'b'.* exclude each other"):
        sample.training_set(labels=labels, others="drop")


def test_an_event_in_no_class_is_an_error_by_default(sample: Sample) -> None:
    labels = {"a": "met > 50", "b": "met < 20"}
    with pytest.raises(ColumnError, match=r"passes the cut and is in no class.*others='drop'") as e:
        sample.training_set(labels=labels)
    entry = int(str(e.value).split()[1].replace(",", ""))
    assert 20 <= sample.columns["met"][entry] <= 50


@pytest.mark.parametrize("cut", [None, "njets > 1"])
def test_others_are_left_out_or_kept_if_asked(sample: Sample, cut: str | None) -> None:
    labels = {"a": "met > 50", "b": "met < 20"}
    met, passes = sample.columns["met"], np.ones(len(sample.labels), bool)
    if cut is not None:
        passes = sample.columns["njets"] > 1
    expected = np.where(met > 50, 0, np.where(met < 20, 1, -1))
    dropped = arrays_of(
        sample.training_set(labels=labels, others="drop", cut=cut).loader("all", fold=0)
    )
    np.testing.assert_array_equal(dropped["_index"], np.flatnonzero(passes & (expected >= 0)))
    np.testing.assert_array_equal(dropped["label"], expected[dropped["_index"]])
    data = sample.training_set(labels=labels, others="keep", cut=cut, normalise="equal")
    kept = arrays_of(data.loader("all", fold=0))
    np.testing.assert_array_equal(kept["_index"], np.flatnonzero(passes))
    np.testing.assert_array_equal(kept["label"], expected[passes])
    # Only classes have factors.
    others = kept["label"] == -1
    np.testing.assert_array_equal(
        kept["weight"][others], kept["weight_physics"][others].astype("f4")
    )
    own = sample.is_in("train") & passes & (expected == 1)
    num = np.count_nonzero(sample.is_in("train") & passes & (expected >= 0))
    factor = num / 2 / total(sample.columns["w"][own])
    assert data.fit(0).factors["b"] == pytest.approx(factor, rel=1e-9)


def test_a_class_takes_events_of_which_any_element_passes(sample: Sample) -> None:
    """As a cut does; an event without elements passes no cut of lists."""
    labels = {"hard": "jet_pt > 100", "soft": "Sum$(jet_pt > 100) == 0 && Sum$(jet_pt > 20) > 0"}
    data = sample.training_set(labels=labels, others="drop", cut="jet_eta > 0.5 && met > 10")
    pt, eta, met = (sample.columns[key] for key in ("jet_pt", "jet_eta", "met"))
    passes = np.asarray(ak.any(eta > 0.5, axis=1)) & (met > 10)
    hard, soft = (np.asarray(ak.any(pt > least, axis=1)) for least in (100, 20))
    batch = arrays_of(data.loader("all", fold=0))
    np.testing.assert_array_equal(batch["_index"], np.flatnonzero(passes & (hard | soft)))
    np.testing.assert_array_equal(batch["label"], np.where(hard, 0, 1)[batch["_index"]])


def test_cut_and_label_are_conditions_of_their_own(tmp_path: Path) -> None:
    """One element may pass the cut, and another one the label."""
    with memmpy.WriteJagged(tmp_path / "s", "x") as file:
        for items in ([1.0, -1.0], [1.0], [-1.0], [], [2.0, -3.0]):
            file.append(np.array(items))
    with WriteVector(tmp_path / "s", "id") as file_:
        file_.extend(np.arange(5))
    data = memmpy.open(tmp_path / "s").training_set(
        inputs={"a": ["Length$(x)"]},
        labels={"negative": "x < 0"},
        others="drop",
        cut="x > 0",
        splits=Splits(by=("id",), fractions={"train": 1.0}),
    )
    assert arrays_of(data.loader("train"))["_index"].tolist() == [0, 4]


def test_a_selection_without_events_is_told_in_the_words_of_the_user(sample: Sample) -> None:
    message = (
        r"no entry of 5,500 passes the cut '\(met > 1e9\) && \(\(njets > 1\) \|\| \(w > 9\)\)'"
    )
    with pytest.warns(ConversionWarning, match=message):
        sample.training_set(labels={"a": "njets > 1", "b": "w > 9"}, others="drop", cut="met > 1e9")


@pytest.mark.parametrize("cut", [None, "met > 30", "run == 301"])
def test_a_process_without_a_class_is_told_only_if_none_passes_the_cut(
    sample: Sample, cut: str | None
) -> None:
    """Of all events of DY, none has a class; those of run 301 are all of ggH."""
    none = "no entry of process 'DY' passes the cut 'run == 301'; loosen the cut, or leave out"
    labels = {"signal": "process == 'ggH'"}
    for _ in range(2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            sample.training_set(labels=labels, others="drop", cut=cut)
        notes = [str(one.message) for one in caught]
        assert notes == ([f"{none} the files"] if cut == "run == 301" else [])


def test_without_labels_and_weight_a_batch_has_none(sample: Sample) -> None:
    data = sample.training_set(labels=None, weight=None)
    assert set(arrays_of(data.loader("val", fold=0))) == {"kin", "_index"}
    assert data.fit(0).factors == {}
    assert data.classes == ()


def test_factors_without_a_weight_are_of_numbers_of_events(sample: Sample) -> None:
    data = sample.training_set(weight=None, normalise={"background": 1, "signal": 3})
    batch = arrays_of(data.loader("train", fold=0))
    sums = [total(batch["weight"][batch["label"] == number]) for number in (0, 1)]
    assert sums[1] / sums[0] == pytest.approx(3, rel=1e-6)
    assert (batch["weight_physics"] == 1).all()


def test_a_column_may_have_the_name_of_the_label(tmp_path: Path) -> None:
    """The class must not take its place among the inputs, nor in the cut."""
    random = np.random.default_rng(0)
    columns = {
        "id": np.arange(400),
        "label": random.normal(size=400),
        "weight_physics": random.normal(size=400),
        "c": np.arange(400) % 2,
    }
    store = write_vectors(tmp_path / "s", columns)
    data = store.training_set(
        inputs={"a": ["label", "weight_physics"]},
        labels={"even": "c == 0", "odd": "c == 1"},
        weight="1 + abs(label)",
        cut="label > -1",
        splits=Splits(by=("id",)),
        dtype="float64",
    )
    batch = arrays_of(data.loader("all"))
    passes = columns["label"] > -1
    np.testing.assert_array_equal(batch["a"][:, 0], columns["label"][passes])
    np.testing.assert_array_equal(batch["a"][:, 1], columns["weight_physics"][passes])
    np.testing.assert_array_equal(batch["label"], columns["c"][passes])
    np.testing.assert_array_equal(batch["weight_physics"], 1 + np.abs(columns["label"][passes]))


def test_a_column_of_the_name_of_the_label_is_converted(tmp_path: Path) -> None:
    label = np.arange(100) % 3
    file = write_file(tmp_path / "a.root", {"event": np.arange(100), "label": label, "x": label})
    data = training_set(
        RFileConfig(file, "Events", {"process": "a"}),
        tmp_path / "s",
        inputs={"a": ["x"]},
        labels={"a": "process == 'a'"},
        cut="label > 0",
        splits=Splits(by=("process", "event")),
    )
    np.testing.assert_array_equal(
        arrays_of(data.loader("all"))["_index"], np.flatnonzero(label > 0)
    )


def test_a_spectator_is_the_column_and_not_the_alias_of_an_input(sample: Sample) -> None:
    data = sample.training_set(
        inputs={"a": ["met"]}, aliases={"met": "2 * njets"}, spectators=["met"]
    )
    batch = arrays_of(data.loader("val", fold=0))
    njets = sample.columns["njets"][batch["_index"]]
    np.testing.assert_array_equal(batch["a"][:, 0], 2 * njets)
    np.testing.assert_array_equal(batch["met"], sample.columns["met"][batch["_index"]])


def test_a_spectator_may_be_an_alias_and_keeps_its_dtype(sample: Sample, tmp_path: Path) -> None:
    aliases = {
        "twice": "2 * event",
        "number": "event",
        "far": "met > 50",
        "pts": "jet_pt / 2",
        "of": "process",
    }
    data = sample.training_set(
        inputs={"a": ["twice", "met"]}, aliases=aliases, spectators=["met", *aliases]
    )
    batch = arrays_of(data.loader("val", fold=0))
    columns, entries = sample.columns, batch["_index"]
    event, met = columns["event"][entries], columns["met"][entries]
    np.testing.assert_array_equal(batch["a"][:, 0], 2 * event)
    for key, expected in (
        ("met", met),
        ("twice", 2 * event),
        ("number", event),
        ("far", met > 50),
        ("of", sample.store()["process"][:][entries]),
    ):
        np.testing.assert_array_equal(batch[key], expected)
        assert batch[key].dtype == expected.dtype, key
    for own, entry in zip(batch["pts"], entries.tolist(), strict=True):
        np.testing.assert_array_equal(own, np.asarray(columns["jet_pt"][entry]) / 2)
    # For other events it may be a column, or have another meaning.
    up = arrays_of(data.apply_to(aliases={"twice": "3 * event"}).loader("val", fold=0))
    np.testing.assert_array_equal(up["twice"], 3 * event)
    other = recorded_data(tmp_path, twice=np.arange(800) * 0.5)
    batch = arrays_of(data.apply_to(other).loader("all", fold=0))
    np.testing.assert_array_equal(batch["twice"], np.arange(800) * 0.5)
    assert set(batch) >= {"number", "far", "of", "met"}
    assert "pts" not in batch


# Other events


def test_other_events_have_the_same_scaling_and_nothing_is_fitted(sample: Sample) -> None:
    data = sample.training_set(**OPTIONS, cut="met > 30")
    data.fit(2)
    other = data.apply_to(cut="met <= 30")
    batch = arrays_of(other.loader("all", fold=2))
    np.testing.assert_array_equal(batch["_index"], np.flatnonzero(sample.columns["met"] <= 30))
    applied: dict[str, Any] = data.fit(2).apply(
        {key: sample.columns[key][batch["_index"]] for key in ("met", "pt_1", "jet_pt", "jet_eta")}
    )
    for name in ("kin", "jets", "jets_mask"):
        assert applied[name].tobytes() == batch[name].tobytes()
    assert other.fit(2) is data.fit(2)
    test = arrays_of(other.loader("test", fold=2))
    np.testing.assert_array_equal(
        test["_index"], np.flatnonzero(sample.is_in("test", 2) & (sample.columns["met"] <= 30))
    )


def test_other_events_keep_their_negative_weights(sample: Sample) -> None:
    data = sample.training_set(negative="drop", cut="met > 30", normalise="equal")
    batch = arrays_of(data.apply_to(cut="met <= 30").loader("train", fold=0))
    assert (batch["weight"] < 0).any()
    factors = np.array([*data.fit(0).factors.values()])
    expected = batch["weight_physics"] * factors[batch["label"]]
    np.testing.assert_allclose(batch["weight"], expected, rtol=1e-6)


def test_a_variation_comes_in_by_aliases(sample: Sample) -> None:
    data = sample.training_set(scale="standard", spectators=["met"])
    own, up = (
        arrays_of(one.loader("test", fold=1))
        for one in (data, data.apply_to(aliases={"met": "10. * njets"}))
    )
    scaling = data.fit(1).scaling["kin"]
    met = 10.0 * sample.columns["njets"][own["_index"]]
    np.testing.assert_array_equal(own["_index"], up["_index"])
    np.testing.assert_array_equal(own["met"], up["met"])
    np.testing.assert_allclose(up["kin"][:, 0], scaled(met, scaling, 0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(own["kin"][:, 1], up["kin"][:, 1])


@pytest.mark.parametrize("weight", [math.nan, math.inf])
def test_weights_of_other_events_must_be_finite_where_there_is_a_class(
    tmp_path: Path, weight: float
) -> None:
    id_ = np.arange(90)
    w = np.where(np.isin(id_, [62, 83, 85]), weight, 1.0)
    store = write_vectors(tmp_path / "s", {"id": id_, "c": id_ % 3, "w": w, "x": id_ * 1.0})
    splits = Splits(by=("id",))
    labels = {"a": "c == 0", "b": "c == 1"}
    options: dict[str, Any] = {"inputs": {"x": ["x"]}, "weight": "w", "splits": splits}
    data = store.training_set(**options, labels=labels, others="drop", cut="id < 60")
    # Those of no class may have any weight.
    batch = arrays_of(data.apply_to(cut="id >= 60 and id < 83").loader("all"))
    np.testing.assert_array_equal(batch["weight_physics"][batch["label"] >= 0], 1)
    message = "^1 event of 'all' has no finite weight, such as entry 85: the weight 'w'"
    other = data.apply_to(cut="id >= 60")
    for _ in range(2):
        with pytest.raises(FitError, match=message):
            other.loader("test")
    alone = store.training_set(**options, cut="id < 60")
    with pytest.raises(FitError, match=r"^3 events of 'all' have no finite weight"):
        alone.apply_to(cut="id >= 60").loader("all")
    # A store without the columns of the labels has no classes.
    bare = write_vectors(tmp_path / "t", {"id": id_, "w": w, "x": id_ * 1.0})
    batch = arrays_of(data.apply_to(bare, cut="id >= 60").loader("all"))
    np.testing.assert_array_equal(batch["weight_physics"], w[60:])


def recorded_data(folder: Path, **more: Any) -> memmpy.Store:
    """Return a store without process, class and weight, whose events have the same names."""
    random = np.random.default_rng(9)
    columns = {
        "run": np.full(800, 900, np.int32),
        "event": np.arange(800),
        "met": random.exponential(50, 800).astype(np.float32),
        "pt_1": random.exponential(50, 800).astype(np.float32),
        **more,
    }
    config = RFileConfig(write_file(folder / "data.root", columns), "Events", {"process": "data"})
    splits = Splits(by=("process", "run", "event"), num_folds=NUM_FOLDS, val=0.25)
    memmpy.convert(config, folder / "d", keys=["*"], splits=splits, progress=False)
    return memmpy.open(folder / "d")


@pytest.mark.filterwarnings("ignore:no entry has the text:memmpy.errors.CutWarning")
def test_data_without_weights_have_none(sample: Sample, tmp_path: Path) -> None:
    data = sample.training_set(scale="standard", normalise="equal")
    store = recorded_data(tmp_path)
    batch = arrays_of(data.apply_to(store).loader("all", fold=0))
    assert set(batch) == {"kin", "label", "_index"}
    assert (batch["label"] == -1).all()
    expected: dict[str, Any] = data.fit(0).apply({k: store[k][:] for k in ("met", "pt_1")})
    assert expected["kin"].tobytes() == batch["kin"].tobytes()
    path = arrays_of(data.apply_to(tmp_path / "d").loader("all", fold=0))
    assert_same(path, batch)


def test_data_without_the_columns_of_labels_have_none(sample: Sample, tmp_path: Path) -> None:
    data = sample.training_set(labels={"a": "njets > 2", "b": "njets <= 2"}, normalise="equal")
    store = recorded_data(tmp_path, w=np.full(800, 2.0))
    batch = arrays_of(data.apply_to(store).loader("all", fold=0))
    assert set(batch) == {"kin", "weight", "weight_physics", "_index"}
    # An event of no class has the factor 1, not that of the first class.
    assert (batch["weight"] == 2).all()


def test_other_splits_are_refused(sample: Sample, tmp_path: Path) -> None:
    columns = {"id": np.arange(50), "met": np.arange(50.0), "pt_1": np.arange(50.0)}
    store = write_vectors(tmp_path / "s", columns)
    store.set_splits(Splits(by=("id",)))
    with pytest.raises(SplitError, match="splits"):
        sample.training_set().apply_to(store)


def test_a_store_without_the_inputs_is_refused(sample: Sample, tmp_path: Path) -> None:
    store = recorded_data(tmp_path)
    data = sample.training_set(inputs={"a": ["njets"]})
    with pytest.raises(MissingKeyError, match="no column 'njets'"):
        data.apply_to(store)
    with pytest.raises(MissingFileError):
        data.apply_to(tmp_path / "nothing")
    with pytest.raises((OptionError, TypeError), match="5"):
        data.apply_to(5)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="aliases must be a mapping"):
        data.apply_to(aliases="met")  # type: ignore[arg-type]
    with pytest.raises(CutError, match="no key 'mett'"):
        data.apply_to(cut="mett > 5")


def test_what_others_are_applied_to_prints_without_the_numbers_of_train(sample: Sample) -> None:
    other = sample.training_set(cut="met > 30").apply_to(cut="met <= 30")
    text = str(other)
    assert f"{np.count_nonzero(sample.columns['met'] <= 30):,} events" in text
    assert "train" not in text


# Stores


def test_bare_columns_split_by_entry(tmp_path: Path) -> None:
    """As they do at all doors, where no column names the events."""
    x = np.arange(1000.0)
    store = write_vectors(tmp_path / "s", {"x": x})
    data = store.training_set(inputs={"a": ["x"]}, scale="standard", dtype="float64")
    assert data.splits == Splits(by="file")
    assert memmpy.open(tmp_path / "s").splits == Splits(by="file")
    train = arrays_of(data.loader("train"))["_index"]
    parts = [train, *(arrays_of(data.loader(split))["_index"] for split in ("val", "test"))]
    assert np.sort(np.concatenate(parts)).tolist() == list(range(1000))
    assert data.fit().scaling["a"].center[0] == pytest.approx(x[train].mean(), rel=1e-9)


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(10), "x": np.arange(9.0)})
    with pytest.raises(LengthError, match="x"):
        store.training_set(inputs={"a": ["x"]}, splits=Splits(by=("id",)))


def test_a_text_is_no_input(sample: Sample) -> None:
    with pytest.raises(ColumnError, match=r"'process' holds texts.* such as process == 'ttH'"):
        sample.training_set(inputs={"a": ["met", "process"]})
    with pytest.raises(ColumnError, match="the input 'a' takes one number for each event, and"):
        sample.training_set(inputs={"a": ["met", "jet_pt"]})


@pytest.mark.slow
def test_a_weight_of_lists_is_refused(sample: Sample) -> None:
    message = r"weight takes one number for each event, and jet_pt \* 2 has .*Sum\$"
    with pytest.raises(ColumnError, match=message):
        sample.training_set(weight="jet_pt * 2")
    with pytest.raises(ColumnError, match="reweight takes one number for each event"):
        sample.training_set(reweight=Reweight({"jet_pt": [0, 1]}, flat=True))


def test_a_fold_or_split_that_is_not_there_is_refused(sample: Sample) -> None:
    data = sample.training_set()
    with pytest.raises(OptionError, match=r"no split 'tests'.*nearest: 'test'"):
        data.loader("tests", fold=0)
    with pytest.raises((OptionError, SplitError), match="fold"):
        data.loader("train")
    with pytest.raises((OptionError, SplitError), match="fold"):
        data.loader("train", fold=NUM_FOLDS)
    with pytest.raises(OptionError, match="name the one that scales"):
        data.loader("all")
    with pytest.raises(OptionError, match="batch_size"):
        data.loader("train", fold=0, batch_size=0)
    with pytest.raises(OptionError, match="rank"):
        data.loader("train", fold=0, rank=2, world_size=2)


def test_a_split_without_events_has_no_batches(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(100), "x": np.arange(100.0)})
    splits = Splits(by=("id",), fractions={"train": 0.5, "test": 0.5})
    data = store.training_set(inputs={"a": ["x"]}, splits=splits, weight="x", scale="standard")
    with pytest.warns(LoaderWarning, match="no batches: the loader has no entries: 'val'"):
        assert list(data.loader("val")) == []
    assert len(data.loader("val")) == 0
    assert "val" in str(data)


@pytest.mark.filterwarnings("ignore:no entry of:memmpy.errors.ConversionWarning")
def test_no_events_are_an_error_of_the_fit_and_still_print(sample: Sample) -> None:
    data = sample.training_set(cut="met > 1e9")
    assert len(data) == 0
    with pytest.raises(FitError, match="no training events"):
        data.loader("train", fold=0)
    assert "0 events" in str(data)
    assert "no training events" in str(data)


def test_other_splits_than_those_of_the_store_are_refused(sample: Sample) -> None:
    with pytest.raises(SplitError, match="num_folds=5"):
        sample.training_set(splits=Splits(by=("run", "event"), num_folds=3))


def test_a_store_that_can_only_be_read_says_so() -> None:
    old = Path(__file__).parents[1] / "stores" / "memmpy-0.1.2"
    with pytest.raises(ReadOnlyStoreError, match="can only be read: it holds no skims; convert"):
        memmpy.open(old).training_set(inputs={"a": ["met"]})


def test_a_column_that_is_written_again_makes_another_skim(tmp_path: Path) -> None:
    x = np.arange(500.0)
    store = write_vectors(tmp_path / "s", {"id": np.arange(500), "x": x})
    options: dict[str, Any] = {"inputs": {"a": ["x"]}, "splits": Splits(by=("id",))}
    old = store.training_set(**options)
    with WriteVector(tmp_path / "s", "x") as file:
        file.extend(-x)
    new = memmpy.open(tmp_path / "s").training_set(**options)
    batch = arrays_of(new.loader("all"))
    np.testing.assert_array_equal(batch["a"][:, 0], -x)
    # What was open keeps the values that it was made of.
    batch = arrays_of(old.loader("all"))
    np.testing.assert_array_equal(batch["a"][:, 0], x)


MAKE = """
    import sys
    import numpy as np
    import memmpy
    from tests.training.samples import LABELS, arrays_of

    store = memmpy.open(sys.argv[1])
    sys.stdin.readline()
    data = store.training_set(
        inputs={"kin": ["met", "pt_1"]}, labels=LABELS, weight="w", cut="met > 12", scale="standard"
    )
    batch = arrays_of(data.loader("test", fold=0))
    print(data.skim.path.name, len(data), batch["kin"].tobytes().hex()[:200])
"""


@pytest.mark.slow
def test_two_processes_make_one_training_set(sample: Sample, fork_server: ForkServer) -> None:
    num = len(sample.store().skims)
    processes = [fork_server.start(MAKE, sample.path) for _ in range(3)]
    outcomes = [process.communicate("go\n") for process in processes]
    assert [process.returncode for process in processes] == [0] * 3, outcomes
    assert len({out for out, _ in outcomes}) == 1
    assert len(sample.store().skims) == num + 1


def test_files_and_their_store_give_the_same_training_set(sample: Sample, tmp_path: Path) -> None:
    options = {**OPTIONS, "labels": LABELS, "weight": "w"}
    data = training_set(sample.configs, tmp_path / "s", splits=sample.splits, **options)
    assert_same(
        arrays_of(data.loader("train", fold=0)),
        arrays_of(sample.training_set(**OPTIONS).loader("train", fold=0)),
    )
    stored = set(memmpy.open(tmp_path / "s"))
    assert stored == {"met", "pt_1", "jet_pt", "jet_eta", "w", "event", "run", "process"}


# Leaks


def auc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the area under the curve, by ranks; equal scores share theirs."""
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    num = int(labels.sum())
    ranked = ranks[labels == 1].sum() - num * (num + 1) / 2
    return float(ranked / (num * (len(labels) - num)))


def fit_logistic(x: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the coefficients of a logistic regression, by Newton's method."""
    x = np.column_stack([x, np.ones(len(x))])
    beta = np.zeros(x.shape[1])
    for _ in range(3):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        hessian = (x * (p * (1 - p))[:, np.newaxis]).T @ x + 1e-3 * np.eye(len(beta))
        beta += np.linalg.solve(hessian, x.T @ (labels - p))
    return beta


@pytest.mark.slow
def test_noise_labels_with_variations_of_an_event_are_not_learnt(tmp_path: Path) -> None:
    num, width = 3000, 120
    random = np.random.default_rng(4)
    noise = (random.random(num) < 0.5).astype(np.int32)
    x = random.normal(size=(num, width)).astype(np.float32)
    configs = []
    for number, variation in enumerate(("nominal", "up", "down")):
        event = random.permutation(num)
        values = ak.from_regular(x[event] + np.float32(1e-3 * number))
        columns = {"event": event, "run": np.ones(num, np.int32), "truth": noise[event]}
        file = write_file(tmp_path / f"{variation}.root", {**columns, "x": values})
        configs.append(RFileConfig(file, "Events", {"process": "a", "variation": variation}))
    data = training_set(
        configs,
        tmp_path / "s",
        inputs={"x": Objects(["x"], length=width)},
        labels={"zero": "truth == 0", "one": "truth == 1"},
        splits=Splits(by=("process", "run", "event"), num_folds=5),
        scale="standard",
        spectators=["event"],
    )
    scores, labels, entries = [], [], []
    for fold in range(5):
        train, test = (epoch(data.loader(one, fold=fold)) for one in ("train", "test"))
        assert not np.intersect1d(train["event"], test["event"]).size
        beta = fit_logistic(train["x"][..., 0], train["label"])
        trained = auc(train["x"][..., 0] @ beta[:-1], train["label"])
        assert trained > 0.58  # it learns its own events by heart
        scores.append(test["x"][..., 0] @ beta[:-1])
        labels.append(test["label"])
        entries.append(test["_index"])
    assert np.sort(np.concatenate(entries)).tolist() == list(range(3 * num))
    assert auc(np.concatenate(scores), np.concatenate(labels)) == pytest.approx(0.5, abs=0.03)


class TestSampling:
    def test_each_batch_has_the_shares_and_its_weights(self, sample: Sample) -> None:
        data = sample.training_set(scale="standard", normalise="mean")
        loader = data.loader(
            "train", fold=0, batch_size=33, sampling={"background": 0.25, "signal": 0.75}
        )
        factor = data.fit(0).factors["signal"]
        nums = np.zeros(2)
        for batch in loader:
            nums += np.bincount(batch["label"], minlength=2)
            assert np.abs(nums - nums.sum() * np.array([0.25, 0.75])).max() <= 1
            assert np.array_equal(
                batch["weight"], (batch["weight_physics"] * factor).astype(np.float32)
            )

    @pytest.mark.parametrize("normalise", ["equal", {"background": 1, "signal": 2}])
    def test_classes_are_balanced_once(self, sample: Sample, normalise: Any) -> None:
        data = sample.training_set(normalise=normalise)
        with pytest.raises(OptionError, match="would both balance the classes"):
            data.loader("train", fold=0, sampling={"background": 0.5, "signal": 0.5})

    def test_there_must_be_classes(self, sample: Sample) -> None:
        data = sample.training_set(labels=None)
        with pytest.raises(OptionError, match="there are no labels"):
            data.loader("train", fold=0, sampling={"a": 1.0})

    def test_an_unknown_class_is_named(self, sample: Sample) -> None:
        data = sample.training_set()
        with pytest.raises(OptionError, match="has no class 'c'"):
            data.loader("train", fold=0, sampling={"c": 1.0})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reweight": Reweight({"process": [0, 1]}, flat=True)}, "and a number is needed"),
        ({"inputs": {"o": Objects({"x": ["process"]}, length=1)}}, "and 'o' takes numbers"),
        ({"inputs": {"o": ["p"]}, "aliases": {"p": "process"}}, "and 'o' takes numbers"),
    ],
)
def test_hashes_of_texts_are_no_numbers(sample: Sample, options: Any, message: str) -> None:
    with pytest.raises(ColumnError, match=f"'process' holds texts, {message}; take a condition"):
        sample.training_set(**options)


def test_sampling_leaves_out_events_of_no_class(sample: Sample) -> None:
    labels = {"low": "met < 30", "high": "met > 60"}
    data = sample.training_set(labels=labels, others="keep")
    loader = data.loader("train", fold=0, batch_size=100, sampling={"low": 0.25, "high": 0.75})
    met = sample.columns["met"]
    for batch in loader:
        assert np.bincount(batch["label"]).tolist() == [25, 75]
        np.testing.assert_array_equal(met[batch["_index"]] > 60, batch["label"] == 1)


@pytest.mark.parametrize(
    "sampling",
    [
        {"background": 1e-300, "signal": 1.0},
        memmpy.Sampling({"background": 0.5, "signal": 0.5}, num_batches=10**30),
    ],
)
def test_an_epoch_of_sampling_that_never_ends_is_refused(sample: Sample, sampling: Any) -> None:
    with pytest.raises(OptionError, match=r"more than 2\^63 events; give Sampling"):
        sample.training_set().loader("train", fold=0, sampling=sampling)


def test_options_may_be_scalars_of_numpy(tmp_path: Path) -> None:
    columns = {"event": np.arange(200), "x": np.arange(200.0), "y": np.arange(200.0) + 0.5}
    store = write_vectors(tmp_path / "s", columns)

    def make(text: Any, integer: Any, number: Any) -> memmpy.TrainingSet:
        return store.training_set(
            inputs={
                text("e"): [text("x"), text("x + y")],
                text("o"): Objects({text("pt"): [text("x"), text("y")]}, length=integer(2)),
            },
            labels={text("low"): text("x < 100"), text("high"): text("x >= 100")},
            weight=text("y"),
            spectators=[text("event")],
            reweight=Reweight({text("x"): [0, number(50), 200]}, flat=True, max_ratio=number(3)),
            missing=number(-999),
            scale=text("standard"),
            splits=Splits(by=("event",), num_folds=3),
        )

    plain = make(str, int, float)
    data = make(np.str_, np.int32, np.float32)
    data.fit(np.int64(1)).save(tmp_path / "fit.json")
    loaders = data.loader("train", fold=np.int64(1)), plain.loader("train", fold=1)
    assert json.dumps(loaders[0].provenance()) == json.dumps(loaders[1].provenance())
    assert_same(arrays_of(loaders[0]), arrays_of(loaders[1]))
    assert len(store.skims) == 1


@pytest.mark.filterwarnings("error:overflow")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(
    "missing", [-999.0, -999.9, 0.1, -3.4028235e38, 1e300, -math.inf, math.nan]
)
def test_a_missing_number_is_that_of_the_dtype_in_keys_and_expressions(
    tmp_path: Path, missing: float, dtype: str
) -> None:
    x = np.arange(40, dtype=dtype)
    if dtype == "f8" or missing != 1e300:  # which float32 does not hold
        x[::4] = missing
    y = np.arange(40.0) + 0.5
    store = write_vectors(tmp_path / "s", {"event": np.arange(40), "x": x, "y": y})
    pairs = Objects({"x": ["x", "y"], "2x": ["2 * x", "2 * y"]}, length=2)
    data = store.training_set(
        inputs={"e": ["x", "x * 1", "2 * x - y"], "o": pairs},
        missing=missing,
        fill=None,
        dtype="float64",
        splits=Splits(by=("event",)),
    )
    batch = arrays_of(data.loader("all"))
    is_missing = np.arange(40) % 4 == 0
    if dtype == "f4" and missing == 1e300:
        is_missing[:] = False
    expected = np.where(is_missing, np.nan, x.astype(np.float64))
    np.testing.assert_array_equal(batch["e"][:, 0], expected)
    np.testing.assert_array_equal(batch["e"][:, 1], expected)
    np.testing.assert_array_equal(np.isnan(batch["e"][:, 2]), is_missing)
    np.testing.assert_array_equal(batch["o"][:, 0, 0], np.where(is_missing, y, x))
    np.testing.assert_array_equal(batch["o"][:, 0, 1], 2 * np.where(is_missing, y, x))


@pytest.mark.parametrize("missing", [None, -999, {"n": -999}], ids=str)
@pytest.mark.parametrize("text", ["n", "n + 0", "2 * n"])
@pytest.mark.parametrize("kind", ["keys", "flat", "lists"])
def test_integers_that_float32_rounds_are_told_beside_missing(
    tmp_path: Path, kind: str, text: str, missing: Any
) -> None:
    """Integers with a number for "missing" become floats, and their loss counts all the same."""
    n = np.where(np.arange(50) % 5 == 0, -999, (1 << 24) + np.arange(50))
    store = write_vectors(tmp_path / "s", {"event": np.arange(50), "n": n})
    num = np.count_nonzero((n != -999) & (n % 2 == 1))
    given: dict[str, Any] = {
        "keys": [text],
        "flat": Objects({"n": [text, text]}, length=1),
        "lists": Objects({"n": [text]}),
    }
    message = f"{num} values of .* do not fit into float32 in the group 'e'"
    with pytest.warns(ConversionWarning, match=message):
        store.training_set(inputs={"e": given[kind]}, missing=missing, splits=Splits(by=("event",)))
