import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot

import memmpy
from memmpy import Objects, RFileConfig, Splits, training_set
from memmpy.errors import (
    FitError,
    InputFileError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    SplitError,
)
from tests.conftest import EMPTIES, MakeFile

SPLITS = Splits(by=("process", "runNumber", "eventNumber"))
OPTIONS: dict[str, Any] = {
    "inputs": {"event": ["met", "2 * nJets"], "jets": Objects(["jet_pt"], length=3)},
    "labels": {"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
    "weight": "weight + 1",
    "cut": "nBTags_77 < 2",
    "splits": SPLITS,
    "spectators": ["eventNumber"],
}


@pytest.fixture
def configs(make_file: MakeFile) -> list[RFileConfig]:
    return [
        RFileConfig(make_file("a.root", 300), "tree", {"process": "ttbb"}),
        RFileConfig(make_file("b.root", 200, first=1000), "tree", {"process": "ttH"}),
    ]


def values_of(data: memmpy.TrainingSet, key: str) -> np.ndarray:
    """Return the values of all events, in the order of the files."""
    batches = [*data.loader("all", batch_size=64).batches(0)]
    order = np.argsort(np.concatenate([batch["_index"] for batch in batches]))
    values: np.ndarray = np.concatenate([np.array(batch[key]) for batch in batches])[order]
    return values


def test_files_become_a_training_set_in_one_call(
    configs: list[RFileConfig], tmp_path: Path
) -> None:
    data = training_set(configs, tmp_path / "s", **OPTIONS)
    number = np.concatenate([np.arange(300), np.arange(1000, 1200)])
    is_signal = np.arange(500) >= 300
    passes = number % 3 < 2
    np.testing.assert_array_equal(values_of(data, "label"), is_signal[passes])
    np.testing.assert_array_equal(values_of(data, "event")[:, 0], number[passes] / 8)
    np.testing.assert_array_equal(values_of(data, "event")[:, 1], 2 * (number[passes] % 4))
    np.testing.assert_array_equal(values_of(data, "weight_physics"), number[passes] * 1.5 + 1)
    np.testing.assert_array_equal(values_of(data, "jets_mask").sum(axis=1), number[passes] % 4)
    expected = (number[passes] + (1 << 60)).astype(np.uint64)
    np.testing.assert_array_equal(values_of(data, "eventNumber"), expected)


def test_only_what_is_needed_is_converted(configs: list[RFileConfig], tmp_path: Path) -> None:
    training_set(configs, tmp_path / "s", **OPTIONS)
    assert set(memmpy.open(tmp_path / "s")) == {
        "met", "nJets", "jet_pt", "weight", "nBTags_77", "eventNumber", "runNumber", "process",
    }  # fmt: skip


def test_a_second_call_reads_and_writes_nothing(
    configs: list[RFileConfig], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = training_set(configs, tmp_path / "s", **OPTIONS)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("*.npy")}
    caplog.clear()
    again = training_set(configs, tmp_path / "s", **OPTIONS)
    assert not caplog.records
    assert again.skim.path == first.skim.path
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("*.npy")}
    assert after == before


def test_a_file_that_changed_makes_another(
    configs: list[RFileConfig], make_file: MakeFile, tmp_path: Path
) -> None:
    training_set(configs, tmp_path / "s", **OPTIONS)
    make_file("b.root", 260, first=1000)
    data = training_set(configs, tmp_path / "s", **OPTIONS)
    number = np.concatenate([np.arange(300), np.arange(1000, 1260)])
    np.testing.assert_array_equal(values_of(data, "event")[:, 0], number[number % 3 < 2] / 8)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"inputs": {"a": ["mett"]}}, (MissingKeyError, InputFileError), "mett.*nearest: 'met'"),
        ({"weight": "weigth"}, (MissingKeyError, InputFileError), "weigth.*nearest: 'weight'"),
        ({"cut": "njets > 1"}, (MissingKeyError, InputFileError), "njets.*nearest: 'nJets'"),
        ({"spectators": ["runs"]}, (MissingKeyError, InputFileError), "runs"),
        ({"others": "no"}, OptionError, "others must be one of"),
    ],
)
def test_a_missing_branch_names_the_nearest_before_anything_is_read(
    configs: list[RFileConfig], tmp_path: Path, options: Any, error: Any, message: str
) -> None:
    with pytest.raises(error, match=message):
        training_set(configs, tmp_path / "s", **{**OPTIONS, **options})


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"nothing\.root"):
        training_set(RFileConfig(tmp_path / "nothing.root", "tree"), tmp_path / "s", **OPTIONS)


