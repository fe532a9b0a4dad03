"""Tests of `memmpy.verify` with a repair, and of `memmpy.clean`."""

import os
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
import uproot

import memmpy
from memmpy import RFileConfig, WriteVector, convert
from memmpy.errors import (
    ConversionWarning,
    CorruptStoreError,
    MissingFileError,
    OptionError,
    StoreLockedError,
)
from memmpy.store import CUTS, FileLock, Transaction, read_metadata

NUM = 50


@pytest.fixture
def source(tmp_path: Path) -> Path:
    counts = np.arange(NUM) % 4
    jets = ak.unflatten(np.arange(counts.sum(), dtype=np.float32), counts)
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree(
            "tree", {"number": "int32", "jet_pt": "var * float32", "jet_eta": "var * float32"}
        ).extend({"number": np.arange(NUM, dtype=np.int32), "jet_pt": jets, "jet_eta": -jets})
    return tmp_path / "a.root"


@pytest.fixture
def store(source: Path, tmp_path: Path) -> Path:
    """A store with all that can be made again, a column of the user, a cut and a skim."""
    path = tmp_path / "data.mmpy"
    with pytest.warns(ConversionWarning, match="cuts off"):
        convert(
            RFileConfig(source, "tree", {"process": "ttH"}),
            path,
            keys={"number", "jet_pt", "jet_eta", "twice", "jet_pt2_mask"},
            keys_padded={"jet_pt2": (2, float("nan"))},
            aliases={"twice": "number * 2", "jet_pt2": "`jet_pt`"},
            dtype={"number": "int64"},
            progress=False,
        )
    opened = memmpy.open(path)
    opened.add("ht", "Sum$(jet_pt)")
    opened.add("half_ht", "ht / 2")
    opened.cut("ht > 20")
    opened.skim(keys=["number", "jet_pt"], progress=False)
    with WriteVector(path, "mine") as column:
        column.extend(np.arange(NUM))
    return path


def damage(file: Path, how: str = "flipped") -> None:
    data = bytearray(file.read_bytes())
    file.unlink()
    data[-1] ^= 1
    if how != "missing":
        file.write_bytes(data[:-1] if how == "truncated" else data)


def contents(store: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in store.rglob("*") if file.suffix == ".npy"}


def files_of(store: Path, key: str) -> list[Path]:
    return [store / array.file for array in read_metadata(store).columns[key].arrays.values()]


MADE = ["number", "jet_pt", "jet_eta", "twice", "jet_pt2", "jet_pt2_mask", "process", "ht"]


@pytest.mark.slow_together
@pytest.mark.parametrize("how", ["flipped", "truncated", "missing"])
@pytest.mark.parametrize("key", [*MADE, "half_ht"])
def test_a_damaged_column_is_put_back_as_it_was(store: Path, key: str, how: str) -> None:
    before, metadata = contents(store), (store / "metadata_memmpy.json").read_bytes()
    for file in files_of(store, key):
        damage(file, how)
    assert key in {problem.key for problem in memmpy.verify(store)}
    assert memmpy.verify(store, repair=True, progress=False) == []
    assert contents(store) == before
    assert (store / "metadata_memmpy.json").read_bytes() == metadata
    assert not list(store.glob("repair.*"))


def test_all_that_can_be_is_put_back_at_once(store: Path) -> None:
    before = contents(store)
    for file in store.glob("*.npy"):
        if file not in files_of(store, "mine"):
            damage(file)
    assert memmpy.verify(store, repair=True, progress=False) == []
    assert contents(store) == before


def test_what_depends_on_a_column_stays_right_after_a_repair(store: Path) -> None:
    damage(files_of(store, "jet_pt")[0])
    opened = memmpy.open(store)
    assert opened.verify(repair=True) == []
    assert [cut.is_current for cut in opened.cuts] == [True]
    assert len(opened.skims.current) == 1
    assert opened["ht"][5] == np.sum(np.asarray(opened["jet_pt"][5]))


def test_a_column_of_the_user_cannot_be_repaired(store: Path) -> None:
    damage(files_of(store, "mine")[0])
    (problem,) = memmpy.verify(store, repair=True, progress=False)
    assert problem.key == "mine"
    assert problem.message == "the checksum differs; it was written by the user: write it again"


