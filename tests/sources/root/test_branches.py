"""Tests of the names of branches and leaves."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot
from numpy.typing import NDArray

from memmpy.errors import RootFileError, UndecodableError
from memmpy.jagged import Jagged
from memmpy.sources import ByteSource
from memmpy.sources.root import TreeFile
from memmpy.sources.root.branches import Outline, Position, names_of_tree
from tests.sources.root.by_root import write_hits


def a_branch(name: str, *branches: Outline, leaves: Sequence[str] = ()) -> Outline:
    return Outline(name, "TBranch", tuple(leaves or [name]), branches)


TREE = [
    a_branch("jets", a_branch("pt"), a_branch("eta"), a_branch("jets.e", leaves="xy")),
    a_branch("muons", a_branch("pt"), a_branch("muons.m[3]")),
    a_branch("eta"),
    a_branch("p", leaves=["x", "y"]),
    a_branch("p.y"),
    a_branch("dot.", leaves=["x", "y"]),
    a_branch("one", leaves=["leaf"]),
    a_branch("eta", leaves=["x", "y"]),
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("eta", ["eta"]),
        ("jets/eta", ["jets/eta"]),
        ("pt", ["jets/pt", "muons/pt"]),
        ("muons.m[3]", ["muons/muons.m[3]"]),
        ("p.x", ["p.x"]),
        ("dot.x", ["dot.x"]),
        ("dot..x", []),
        ("jets.e.x", ["jets/jets.e.x"]),
        ("jets/jets.e.y", ["jets/jets.e.y"]),
        ("one.leaf", ["one"]),
        ("leaf", []),
        ("Eta", []),
    ],
)
def test_a_name_means_a_branch_or_a_leaf(name: str, meant: list[str]) -> None:
    assert [*names_of_tree(enumerate(TREE)).find(name)] == meant


def test_of_two_branches_of_one_name_the_first_counts() -> None:
    assert names_of_tree(enumerate(TREE)).positions["eta"] == Position((2,))


def test_a_branch_comes_before_a_leaf_of_its_name() -> None:
    assert names_of_tree(enumerate(TREE)).positions["p.y"] == Position((4,))


def test_names_are_in_the_order_of_the_file_each_branch_before_its_own() -> None:
    names = [*names_of_tree(enumerate(TREE)).positions]
    assert names[:4] == ["jets", "jets/pt", "jets/eta", "jets/jets.e"]
    assert names[-6:] == ["dot.", "dot.x", "dot.y", "one", "eta.x", "eta.y"]


FIELDS: dict[str, NDArray[Any]] = {
    "AnalysisJetsAuxDyn.pt": np.arange(3, dtype=np.float32),
    "jet/pt": np.arange(3) + 10,
    ".pt": np.arange(3) + 20,
    "pt": np.arange(3) + 30,
    "end.": np.arange(3) + 40,
    "a..b": np.arange(3) + 50,
    "rec.pt": np.arange(3) + 60,
    "x[3]": np.arange(3) + 70,
    "esc\x1b[31m": np.arange(3) + 80,
    "very long " * 40: np.arange(3) + 90,
}


@pytest.fixture
def ntuple(tmp_path: Path) -> Iterator[TreeFile]:
    more = {
        "rec": ak.Array([{"pt": i, "q": [i]} for i in range(3)]),
        "lists.pt": ak.Array([[1.5], [], [2.5, 3.5]]),
        "deep.rec": ak.Array([{"a": {"b.c": i}} for i in range(3)]),
    }
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mkrntuple("t", {**FIELDS, **more})
    with closing(TreeFile(ByteSource(str(tmp_path / "a.root")), "t")) as opened:
        yield opened


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_may_have_any_name(ntuple: TreeFile, name: str) -> None:
    assert ntuple.has_branch(name)
    assert ntuple.type_of(name).dtype == FIELDS[name].dtype
    assert dict(ntuple.read([name], 1, 3))[name].tolist() == FIELDS[name][1:].tolist()
    assert ntuple.sizes_of(name)[1] == FIELDS[name].nbytes


def test_fields_with_dots_are_read_beside_those_of_records(ntuple: TreeFile) -> None:
    found = dict(ntuple.read(["rec", "rec.pt", "lists.pt", "deep.rec", "pt"], 0, 3))
    assert found["rec"].to_list() == [{"pt": i, "q": [i]} for i in range(3)]
    assert found["rec.pt"].tolist() == [60, 61, 62]
    assert isinstance(found["lists.pt"], Jagged)
    assert found["lists.pt"].content.tolist() == [1.5, 2.5, 3.5]
    assert found["deep.rec"].to_list() == [{"a": {"b.c": i}} for i in range(3)]
    assert found["pt"].tolist() == [30, 31, 32]


def test_a_part_of_a_field_is_read_by_its_name(ntuple: TreeFile) -> None:
    assert ntuple.has_branch("rec.q")
    assert ntuple.type_of("rec.q").kind == "jagged"
    [(_, values)] = ntuple.read(["rec.q"], 1, 3)
    assert [items.tolist() for items in values] == [[1], [2]]
    assert "rec.q" not in ntuple.branches()


def test_a_part_of_a_field_that_memmpy_does_not_read_is_an_error(ntuple: TreeFile) -> None:
    assert not ntuple.has_branch("deep.rec.b")
    assert ntuple.has_branch("deep.rec.a")
    message = "'deep.rec.a' of .* is a part of the field 'deep.rec' that memmpy cannot read alone"
    with pytest.raises(UndecodableError, match=message):
        ntuple.type_of("deep.rec.a")


@pytest.fixture
def hits(tmp_path: Path) -> Iterator[TreeFile]:
    path = write_hits(tmp_path / "a.root", 9)
    with closing(TreeFile(ByteSource(str(path)), "t")) as opened:
        yield opened


@pytest.mark.root
def test_an_array_of_a_split_class_is_named_with_brackets(hits: TreeFile) -> None:
    for name in ("hit.p[3]", "hit/hit.p[3]"):
        entries = dict(hits.read([name], 0, 9))[name]
        assert entries.content.shape == (12, 3)
        assert entries.content[0].tolist() == [1, 2, 3]


@pytest.mark.root
def test_a_last_name_that_branches_share_is_refused(hits: TreeFile) -> None:
    message = r"branch 'p\[3\]' of '.*:t;1' may be any of \('one/p\[3\]', 'two/p\[3\]'\); give the"
    with pytest.raises(RootFileError, match=message):
        hits.type_of("p[3]")


@pytest.mark.root
def test_a_branch_comes_before_a_branch_of_a_branch(hits: TreeFile) -> None:
    found = dict(hits.read(["e", "one/e", "two/e"], 0, 2))
    assert {name: values.tolist() for name, values in found.items()} == {
        "e": [0, 1],
        "one/e": [100, 101],
        "two/e": [200, 201],
    }
