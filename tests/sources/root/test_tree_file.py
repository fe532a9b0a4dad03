"""Tests of trees of ROOT files as event files."""

from contextlib import closing
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from memmpy.errors import RootFileError
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from tests.conftest import MakeFile
from tests.sources.contract import Columns, EventFileContract


def write_steps(tree: Any, columns: Columns, *, step: int) -> None:
    num = len(columns["number"])
    for start in range(0, num, step):
        tree.extend({name: values[start : start + step] for name, values in columns.items()})


class TestTree(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        types = {
            name: np.dtype((values.dtype, values.shape[1:]))
            if isinstance(values, np.ndarray)
            else "var * float32"
            for name, values in columns.items()
        }
        with uproot.recreate(path) as file:
            write_steps(file.mktree("dir/tree", types), columns, step=step)

    def open(self, source: ByteSource) -> TreeFile:
        return TreeFile(source, "dir/tree")


class TestNtuple(EventFileContract):
    def write(self, path: Path, columns: Columns, *, step: int) -> None:
        types = {
            name: ak.from_numpy(values[:0], regulararray=True)
            if isinstance(values, np.ndarray)
            else values[:0]
            for name, values in columns.items()
        }
        with uproot.recreate(path) as file:
            columns = {
                name: ak.from_numpy(values, regulararray=True)
                if isinstance(values, np.ndarray)
                else values
                for name, values in columns.items()
            }
            write_steps(file.mkrntuple("ntuple", types), columns, step=step)

    def open(self, source: ByteSource) -> TreeFile:
        return TreeFile(source, "ntuple")


def opened(path: Path, tree: str | None) -> TreeFile:
    return TreeFile(ByteSource(str(path)), tree)


def test_the_only_tree_needs_no_name(make_file: MakeFile) -> None:
    with closing(opened(make_file(), None)) as file:
        assert file.tree == "tree;1"


@pytest.fixture
def two_trees(tmp_path: Path) -> Path:
    """Return a file of two trees, of which one has two cycles, and a histogram."""
    path = tmp_path / "two.root"
    with uproot.recreate(path) as file:
        file["dir/nominal"] = {"x": np.arange(2)}
        file["dir/nominal"] = {"x": np.arange(3)}
        file["other"] = {"x": np.arange(4)}
        file["hist"] = np.histogram([1.0])
    return path


def test_several_trees_are_listed(two_trees: Path) -> None:
    message = r"two.root' has 2 trees \('dir/nominal', 'other'\); give one as tree="
    with pytest.raises(RootFileError, match=message):
        opened(two_trees, None)


def test_a_file_without_a_tree_says_so(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        file["hist"] = np.histogram([1.0])
    with pytest.raises(RootFileError, match=r"a.root' has no tree at all"):
        opened(tmp_path / "a.root", None)


def test_a_missing_tree_names_those_there_are(two_trees: Path) -> None:
    message = (
        r"no tree 'dir/nominl' in '.*two.root': its trees are 'dir/nominal', 'other'; "
        "nearest: 'dir/nominal'"
    )
    with pytest.raises(RootFileError, match=message):
        opened(two_trees, "dir/nominl")


def test_the_only_tree_is_named_once(make_file: MakeFile) -> None:
    with pytest.raises(RootFileError) as caught:
        opened(make_file(tree="nominal"), "nominl")
    assert str(caught.value).endswith("its only tree is 'nominal'")


def test_what_is_no_tree_is_named(two_trees: Path) -> None:
    with pytest.raises(RootFileError, match=r"'hist' of '.*two.root' is a TH1D, not a tree"):
        opened(two_trees, "hist")


@pytest.mark.parametrize(
    ("tree", "num"), [("dir/nominal", 3), ("dir/nominal;1", 2), ("dir/nominal;2", 3)]
)
def test_the_newest_cycle_is_read_unless_another_is_named(
    two_trees: Path, tree: str, num: int
) -> None:
    with closing(opened(two_trees, tree)) as file:
        assert file.num_entries == num


def test_a_file_that_is_not_of_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.root").write_bytes(b"PAR1" + bytes(1000))
    with pytest.raises(RootFileError, match="cannot be opened as ROOT: not a ROOT file"):
        opened(tmp_path / "a.root", None)


def test_boundaries_are_edges_that_all_branches_share(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "a.root") as file:
        tree = file.mktree("tree", {"x": "i4", "y": "i4"})
        for num in (3, 4, 5):
            tree.extend({"x": np.arange(num), "y": np.arange(num)})
    with closing(opened(tmp_path / "a.root", "tree")) as read:
        assert read.boundaries(["x", "y"]).tolist() == [0, 3, 7, 12]
        assert read.boundaries([]).tolist() == [0, 12]
