"""Tests of what is kept with a model, and of events that two loaders share."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, SplitError, SplitLoader, Splits, overlap
from memmpy.errors import OptionError
from tests.splits.files import values_of, write_events

NUM = 3000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of two files with splits."""
    files = [write_events(tmp_path / f"{i}.root", np.arange(NUM) + i * NUM) for i in range(2)]
    splits = Splits(by=("event",), num_folds=3)
    memmpy.convert(files, tmp_path / "s", keys={"event", "gid"}, splits=splits, progress=False)
    return tmp_path / "s"


def test_provenance_is_json_that_names_files_splits_and_cut(store: Path) -> None:
    loader = memmpy.open(store).loader("train", fold=1, cut="event >= 10", seed=4, batch_size=64)
    found = json.loads(json.dumps(loader.provenance()))
    assert found["versions"]["memmpy"] == memmpy.__version__
    assert found["versions"]["numpy"] == np.__version__
    assert found["store"] == str(store)
    assert [file["path"] for file in found["files"]] == [
        str(store.parent / f"{i}.root") for i in range(2)
    ]
    assert len({file["uuid"] for file in found["files"]}) == 2
    assert [(f["tree_start"], f["tree_stop"]) for f in found["files"]] == [(0, NUM), (0, NUM)]
    assert Splits.from_json(found["splits"]) == loader.splits
    assert (found["split"], found["fold"], found["cut"]) == ("train", 1, "event >= 10")
    assert (found["batch_size"], found["seed"], found["shuffle"]) == (64, 4, "exact")
    assert found["events"]["num"] == loader.num_entries


def test_the_hash_is_of_the_events_and_not_of_their_order(store: Path, tmp_path: Path) -> None:
    opened = memmpy.open(store)
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    reordered = tmp_path / "reordered"
    files = [store.parent / f"{i}.root" for i in (1, 0)]
    splits = Splits(by=("event",), num_folds=3)
    memmpy.convert(files, reordered, keys={"event"}, splits=splits, progress=False)
    loaders = [
        opened.loader("train", fold=0),
        opened.loader("train", fold=0, shuffle=False, seed=9, batch_size=7),
        opened.loader("train", fold=0, rank=1, world_size=3),
        SplitLoader(skim, split="train", fold=0),
        memmpy.open(reordered).loader("train", fold=0),
    ]
    events = [loader.provenance()["events"] for loader in loaders]
    assert all(found == events[0] for found in events)
    others = [opened.loader("train", fold=1), opened.loader("train", fold=0, cut="event != 5")]
    assert events[0] not in [loader.provenance()["events"] for loader in others]


def test_bare_arrays_have_no_events() -> None:
    loader = SplitLoader({"x": np.arange(100)}, split="val", split_seed=3)
    found = json.loads(json.dumps(loader.provenance()))
    assert (found["events"], found["store"], found["files"]) == (None, None, [])
    assert (found["fractions"], found["split_seed"], found["split"]) == ([0.8, 0.1, 0.1], 3, "val")
    with pytest.raises(SplitError, match="bare arrays do not name their events"):
        overlap(loader, loader)


def test_splits_share_no_event_and_a_loader_all_of_its_own(store: Path) -> None:
    opened = memmpy.open(store)
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    for fold in range(3):
        train = SplitLoader(skim, split="train", fold=fold)
        for split in ("val", "test"):
            assert overlap(train, opened.loader(split, fold=fold)) == 0
        assert overlap(train, train) == train.num_entries
        assert overlap(train, opened.loader("all")) == train.num_entries
    both = set(values_of(opened.loader("train", fold=0), "event").tolist())
    both &= set(values_of(opened.loader("train", fold=1), "event").tolist())
    assert overlap(opened.loader("train", fold=0), opened.loader("train", fold=1)) == len(both)


def test_overlap_is_of_loaders(store: Path) -> None:
    loader = memmpy.open(store).loader("all")
    for other in (3, None, store, memmpy.open(store)):
        with pytest.raises(OptionError, match="overlap compares two SplitLoader"):
            overlap(loader, other)  # type: ignore[arg-type]


def test_rows_of_one_event_are_one_event(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", np.repeat(np.arange(1000), 3))
    options: dict[str, Any] = {"keys": {"gid"}, "split": "train", "progress": False}
    loader = memmpy.load_root(file, tmp_path / "s", **options)
    assert overlap(loader, loader) == loader.num_entries // 3


def test_loaders_of_two_stores_are_compared_if_they_name_events_alike(
    store: Path, tmp_path: Path
) -> None:
    other = write_events(tmp_path / "c.root", np.arange(NUM) + NUM // 2)
    for name, splits in (
        ("same", Splits(by=("event",), num_folds=3)),
        ("seed", Splits(by=("event",), seed=1)),
        ("file", Splits(by="file")),
    ):
        files = [RFileConfig(other)]
        memmpy.convert(files, tmp_path / name, keys={"event"}, splits=splits, progress=False)
    mine = memmpy.open(store).loader("test", fold=0)
    theirs = memmpy.open(tmp_path / "same").loader("test", fold=0)
    common = set(values_of(mine, "event").tolist()) & set(values_of(theirs, "event").tolist())
    assert overlap(mine, theirs) == len(common) > 0
    for name in ("seed", "file"):
        with pytest.raises(SplitError, match="do not name events alike"):
            overlap(mine, memmpy.open(tmp_path / name).loader("test"))
