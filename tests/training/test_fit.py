import json
import math
import pickle
import resource
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import Objects, Reweight, Splits
from memmpy.errors import DiskError, FitError, LengthError, MissingKeyError
from tests.training.samples import NUM_FOLDS, Sample, arrays_of, total, write_vectors

CLASSES = ("background", "signal")
INPUTS: dict[str, Any] = {
    "kin": ["met", "pt_1", "log(met)"],
    "jets": Objects(["jet_pt", "jet_eta"], length=6, valid="jet_pt > 5", sort_by="-jet_pt"),
    "lists": Objects(["jet_pt", "jet_eta"]),
    "tau": Objects({"pt": ["pt_1", "met"], "n": ["njets", "njets + 1"]}, length=2),
}


@pytest.mark.parametrize("fold", [0, 4])
@pytest.mark.parametrize(
    "normalise", [None, "mean", "equal", {"background": 2, "signal": 1}], ids=str
)
@pytest.mark.parametrize("negative", ["keep", "abs", "drop"])
def test_factors_are_those_of_exact_sums(
    sample: Sample, normalise: Any, negative: Any, fold: int
) -> None:
    fit = sample.training_set(normalise=normalise, negative=negative).fit(fold)
    train, weights = sample.is_in("train", fold), sample.columns["w"]
    sums = [total(weights[train & (sample.labels == number)]) for number in (0, 1)]
    num = np.count_nonzero(train)
    shares = {"equal": (1, 1), "mean": sums, "None": ()}.get(str(normalise), (2, 1))
    expected = [num * share / sum(shares) / own for share, own in zip(shares, sums, strict=False)]
    assert [*fit.factors] == [*CLASSES]
    assert list(fit.factors.values()) == pytest.approx(expected or [1.0, 1.0], rel=1e-12)
    if normalise is None:
        assert fit.factors == {"background": 1.0, "signal": 1.0}


def test_the_mean_weight_of_train_is_one_and_classes_have_their_shares(sample: Sample) -> None:
    data = sample.training_set(normalise={"background": 3, "signal": 1}, negative="abs")
    batch = arrays_of(data.loader("train", fold=1))
    weights = batch["weight"].astype(np.float64)
    sums = [total(weights[batch["label"] == number]) for number in (0, 1)]
    assert sums[0] / sums[1] == pytest.approx(3, rel=1e-6)
    assert total(weights) / len(weights) == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("fold", range(NUM_FOLDS))
def test_yield_scale_gives_the_yield_of_each_process_from_one_split(
    sample: Sample, fold: int
) -> None:
    fit = sample.training_set().fit(fold)
    weights = sample.columns["w"]
    assert list(fit.yield_scale) == ["train", "val", "test", "all"]
    for split in ("train", "val", "test"):
        assert list(fit.yield_scale[split]) == ["DY", "ggH"]
        for number, process in enumerate(("DY", "ggH")):
            own = sample.labels == number
            part = total(weights[own & sample.is_in(split, fold)])
            expected = total(weights[own]) / part
            assert fit.yield_scale[split][process] == pytest.approx(expected, rel=1e-12)
    assert fit.yield_scale["all"] == {"DY": 1.0, "ggH": 1.0}


def test_yields_are_of_the_events_that_pass_the_cut(sample: Sample) -> None:
    fit = sample.training_set(cut="met > 40", weight=None, normalise="equal").fit(2)
    passes = sample.columns["met"] > 40
    for number, process in enumerate(("DY", "ggH")):
        own = passes & (sample.labels == number)
        expected = np.count_nonzero(own) / np.count_nonzero(own & sample.is_in("test", 2))
        assert fit.yield_scale["test"][process] == pytest.approx(expected, rel=1e-12)


