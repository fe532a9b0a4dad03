import json
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import Objects, Reweight, Splits
from memmpy.errors import FitWarning, SplitError
from memmpy.training import Fit
from memmpy.training.row_statistics import scan_rows
from tests.training.samples import NUM_FOLDS, Sample, arrays_of, make_sample, total, write_vectors

EDGES = [0, 20, 50, 100, 200]
NJETS = [0, 2, 4, 6]


def values_of(sample: Sample, key: str, mask: np.ndarray) -> np.ndarray:
    """Return the finite training values of a column, in float64."""
    values = sample.columns[key][mask]
    flat = np.asarray(ak.flatten(values) if isinstance(values, ak.Array) else values, np.float64)
    there: np.ndarray = flat[flat != -999]
    return there


FORMULAS: Mapping[str, Callable[[np.ndarray], tuple[float, float]]] = {
    "standard": lambda x: (total(x) / len(x), float(x.std())),
    "robust": lambda x: (
        float(np.median(x)),
        float(np.percentile(x, 84) - np.percentile(x, 16)) / 2,
    ),
    "minmax": lambda x: (float(x.min()), float(x.max() - x.min())),
    "log": lambda x: (float(np.log(x).mean()), float(np.log(x).std())),
}


@pytest.mark.parametrize("method", FORMULAS)
@pytest.mark.parametrize("fold", [0, 3])
def test_scaling_is_that_of_the_training_values_in_float64(
    sample: Sample, method: str, fold: int
) -> None:
    data = sample.training_set(
        inputs={
            "kin": ["met", "pt_1"],
            "lists": Objects(["jet_pt"]),
            "padded": Objects(["jet_pt"], length=6),
        },
        scale=method,
        missing=-999,
    )
    scaling, train = data.fit(fold).scaling, sample.is_in("train", fold)
    for name, key, number in (
        ("kin", "met", 0),
        ("kin", "pt_1", 1),
        ("lists", "jet_pt", 0),
        ("padded", "jet_pt", 0),
    ):
        center, width = FORMULAS[method](values_of(sample, key, train))
        assert scaling[name].methods[number] == method
        assert scaling[name].center[number] == pytest.approx(center, rel=1e-9)
        assert scaling[name].width[number] == pytest.approx(width, rel=1e-9)


def test_a_width_far_from_zero_is_exact_in_float64(sample: Sample) -> None:
    data = sample.training_set(inputs={"t": ["time"]}, scale="standard", dtype="float64")
    times = sample.columns["time"][sample.is_in("train")]
    own = data.fit(0).scaling["t"]
    assert own.center[0] == pytest.approx(total(times) / len(times), rel=1e-15)
    assert own.width[0] == pytest.approx((times - 1e9).std(), rel=1e-6)
    batch = arrays_of(data.loader("train", fold=0))
    assert batch["t"].dtype == np.float64
    assert abs(batch["t"].mean()) < 1e-6
    assert batch["t"].std() == pytest.approx(1, abs=1e-6)


def test_methods_by_input_and_key(sample: Sample) -> None:
    data = sample.training_set(
        inputs={"a": ["met", "pt_1"], "b": ["met"], "c": ["njets"]},
        scale={"a": "standard", "met": "log", "b": "robust"},
        missing=-999,
    )
    scaling, train = data.fit(0).scaling, sample.is_in("train")
    assert scaling["a"].methods == ("log", "standard")
    assert scaling["b"].methods == ("log",)
    assert scaling["c"].methods == (None,)
    assert (scaling["c"].center[0], scaling["c"].width[0]) == (0, 1)
    center, _ = FORMULAS["standard"](values_of(sample, "pt_1", train))
    assert scaling["a"].center[1] == pytest.approx(center, rel=1e-9)
    njets = arrays_of(data.loader("val", fold=0))["c"][:, 0]
    np.testing.assert_array_equal(njets, sample.columns["njets"][sample.is_in("val")])


def test_a_constant_has_width_one_and_a_warning(sample: Sample) -> None:
    data = sample.training_set(inputs={"kin": ["met", "run / run"]}, scale="standard")
    with pytest.warns(FitWarning, match=r"input 'kin' .*: 'run / run' is constant") as caught:
        fit = data.fit(1)
    assert len(caught) == 1
    assert fit.scaling["kin"].center[1] == 1.0
    assert fit.scaling["kin"].width[1] == 1.0
    assert not arrays_of(data.loader("test", fold=1))["kin"][:, 1].any()


