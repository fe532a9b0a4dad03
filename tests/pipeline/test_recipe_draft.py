"""Tests of drafts of recipes: they are TOML, and make a training set as they are."""

from pathlib import Path
from typing import Any

import awkward as ak
import h5py
import numpy as np
import pytest
import uproot

import memmpy
from memmpy.demo import write_demo_files
from memmpy.errors import InputFileError, MissingFileError
from memmpy.pipeline import draft_recipe
from tests.conftest import CLIPS

tomllib = pytest.importorskip("tomllib")

#: Branches of the toy files of CMS.
TYPES = {
    "run": "u4",
    "event": "u8",
    "MET_pt": "f4",
    "Flag_good": "?",
    "Tau_pt": "f4",
    "Tau_m": "f4",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def parse(text: str) -> dict[str, Any]:
    values: dict[str, Any] = tomllib.loads(text)
    return values


def write_nano(path: str, num: int, *, first: int = 0, is_data: bool = False) -> None:
    """Write a file with the trees and names of CMS; data have no weights and no sums."""
    generator = np.random.default_rng(first + num)
    Path(path).parent.mkdir(exist_ok=True)
    counts = generator.poisson(3, num)
    types: dict[str, str] = TYPES | ({} if is_data else {"genWeight": "f4"})
    values: dict[str, Any] = {
        name: generator.exponential(30, num).astype(dtype) for name, dtype in types.items()
    }
    values["event"] = np.arange(first, first + num, dtype="u8")
    content = generator.exponential(30, counts.sum()).astype("f4")
    values["Jet"] = ak.zip({name: ak.unflatten(content, counts) for name in ("pt", "eta")})
    with uproot.recreate(path) as file:
        file.mktree("Events", types | {"Jet": "var * {pt: float32, eta: float32}"}).extend(values)
        if not is_data:
            file.mktree("Runs", {"genEventSumw": "f8"}).extend(
                {"genEventSumw": np.array([num * 3.0])}
            )


@pytest.fixture
def nano(folder: Path) -> list[str]:
    write_nano("ggH/nano_1.root", 300)
    write_nano("ggH/nano_2.root", 300, first=300)
    write_nano("DY/nano_1.root", 400)
    write_nano("SingleMuon/nano_1.root", 200, is_data=True)
    return ["ggH/*.root", "DY/*.root", "SingleMuon/*.root"]


def test_files_of_a_process_are_a_group_with_its_cross_section_and_total(nano: list[str]) -> None:
    ggh, dy, data = parse(draft(nano))["files"]
    assert ggh == {
        "path": "ggH/*.root",
        "tree": "Events",
        "metadata": {"process": "ggH", "xsec": 1.0},
        "totals": {"sum_w": "Runs:genEventSumw"},
    }
    assert dy["metadata"] == {"process": "DY", "xsec": 1.0}
    assert data == {
        "path": "SingleMuon/nano_1.root",
        "tree": "Events",
        "metadata": {"process": "SingleMuon", "genWeight": 1.0},
    }


def test_training_splits_and_labels_follow_from_the_branches(nano: list[str]) -> None:
    recipe = parse(draft(nano))
    training = recipe["training"]
    assert training["weight"] == "genWeight * xsec * 1000 / sum_w"
    assert training["others"] == "drop"
    assert training["spectators"] == ["event"]
    assert training["inputs"] == {
        "kinematics": ["nJet", "MET_pt"],
        "jets": {"keys": ["Jet_pt", "Jet_eta"], "length": 8},
    }
    assert [*training["labels"].items()] == [("DY", "process == 'DY'"), ("ggH", "process == 'ggH'")]
    assert recipe["splits"] == {"by": ["process", "run", "event"], "num_folds": 5, "val": 0.1}


def test_a_draft_of_one_class_asks_for_another(nano: list[str]) -> None:
    assert "add a class" in draft(nano[:1])
    assert "add a class" not in draft(nano)


def test_lines_to_check_are_marked(nano: list[str]) -> None:
    lines = [line.partition(" ")[0] for line in draft(nano).splitlines() if "# EDIT" in line]
    assert lines == [
        *["metadata"] * 3,
        "weight",
        "[training.inputs]",
        "[training.labels]",
    ]


def test_other_columns_are_comments_that_are_right_once_uncommented(nano: list[str]) -> None:
    text = draft(nano)
    assert '\n  # "Tau_*",  # 2 branches: float32\n' in text
    uncommented = text.replace('  # "', '  "')
    assert parse(uncommented)["convert"] == {"keys": ["Tau_*"]}
    assert "Flag" not in text


def test_a_branch_that_is_called_process_leaves_its_name(folder: Path) -> None:
    with uproot.recreate("a.root") as file:
        file.mktree("t", {"process": "i4", "met": "f4", "event": "u4"})
    recipe = parse(draft(["a.root"]))
    assert recipe["files"][0]["metadata"] == {"sample": "a"}
    assert recipe["training"]["labels"] == {"a": "sample == 'a'"}
    assert recipe["splits"]["by"] == ["process", "event"]


def test_only_branches_that_all_files_have_are_inputs(folder: Path) -> None:
    for name, types in {"a": {"met": "f4", "ht": "f4"}, "b": {"met": "f4", "ht": "f8"}}.items():
        with uproot.recreate(f"{name}.root") as file:
            file.mktree("t", types)
    assert parse(draft(["*.root"]))["training"]["inputs"] == {"kinematics": ["met"]}


def test_the_tree_with_the_most_branches_is_taken_and_another_if_asked_for(folder: Path) -> None:
    with uproot.recreate("a.root") as file:
        file.mktree("few", {"x": "f4"})
        file.mktree("many", {"x": "f4", "y": "f4"})
    assert parse(draft(["a.root"]))["files"][0]["tree"] == "many"
    assert parse(draft(["a.root"], tree="few"))["files"][0]["tree"] == "few"
    with pytest.raises(InputFileError, match=r"no tree 'fw' in .*nearest: 'few'"):
        draft(["a.root"], tree="fw")


def test_an_hdf5_file_has_its_group_and_a_parquet_file_none(folder: Path) -> None:
    ak.to_parquet(ak.Array({"met": np.zeros(3, "f4")}), "a.parquet")
    with h5py.File("b.h5", "w") as file:
        file["events/met"] = np.zeros(3, "f4")
    first, second = parse(draft(["a.parquet", "b.h5"]))["files"]
    assert first == {"path": "a.parquet", "metadata": {"process": "a"}}
    assert second["tree"] == "events"


@pytest.mark.parametrize("name", ["it's", 'a "b"', "ü ä", "a.b"])
def test_any_name_of_a_file_gives_valid_toml(name: str, folder: Path) -> None:
    with uproot.recreate(f"{name}.root") as file:
        file.mktree("t", {"met": "f4"})
    recipe = parse(draft([f"{name}.root"]))
    assert recipe["files"][0]["path"] == f"{name}.root"
    [cut] = recipe["training"]["labels"].values()
    process = recipe["files"][0]["metadata"]["process"]
    assert cut == f"process == '{process}'"
    assert process.count("'") == 0


def test_a_broken_file_is_named_and_the_others_are_drafted(nano: list[str], folder: Path) -> None:
    Path("bad.root").write_bytes(b"root and no more")
    Path("ggH/nano_0.root").write_bytes(b"PAR1")  # of a process with other files
    text, errors = draft_recipe(["bad.root", *nano])
    assert ["bad.root" in str(error) for error in errors] == [True, False]
    assert text.count("EDIT: leave this file out; ") == 2
    processes = [one["metadata"]["process"] for one in parse(text)["files"]]
    assert processes == ["ggH", "DY", "SingleMuon"]


def test_a_file_without_trees_is_an_error(folder: Path) -> None:
    with uproot.recreate("a.root") as file:
        file["h"] = np.histogram([0.5], bins=1, range=(0, 1))
    with pytest.raises(InputFileError, match=r"no tree of '.*a\.root' can be read: it has no tree"):
        draft(["a.root"])
    with pytest.raises(MissingFileError, match=r"no such file: 'b\.root'"):
        draft(["b.root"])


def draft(patterns: list[str], **options: Any) -> str:
    """Return the draft of files that can all be read."""
    text, errors = draft_recipe(patterns, **options)
    assert errors == ()
    return text


def make(text: str, folder: Path) -> memmpy.TrainingSet:
    """Write a draft to a file and make its training set."""
    pytest.importorskip("memmpy.pipeline.recipe_file")
    (folder / "data.toml").write_text(text)
    training_set: Any = memmpy.training_set  # of which a recipe is the only argument
    data: memmpy.TrainingSet = training_set(folder / "data.toml")
    return data


def test_the_draft_of_files_of_cms_makes_a_training_set(nano: list[str], folder: Path) -> None:
    data = make(draft(nano), folder)
    assert data.classes == ("DY", "ggH")
    assert len(data) == 1000
    batch = next(iter(data.loader("train", fold=0, batch_size=16)))
    assert batch["jets"].shape == (16, 8, 2)


@CLIPS
def test_the_draft_of_the_demo_makes_a_training_set(folder: Path) -> None:
    write_demo_files(".", num_events=1000, seed=1)
    data = make(draft(["*.root"]), folder)
    assert data.classes == ("ttbb", "ttH")
    assert len(data) == 4000


@pytest.mark.real
@pytest.mark.filterwarnings("ignore::memmpy.errors.MemmpyWarning")  # few events, of one class
@pytest.mark.parametrize(
    ("names", "num_events"),
    [
        (["nanoAOD_2015_CMS_Open_Data_ttbar.root"], 200),
        (["PHYSLITE_example.root"], 100),
        (["uproot-HZZ.root", "ww.root", "single_top.root"], 12685),
        (["uproot-Zmumu.root"], 2304),
    ],
)
def test_the_draft_of_real_files_makes_a_training_set(
    names: list[str], num_events: int, real_data: Path, folder: Path
) -> None:
    assert len(make(draft([str(real_data / name) for name in names]), folder)) == num_events