def test_the_signed_sum_of_each_process_stays_in_train_alone(sample: Sample) -> None:
    physics = sample.columns["w"]
    for negative in ("abs", "drop"):
        data = sample.training_set(negative=negative, normalise=None)
        batch = arrays_of(data.loader("train", fold=0))
        for number in (0, 1):
            own = batch["label"] == number
            expected = total(physics[sample.is_in("train") & (sample.labels == number)])
            assert total(batch["weight"][own]) == pytest.approx(expected, rel=1e-6)
        assert (batch["weight"] >= 0).all()
        was_negative = batch["weight_physics"] < 0
        assert was_negative.any()
        assert (batch["weight"][was_negative] == 0).all() == (negative == "drop")
        for split in ("val", "test", "all"):
            batch = arrays_of(data.loader(split, fold=0))
            expected_weights = physics if split == "all" else physics[sample.is_in(split)]
            np.testing.assert_array_equal(batch["weight"], expected_weights.astype(np.float32))
            np.testing.assert_array_equal(batch["weight_physics"], expected_weights)


def test_negative_weights_are_refused_if_asked(sample: Sample) -> None:
    data = sample.training_set(negative="raise")
    with pytest.raises(FitError, match=r"of 2,256 training events of 'DY' have a negative weight"):
        data.fit(0)
    assert sample.training_set(negative="raise", weight="abs(w)").fit(0).factors


@pytest.mark.parametrize("negative", ["abs", "drop"])
def test_a_process_whose_sum_is_not_positive_is_named(sample: Sample, negative: Any) -> None:
    weight = "process == 'ggH' ? w - 3 : w"
    data = sample.training_set(weight=weight, negative=negative, normalise=None)
    message = rf"training weights of 'ggH' is -.*negative='{negative}' cannot keep it"
    with pytest.raises(FitError, match=message):
        data.fit(0)


@pytest.mark.parametrize(
    ("normalise", "what"),
    [("mean", "the training weights is -"), ("equal", "the training weights of 'background' is -")],
)
def test_a_sum_that_is_not_positive_is_no_divisor(
    sample: Sample, normalise: Any, what: str
) -> None:
    data = sample.training_set(weight="w - 3", normalise=normalise)
    with pytest.raises(FitError, match=rf"{what}.*normalise='{normalise}' divides by it"):
        data.fit(0)


@pytest.mark.parametrize("wrong", ["sqrt(-1.)", "exp(1000.)", "log(-1.)"])
def test_a_weight_that_is_no_number_names_process_and_entry(sample: Sample, wrong: str) -> None:
    chosen = (sample.columns["met"] > 200) & (sample.labels == 1)
    weight = f"met > 200 && process == 'ggH' ? {wrong} : w"
    data = sample.training_set(weight=weight)
    entry, num = int(np.flatnonzero(chosen)[0]), np.count_nonzero(chosen)
    first = f"{num:,} events of 'ggH' have no finite weight, such as entry "
    with pytest.raises(FitError, match=first) as caught:
        data.fit(0)
    named = int(str(caught.value).partition("such as entry ")[2].partition(":")[0].replace(",", ""))
    assert chosen[named], (named, entry)


def test_weights_of_events_of_no_class_may_be_missing(sample: Sample) -> None:
    """As those of recorded data, which have no cross-section, are."""
    data = sample.training_set(
        labels={"signal": "process == 'ggH'"},
        others="keep",
        weight="process == 'ggH' ? w : sqrt(-1.)",
    )
    fit = data.fit(0)
    own = sample.is_in("train") & (sample.labels == 1)
    expected = np.count_nonzero(own) / total(sample.columns["w"][own])
    assert fit.factors["signal"] == pytest.approx(expected, rel=1e-12)
    assert fit.yield_scale["train"]["ggH"] == pytest.approx(
        total(sample.columns["w"][sample.labels == 1]) / total(sample.columns["w"][own]), rel=1e-12
    )


@pytest.mark.parametrize("negative", ["abs", "drop", "raise"])
def test_negative_weights_of_events_of_no_class_need_no_sum(sample: Sample, negative: Any) -> None:
    data = sample.training_set(
        labels={"signal": "process == 'ggH'"},
        others="keep",
        weight="process == 'ggH' ? abs(w) : w - 3",
        negative=negative,
    )
    own = sample.is_in("train") & (sample.labels == 1)
    expected = np.count_nonzero(own) / total(np.abs(sample.columns["w"][own]))
    assert data.fit(0).factors["signal"] == pytest.approx(expected, rel=1e-12)