def test_keys_of_several_conversions_are_put_back(source: Path, tmp_path: Path) -> None:
    """Also where a key of one is a branch of another."""
    store = tmp_path / "data.mmpy"
    convert(source, store, keys={"w"}, aliases={"w": "number + 1"}, progress=False)
    convert(source, store, keys={"number": "jet_pt", "jet_eta": "jet_eta"}, progress=False)
    before = contents(store)
    for key in ("w", "number", "jet_eta"):
        damage(files_of(store, key)[0])
    assert memmpy.verify(store, repair=True, progress=False) == []
    assert contents(store) == before


def test_a_column_that_cannot_be_made_again_keeps_no_other_from_it(
    store: Path, source: Path
) -> None:
    with uproot.open(source) as file:
        numbers = file["tree"]["number"].array()
    state = source.stat()
    with uproot.recreate(source) as file:
        file.mktree("tree", {"number": "int32"}).extend({"number": numbers})
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns))
    for key in ("number", "jet_pt", "twice"):
        damage(files_of(store, key)[0])
    left = memmpy.verify(store, repair=True, progress=False)
    assert {problem.key for problem in left} == {"jet_pt"}


def test_a_folder_in_place_of_an_array_keeps_no_other_from_repair(store: Path) -> None:
    (file,) = files_of(store, "number")
    file.unlink()
    file.mkdir()
    damage(files_of(store, "twice")[0])
    (problem,) = memmpy.verify(store, repair=True, progress=False)
    assert problem.key == "number"
    assert problem.message.endswith("a folder has its name: remove it and repair again")


def test_a_damaged_skim_behind_a_link_stays_a_problem(store: Path) -> None:
    (store / "skims").rename(store.with_name("elsewhere"))
    (store / "skims").symlink_to(store.with_name("elsewhere"))
    skim = memmpy.open(store).skims[0]
    damage(skim.path / "rows.npy")
    damage(files_of(store, "number")[0])
    (problem,) = memmpy.verify(store, repair=True, progress=False)
    assert problem.key == f"skim {skim.path.name}: rows"


def test_a_source_that_is_gone_is_a_reason(store: Path, source: Path) -> None:
    source.unlink()
    damage(files_of(store, "number")[0])
    damage(files_of(store, "ht")[0])
    (problem,) = memmpy.verify(store, repair=True, progress=False)
    assert problem.key == "number"
    assert "the checksum differs; it cannot be rebuilt: " in problem.message
    assert str(source) in problem.message


def test_a_source_that_has_changed_is_a_reason(store: Path, source: Path) -> None:
    source.unlink()
    with uproot.recreate(source) as file:
        file.mktree("tree", {"number": "int32"}).extend({"number": np.zeros(NUM, np.int32)})
    damage(files_of(store, "number")[0])
    (problem,) = memmpy.verify(store, repair=True, progress=False)
    assert "it was made of data that have changed since" in problem.message


def test_damaged_skims_and_cuts_are_removed_to_be_made_again(store: Path) -> None:
    opened = memmpy.open(store)
    skim = opened.skims[0]
    damage(skim.path / "rows.npy")
    damage(next((store / CUTS).glob("*.npy")))
    assert sorted(problem.key for problem in memmpy.verify(store)) == [
        "cut ht > 20",
        f"skim {skim.path.name}: rows",
    ]
    assert memmpy.verify(store, repair=True, progress=False) == []
    assert not skim.path.exists()
    assert list((store / CUTS).iterdir()) == []
    assert memmpy.open(store).cut("ht > 20").tolist() == opened.cut("ht > 20").tolist()


def test_a_document_of_a_cut_that_is_damaged_is_named(store: Path) -> None:
    file = next((store / CUTS).glob("*.json"))
    file.write_text(file.read_text()[:-9])
    (problem,) = memmpy.verify(store)
    assert (problem.key, problem.file) == ("cut", f"cuts/{file.name}")
    assert memmpy.verify(store, repair=True, progress=False) == []


def test_a_skim_alone_is_not_repaired(store: Path) -> None:
    folder = memmpy.open(store).skims[0].path
    assert memmpy.verify(folder) == []
    with pytest.raises(OptionError, match="repair takes a store"):
        memmpy.verify(folder, repair=True)


