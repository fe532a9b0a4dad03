"""Tests of trees whose branches are read one by one: uproot, which reads them all, agrees."""

import dataclasses
import random
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.branch_types import type_of_branch
from memmpy.sources.root.branches import names_of_tree, outline_of, place_at
from memmpy.sources.root.lazy_tree import LazyTree
from memmpy.sources.root.tree_branches import TreeBranches
from memmpy.sources.root.tree_index import index_of_branch


def write_wide(path: Path) -> None:
    """Write a tree of many branches; each is named after its values."""
    with uproot.recreate(path) as file:
        counts = np.arange(100) % 4
        jets = {
            name: ak.unflatten(np.arange(counts.sum(), dtype=dtype) + i, counts)
            for i, (name, dtype) in enumerate({"pt": "f4", "eta": "f8", "id": "i4"}.items())
        }
        numbers = {f"x{i}": np.arange(100) + 1000 * i for i in range(50)}
        texts = [f"text {i}" for i in range(100)]
        branches = {**numbers, "jet": ak.zip(jets), "last": np.arange(100) > 50, "text": texts}
        types = {name: ak.type(ak.Array(v)).content for name, v in branches.items()}
        file.mktree("folder/t", types).extend(branches)


def trees_of(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in sorted(folder.glob("*.root")):
        with uproot.open(path) as file:
            classes = file.classnames(recursive=True)
        yield from ((path, name) for name, kind in classes.items() if kind == "TTree")


def assert_same_branch(ours: Any, theirs: Any) -> None:
    assert (ours.name, ours.classname, ours.index) == (theirs.name, theirs.classname, theirs.index)
    ours_as, theirs_as = (re.sub("0x[0-9a-f]+", "", repr(b.interpretation)) for b in (ours, theirs))
    assert ours_as == theirs_as
    assert ours.entry_offsets == theirs.entry_offsets
    assert ours.compressed_bytes == theirs.compressed_bytes
    assert ours.object_path == theirs.object_path
    assert ours.cache_key == theirs.cache_key
    for inner, expected in zip(ours.branches, theirs.branches, strict=True):
        assert_same_branch(inner, expected)


def assert_same_tree(path: Path, name: str, order: Callable[[list[int]], None]) -> None:
    """Compare the branches, read in some order, with those of uproot."""
    with uproot.open(path) as file, uproot.open(path) as other:
        lazy, whole = LazyTree(file.key(name)), other[name]
        outlines = list(enumerate(map(outline_of, whole.branches)))
        assert lazy.outlines(range(lazy.records.num)) == outlines
        assert lazy.header.num_entries == whole.num_entries
        assert lazy.header.object_path == whole.object_path
        indices = list(range(len(whole.branches)))
        order(indices)
        for i in indices:
            assert_same_branch(lazy.branch(i), whole.branches[i])


ORDERS = {"forward": lambda _: None, "backward": list.reverse, "random": random.Random(1).shuffle}


@pytest.mark.parametrize("order", ORDERS)
def test_each_branch_is_that_of_the_whole_tree_in_any_order(tmp_path: Path, order: str) -> None:
    write_wide(tmp_path / "wide.root")
    assert_same_tree(tmp_path / "wide.root", "folder/t;1", ORDERS[order])


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize("order", ["backward", "random"])
def test_each_branch_of_real_files_is_that_of_the_whole_tree(real_data: Path, order: str) -> None:
    for path, name in trees_of(real_data):
        assert_same_tree(path, name, ORDERS[order])


def assert_same_names(path: Path, name: str) -> None:
    """Look up each full and short name, and names that are nearly one, in their bytes."""
    with uproot.open(path) as file, uproot.open(path) as other:
        expected = names_of_tree(enumerate(map(outline_of, other[name].branches)))
        names = [*expected.positions, *expected.others]
        names += [n[1:] for n in names[::7]] + [f"{n}_" for n in names[::7]]
        names += ["", ".", "/", "run", "\ud800"]
        branches = TreeBranches(file, name)
        for one in random.Random(1).sample(names, min(len(names), 300)):
            wholes = expected.find(one)
            assert branches.find(one) == wholes
            if wholes:
                position = expected.positions[wholes[0]]
                whole = place_at(position, other[name].branches[position.path[0]])
                place = branches.place(wholes[0])
                assert (place.branch.object_path, place.leaf) == (
                    whole.branch.object_path,
                    whole.leaf,
                )
        assert branches.names() == [*expected.positions]


def test_names_found_in_the_bytes_are_those_of_the_whole_tree(tmp_path: Path) -> None:
    write_wide(tmp_path / "wide.root")
    assert_same_names(tmp_path / "wide.root", "folder/t;1")


@pytest.mark.real
@pytest.mark.slow
def test_names_found_in_the_bytes_of_real_files_are_those_of_the_whole_tree(
    real_data: Path,
) -> None:
    for path, name in trees_of(real_data):
        assert_same_names(path, name)


def test_uproot_reads_only_the_branches_that_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wide(tmp_path / "wide.root")
    read: list[int] = []
    read_branch = LazyTree.branch

    def branch(tree: LazyTree, index: int) -> Any:
        read.append(index)
        return read_branch(tree, index)

    monkeypatch.setattr(LazyTree, "branch", branch)
    with closing(TreeFile(ByteSource(str(tmp_path / "wide.root")), "folder/t")) as file:
        assert file.has_branch("x3")
        assert len(file.branches()) == 56
        file.type_of("x3")
        values = dict(file.read(["x3", "jet_pt", "text"], 10, 20))
    assert values["x3"].tolist() == list(range(3010, 3020))
    assert values["jet_pt"][1].tolist() == np.arange(15, 18).tolist()
    assert bytes(values["text"][1]) == b"text 11"
    assert set(read) == {55}  # numbers and lists of them need no object of uproot


def assert_same_indices(path: Path, name: str) -> int:
    """Compare the branches found without uproot with those of uproot; return their number."""
    num_found = 0
    with uproot.open(path) as file:
        branches, whole = TreeBranches(file, name), TreeBranches(file, name)
        whole._read_whole_tree()
        for one in branches.names():
            index, place = branches._plain(one), whole.place(one)
            if index is None:
                continue
            num_found += 1
            expected = index_of_branch(place, *type_of_branch(place, str(path)))
            assert expected is not None
            for field in dataclasses.fields(index):
                ours, theirs = getattr(index, field.name), getattr(expected, field.name)
                if isinstance(ours, np.ndarray):
                    assert (ours.dtype, ours.tolist()) == (theirs.dtype, theirs.tolist())
                else:
                    assert ours == theirs, (one, field.name)
    return num_found


def test_plain_branches_are_those_of_uproot(tmp_path: Path) -> None:
    write_wide(tmp_path / "wide.root")
    assert assert_same_indices(tmp_path / "wide.root", "folder/t;1") == 55


@pytest.mark.real
@pytest.mark.slow
def test_plain_branches_of_real_files_are_those_of_uproot(real_data: Path) -> None:
    num = {path.name: assert_same_indices(path, name) for path, name in trees_of(real_data)}
    assert any(num_found > 1000 for num_found in num.values())


@pytest.mark.parametrize("title", ["x[nx]", "speed", "x[3]y", "x[m ]"])
def test_a_title_does_not_make_a_list(title: str, tmp_path: Path) -> None:
    path, num = tmp_path / "a.root", 9
    values = {"x": ak.unflatten(np.arange(9.0), np.arange(num) % 3), "pt[GeV]": np.arange(num)}
    types = {"x": "var * float64", "pt[GeV]": "int64"}
    with uproot.recreate(path, compression=None) as file:
        file.mktree("t", types, counter_name="n{}".format).extend(values)
    path.write_bytes(path.read_bytes().replace(b"x[nx]", title.encode().ljust(5)[:5]))
    assert assert_same_indices(path, "t;1") == 1 + (title == "x[nx]")  # nx, and x
    with closing(TreeFile(ByteSource(str(path)), "t")) as tree:
        assert str(tree.type_of("pt[GeV]")) == "int64"


#: Leaves of a plain branch, and others, which uproot must read.
PLAIN = [f"{kind}/{kind}" for kind in "OBbSsIiLlGgFD"]
PLAIN += [f"list_{kind}[num]/{kind}" for kind in "OBbSsIiLlGgFD"]
OTHERS = ["text/C", "triple[3]/F", "triples[num][3]/S", "matrix[2][2]/I", "packed/d", "half[num]/f"]


@pytest.mark.root
def test_plain_branches_by_root_are_those_of_uproot(tmp_path: Path) -> None:
    root = pytest.importorskip("ROOT")
    file = root.TFile(str(tmp_path / "a.root"), "RECREATE")
    tree, buffer, num = root.TTree("t", ""), np.zeros(64, np.uint8), np.zeros(1, np.int32)
    tree.Branch("num", num, "num/I")
    for leaf in [*PLAIN, *OTHERS]:
        tree.Branch(leaf.split("/")[0].split("[")[0] + "_", buffer, leaf, 500)
    for i in range(200):
        num[0], buffer[:] = i % 3, i % 2
        tree.Fill()
    tree.GetLeaf("F_", "F").SetTitle("momenta [GeV]")  # no list
    file.Write()
    file.Close()
    assert assert_same_indices(tmp_path / "a.root", "t;1") == len(PLAIN)  # with num


@pytest.mark.parametrize("version", [12, 14])
def test_a_branch_of_another_version_is_left_to_uproot(
    version: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wide(tmp_path / "wide.root")
    monkeypatch.setattr("memmpy.sources.root.branch_records._VERSION", version)
    assert assert_same_indices(tmp_path / "wide.root", "folder/t;1") == 0


def test_a_tree_with_unusual_records_is_read_by_uproot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wide(tmp_path / "wide.root")
    monkeypatch.setattr("memmpy.sources.root.branch_records._DERIVED", {})
    with closing(TreeFile(ByteSource(str(tmp_path / "wide.root")), "folder/t")) as file:
        assert len(file.branches()) == 56
        assert dict(file.read(["x3"], 0, 2))["x3"].tolist() == [3000, 3001]


def test_models_of_a_damaged_file_are_not_those_of_the_next(tmp_path: Path) -> None:
    write_wide(tmp_path / "wide.root")
    versions = uproot.classes["TBranch"].known_versions
    before = versions[13]
    versions[13] = uproot.classes["TList"]  # as after a file whose version number was flipped
    try:
        with closing(TreeFile(ByteSource(str(tmp_path / "wide.root")), "folder/t")) as file:
            assert dict(file.read(["x3"], 0, 2))["x3"].tolist() == [3000, 3001]
        assert versions[13] is before
    finally:
        versions[13] = before