def shape_of(values: np.ndarray, njets: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the share of each bin, of values that lie outside in the nearest one."""
    clipped = np.clip(values, EDGES[0], EDGES[-1] - 1e-3), np.clip(njets, 0, 5)
    sums, *_ = np.histogram2d(*clipped, [EDGES, NJETS], weights=weights.astype(np.float64))
    shares: np.ndarray = sums / sums.sum()
    return shares


VARIABLES = {"met": EDGES, "abs(njets)": NJETS}


@pytest.mark.parametrize("negative", ["keep", "abs", "drop"])
@pytest.mark.parametrize("normalise", [None, "equal"])
def test_a_class_gets_the_shape_of_another(sample: Sample, negative: Any, normalise: Any) -> None:
    reweight = Reweight(VARIABLES, to="signal")
    data = sample.training_set(reweight=reweight, negative=negative, normalise=normalise)
    batch = arrays_of(data.loader("train", fold=2))
    assert "_bin" not in batch
    entries, weights = batch["_index"], batch["weight"]
    met, njets = sample.columns["met"][entries], sample.columns["njets"][entries]
    shapes = [
        shape_of(met[own], njets[own], weights[own])
        for own in (batch["label"] == n for n in (0, 1))
    ]
    np.testing.assert_allclose(shapes[0], shapes[1], atol=1e-6)
    physics = batch["weight_physics"]
    for number in (0, 1) if normalise is None else ():
        own = batch["label"] == number
        assert total(weights[own]) == pytest.approx(total(physics[own]), rel=1e-6)


def test_flat_gives_each_class_equal_sums_in_all_bins(sample: Sample) -> None:
    data = sample.training_set(reweight=Reweight({"met": EDGES}, flat=True), weight="abs(w)")
    batch = arrays_of(data.loader("train", fold=2))
    met = sample.columns["met"][batch["_index"]].clip(0, 199)
    for number in (0, 1):
        own = batch["label"] == number
        sums, _ = np.histogram(met[own], EDGES, weights=batch["weight"][own].astype(np.float64))
        np.testing.assert_allclose(sums / sums.sum(), 1 / len(sums), atol=1e-6)


def test_the_factors_of_train_act_on_val_and_test_alike(sample: Sample) -> None:
    reweight = Reweight({"met": EDGES}, to="signal")
    data = sample.training_set(reweight=reweight, normalise="equal", negative="abs")
    factors: dict[tuple[int, int], set[float]] = {}
    for split in ("train", "val", "test"):
        batch = arrays_of(data.loader(split, fold=1))
        bins = np.searchsorted(EDGES, sample.columns["met"][batch["_index"]], side="right")
        keep = batch["weight_physics"] > 0
        ratios = (batch["weight"] / batch["weight_physics"])[keep]
        if split == "train":
            ratios = ratios / train_scale(sample, batch["label"][keep])
        for number, label, ratio in zip(bins[keep], batch["label"][keep], ratios, strict=True):
            factors.setdefault((min(number, 4), label), set()).add(round(float(ratio), 4))
    assert len(factors) == 8
    assert all(max(own) - min(own) <= 2e-4 for own in factors.values()), factors


def train_scale(sample: Sample, labels: np.ndarray) -> np.ndarray:
    """Return the factors that keep the signed sums where absolute values are taken."""
    scales = []
    for number in (0, 1):
        own = sample.columns["w"][sample.is_in("train", 1) & (sample.labels == number)]
        scales.append(total(own) / total(np.abs(own)))
    chosen: np.ndarray = np.array(scales)[labels]
    return chosen


def poisoned(fold: int) -> Callable[..., dict[str, Any]]:
    """Return what changes the events that are no training events of a fold."""

    def change(process: str, columns: dict[str, Any], splits: Splits) -> dict[str, Any]:
        names = {key: columns[key] for key in ("run", "event")}
        names["process"] = np.full(len(columns["run"]), process)
        where = splits.of(names, fold=fold) != 0
        odd = where & (columns["event"] % 2 == 1)
        counts = ak.num(columns["jet_pt"])
        content = np.asarray(ak.flatten(columns["jet_pt"])).copy()
        content[np.repeat(where, counts)] = 1e30
        content[np.repeat(odd, counts)] = np.nan
        return {
            "met": np.where(odd, np.nan, np.where(where, 1e30, columns["met"])).astype("f4"),
            "pt_1": np.where(where, -1e30, columns["pt_1"]).astype("f4"),
            "w": np.where(odd, 1e6, np.where(where, -1e5, columns["w"])),
            "jet_pt": ak.unflatten(content, counts),
        }

    return change


def bits_of(fit: Fit) -> dict[str, bytes]:
    """Return all numbers that act on batches, but for the yields."""
    bits = {f"factor of {name}": np.float64(one).tobytes() for name, one in fit.factors.items()}
    for name, scaling in fit.scaling.items():
        bits[f"center of {name}"] = scaling.center.tobytes()
        bits[f"width of {name}"] = scaling.width.tobytes()
    bits["reweighting"] = repr(fit.to_json()["reweight"]).encode()
    return bits


@pytest.mark.parametrize("negative", ["keep", "abs"])
@pytest.mark.parametrize("scale", ["standard", "robust", "minmax", "log"])
def test_poison_in_val_and_test_changes_no_bit(
    sample: Sample, poison: Sample, scale: str, negative: Any
) -> None:
    options: dict[str, Any] = {
        "inputs": {
            "kin": ["met", "pt_1"],
            "jets": Objects(["jet_pt", "jet_eta"], length=6),
            "lists": Objects(["jet_pt"]),
        },
        "scale": scale,
        "missing": -999,
        "normalise": "equal",
        "negative": negative,
        "reweight": Reweight({"met": EDGES}, to="signal"),
    }
    clean, changed = (one.training_set(**options) for one in (sample, poison))
    assert bits_of(clean.fit(2)) == bits_of(changed.fit(2))
    assert bits_of(clean.fit(0)) != bits_of(changed.fit(0))
    batches = [arrays_of(data.loader("train", fold=2)) for data in (clean, changed)]
    for key in ("kin", "jets", "weight"):
        assert batches[0][key].tobytes() == batches[1][key].tobytes()


@pytest.fixture(scope="module")
def poison(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Return the sample with other values in all events that fold 2 does not train on."""
    return make_sample(tmp_path_factory.mktemp("poison"), poisoned(2))


def test_all_threads_and_all_kernels_give_the_same_bits(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {
        "scale": "standard",
        "missing": -999,
        "reweight": Reweight({"met": EDGES}, to="signal"),
    }
    fits = []
    for num_threads in (0, 1, 8):
        monkeypatch.setattr("memmpy.training.fitter.num_helpers", lambda num=num_threads: num)
        monkeypatch.setattr("memmpy.training.row_statistics._TASK_ROWS", 100)
        monkeypatch.setattr("memmpy.training.row_statistics._BLOCK_ROWS", 30)
        fits.append(bits_of(sample.training_set(**options).fit(0)))
    assert fits[0] == fits[1] == fits[2]


@pytest.mark.parametrize("task_rows", [7, 100, 3000])
def test_small_tasks_give_the_same_numbers(
    sample: Sample, task_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = sample.training_set(scale="standard").fit(3)
    monkeypatch.setattr("memmpy.training.row_statistics._TASK_ROWS", task_rows)
    monkeypatch.setattr("memmpy.training.row_statistics._BLOCK_ROWS", 5)
    parts = sample.training_set(scale="standard").fit(3)
    np.testing.assert_allclose(parts.scaling["kin"].center, whole.scaling["kin"].center, rtol=1e-12)
    np.testing.assert_allclose(parts.scaling["kin"].width, whole.scaling["kin"].width, rtol=1e-12)
    assert parts.factors == pytest.approx(whole.factors, rel=1e-13)


def test_percentiles_are_those_of_the_first_rows(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memmpy.training.fitter._NUM_PERCENTILE_ROWS", 500)
    data = sample.training_set(scale="robust", inputs={"kin": ["met"]})
    entries = np.asarray(data.skim.rows["_index"])
    first = entries[sample.is_in("train", 1)[entries]][:500]
    center, width = FORMULAS["robust"](sample.columns["met"][first].astype(np.float64))
    own = data.fit(1).scaling["kin"]
    assert own.center[0] == pytest.approx(center, rel=1e-9)
    assert own.width[0] == pytest.approx(width, rel=1e-9)


def test_many_folds_have_a_pass_each(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    x = random.normal(size=2000)
    store = write_vectors(tmp_path / "s", {"id": np.arange(2000), "x": x})
    splits = Splits(by=("id",), num_folds=70, val=0.1)
    data = store.training_set(inputs={"a": ["x"]}, splits=splits, scale="standard", dtype="f8")
    for fold in (0, 69):
        own = x[splits.of({"id": np.arange(2000)}, fold=fold) == 0]
        assert data.fit(fold).scaling["a"].center[0] == pytest.approx(own.mean(), rel=1e-9)
        assert data.fit(fold).scaling["a"].width[0] == pytest.approx(own.std(), rel=1e-9)


@pytest.mark.parametrize("fold", [None, NUM_FOLDS, -1, "0", 0.0, True])
def test_a_fold_that_is_not_there_is_refused(sample: Sample, fold: Any) -> None:
    with pytest.raises((SplitError, memmpy.errors.OptionError), match="fold"):
        sample.training_set().fit(fold)


def test_splits_without_folds_take_no_fold(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(50), "x": np.arange(50.0)})
    data = store.training_set(inputs={"a": ["x"]}, splits=Splits(by=("id",)))
    assert data.fit().factors == {}
    with pytest.raises((SplitError, memmpy.errors.OptionError), match="fold"):
        data.fit(0)


def statistics_of(data: memmpy.TrainingSet) -> list[Path]:
    """Return the files of the statistics that the skim of a training set keeps."""
    return [*data.skim.path.glob("statistics-*.json")]


def test_rows_are_read_once_for_all_folds_and_all_training_sets(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    num_passes = []

    def count(*given: Any, **options: Any) -> Any:
        num_passes.append(1)
        return scan_rows(*given, **options)

    monkeypatch.setattr("memmpy.training.fitter.scan_rows", count)
    data = sample.training_set(scale="standard")
    for file in statistics_of(data):
        file.unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            for fold in range(NUM_FOLDS):
                data.fit(fold)
                data.fit(fold)
            data = sample.training_set(scale="standard")
    assert num_passes == [1]


@pytest.mark.parametrize("scale", [None, "standard", "robust", "log"])
@pytest.mark.parametrize("weight", ["w", "abs(w)", None])
def test_a_fit_of_kept_statistics_has_the_same_bits(
    sample: Sample, scale: Any, weight: Any
) -> None:
    options = {
        "inputs": {"kin": ["met", "pt_1"], "lists": Objects(["jet_pt"])},
        "scale": scale,
        "missing": -999,
        "weight": weight,
        "reweight": weight and Reweight(VARIABLES, to="signal"),
    }
    fits = []
    for _ in range(2):
        data = sample.training_set(**options)
        fits.append([json.dumps(data.fit(fold).to_json()) for fold in (0, 3)])
        fits[-1] += [str(data.fit(0).report())]
    assert statistics_of(data)
    for file in statistics_of(data):
        file.unlink()
    data = sample.training_set(**options)
    fits.append([json.dumps(data.fit(fold).to_json()) for fold in (0, 3)])
    fits[-1] += [str(data.fit(0).report())]
    assert fits[0] == fits[1] == fits[2]


def test_each_option_that_changes_a_fit_has_statistics_of_its_own(sample: Sample) -> None:
    data = sample.training_set(scale="standard")
    for file in statistics_of(data):
        file.unlink()
    kept = set[str]()
    for scale in (None, "standard", "log", {"met": "log", "pt_1": "standard"}, "robust"):
        other = sample.training_set(scale=scale)
        assert other.skim.path == data.skim.path
        other.fit(0)
        files = {file.name for file in statistics_of(other)}
        assert files > kept
        kept = files
    # These use the sums and moments that are there.
    sample.training_set(scale="minmax", negative="abs", normalise="equal").fit(0)
    assert {file.name for file in statistics_of(data)} == kept


def test_rules_made_elsewhere_have_fits_of_their_own(tmp_path: Path) -> None:
    number, x = np.arange(3000), np.random.default_rng(1).normal(size=3000)
    store = write_vectors(tmp_path / "s", {"id": number, "x": x, "w": x})
    splits = Splits(by=("id",), fold_by="id % 3", num_folds=3, val=0.2)
    data = store.training_set(
        inputs={"a": ["x"]}, weight="abs(w)", splits=splits, scale="standard", dtype="float64"
    )
    for fold in range(3):
        test = arrays_of(data.loader("test", fold=fold))["_index"]
        np.testing.assert_array_equal(test, number[number % 3 == fold])
        val, train = (arrays_of(data.loader(one, fold=fold))["_index"] for one in ("val", "train"))
        assert np.sort(np.concatenate([test, val, train])).tolist() == number.tolist()
        own = data.fit(fold)
        assert own.scaling["a"].center[0] == pytest.approx(x[train].mean(), rel=1e-9)
        assert own.scaling["a"].width[0] == pytest.approx(x[train].std(), rel=1e-9)
        expected = total(np.abs(x)) / total(np.abs(x[test]))
        assert own.yield_scale["test"]["all"] == pytest.approx(expected, rel=1e-12)


def test_a_split_made_elsewhere_has_a_fit(tmp_path: Path) -> None:
    number, x = np.arange(900), np.random.default_rng(1).normal(size=900)
    store = write_vectors(tmp_path / "s", {"id": number, "x": x})
    data = store.training_set(
        inputs={"a": ["x"]}, splits=Splits(split_by="id % 3"), scale="minmax", dtype="float64"
    )
    train = x[number % 3 == 0]
    assert data.fit().scaling["a"].center.tolist() == [train.min()]
    assert data.fit().scaling["a"].width[0] == pytest.approx(np.ptp(train), rel=1e-12)
    batch = arrays_of(data.loader("val"))
    np.testing.assert_array_equal(batch["_index"], number[number % 3 == 1])


def test_integers_that_float32_cannot_hold_are_said(tmp_path: Path) -> None:
    store = write_vectors(tmp_path / "s", {"id": np.arange(50), "n": np.arange(50) + (1 << 40)})
    message = r"values of 'n' do not fit into float32 .*'a'"
    with pytest.warns(memmpy.errors.ConversionWarning, match=message):
        store.training_set(inputs={"a": ["n"]}, splits=Splits(by=("id",)))