def test_a_sum_that_overflows_is_an_error_that_says_so(sample: Sample) -> None:
    data = sample.training_set(weight="1.7e308")
    with pytest.raises(FitError, match="weights of 'DY' are too large to sum"):
        data.fit(0)


def test_a_class_without_training_events_is_named(sample: Sample) -> None:
    labels = {"a": "met > -1 && met < 1e6", "b": "met > 1e6"}
    with pytest.raises(FitError, match="the class 'b' has no training events: check its cut"):
        sample.training_set(labels=labels).fit(0)


def test_no_training_events_are_an_error(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(100), "x": np.arange(100.0)})
    data = store.training_set(
        inputs={"a": ["x"]}, splits=Splits(by=("id",), fractions={"test": 1.0})
    )
    with pytest.raises(FitError, match="no training events"):
        data.loader("test")


def test_the_json_holds_the_fit_and_nothing_that_json_lacks(sample: Sample, tmp_path: Path) -> None:
    data = sample.training_set(
        missing={"pt_1": np.float32(-999)},
        fill=np.float32(-1.0),
        scale={"kin": "standard", "met": "log"},
        normalise={"background": np.float32(2), "signal": np.int64(1)},
        reweight=Reweight({"njets": [0, 2, 4, 6]}, to="signal"),
    )
    fit = data.fit(3)
    fit.save(tmp_path / "fit.json")

    def refuse(text: str) -> None:
        raise AssertionError(text)

    document = json.loads((tmp_path / "fit.json").read_text(), parse_constant=refuse)
    assert document["fold"] == 3
    assert document["missing"] == {"pt_1": -999.0}
    assert document["fill"] == -1.0
    assert document["normalise"] == {"background": 2.0, "signal": 1.0}
    assert document["factors"] == fit.factors
    assert document["yield_scale"] == fit.yield_scale
    own = document["inputs"]["kin"]
    assert own["keys"] == ["met", "pt_1"]
    assert own["methods"] == ["log", "standard"]
    values = np.stack(
        [np.log(sample.columns["met"].astype(np.float64)), sample.columns["pt_1"]], axis=-1
    )
    scaled = (values - own["center"]) / own["width"]
    scaled[sample.columns["pt_1"] == -999, 1] = document["fill"]
    batch = arrays_of(data.loader("all", fold=3))
    np.testing.assert_allclose(batch["kin"], scaled, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("fill", [math.nan, None])
def test_what_json_has_no_number_for_is_null(tmp_path: Path, fill: Any) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(100), "x": np.arange(100.0)})
    splits = Splits(by=("id",), fractions={"train": 0.5, "test": 0.5})
    data = store.training_set(inputs={"a": ["x"]}, splits=splits, weight="1", fill=fill)
    fit = data.fit()
    assert not math.isfinite(fit.yield_scale["val"]["all"])
    fit.save(tmp_path / "fit.json")
    document = json.loads((tmp_path / "fit.json").read_text(), parse_constant=pytest.fail)
    assert document["yield_scale"]["val"] == {"all": None}
    assert document["fill"] is None


def test_a_fit_cannot_be_saved_into_a_folder_that_is_not_there(
    sample: Sample, tmp_path: Path
) -> None:
    with pytest.raises((DiskError, FileNotFoundError), match="no"):
        sample.training_set().fit(0).save(tmp_path / "no" / "fit.json")


def test_a_full_disk_leaves_the_fit_that_was_saved_before(sample: Sample, tmp_path: Path) -> None:
    fit, file = sample.training_set().fit(0), tmp_path / "fit.json"
    file.write_text("older")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, limits[1]))
    try:
        with pytest.raises(DiskError) as caught:
            fit.save(file)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    reason = "File too large; an older file of this name is unchanged"
    assert str(caught.value) == f"cannot write {str(file)!r}: {reason}"
    assert file.read_text() == "older"
    assert [*tmp_path.iterdir()] == [file]


