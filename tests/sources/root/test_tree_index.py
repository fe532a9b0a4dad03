"""Tests of reading branches by their index: the header of the tree is not read again."""

import pickle
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig
from memmpy.errors import RootFileError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile, TreeIndex
from memmpy.sources.root.contents import open_root

OPEN_ROOT = "memmpy.sources.root.tree_file.open_root"
BRANCHES = {
    "x": np.arange(40) * 1.5,
    "jets": ak.unflatten(np.arange(60, dtype=np.float32), np.arange(40) % 4),
    "name": [f"text {i}" for i in range(40)],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "a.root") as file:
        types = {name: ak.type(ak.Array(values)).content for name, values in BRANCHES.items()}
        tree = file.mktree("t", types)
        for start in range(0, 40, 10):
            tree.extend({name: BRANCHES[name][start : start + 10] for name in types})
    return tmp_path / "a.root"


def index_of(path: Path, branches: list[str]) -> TreeIndex:
    with closing(TreeFile(ByteSource(str(path)), "t")) as file:
        index = file.index(branches)
    assert index is not None
    copy = pickle.loads(pickle.dumps(index))
    assert isinstance(copy, TreeIndex)
    return copy


def no_opening(*_: object) -> Any:
    raise AssertionError("the file is opened again")


def test_branches_of_the_index_are_read_without_the_header(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["x", "jets", "name"]
    index = index_of(path, names)
    monkeypatch.setattr(OPEN_ROOT, no_opening)
    with closing(TreeFile(ByteSource(str(path)), "t", index)) as file:
        assert (file.tree, file.num_entries, file.has_branch("jets")) == ("t;1", 40, True)
        values = dict(file.read(names, 5, 35))
    assert values["x"].tolist() == BRANCHES["x"][5:35].tolist()
    assert values["jets"].to_awkward().tolist() == BRANCHES["jets"][5:35].tolist()
    assert bytes(values["name"][0]).decode() == "text 5"


def test_other_branches_are_read_by_opening_the_tree(path: Path) -> None:
    with closing(TreeFile(ByteSource(str(path)), "t", index_of(path, ["x"]))) as file:
        values = dict(file.read(["jets", "x"], 0, 40))
        assert not file.has_branch("jet")
        assert "name" in file.branches()
    assert values["jets"].to_awkward().tolist() == BRANCHES["jets"].tolist()
    assert values["x"].tolist() == BRANCHES["x"].tolist()


def test_an_index_of_many_baskets_is_not_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memmpy.sources.root.tree_index._MAX_BYTES", 100)
    with closing(TreeFile(ByteSource(str(path)), "t")) as file:
        assert file.index(["x", "jets"]) is None


def test_baskets_of_another_branch_are_noticed(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        branches = {"x": np.arange(9), "y": np.arange(9) + 50}
        file.mktree("t", dict.fromkeys(branches, "int64")).extend(branches)
    index = index_of(tmp_path / "a.root", ["x", "y"])
    x, y = index.branches["x"], index.branches["y"]
    damaged = replace(index, branches={"x": replace(x, seek=y.seek, sizes=y.sizes), "y": y})
    with closing(TreeFile(ByteSource(str(tmp_path / "a.root")), "t", damaged)) as file:
        assert dict(file.read(["y"], 0, 9))["y"].tolist() == [*range(50, 59)]
        with pytest.raises(RootFileError, match="damaged: a basket of branch 'x' is one of 'y'"):
            dict(file.read(["x"], 0, 9))


@pytest.mark.root
def test_a_branch_that_was_renamed_keeps_its_baskets(tmp_path: Path) -> None:
    root = pytest.importorskip("ROOT")
    path = tmp_path / "a.root"
    with uproot.recreate(path) as file:
        file.mktree("t", {"old": "int64"}).extend({"old": np.arange(9)})
    written = root.TFile.Open(str(path), "UPDATE")
    written.Get("t").GetBranch("old").SetName("new")
    written.Get("t").Write()
    written.Close()
    with closing(TreeFile(ByteSource(str(path)), "t")) as tree:
        assert dict(tree.read(["new"], 0, 9))["new"].tolist() == [*range(9)]


def test_a_conversion_opens_each_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for i in range(12):  # more than stay open
        with uproot.recreate(tmp_path / f"{i:02d}.root") as file:
            file.mktree("t", {"x": "i8", "y": "f8"}).extend(
                {"x": np.arange(20) + 20 * i, "y": np.arange(20.0)}
            )
    opened: list[str] = []

    def counted(source: ByteSource) -> Any:
        opened.append(source.path)
        return open_root(source)

    monkeypatch.setattr(OPEN_ROOT, counted)
    memmpy.convert(RFileConfig(tmp_path / "*.root", tree="t"), tmp_path / "s", keys={"x"})
    assert memmpy.read_vector(tmp_path / "s", "x").tolist() == list(range(240))
    assert len(opened) == len(set(opened)) == 12
