"""Tests of `Store.describe`, against NumPy on the same columns."""

import math
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import CutFlow, RFileConfig, Store, convert
from memmpy.errors import (
    CutError,
    CutWarning,
    LengthError,
    MissingKeyError,
    OptionError,
)
from memmpy.store import read_metadata

NUM = 3000
PROCESSES = np.array(["ttH", "ttbb", "DY"])


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    rng = np.random.default_rng(7)
    met = rng.exponential(40, NUM).astype("f4")
    met[::50], met[1::100] = np.nan, np.inf
    counts = rng.integers(0, 6, NUM)
    return {
        "met": met,
        "event": np.arange(NUM, dtype="u8") + 2**63,
        "njets": rng.integers(0, 6, NUM).astype("i4"),
        "weight": rng.normal(1, 0.2, NUM),
        "is_hard": rng.random(NUM) < 0.25,
        "pair": rng.normal(size=(NUM, 2)),
        "time": 1.5e9 + rng.normal(size=NUM),
        "jet_pt": ak.unflatten(rng.exponential(30, counts.sum()).astype("f4"), counts),
        "trigger": ["mu26" if one else "e28" for one in rng.random(NUM) < 0.75],
        "nested": ak.Array([[[1.0], []], []] * (NUM // 2)),
        "shaped": [np.full((i % 3, 2), i, "f4") for i in range(NUM)],
        "process": np.repeat(PROCESSES, NUM // 3),
    }


@pytest.fixture(scope="module")
def store(values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Store:
    path = tmp_path_factory.mktemp("describe") / "s"
    writers: dict[str, Any] = {
        "jet_pt": memmpy.WriteJagged,
        "trigger": memmpy.WriteText,
        "process": memmpy.WriteText,
        "nested": memmpy.WriteNested,
        "shaped": memmpy.WriteShaped,
    }
    for key, column in values.items():
        with memmpy.WriteVector(path, key) if key not in writers else writers[key](path, key) as w:
            w.extend(column)
    return memmpy.open(path)


def check_numbers(row: Any, flat: np.ndarray) -> None:
    """Compare one row with NumPy."""
    finite = flat[np.isfinite(flat)].astype(np.float64)
    assert row.num_values == flat.size
    assert row.num_nan == np.count_nonzero(np.isnan(flat))
    assert row.num_infinite == np.count_nonzero(np.isinf(flat))
    assert row.num_zero == np.count_nonzero(flat == 0)
    assert row.mean == pytest.approx(np.mean(finite), rel=1e-12)
    exact = flat[np.isfinite(flat)].tolist()  # integers of Python, which are not rounded
    assert row.std == pytest.approx(np.std([float(one - exact[0]) for one in exact]), rel=1e-12)
    assert row.min == flat[np.isfinite(flat)].min().item()
    assert row.max == flat[np.isfinite(flat)].max().item()
    assert sum(row.bins) == len(finite)
    if np.spacing(row.high) > 1e-9 * (row.high - row.low):
        return  # float64 cannot tell the edges apart
    edges = np.linspace(row.low, row.high, len(row.bins) + 1)
    inside = np.clip(finite, row.low, np.nextafter(row.high, -math.inf))
    assert np.abs(np.array(row.bins) - np.histogram(inside, edges)[0]).max() <= 1


@pytest.mark.parametrize("key", ["met", "event", "njets", "weight", "pair", "time"])
def test_numbers_are_those_of_numpy(store: Store, values: dict[str, Any], key: str) -> None:
    row = store.describe()[key]
    assert (row.num_entries, row.group) == (NUM, "all")
    check_numbers(row, values[key].reshape(-1))


def test_extremes_and_widths_of_64_bits_are_exact(tmp_path: Path) -> None:
    ends = {"u": (2**63, 2**63 + 9), "i": (-(2**63), 6 - 2**63), "j": (2**63 - 7, 2**63 - 1)}
    for key, (low, high) in ends.items():
        with memmpy.WriteVector(tmp_path / "s", key) as writer:
            writer.extend(np.array([low, high] * 3, "u8" if key == "u" else "i8"))
    for weight in (None, "2"):
        for row in memmpy.open(tmp_path / "s").describe(weight=weight):
            low, high = ends[row.key]
            assert (row.min, row.max, row.std) == (low, high, (high - low) / 2)


def test_lists_have_the_values_of_their_items_and_counts(
    store: Store, values: dict[str, Any]
) -> None:
    row = store.describe(["jet_pt"])["jet_pt"]
    counts = ak.num(values["jet_pt"]).to_numpy()
    check_numbers(row, ak.flatten(values["jet_pt"]).to_numpy())
    assert row.counts == (counts.min(), pytest.approx(counts.mean()), counts.max())
    assert row.type == "list of float32"


def test_arrays_of_any_shape_have_the_values_of_their_elements(store: Store) -> None:
    row = store.describe("shaped")["shaped"]
    flat = np.concatenate([np.full(2 * (i % 3), i, "f4") for i in range(NUM)])
    check_numbers(row, flat)
    assert row.counts == (0, pytest.approx(2), 4)


def test_the_mean_of_booleans_is_their_share(store: Store, values: dict[str, Any]) -> None:
    description = store.describe("is_hard")
    share = values["is_hard"].mean()
    assert description["is_hard"].mean == pytest.approx(share)
    assert f"{100 * share:.1f} % true" in repr(description)


def test_texts_have_a_number_and_a_most_frequent_one(store: Store, values: dict[str, Any]) -> None:
    row = store.describe()["trigger"]
    assert row.num_texts == 2
    assert row.most_frequent == ("mu26", values["trigger"].count("mu26"))
    assert row.mean is None


def test_nested_columns_have_the_values_of_their_numbers(store: Store) -> None:
    row = store.describe()["nested"]
    assert (row.num_entries, row.type) == (NUM, "list of lists of float64")
    assert (row.num_values, row.mean, row.std, row.counts) == (NUM // 2, 1, 0, (0, 0.5, 1))


def test_columns_without_numbers_have_their_entries(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "track": ak.Array([{"x": 1.0}, {"x": 2.0}]),
        "words": ak.Array([["a", "b"], []]),
    }
    for key, column in columns.items():
        with memmpy.WriteNested(tmp_path / "s", key) as writer:
            writer.extend(column)
    with memmpy.WriteVector(tmp_path / "s", "z") as vector:
        vector.extend(np.array([1j, 2.0]))
    for row in memmpy.open(tmp_path / "s").describe():
        assert (row.num_entries, row.num_values, row.mean, row.counts) == (2, 2, None, None)


def test_groups_have_the_numbers_of_their_entries(store: Store, values: dict[str, Any]) -> None:
    description = store.describe(["met", "jet_pt", "trigger"], by="process")
    assert len(description) == 9
    assert description.by == ("process",)
    for group in PROCESSES:
        mask = values["process"] == group
        check_numbers(description["met", group], values["met"][mask])
        check_numbers(description["jet_pt", group], ak.flatten(values["jet_pt"][mask]).to_numpy())
        texts = [text for text, one in zip(values["trigger"], mask, strict=True) if one]
        assert description["trigger", group].most_frequent == ("mu26", texts.count("mu26"))


def test_groups_that_are_mixed_have_the_numbers_of_their_entries(
    store: Store, values: dict[str, Any]
) -> None:
    description = store.describe(["met", "jet_pt"], by=["njets", "is_hard"], cut="weight > 1")
    groups = {row.group for row in description}
    assert len(groups) == 12
    for njets, is_hard in [(0, False), (3, True)]:
        mask = (values["njets"] == njets) & (values["is_hard"] == is_hard) & (values["weight"] > 1)
        group = f"{njets}, {str(is_hard).lower()}"
        check_numbers(description["met", group], values["met"][mask])
        check_numbers(description["jet_pt", group], ak.flatten(values["jet_pt"][mask]).to_numpy())


def test_a_cut_leaves_its_entries(store: Store, values: dict[str, Any]) -> None:
    options: dict[str, Any] = {"aliases": {"n": "njets"}, "constants": {"least": 4}}
    row = store.describe("weight", cut="n >= least", **options)["weight"]
    check_numbers(row, values["weight"][values["njets"] >= 4])


def test_a_weight_acts_on_mean_width_and_distribution(store: Store, values: dict[str, Any]) -> None:
    description = store.describe(["njets", "jet_pt", "met"], weight="2 * weight")
    counts = ak.num(values["jet_pt"]).to_numpy()
    for key, flat, weights in (
        ("njets", values["njets"], values["weight"]),
        ("met", values["met"], values["weight"]),
        (
            "jet_pt",
            ak.flatten(values["jet_pt"]).to_numpy(),
            np.repeat(values["weight"], counts),
        ),
    ):
        is_finite = np.isfinite(flat)
        x, w = flat[is_finite].astype("f8"), weights[is_finite]
        mean = np.average(x, weights=w)
        row = description[key]
        assert row.mean == pytest.approx(mean, rel=1e-12)
        assert row.std == pytest.approx(
            math.sqrt(np.average((x - mean) ** 2, weights=w)), rel=1e-12
        )
        assert sum(row.bins) == pytest.approx(2 * w.sum(), rel=1e-12)
    assert "with the weight 2 * weight" in repr(description)


def test_weights_that_are_not_finite_are_a_warning_if_their_entries_count(store: Store) -> None:
    options: dict[str, Any] = {"by": "process", "weight": "where(njets == 1, sqrt(-1), 1)"}
    with pytest.warns(CutWarning, match="the first of them .*weights that are NaN or infinite"):
        description = store.describe(["met", "njets"], **options)
    assert math.isnan(description["met", "DY"].mean)
    assert math.isfinite(store.describe("met", cut="njets > 1", **options)["met", "DY"].mean)


def test_what_is_found_on_the_way_is_warned_of_once(tmp_path: Path) -> None:
    for key, num in (("one", 1), ("two", 2)):
        with memmpy.WriteJagged(tmp_path / "s", key) as column:
            column.extend([np.ones(num)] * 9)
    store = memmpy.open(tmp_path / "s")
    for work in (store.describe, store.head):
        with pytest.warns(CutWarning, match="'one' and 'two' differ in length") as caught:
            work(cut="one > 0 && two > 0")
        assert [warning.filename for warning in caught] == [__file__]


def test_any_number_of_threads_gives_the_same_bits(store: Store, monkeypatch: Any) -> None:
    for name in ("_STEP_ALL", "_STEP_GROUPED"):
        monkeypatch.setattr(f"memmpy.dataset.describe_columns.{name}", 100)
    keys = ["met", "jet_pt", "time"]
    each: list[dict[str, Any]] = [{}, {"by": "process", "weight": "weight", "cut": "njets > 0"}]
    for options in each:
        rows = [store.describe(keys, num_threads=num, **options).rows for num in (0, 1, 3)]
        assert rows[0] == rows[1] == rows[2]


def test_steps_change_nothing_but_rounding(
    store: Store, values: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("memmpy.dataset.describe_columns._STEP_ALL", 37)
    description = store.describe()
    for key in ("met", "event", "njets", "weight", "time"):
        check_numbers(description[key], values[key])
    check_numbers(description["jet_pt"], ak.flatten(values["jet_pt"]).to_numpy())
    assert description["trigger"].num_texts == 2


def test_compiled_sums_are_those_of_numpy(
    store: Store, values: dict[str, Any], monkeypatch: Any
) -> None:
    monkeypatch.setattr("memmpy.dataset.describe_columns.ITEMS_REDUCED", 0)
    description = store.describe(by="process")
    for group in PROCESSES:
        mask = values["process"] == group
        for key in ("met", "event", "njets", "weight", "time"):
            check_numbers(description[key, group], values[key][mask])


def test_processes_are_all_texts_of_the_metadata_if_none_has_this_name(
    make_file: Any, tmp_path: Path
) -> None:
    files = [
        RFileConfig(make_file(f"{i}.root", num), "tree", {"sample": sample, "year": year})
        for i, (num, sample, year) in enumerate([(30, "A", "1"), (20, "B", "1"), (0, "B", "2")])
    ]
    convert(files, tmp_path / "s", keys={"weight"})
    description = memmpy.open(tmp_path / "s").describe("weight", by="process")
    assert [(row.group, row.num_entries) for row in description] == [
        ("A, 1", 30),
        ("B, 1", 20),
        ("B, 2", 0),
    ]
    assert description["weight", "B, 2"].mean is None


def test_columns_of_another_length_stand_alone_or_are_left_out(tmp_path: Path) -> None:
    for key, num in (("x", 10), ("y", 10), ("short", 3)):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(num))
    store = memmpy.open(tmp_path / "s")
    assert store.describe()["short"].mean == 1
    description = store.describe(by="y", cut="y < 2")
    assert description.left_out == ("short",)
    assert "without columns of another length: short" in repr(description)
    with pytest.raises(LengthError, match="'short' has 3 entries, and the store 10"):
        store.describe(["x", "short"], cut="y < 2")


def test_damaged_columns_are_named(tmp_path: Path) -> None:
    for key in ("x", "y"):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(5.0))
    array = read_metadata(tmp_path / "s").columns["x"].arrays["values"]
    (tmp_path / "s" / array.file).write_bytes(b"damage")
    store = memmpy.open(tmp_path / "s")
    assert [row.key for row in store.describe()] == ["y"]
    assert store.describe().to_dict()["damaged"] == ["x"]
    for result in (store.describe(), store.head()):
        assert "without columns that are damaged: x" in repr(result)
    assert "that are damaged" not in repr(store.describe("y")) + repr(store.head(keys="y"))


def test_an_empty_column_has_no_numbers(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "x", dtype="f4", shape=()) as column:
        column.extend(np.empty(0, "f4"))
    with memmpy.WriteText(tmp_path / "s", "text"):
        pass
    store = memmpy.open(tmp_path / "s")
    row = store.describe()["x"]
    assert (row.num_entries, row.mean, row.std, row.min, row.max) == (0, None, None, None, None)
    assert store.describe(cut="x > 0")["x"].num_values == 0
    assert store.describe()["text"].most_frequent is None
    assert "no texts" in repr(store.describe())


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e308, 5e-324, 0.0, -7.5, 2**60, -3])
def test_a_constant_column_is_described(tmp_path: Path, value: float) -> None:
    with memmpy.WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.full(10, value))
    row = memmpy.open(tmp_path / "s").describe()["x"]
    if math.isfinite(value):
        assert (row.mean, row.std, row.min, row.max) == (value, 0, value, value)
        assert sum(row.bins) == 10
    else:
        assert row.mean is None
        assert row.num_nan + row.num_infinite == 10


def test_many_texts_are_not_counted(tmp_path: Path) -> None:
    with memmpy.WriteText(tmp_path / "s", "text") as column:
        column.extend(map(str, range(10_001)))
    description = memmpy.open(tmp_path / "s").describe()
    assert description["text"].num_texts is None
    assert "more than 10,000 texts" in repr(description)


def test_mistakes_are_named(store: Store) -> None:
    with pytest.raises(MissingKeyError, match="no column 'mett'; nearest: 'met'"):
        store.describe("mett")
    with pytest.raises(MissingKeyError, match=r"no column matches 'xyz_\*'"):
        store.describe("xyz_*")
    with pytest.raises(OptionError, match="keys is empty"):
        store.describe([])
    with pytest.raises(MissingKeyError, match=r"'proces'.* to group by; nearest: 'process'"):
        store.describe(by="proces")
    with pytest.raises(CutError, match="njet"):
        store.describe(cut="njet > 2")
    with pytest.raises(OptionError, match="cannot be grouped by 'met'"):
        store.describe(by="met")
    with pytest.raises(MissingKeyError, match="nearest: 'met'"):
        store.describe("met")["mett"]
    with pytest.raises(MissingKeyError, match="'met' has several groups: add one of 'ttH'"):
        store.describe("met", by="process")["met"]


def test_the_table_and_json_show_it(store: Store) -> None:
    description = store.describe(["met", "njets", "trigger"], by="process")
    lines = [" ".join(line.split()) for line in repr(description).splitlines()]
    assert lines[0].endswith("s': 3 keys")
    assert any(line.startswith("met ttH ") for line in lines)
    values = description.to_dict()
    assert len(values["rows"]) == 9
    assert values["rows"][0]["key"] == "met"
    assert values["rows"][0]["mean"] == description["met", "ttH"].mean


def test_sums_by_group_agree_with_a_cut_flow(store: Store) -> None:
    flow: CutFlow = store.cutflow("njets > 2", by="process")
    description = store.describe("njets", by="process", cut="njets > 2")
    assert [row.num_entries for row in description] == flow.counts[-1].tolist()


@pytest.mark.parametrize(
    "column",
    [
        np.arange(2**60, 2**60 + 120, dtype="u8"),
        np.array([-(2**63), 2**63 - 1]),
        np.array([-1e308, 1e308]),
        np.array([0.0, 5e-324]),
        np.array([-128, 127], "i1"),
        np.array([False, True]),
    ],
)
def test_any_range_has_bins(tmp_path: Path, column: np.ndarray) -> None:
    with memmpy.WriteVector(tmp_path / "s", "x") as writer:
        writer.extend(column)
    store = memmpy.open(tmp_path / "s")
    row = store.describe(weight="1")["x"]
    assert row.low < row.high
    assert sum(row.bins) == len(column)
    assert row.bins == store.describe()["x"].bins


@pytest.mark.real
def test_a_real_store_is_described(real_data: Path, tmp_path: Path) -> None:
    file = real_data / "nanoAOD_2015_CMS_Open_Data_ttbar.root"
    convert(RFileConfig(file, "Events", {"process": "tt"}), tmp_path / "s", keys={"*"})
    store = memmpy.open(tmp_path / "s")
    description = store.describe(by="process")
    assert len(description) == len(store)
    for key in ("MET_pt", "Jet_pt", "event"):
        column: Any = store[key]
        flat = column.content if hasattr(column, "content") else np.asarray(column)
        check_numbers(description[key, "tt"], np.asarray(flat))