def columns_of(sample: Sample, kind: str) -> dict[str, Any]:
    columns = {key: values for key, values in sample.columns.items() if key != "process"}
    if kind == "awkward":
        return {key: ak.Array(values) for key, values in columns.items()}
    if kind == "store":
        store = sample.store()
        return {
            key: memmpy.Jagged.from_awkward(values)
            if isinstance(values, ak.Array)
            else store[key][:]
            for key, values in columns.items()
        }
    return columns


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("kind", ["numpy", "awkward", "store"])
@pytest.mark.parametrize("fill", [-7.5, None])
@pytest.mark.parametrize("scale", ["standard", {"kin": "robust", "jet_pt": "log", "n": "minmax"}])
def test_apply_gives_the_bits_of_batches(
    sample: Sample,
    kind: str,
    fill: Any,
    scale: Any,
    compiled: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("memmpy.splits.split_chunks.is_worth_compiling", lambda *_, **__: compiled)
    data = sample.training_set(inputs=INPUTS, missing=-999, scale=scale, fill=fill)
    batch = arrays_of(data.loader("all", fold=2))
    applied: dict[str, Any] = data.fit(2).apply(columns_of(sample, kind))
    assert set(applied) == {*INPUTS, "jets_mask", "tau_mask"}
    for name in ("kin", "jets", "tau", "jets_mask", "tau_mask"):
        assert applied[name].dtype == batch[name].dtype
        assert applied[name].tobytes() == batch[name].tobytes(), name
    for one, other in zip(applied["lists"], batch["lists"], strict=True):
        assert np.asarray(one).tobytes() == np.asarray(other).tobytes()


def test_apply_changes_no_array_of_the_user(sample: Sample) -> None:
    fit = sample.training_set(scale="standard", missing=-999).fit(0)
    columns = {"met": sample.columns["met"].copy(), "pt_1": sample.columns["pt_1"].copy()}
    fit.apply(columns)
    np.testing.assert_array_equal(columns["met"], sample.columns["met"])
    np.testing.assert_array_equal(columns["pt_1"], sample.columns["pt_1"])


def test_apply_takes_no_events(sample: Sample) -> None:
    fit = sample.training_set(inputs=INPUTS, scale="standard").fit(0)
    nothing = {key: values[:0] for key, values in columns_of(sample, "numpy").items()}
    applied: dict[str, Any] = fit.apply(nothing)
    assert applied["kin"].shape == (0, 3)
    assert applied["jets"].shape == (0, 6, 2)
    assert len(applied["lists"]) == 0


def test_apply_names_the_nearest_of_what_is_missing(sample: Sample) -> None:
    fit = sample.training_set().fit(0)
    met = sample.columns["met"]
    with pytest.raises(MissingKeyError, match=r"no array 'pt_1' was given; nearest: 'pt_2'"):
        fit.apply({"met": met, "pt_2": met})


def test_apply_refuses_columns_of_different_lengths(sample: Sample) -> None:
    fit = sample.training_set().fit(0)
    with pytest.raises(LengthError, match=r"the arrays differ in length: .*'met': 3, 'pt_1': 2"):
        fit.apply({"met": np.ones(3), "pt_1": np.ones(2)})


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"met": ["a", "b"], "pt_1": [1.0, 2.0]}, "'met'"),
        ({"met": [[1.0], [2.0, 3.0]], "pt_1": [1.0, 2.0]}, "'met'"),
        ({"met": 5.0, "pt_1": [1.0]}, "'met'"),
        ({"met": np.ones((2, 3)), "pt_1": np.ones(2)}, "'met'"),
        ({"met": None, "pt_1": np.ones(2)}, "'met'"),
        ([1, 2], "a mapping"),
    ],
)
def test_apply_refuses_what_is_no_column(sample: Sample, columns: Any, message: str) -> None:
    fit = sample.training_set().fit(0)
    with pytest.raises(memmpy.MemmpyError, match=message):
        fit.apply(columns)


def test_the_report_has_the_numbers_of_each_split(sample: Sample) -> None:
    text = str(sample.training_set().fit(0).report())
    weights, own = sample.columns["w"], sample.is_in("test") & (sample.labels == 1)
    row = next(line for line in text.splitlines() if line.split()[:2] == ["test", "ggH"])
    assert f"{np.count_nonzero(own):,}" in row.split()
    assert f"{total(weights[own]):.6g}" in row.split()
    assert f"{total(weights[own]) ** 2 / total(weights[own] ** 2):,.0f}" in row.split()