class TestClean:
    @pytest.fixture
    def left(self, store: Path) -> list[Path]:
        """What killed processes leave, of all kinds."""
        (store / "unfinished").mkdir()
        (store / "repair.0a.tmp").mkdir()
        skims = store / "skims"
        (skims / "0123456789abcdef.0a.tmp").mkdir()
        (skims / "0123456789abcdef.0a.tmp" / "rows.npy").write_bytes(b"0123")
        files = [
            store / "0123456789abcdef.7.npy",
            store / "metadata_memmpy.json.0a.tmp",
            store / CUTS / f"{32 * '0'}.0a.tmp",
            store / CUTS / f"{32 * '1'}.npy",
        ]
        for file in files:
            file.write_bytes(b"0")
            os.utime(file, (0, 0))
        folders = [store / "unfinished", store / "repair.0a.tmp"]
        return sorted([*files, *folders, skims / "0123456789abcdef.0a.tmp"])

    def test_leftovers_are_listed_and_stay(self, store: Path, left: list[Path]) -> None:
        found = memmpy.clean(store)
        assert sorted(one.path for one in found) == left
        assert sum(one.num_bytes for one in found) == 8
        assert all(path.exists() for path in left)

    def test_leftovers_are_removed_and_nothing_else(self, store: Path, left: list[Path]) -> None:
        keep = {p for p in store.rglob("*") if not any(p == q or q in p.parents for q in left)}
        removed = memmpy.clean(store, dry_run=False)
        assert sorted(one.path for one in removed) == left
        now = set(store.rglob("*"))
        assert now >= keep
        assert not now & set(left)
        assert memmpy.clean(store) == []
        assert memmpy.verify(store) == []

    def test_what_the_user_put_there_stays(self, store: Path) -> None:
        others = [store / "notes.txt", store / "x.tmp", store / CUTS / "y.npy"]
        others += [store / "skims" / "z.tmp", store / "metadata_memmpy.json.bak"]
        for file in others:
            file.write_text("mine")
            os.utime(file, (0, 0))
        memmpy.clean(store, dry_run=False)
        assert all(file.read_text() == "mine" for file in others)

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["cuts", "skims", "unfinished"])
    def test_nothing_is_removed_behind_a_link(
        self, store: Path, left: list[Path], name: str
    ) -> None:
        elsewhere = store.with_name("elsewhere")
        (store / name).rename(elsewhere)
        (store / name).symlink_to(elsewhere)
        before = sorted(elsewhere.rglob("*"))
        memmpy.clean(store, dry_run=False)
        assert sorted(elsewhere.rglob("*")) == before

    def test_files_of_others_stay_in_folders_of_memmpy(self, store: Path, left: list[Path]) -> None:
        folders = [path for path in left if path.is_dir() and "repair" not in path.name]
        for folder in folders:
            (folder / "thesis.npy").write_bytes(b"mine")
        removed = {one.path for one in memmpy.clean(store, dry_run=False)}
        assert removed == set(left) - set(folders)
        assert all([file.name for file in path.iterdir()] == ["thesis.npy"] for path in folders)

    @pytest.mark.parametrize("lock_timeout", ["5", None, float("nan")])
    def test_a_timeout_is_a_number(self, store: Path, lock_timeout: Any) -> None:
        for act in (memmpy.clean, memmpy.verify, Transaction):
            with pytest.raises(OptionError, match="lock_timeout must be a number of seconds"):
                act(store, lock_timeout=lock_timeout)

    def test_who_writes_is_waited_for(self, store: Path, left: list[Path]) -> None:
        lock = FileLock(store / "lock")
        assert lock.take()
        with pytest.raises(StoreLockedError, match="another process is writing"):
            memmpy.clean(store, dry_run=False, lock_timeout=0)
        lock.release()
        assert all(path.exists() for path in left)

    def test_no_store_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(MissingFileError, match="no store at"):
            memmpy.clean(tmp_path / "nothing")

    def test_arrays_without_metadata_are_no_leftovers(self, store: Path) -> None:
        (store / "metadata_memmpy.json").rename(store.with_name("kept.json"))
        before = sorted(store.iterdir())
        for dry_run in (True, False):
            with pytest.raises(CorruptStoreError, match="holds arrays"):
                memmpy.clean(store, dry_run=dry_run)
        assert sorted(store.iterdir()) == before