def test_other_splits_are_refused_before_files_are_read(
    configs: list[RFileConfig], tmp_path: Path
) -> None:
    training_set(configs, tmp_path / "s", **OPTIONS)
    other = {"splits": Splits(by=("process", "eventNumber")), "inputs": {"a": ["isGood"]}}
    with pytest.raises(SplitError, match="runNumber"):
        training_set(configs, tmp_path / "s", **{**OPTIONS, **other})
    assert "isGood" not in memmpy.open(tmp_path / "s")


def write_sample(folder: Path, process: str, *, num_files: int = 2, seed: int = 0) -> None:
    """Write files of generated events of which 30 % are left, with the sums of all weights."""
    folder.mkdir()
    random = np.random.default_rng([len(process), seed])
    for number in range(num_files):
        weights = random.choice([-1.0, 1.0], 2000, p=[0.2, 0.8]) * random.uniform(0.5, 1.5)
        kept = weights[random.random(2000) < 0.3]
        events: dict[str, Any] = {
            "run": np.full(len(kept), number, np.int32),
            "event": np.arange(len(kept)) + 10_000 * number,
            "genWeight": kept,
            "met": random.exponential(50, len(kept)).astype(np.float32),
        }
        if process == "data":
            del events["genWeight"]
        with uproot.recreate(folder / f"{number}.root") as file:
            file.mktree("Events", {key: values.dtype for key, values in events.items()})
            file["Events"].extend(events)
            file.mktree("Runs", {"genEventSumw": np.float64})
            file["Runs"].extend({"genEventSumw": np.array([math.fsum(weights)])})


@EMPTIES
@pytest.mark.parametrize("is_reversed", [False, True])
def test_yields_are_cross_section_times_luminosity_times_acceptance(
    tmp_path: Path, is_reversed: bool
) -> None:
    cross_sections: dict[str, Any] = {"ggH": 1.23, "DY": 3503.7}
    for process in (*cross_sections, "data"):
        write_sample(tmp_path / process, process)
    files = [
        RFileConfig(
            path,
            "Events",
            {"process": process, "xsec": cross_sections[process]},
            totals={"sum_w": "Runs:genEventSumw"},
        )
        for process in cross_sections
        for path in sorted((tmp_path / process).glob("*.root"))
    ]
    recorded: dict[str, Any] = {
        "process": "data",
        "genWeight": 1.0,
    }  # stands in for the branch; no xsec
    files.append(RFileConfig(tmp_path / "data" / "*.root", "Events", recorded))
    data = memmpy.training_set(
        files[::-1] if is_reversed else files,
        tmp_path / "store",
        splits=Splits(by=("process", "run", "event"), num_folds=3),
        inputs={"kin": ["met"]},
        labels={"background": "process == 'DY'", "signal": "process == 'ggH'"},
        others="drop",
        weight="genWeight * xsec * 11467 / sum_w",
    )
    for label, process in enumerate(("DY", "ggH")):
        kept, generated = [], []
        for path in (tmp_path / process).glob("*.root"):
            with uproot.open(path) as file:
                kept += file["Events"]["genWeight"].array(library="np").tolist()
                generated += file["Runs"]["genEventSumw"].array(library="np").tolist()
        acceptance = math.fsum(kept) / math.fsum(generated)
        expected = cross_sections[process] * 11467 * acceptance
        for fold in range(3):
            weights = [
                batch["weight_physics"][batch["label"] == label].tolist()
                for batch in data.loader("test", fold=fold)
            ]
            found = (
                math.fsum(itertools.chain(*weights)) * data.fit(fold).yield_scale["test"][process]
            )
            assert abs(found / expected - 1) < 1e-12


def write_numbers(path: Path, first: int, *, generated: float, has_weight: bool = True) -> Path:
    """Write 50 events, and a tree with the sum of all generated weights."""
    columns: dict[str, np.ndarray] = {
        "run": np.ones(50, np.int32),
        "event": np.arange(first, first + 50),
        "met": np.ones(50),
    }
    if has_weight:
        columns["w"] = np.arange(first, first + 50) + 0.5
    with uproot.recreate(path) as file:
        file.mktree("Events", {key: own.dtype for key, own in columns.items()}).extend(columns)
        file.mktree("Runs", {"sumw": "f8"}).extend({"sumw": np.array([generated])})
    return path


def test_totals_weight_events_in_one_call(tmp_path: Path) -> None:
    for number, generated in enumerate((10.0, 30.0)):
        write_numbers(tmp_path / f"{number}.root", 50 * number, generated=generated)
    config = RFileConfig(
        tmp_path / "*.root", "Events", {"process": "A", "xsec": 2.0}, totals={"S": "Runs:sumw"}
    )
    data = training_set(
        config,
        tmp_path / "s",
        inputs={"event": ["met"]},
        weight="w * xsec / S",
        splits=Splits(by=("process", "run", "event")),
    )
    expected = (np.arange(100) + 0.5) * 2.0 / 40.0
    np.testing.assert_allclose(values_of(data, "weight_physics"), expected, rtol=1e-15)


