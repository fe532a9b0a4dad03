"""Tests of cuts on members of nested columns, at every door."""

from pathlib import Path

import awkward as ak
import numpy as np
import pytest

import memmpy
from memmpy import WriteVector, compute_cut_batched, read_vector
from memmpy.columns import WriteNested
from memmpy.errors import CorruptStoreError, CutError
from memmpy.store import read_metadata


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with WriteNested(tmp_path / "s", "p") as column:
        column.extend(ak.Array([{"x": i / 2, "w": {"z": i}, "name": "a"} for i in range(6)]))
    with WriteNested(tmp_path / "s", "jets") as column:
        column.extend(ak.Array([[{"pt": float(j)} for j in range(i)] for i in range(6)]))
    with WriteVector(tmp_path / "s", "n") as vector:
        vector.extend(np.arange(6))
    return tmp_path / "s"


@pytest.mark.parametrize(
    ("cut", "entries"),
    [
        ("p.x > 1.2", [3, 4, 5]),
        ("p.w.z == 2 || n == 0", [0, 2]),
        ("jets.pt > 3", [5]),
        ("Sum$(jets.pt) > 2 && p.x < 2.5", [3, 4]),
        ("jets.pt[1] == 1", [2, 3, 4, 5]),
        ("Length$(jets.pt) == n", [0, 1, 2, 3, 4, 5]),
    ],
)
def test_members_are_keys_of_cuts(store: Path, cut: str, entries: list[int]) -> None:
    assert compute_cut_batched(store, cut).tolist() == entries
    opened = memmpy.open(store)
    assert opened.cut(cut).tolist() == entries
    batch = next(iter(opened.loader(keys={"n"}, cut=cut, shuffle=False)))
    assert batch["n"].tolist() == entries
    skim = opened.skim(keys={"n"}, cut=cut, progress=False)
    assert len(skim) == len(entries)
    assert skim.is_current(read_metadata(store))


def test_a_cached_cut_of_a_member_follows_its_column(store: Path) -> None:
    compute_cut_batched(store, "p.x > 1.2")
    assert [record.keys for record in memmpy.open(store).cuts] == [("p",)]
    with WriteNested(store, "p") as column:
        column.extend(ak.Array([{"x": float(i)} for i in range(6)]))
    assert compute_cut_batched(store, "p.x > 1.2").tolist() == [2, 3, 4, 5]


def test_a_column_may_be_computed_of_members(store: Path) -> None:
    opened = memmpy.open(store)
    opened.add("twice", "p.x * 2")
    assert read_vector(store, "twice").tolist() == [0, 1, 2, 3, 4, 5]
    with WriteNested(store, "p") as column:
        column.extend(ak.Array([{"x": float(i)} for i in range(6)]))
    assert "twice" not in memmpy.open(store)
    memmpy.open(store).add("twice", "p.x * 2")
    assert read_vector(store, "twice").tolist() == [0, 2, 4, 6, 8, 10]


def test_a_cut_flow_takes_members(store: Path) -> None:
    flow = memmpy.cutflow(store, ["p.x > 0.6", "jets.pt > 2"], weight="p.x")
    assert "p.x > 0.6" in str(flow)


@pytest.mark.parametrize(
    ("cut", "message"),
    [
        ("p.y > 1", "no key 'p.y'"),
        ("p > 1", "a cut cannot use the nested column 'p'"),
        ("p.w > 1", "a cut cannot use the nested column 'p.w'"),
        ("p.name == 'a'", "a cut cannot use the nested column 'p.name'"),
    ],
)
def test_what_is_no_member_of_numbers_is_an_error(store: Path, cut: str, message: str) -> None:
    with pytest.raises(CutError, match=message):
        compute_cut_batched(store, cut)


def test_a_damaged_column_is_named_for_its_members(store: Path) -> None:
    array = next(iter(read_metadata(store).columns["p"].arrays.values()))
    (store / array.file).write_bytes(b"")
    with pytest.raises(CorruptStoreError, match="column 'p'"):
        memmpy.open(store).cut("p.x > 1")
