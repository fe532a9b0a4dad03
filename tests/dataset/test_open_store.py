"""Tests of `Store`, which `memmpy.open` returns."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from rich.console import Console

import memmpy
from memmpy import RFileConfig, Shuffle, Splits, Store, convert
from memmpy.cuts import Cuts
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    CutError,
    LengthError,
    MissingFileError,
    MissingKeyError,
    OptionError,
    SplitError,
)
from memmpy.store import read_metadata

MakeFile = Callable[..., Path]


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Store:
    file = RFileConfig(make_file(num=100), "tree", {"process": "ttH"})
    convert(file, tmp_path / "s", keys={"nJets", "weight", "jet_pt"})
    return memmpy.open(tmp_path / "s")


def test_a_store_is_a_mapping_of_its_columns(store: Store) -> None:
    assert set(store) == {"nJets", "weight", "jet_pt", "process"}
    assert len(store) == 4
    assert "nJets" in store
    assert "njets" not in store
    assert isinstance(store["weight"], np.memmap)


def test_a_missing_key_names_the_nearest(store: Store) -> None:
    with pytest.raises(MissingKeyError, match=r"no column 'njets' in .*; nearest: 'nJets'"):
        store["njets"]


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no store at"):
        memmpy.open(tmp_path / "missing")


def test_hashes_turn_back_into_text(store: Store) -> None:
    process = np.asarray(store["process"])
    assert {store.texts[int(number)] for number in process} == {"ttH"}


def test_sources_tell_where_entries_come_from(store: Store) -> None:
    (source,) = store.sources
    assert (source.tree, source.num_entries, source.entry_start) == ("tree;1", 100, 0)
    assert source.metadata == {"process": "ttH"}


def test_an_entry_tells_its_file_tree_and_entry(make_file: MakeFile, tmp_path: Path) -> None:
    files = [make_file("a.root", num=10), make_file("b.root", num=5, tree="dir/other", first=10)]
    convert(files, tmp_path / "s", keys={"eventNumber"})
    store = memmpy.open(tmp_path / "s")
    assert store.source(12) == (str(files[1]), "dir/other", 2)
    entries = np.array([12, 3, 14, 0])
    numbers = np.asarray(store["eventNumber"])[entries]
    for file, tree, entry, number in zip(*store.source(entries), numbers, strict=True):
        with uproot.open(file) as opened:
            assert opened[tree]["eventNumber"].array(library="np")[entry] == number
    with pytest.raises(OptionError, match="15 is out of range"):
        store.source(15)


def test_the_lineage_of_a_column_names_its_files(store: Store) -> None:
    (made,) = store.lineage("weight")
    (source,) = store.sources
    assert (made.file, made.uuid, made.tree) == (source.path, source.uuid, "tree;1")
    assert (made.entry_start, made.entry_stop, made.expression) == (0, 100, "weight")
    assert store.lineage("process")[0].expression == '"ttH"'


def test_the_lineage_of_columns_without_files(store: Store) -> None:
    with memmpy.WriteVector(store.path, "score") as column:
        column.extend(np.zeros(100))
    store.add("twice", "weight * 2")
    assert store.lineage("score") == []
    with pytest.raises(ColumnError, match=r"'twice' was computed in the store: 'weight [*] 2'"):
        store.lineage("twice")
    with pytest.raises(MissingKeyError, match=r"no column 'wieght' in .*; nearest: 'weight'"):
        store.lineage("wieght")


def test_friends_are_those_of_the_files_that_filled_the_store_when_it_was_opened(
    store: Store, make_file: MakeFile, tmp_path: Path
) -> None:
    convert(make_file("other.root", num=3), store.path, keys={"nJets"}, recreate=True)
    (friend,) = store.write_friend(tmp_path / "f", {"score": [0.5]}, entries=[99])
    assert (friend.path.name, friend.num_missing) == ("events.root", 99)
    (friend,) = memmpy.write_friend(store.path, tmp_path / "f", {"score": [0.5]}, entries=[2])
    assert (friend.path.name, friend.num_missing) == ("other.root", 2)


def test_a_cut_gives_the_entries_that_pass(store: Store) -> None:
    assert store.cut("nJets >= limit", constants={"limit": 3}).tolist() == list(range(3, 100, 4))
    with pytest.raises(CutError):
        store.cut("nJets >=")


def test_cached_cuts_are_listed(store: Store) -> None:
    assert len(store.cuts) == 0
    assert repr(store.cuts) == "no cached cuts"
    store.cut("nJets>=2")
    store.cut("jet_pt[0] > 50 && weight < 1e9")
    first, second = store.cuts
    assert (first.expression, second.expression) == ("jet_pt[0] > 50 && weight < 1e9", "nJets>=2")
    assert (second.keys, second.num_passing, second.is_current) == (("nJets",), 50, True)
    assert store.cuts.num_bytes == first.num_bytes + second.num_bytes > 50 * 8
    assert store.cuts[1:][0] == second
    assert isinstance(store.cuts[1:], Cuts)


def test_cached_cuts_are_shown_as_a_table(store: Store) -> None:
    store.cut("nJets >= 2")
    store.cut("jet_pt[0] > 5e9")
    lines = [" ".join(line.split()) for line in str(store.cuts).splitlines()]
    assert lines[0] == "cut columns state entries size"
    assert f"nJets >= 2 nJets current 50 {store.cuts[1].num_bytes} B" in lines
    assert lines[-1] == f"2 cached cuts, {store.cuts.num_bytes / 1000:.1f} kB"
    assert "jet_pt[0] &gt; 5e9" in store.cuts._repr_html_()
    console = Console(width=100)
    with console.capture() as captured:
        console.print(store.cuts)
    assert captured.get().split() == str(store.cuts).split()


def test_cached_cuts_of_columns_written_again_are_outdated(store: Store) -> None:
    store.cut("nJets >= 2")
    with memmpy.WriteVector(store.path, "nJets") as column:
        column.extend(np.zeros(100))
    assert [record.is_current for record in store.cuts] == [True]  # for it has the old column
    new = memmpy.open(store.path)
    assert [record.is_current for record in new.cuts] == [False]
    assert "outdated" in str(new.cuts)
    new.cut("nJets > 2")
    assert [(record.expression, record.is_current) for record in new.cuts] == [("nJets > 2", True)]


def test_a_cutflow_is_that_of_the_commit_that_was_opened(store: Store) -> None:
    cuts = ["nJets >= limit", "is_heavy"]
    options: dict[str, Any] = {"constants": {"limit": 2}, "aliases": {"is_heavy": "weight > 30"}}
    flow = store.cutflow(cuts, by="process", weight="weight", **options)
    assert flow.groups == ("ttH",)
    assert flow.counts.tolist() == [[100], [50], [40]]
    same = memmpy.cutflow(store.path, cuts, by="process", weight="weight", **options)
    assert same.to_dict() == flow.to_dict()
    with memmpy.WriteVector(store.path, "nJets") as column:
        column.extend(np.zeros(100))
    assert store.cutflow(cuts, **options).counts.tolist() == [[100], [50], [40]]
    assert memmpy.open(store.path).cutflow(cuts, **options).counts.tolist() == [[100], [0], [0]]


def test_a_cutflow_by_a_missing_column_names_the_nearest(store: Store) -> None:
    with pytest.raises(MissingKeyError, match=r"no column 'proces' in .*; nearest: 'process'"):
        store.cutflow([], by="proces")


@pytest.mark.filterwarnings("ignore::memmpy.errors.LoaderWarning")  # a split may be empty
def test_a_loader_hands_out_the_split_of_a_cut(store: Store) -> None:
    parts = [
        set(entries_of(store.loader(split, cut="nJets > 1", batch_size=7)))
        for split in ("train", "val", "test")
    ]
    assert set.union(*parts) == set(store.cut("nJets > 1").tolist())
    assert sum(map(len, parts)) == 50


def test_a_loader_agrees_with_load_root(store: Store, make_file: MakeFile) -> None:
    file = RFileConfig(store.sources[0].path, "tree", {"process": "ttH"})
    ours = store.loader("val", keys=["weight"], batch_size=16, seed=3)
    theirs = memmpy.load_root(
        file, store.path, keys={"weight"}, skim=False, batch_size=16, split="val", seed=3
    )
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a["_index"], b["_index"])


def test_folds_of_a_loader_test_each_entry_once(store: Store) -> None:
    splits = Splits(by=("weight_bits",), num_folds=4)
    store.add("weight_bits", "int(weight * 2)")
    loaders = [store.loader("test", splits=splits, fold=fold, batch_size=7) for fold in range(4)]
    assert sorted(int(i) for loader in loaders for b in loader for i in b["_index"]) == [
        *range(100)
    ]


def test_ranks_of_a_loader_share_its_split(store: Store) -> None:
    every, *parts = (
        {int(i) for b in store.loader("train", rank=rank, world_size=num) for i in b["_index"]}
        for rank, num in ((0, 1), (0, 2), (1, 2))
    )
    assert parts[0] | parts[1] == every
    assert len(parts[0]) + len(parts[1]) == len(every)


def test_columns_are_not_shuffled_by_blocks(store: Store) -> None:
    with pytest.raises(OptionError, match="shuffle='blocks' is for skims"):
        store.loader(shuffle="blocks")


@pytest.mark.parametrize("name", ["block_rows", "window_blocks"])
def test_a_loader_of_columns_has_no_blocks(name: str, store: Store) -> None:
    sizes: dict[str, Any] = {name: 8}
    with pytest.raises(OptionError, match=f"{name} is for skims"):
        store.loader(shuffle=Shuffle(True, **sizes))


def test_splits_of_another_type_are_refused(store: Store) -> None:
    splits: Any = ("nJets", "process")
    with pytest.raises(OptionError, match=r"splits= must be a Splits, such as memmpy.Splits\(by="):
        store.loader("train", splits=splits)


def test_a_loader_without_a_split_hands_out_all_and_records_nothing(store: Store) -> None:
    for loader in (store.loader(), store.loader("all"), memmpy.SplitLoader(store)):
        assert entries_of(loader) == [*range(100)]
        assert store.splits is None
    store.loader("val")
    assert store.splits == Splits(by="file")
    with pytest.raises(
        SplitError, match="name the one to load, split='train', 'val' or 'test', or"
    ):
        store.loader()
    assert entries_of(store.loader("all")) == [*range(100)]


def entries_of(loader: memmpy.SplitLoader) -> list[int]:
    return sorted(entry for batch in loader for entry in batch["_index"].tolist())


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_own_store_is_split_as_its_skim_is(split: str, tmp_path: Path) -> None:
    def load(num: int) -> list[int]:
        with memmpy.WriteVector(tmp_path / "s", "x") as column:
            column.extend(np.arange(num))
        store = memmpy.open(tmp_path / "s")
        found = entries_of(store.loader(split))
        assert entries_of(memmpy.SplitLoader(store.skim(keys=["x"]), split=split)) == found
        assert entries_of(store.loader(split, cut="x >= 0")) == found
        return found

    first = load(1000)
    assert len(first) == pytest.approx(800 if split == "train" else 100, rel=0.3)
    # Entries that are added leave the others where they are.
    assert [entry for entry in load(3000) if entry < 1000] == first


def test_a_store_shows_its_columns(store: Store) -> None:
    title, headings, *rows = (" ".join(line.split()) for line in repr(store).splitlines())
    assert title.endswith("s': 4 columns, 1 file")
    assert headings == "key kind type origin entries size"
    assert any(row.startswith("jet_pt jagged list of float32 branch 100 ") for row in rows)
    for cell in ("jet_pt", "jagged", "list of float32", "100"):
        assert f">{cell}</t" in store._repr_html_()
    assert "4 columns, 1 file</p>" in store._repr_html_()


def test_names_are_escaped_in_html(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "<b>x") as column:
        column.extend(np.arange(3))
    assert "<b>x" not in memmpy.open(tmp_path / "s")._repr_html_()


def test_verify_finds_altered_files(store: Store) -> None:
    assert store.verify() == []
    file = next(store.path.glob("*.npy"))
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert [problem.file for problem in store.verify()] == [file.name]


def test_an_open_store_stays_as_it_was_when_others_convert(
    make_file: MakeFile, tmp_path: Path
) -> None:
    files = [make_file("a.root", 100), make_file("b.root", 300, first=100)]
    convert(files, tmp_path / "s", keys={"weight"})
    old = memmpy.open(tmp_path / "s")
    expected = [set(_weights(old.loader(split, cut="weight > 30"))) for split in (0, 1, 2)]
    convert(files[::-1], tmp_path / "s", keys={"weight"})
    found = [set(_weights(old.loader(split, cut="weight > 30"))) for split in (0, 1, 2)]
    assert found == expected
    new = memmpy.open(tmp_path / "s")
    assert [set(_weights(new.loader(i, cut="weight > 30"))) for i in (0, 1, 2)] == expected


def test_a_column_of_another_length_than_the_files_is_not_split(store: Store) -> None:
    with memmpy.WriteVector(store.path, "own") as column:
        column.extend(np.arange(1000))
    opened = memmpy.open(store.path)
    assert entries_of(opened.loader(keys=["own"])) == [*range(1000)]
    assert entries_of(memmpy.SplitLoader(opened.skim(keys=["own"]))) == [*range(1000)]
    with pytest.raises(LengthError, match=r"has 1,000 entries, but the files of .* fill 100: the"):
        opened.loader("train", keys=["own"])
    assert opened.splits is None


def test_a_damaged_column_does_not_hide_the_others(store: Store) -> None:
    (file,) = (a.file for a in read_metadata(store.path).columns["weight"].arrays.values())
    (store.path / file).write_bytes(b"")
    opened = memmpy.open(store.path)
    assert len(opened["nJets"]) == 100
    assert "weight" in opened
    with pytest.raises(CorruptStoreError, match=r"column 'weight' of .* is damaged"):
        opened["weight"]
    with pytest.raises(CorruptStoreError, match=r"column 'weight' of .* is damaged"):
        opened.cut("weight > 1")
    with pytest.raises(CorruptStoreError, match=r"column 'weight' of .* is damaged"):
        opened.cutflow(["nJets > 1"], weight="weight")
    with pytest.raises(CorruptStoreError, match=r"column 'weight' of .* is damaged"):
        opened.loader("train", keys=["nJets"], splits=Splits(by=("weight",)))
    assert "weight vector damaged branch ?" in " ".join(repr(opened).split())
    assert [problem.key for problem in opened.verify()] == ["weight"]


def test_a_text_for_keys_is_refused(store: Store) -> None:
    with pytest.raises(OptionError, match=r"keys is a set of keys, got the text 'met'"):
        store.loader(keys="met")


def test_a_cut_on_a_column_of_another_length_is_refused(store: Store) -> None:
    with memmpy.WriteVector(store.path, "short") as column:
        column.extend(np.arange(5))
    with pytest.raises(
        LengthError, match="'short' of the cut has 5 entries, but the loaded columns have 100"
    ):
        memmpy.open(store.path).loader(keys=["nJets"], cut="short > 2")


def test_a_missing_column_that_names_events_names_the_nearest(store: Store) -> None:
    message = "no column 'njets' in '.*' to name events; nearest: 'nJets'; convert with splits="
    with pytest.raises(MissingKeyError, match=message):
        store.loader("train", splits=Splits(by=("njets",)))
    assert store.splits is None


def _weights(loader: memmpy.SplitLoader) -> list[float]:
    return [weight for batch in loader for weight in batch["weight"].tolist()]