@pytest.mark.parametrize("number", [1.0, 0.5])
def test_a_number_stands_in_for_a_branch_that_a_file_lacks(tmp_path: Path, number: float) -> None:
    configs = [
        RFileConfig(
            write_numbers(tmp_path / "a.root", 0, generated=1.0), "Events", {"process": "A"}
        ),
        RFileConfig(
            write_numbers(tmp_path / "b.root", 50, generated=1.0, has_weight=False),
            "Events",
            {"process": "B", "w": number},
        ),
    ]
    options: dict[str, Any] = {
        "inputs": {"event": ["met"]},
        "weight": "w",
        "splits": Splits(by=("process", "run", "event")),
    }
    data = training_set(configs, tmp_path / "s", **options)
    expected = np.append(np.arange(50) + 0.5, np.full(50, number))
    np.testing.assert_array_equal(values_of(data, "weight_physics"), expected)
    # Where no file has the branch, the name is not a key of the conversion.
    alone = training_set([configs[1]], tmp_path / "t", **options)
    np.testing.assert_array_equal(values_of(alone, "weight_physics"), np.full(50, number))


def test_a_number_that_some_files_lack_is_missing_there(tmp_path: Path) -> None:
    configs = [
        RFileConfig(
            write_numbers(tmp_path / f"{name}.root", 0, generated=1.0),
            "Events",
            {"process": name, **numbers},
        )
        for name, numbers in (("A", {"xsec": 2.0}), ("B", {}))
    ]
    data = training_set(
        configs,
        tmp_path / "s",
        inputs={"event": ["met"]},
        labels={"a": "process == 'A'", "b": "process == 'B'"},
        weight="w * xsec",
        splits=Splits(by=("process", "run", "event")),
    )
    with pytest.raises(FitError, match=r"50 events of 'B' have no finite weight"):
        data.fit()


def test_a_misspelt_name_of_the_metadata_is_found(
    configs: list[RFileConfig], tmp_path: Path
) -> None:
    message = "no branch 'proces' in .*; nearest in the metadata: 'process'"
    with pytest.raises(MissingKeyError, match=message):
        training_set(
            configs, tmp_path / "s", **{**OPTIONS, "labels": {"signal": "proces == 'ttH'"}}
        )


def test_a_text_without_quotes_is_explained(configs: list[RFileConfig], tmp_path: Path) -> None:
    for name in ("ttH", "ttbb"):  # the first and the last file
        labels = {"signal": f"process == {name}"}
        with pytest.raises(MissingKeyError, match=f"a text is written in quotes: '{name}'"):
            training_set(configs, tmp_path / "s", **{**OPTIONS, "labels": labels})


def test_a_spectator_is_a_branch_or_else_an_alias(
    configs: list[RFileConfig], tmp_path: Path
) -> None:
    aliases = {"twice": "2 * nJets", "met": "3 * met_", "met_": "nJets"}
    options: dict[str, Any] = {
        "inputs": {"event": ["twice"]},
        "aliases": aliases,
        "spectators": ["twice", "met", "process"],
        "splits": SPLITS,
    }
    number = np.concatenate([np.arange(300), np.arange(1000, 1200)])
    for _ in range(2):
        data = training_set(configs, tmp_path / "s", **options)
        np.testing.assert_array_equal(values_of(data, "met"), number / 8)
        np.testing.assert_array_equal(values_of(data, "twice"), 2 * (number % 4))
    assert set(memmpy.open(tmp_path / "s")) == {
        "nJets", "met", "process", "runNumber", "eventNumber",
    }  # fmt: skip
    options["aliases"] = {**aliases, "twice": "2 * nJet"}
    with pytest.raises(MissingKeyError, match=r"no branch 'nJet' in .*; nearest: 'nJets'"):
        training_set(configs, tmp_path / "s", **options)


@pytest.mark.parametrize("splits", [Splits(by="file"), SPLITS], ids=str)
def test_numbers_of_the_metadata_alone_make_a_training_set(
    make_file: MakeFile, tmp_path: Path, splits: Splits
) -> None:
    configs = [
        RFileConfig(make_file("a.root", 30), "tree", {"process": "A", "mass": 125.5}),
        RFileConfig(make_file("b.root", 20, first=30), "tree", {"process": "B", "mass": 250}),
    ]
    inputs = {"event": ["mass", "mass / 2"]}
    data = training_set(configs, tmp_path / "s", inputs=inputs, splits=splits)
    mass = np.repeat([125.5, 250.0], [30, 20])
    np.testing.assert_array_equal(values_of(data, "event"), np.stack([mass, mass / 2], axis=1))
    again = memmpy.open(tmp_path / "s").training_set(inputs=inputs)
    np.testing.assert_array_equal(values_of(again, "event"), values_of(data, "event"))