def test_a_fit_that_was_pickled_applies_the_same_bits(sample: Sample) -> None:
    fit = sample.training_set(scale="standard", missing=-999, normalise="equal").fit(1)
    again = pickle.loads(pickle.dumps(fit))
    columns = {key: sample.columns[key] for key in ("met", "pt_1")}
    one: dict[str, Any] = fit.apply(columns)
    other: dict[str, Any] = again.apply(columns)
    assert one["kin"].tobytes() == other["kin"].tobytes()
    assert again.to_json() == fit.to_json()


def test_apply_takes_regular_arrays_as_lists(sample: Sample) -> None:
    """As NumPy and Awkward have them where all events have as many objects."""
    data = sample.training_set(
        inputs={"a": Objects(["jet_pt", "jet_eta"], length=6)}, scale="standard"
    )
    pt, eta = np.random.default_rng(0).normal(size=(2, 10, 2)).astype(np.float32)
    lists = {"jet_pt": ak.from_regular(pt), "jet_eta": ak.from_regular(eta)}
    regular = {"jet_pt": ak.Array(pt), "jet_eta": ak.Array(eta)}
    expected: dict[str, Any] = data.fit(0).apply(lists)
    applied: dict[str, Any] = data.fit(0).apply(regular)
    assert expected["a"].tobytes() == applied["a"].tobytes()
    assert expected["a_mask"].sum(axis=1).tolist() == [2] * 10


def test_apply_refuses_none_in_awkward_arrays(sample: Sample) -> None:
    fit = sample.training_set().fit(0)
    with pytest.raises(memmpy.MemmpyError, match="met"):
        fit.apply({"met": ak.Array([1.0, None]), "pt_1": np.ones(2)})


@pytest.mark.parametrize(("factor", "size"), [("1e300", "e[+]301"), ("1e-60", "e-5[89]")])
def test_weights_that_float32_does_not_hold_are_refused(
    tmp_path: Path, factor: str, size: str
) -> None:
    columns = {"event": np.arange(100), "x": np.arange(100.0)}
    store = write_vectors(tmp_path / "s", columns)
    options: dict[str, Any] = {
        "inputs": {"x": ["x"]}, "weight": f"(x + 1) * {factor}", "splits": Splits(by=("event",)),
    }  # fmt: skip
    message = f"the training weights of 'all' are about .*{size}, which float32 does not hold"
    with pytest.raises(FitError, match=message):
        store.training_set(**options, normalise=None).fit()
    # A factor may bring them back, and then nothing overflows on the way.
    data = store.training_set(**options, reweight=Reweight({"x": [-np.inf, 50, np.inf]}, flat=True))
    batch = arrays_of(data.loader("train"))
    assert total(batch["weight"]) == pytest.approx(len(batch["weight"]), rel=1e-6)
    bins = batch["x"][:, 0] >= 50
    assert total(batch["weight"][bins]) == pytest.approx(total(batch["weight"][~bins]), rel=1e-6)
    assert "effective" in str(data)


def test_huge_and_tiny_shares_of_classes_are_shares(sample: Sample) -> None:
    expected = sample.training_set(normalise="equal").fit(0).factors
    for share in (1e308, 1e-300):
        shares = {"background": share, "signal": share}
        assert sample.training_set(normalise=shares).fit(0).factors == pytest.approx(expected)


def test_a_single_weight_that_is_nan_is_named(tmp_path: Path) -> None:
    columns = {"event": np.arange(9), "x": np.where(np.arange(9) == 5, np.nan, 1.0)}
    store = write_vectors(tmp_path / "s", columns)
    data = store.training_set(
        inputs={"x": ["event + 0.5"]}, weight="x", splits=Splits(by=("event",))
    )
    with pytest.raises(FitError, match=r"^1 event of 'all' has no finite weight, such as entry 5:"):
        data.fit()
