"""Tests of listings of files: trees, branches and objects, compared with what was written."""

import json
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pytest
import uproot
from pyarrow import parquet

from memmpy.errors import InputFileError
from memmpy.sources import FileListing, find
from memmpy.sources.file_listing import list_file
from tests.conftest import MakeFile


def listing_of(
    path: Path, *, trees: list[str] | None = None, like: list[str] | None = None
) -> FileListing:
    [status] = find(str(path))
    return list_file(status, trees=trees or [], like=like or [])


@pytest.fixture
def several(tmp_path: Path) -> Path:
    """Return a ROOT file with trees, one of them in a directory, histograms and a text."""
    with uproot.recreate(tmp_path / "several.root") as file:
        file.mktree("nominal", {"pt": "f4", "n": "i4", "x": "f8"}).extend(
            {"pt": np.ones(5, "f4"), "n": np.ones(5, "i4"), "x": np.ones(5)}
        )
        file.mktree("runs/info", {"sum_w": "f8"}).extend({"sum_w": np.ones(2)})
        file["weights"] = np.histogram(np.arange(10.0), bins=5, range=(0, 10))
        file["matrix"] = np.histogram2d(np.arange(4.0), np.arange(4.0), bins=(2, 4))
        file["note"] = "made by hand"
    return tmp_path / "several.root"


def test_trees_come_with_the_most_branches_first(several: Path) -> None:
    trees = listing_of(several).trees
    assert [(one.name, one.kind, one.num_entries) for one in trees] == [
        ("nominal", "TTree", 5),
        ("runs/info", "TTree", 2),
    ]
    assert [branch.name for branch in trees[0].branches] == ["pt", "n", "x"]


def test_other_objects_come_with_what_they_hold(several: Path) -> None:
    objects = {one.name: (one.kind, one.details) for one in listing_of(several).objects}
    assert objects == {
        "weights": ("TH1D", "5 bins from 0 to 10; 10 entries"),
        "matrix": ("TH2D", "2 bins from 0 to 3 by 4 bins from 0 to 3; 4 entries"),
        "note": ("TObjString", "made by hand"),
    }


def test_labels_of_bins_are_named(tmp_path: Path) -> None:
    hist = pytest.importorskip("hist")
    with uproot.recreate(tmp_path / "a.root") as file:
        cutflow = hist.Hist(hist.axis.StrCategory(["all", "trigger"], name="cut"))
        cutflow.fill(["all", "all", "trigger"])
        file["cutflow"] = cutflow
    [one] = listing_of(tmp_path / "a.root").objects
    assert one.details.startswith("2 bins: 'all', 'trigger'; ")


def test_types_and_sizes_are_those_of_the_branches(make_file: MakeFile) -> None:
    path = make_file("a.root", 100)
    [tree] = listing_of(path).trees
    with uproot.open(path)["tree"] as expected:
        for branch in tree.branches:
            of_file = expected[branch.name]
            assert branch.stored_type == of_file.typename
            assert branch.sizes == (of_file.compressed_bytes, of_file.uncompressed_bytes)
            assert not branch.problem
        assert tree.sizes == (expected.compressed_bytes, expected.uncompressed_bytes)


@pytest.mark.real
def test_sizes_count_baskets_that_are_embedded_in_the_tree(real_data: Path) -> None:
    [tree] = listing_of(real_data / "open-data-example.root").trees
    sizes = {branch.name: branch.sizes for branch in tree.branches}
    assert sizes["nMuon"] == (0, 100_000 * 4)
    assert tree.sizes == (0, sum(size[1] for size in sizes.values() if size is not None))


def test_older_cycles_are_no_trees_to_read_by_default(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        for num in (3, 4):
            file.mktree("t", {"x": "f4"}).extend({"x": np.zeros(num, "f4")})
    found = listing_of(tmp_path / "a.root")
    assert [(one.name, one.num_entries) for one in found.trees] == [("t", 4)]
    assert [(one.name, one.kind) for one in found.objects] == [("t;1", "older TTree")]
    assert listing_of(tmp_path / "a.root", trees=["t;1"]).trees[0].num_entries == 3


def test_an_hdf5_file_has_groups_records_and_single_values(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["events/x"], file["events/y"] = np.zeros((7, 3)), np.zeros(7, "i4")
        file["events/few"] = np.zeros(2)
        file["jets"] = np.zeros(9, [("pt", "f4"), ("n", ">i2")])
        file["lumi"], file["name"] = 11467.5, "ttH"
    found = listing_of(tmp_path / "a.h5")
    assert found.format == "HDF5"
    assert {one.name: (one.kind, one.num_entries) for one in found.trees} == {
        "events": ("group", 7),
        "jets": ("records", 9),
    }
    types = {b.name: (b.type and b.type.in_words(), b.stored_type) for b in found.trees[1].branches}
    assert types == {"pt": ("float32", "float32"), "n": ("int16", ">i2")}
    problems = {branch.name: branch.problem for branch in found.trees[0].branches}
    assert problems == {"x": "", "y": "", "few": "has 2 entries, and the table 7"}
    assert {one.name: one.details for one in found.objects} == {"lumi": "11467.5", "name": "ttH"}


def test_a_group_of_records_only_is_not_listed_beside_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name in ("jets", "tracks"):
            file[name] = np.zeros(9, [("pt", "f4")])
    assert [one.name for one in listing_of(tmp_path / "a.h5").trees] == ["jets", "tracks"]
    assert listing_of(tmp_path / "a.h5", trees=["/"]).trees[0].num_entries == 9


def test_a_parquet_file_is_one_table(tmp_path: Path) -> None:
    table = pa.table({"x": [1.0, 2.0], "jets": [[{"pt": 1.0}], []], "none": pa.nulls(2)})
    parquet.write_table(table, tmp_path / "a.parquet")
    [tree] = listing_of(tmp_path / "a.parquet").trees
    assert (tree.name, tree.kind, tree.num_entries) == ("", "table", 2)
    types = {branch.name: branch.type and branch.type.in_words() for branch in tree.branches}
    assert types == {
        "x": "float64",
        "jets": "list of {pt: float64}",
        "jets.pt": "list of float64",
        "none": None,
    }
    assert "all its values are missing" in tree.branches[-1].problem


@pytest.mark.parametrize(
    ("like", "names"),
    [
        (["jet_*"], ["jet_pt", "jet_btag"]),
        (["met"], ["met"]),
        (["JET"], ["jet_pt", "jet_btag", "nJets"]),
        (["nJets", "*_pt"], ["jet_pt", "nJets"]),
        (["none"], []),
    ],
)
def test_like_takes_names_patterns_and_parts_of_names(
    like: list[str], names: list[str], tmp_path: Path
) -> None:
    types = {"jet_pt": "f4", "met": "f4", "jet_btag": "f4", "nJets": "i4", "metsig": "f4"}
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", types)
    [tree] = listing_of(tmp_path / "a.root", like=like).trees
    assert sorted(branch.name for branch in tree.branches) == sorted(names)
    assert set(tree.names) == set(types)


def test_trees_are_chosen_by_name_or_pattern(several: Path) -> None:
    assert [one.name for one in listing_of(several, trees=["runs/*"]).trees] == ["runs/info"]
    assert len(listing_of(several, trees=["*", "nominal"]).trees) == 2


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ("nominl", r"no tree 'nominl' in .*'nominal', 'runs/info'.*nearest: 'nominal'"),
        ("nominl*", r"no tree of .* matches 'nominl\*': its trees are .*; nearest: 'nominal'"),
        ("weights", "'weights' of .* is a TH1D, not a tree"),
    ],
)
def test_a_missing_tree_names_those_there_are(several: Path, tree: str, message: str) -> None:
    with pytest.raises(InputFileError, match=message):
        listing_of(several, trees=[tree])


def test_a_broken_tree_leaves_the_others(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("good", {"x": "f4"}).extend({"x": np.zeros(3, "f4")})
        tree = file.mktree("broken", {"y": "f4"})
        tree.extend({"y": np.zeros(3, "f4")})
    with uproot.open(tmp_path / "a.root") as file:
        key = file.key("broken")
        start, stop = key.data_cursor.index, key.data_cursor.index + key.data_compressed_bytes
    content = bytearray((tmp_path / "a.root").read_bytes())
    content[start:stop] = bytes(stop - start)
    (tmp_path / "a.root").write_bytes(content)
    trees = {one.name: one for one in listing_of(tmp_path / "a.root").trees}
    assert trees["good"].num_entries == 3
    assert "cannot be read" in trees["broken"].problem


@pytest.mark.real
def test_a_branch_that_no_column_holds_says_why(real_data: Path) -> None:
    [tree] = listing_of(real_data / "uproot-HZZ-objects.root", like=["MET", "jetid"]).trees
    assert {branch.name: branch.problem for branch in tree.branches} == {
        "MET": "holds C++ objects (TVector2) that no column can hold",
        "jetid": "",
    }


@pytest.mark.real
def test_real_files_have_the_entries_and_types_that_are_known(real_data: Path) -> None:
    kinds = {"scalar": "{}", "var": "list of {}", "fixed 10": "10 x {}", "string": "text"}
    kinds["var x var"] = "list of lists of {}"
    facts = json.loads((real_data / "facts.json").read_text())
    num_compared = 0
    for name, fact in facts.items():
        for tree_name, expected in fact["trees"].items():
            [tree] = listing_of(real_data / name, trees=[tree_name]).trees
            assert tree.num_entries == expected["entries"]
            for branch in tree.branches:
                known = expected["branches"].get(branch.name)
                if known and known["kind"] in kinds and branch.type is not None:
                    words = kinds[known["kind"]].format(known.get("dtype"))
                    assert branch.type.in_words() == words
                    num_compared += 1
    assert num_compared > 300


def test_json_has_all_that_is_listed(several: Path) -> None:
    found = listing_of(several)
    values = json.loads(json.dumps(found.to_dict()))
    assert values["format"] == "ROOT"
    assert [tree["entries"] for tree in values["trees"]] == [5, 2]
    assert values["trees"][0]["branches"][0]["type"] == "float32"
    assert {one["name"] for one in values["objects"]} == {"weights", "matrix", "note"}
