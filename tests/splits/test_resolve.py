"""Tests of what a `SplitLoader` hands out of whatever it is given."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitError, SplitLoader, Splits, WriteJagged, WriteVector
from memmpy.errors import ColumnError, CorruptStoreError, LengthError, OptionError
from tests.splits.files import values_of, write_events

NUM = 2000


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store of a file, with a column of lists beside it."""
    file = write_events(tmp_path / "a.root", np.arange(NUM))
    memmpy.convert(file, tmp_path / "s", keys={"event", "gid"}, progress=False)
    with WriteJagged(tmp_path / "s", "lists", dtype=np.int64) as column:
        column.extend([np.arange(i % 3) for i in range(NUM)])
    return tmp_path / "s"


def make_own(path: Path) -> dict[str, Any]:
    """Return the columns of a store that no files fill."""
    with WriteVector(path, "x") as column:
        column.extend(np.arange(NUM))
    return {"x": memmpy.read_vector(path, "x")}


def test_columns_know_their_store(store: Path) -> None:
    train = set(values_of(memmpy.open(store).loader("train", keys=["event"]), "event").tolist())
    columns = memmpy.load_memmaps(store)
    for data in (
        {"event": columns["event"]},
        {"event": memmpy.read_vector(store, "event")},
        {"event": np.asarray(columns["event"])},
        {"event": np.arange(NUM), "lists": memmpy.ReadJagged(store, "lists")},
        {"event": np.arange(NUM), "other": columns["gid"]},
        memmpy.open(store),
    ):
        loader = SplitLoader(data, split="train")  # type: ignore[arg-type]
        assert set(values_of(loader, "event").tolist()) == train
        assert loader.splits == Splits(by=("event",))


@pytest.mark.parametrize("name", ["fractions", "split_seed"])
def test_stores_and_skims_refuse_options_of_bare_arrays(store: Path, name: str) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    options: Any = {name: {"fractions": (0.5, 0.5), "split_seed": 3}[name]}
    for data in (memmpy.open(store), memmpy.load_memmaps(store), skim):
        with pytest.raises(OptionError, match=rf"{name}= is for bare arrays: .* give splits="):
            SplitLoader(data, split="train", **options)


def test_a_part_of_a_column_does_not_tell_its_events(store: Path) -> None:
    event = memmpy.read_vector(store, "event")
    lists = memmpy.ReadJagged(store, "lists")
    for data in ({"x": event[:100]}, {"x": event[::2]}, {"x": event[::-1]}, {"x": lists[:100]}):
        with pytest.raises(SplitError, match=r"'x' is a part of a column .* subindex="):
            SplitLoader(data, split="train")
        assert SplitLoader(data).num_entries == len(data["x"])
    # What was copied is one's own.
    assert SplitLoader({"x": np.array(event[:100])}, split="train").num_entries == 80


def test_rows_of_a_skim_are_not_bare_arrays(store: Path) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    for rows in (skim.rows["gid"], np.asarray(skim.rows["gid"])[:5]):
        with pytest.raises(SplitError, match=r"give the skim itself, SplitLoader\(skim"):
            SplitLoader({"gid": rows}, split="train")
        assert SplitLoader({"gid": rows}).num_entries == len(rows)


def test_a_store_that_was_moved_away_cannot_tell_its_events(store: Path) -> None:
    columns = memmpy.load_memmaps(store)
    moved = store.rename(store.with_name("moved"))
    with pytest.raises(SplitError, match="which is no store any more"):
        SplitLoader(columns, split="train")
    assert SplitLoader(columns).num_entries == NUM
    assert SplitLoader(memmpy.load_memmaps(moved), split="train").splits == Splits(by=("event",))


def test_columns_of_a_damaged_store_are_not_split(store: Path) -> None:
    columns = memmpy.load_memmaps(store)
    (store / "metadata_memmpy.json").write_text("{")
    with pytest.raises(CorruptStoreError):
        SplitLoader(columns, split="train")
    assert SplitLoader(columns).num_entries == NUM


def test_columns_of_two_stores_are_not_split_as_one(store: Path, tmp_path: Path) -> None:
    data = {"event": memmpy.read_vector(store, "event"), **make_own(tmp_path / "own")}
    with pytest.raises(SplitError, match="'event' and 'x' are of two stores"):
        SplitLoader(data, split="train")
    assert SplitLoader(data).num_entries == NUM


def test_a_column_that_was_written_again_is_opened_again(store: Path) -> None:
    old = memmpy.read_vector(store, "event")
    memmpy.convert(store.parent / "a.root", store, keys={"event"}, recreate=True, progress=False)
    with pytest.raises(ColumnError, match=r"'event' was rewritten .* open it again"):
        SplitLoader({"event": old}, split="train")


def test_columns_of_no_files_are_bare_arrays(tmp_path: Path) -> None:
    data = make_own(tmp_path / "s")
    loader = SplitLoader(data, split="train", fractions=(0.5, 0.5), split_seed=3)
    bare = SplitLoader({"x": np.arange(NUM)}, split="train", fractions=(0.5, 0.5), split_seed=3)
    assert loader.num_entries == 1000
    assert values_of(loader, "x").tolist() == values_of(bare, "x").tolist()


def test_a_store_split_by_position_is_not_split_by_name(tmp_path: Path) -> None:
    data = make_own(tmp_path / "s")
    SplitLoader(data, split="train")
    store = memmpy.open(tmp_path / "s")
    assert store.splits is None
    for door in (store.loader, lambda split: SplitLoader(store, split=split)):
        with pytest.raises(SplitError, match="were split by position, as bare arrays"):
            door("test")
    assert SplitLoader(data, split="test", fractions=(0.5, 0.4, 0.1)).num_entries == 200
    assert store.loader().num_entries == NUM
    store.set_splits(Splits(by="file"))
    assert SplitLoader(data, split="test").splits == Splits(by="file")


def test_columns_of_a_store_with_splits_follow_them(tmp_path: Path) -> None:
    data = make_own(tmp_path / "s")
    train = values_of(memmpy.open(tmp_path / "s").loader("train"), "x")
    assert sorted(values_of(SplitLoader(data, split="train"), "x")) == sorted(train)
    given = Splits(by=("x",))
    with pytest.raises(SplitError, match="has the splits"):
        SplitLoader(data, split="train", splits=given)


def test_bare_arrays_are_split_by_columns_among_them() -> None:
    event = np.repeat(np.arange(500), 4)
    data = {"event": event, "x": np.arange(2000)}
    splits = Splits(by=("event",), num_folds=5)
    numbers = splits.of({"event": event}, fold=3)
    for number, split in enumerate(("train", "val", "test")):
        loader = SplitLoader(data, split=split, splits=splits, fold=3)
        assert sorted(values_of(loader, "x")) == np.flatnonzero(numbers == number).tolist()
    with pytest.raises(OptionError, match="by='file' names events by their files, and bare"):
        SplitLoader(data, split="train", splits=Splits(by="file"))
    with pytest.raises(KeyError, match="no column 'run' among the arrays"):
        SplitLoader(data, split="train", splits=Splits(by=("run",)))
    with pytest.raises(OptionError, match="give splits=, or fractions="):
        SplitLoader(data, split="train", splits=splits, fold=0, fractions=(0.5, 0.5))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"fractions": (0.5, 0.5)}, "fractions= needs a split: split='train', or a number"),
        ({"split_seed": 1}, "split_seed= needs a split"),
        ({"split": "all", "split_seed": 1}, "split_seed= needs a split"),
        ({"fold": 1}, "fold= needs splits with folds"),
        ({"split": 2, "fractions": (0.5, 0.5)}, "no split 2 in 2 fractions"),
        ({"split": np.array([0, 1])}, r"no split array\(\[0, 1\]\) in 3 fractions"),
        ({"split": "train", "fractions": (0.5, 0.4)}, "sum to 0.9"),
    ],
)
def test_options_of_bare_arrays_that_make_no_sense(options: Any, match: str) -> None:
    with pytest.raises((OptionError, SplitError), match=match):
        SplitLoader({"x": np.arange(10)}, **options)


def test_a_skim_takes_no_entries_beside_its_own(store: Path) -> None:
    skim = memmpy.skim(store, keys=["gid"], progress=False)
    with pytest.raises(OptionError, match="a skim has its own cut"):
        SplitLoader(skim, subindex=[1, 2])


def test_a_selection_moves_no_event(store: Path) -> None:
    opened = memmpy.open(store)
    whole = set(values_of(opened.loader("train", keys=["event"]), "event").tolist())
    selection = opened.cut("event > 500")
    part = SplitLoader({"event": opened["event"]}, split="train", subindex=selection)
    assert set(values_of(part, "event").tolist()) == {e for e in whole if e > 500}
    mask = np.asarray(opened["event"]) > 500
    same = SplitLoader({"event": opened["event"]}, split="train", subindex=mask)
    assert sorted(values_of(same, "event")) == sorted(values_of(part, "event"))


def test_columns_of_another_length_are_not_split_as_events(store: Path) -> None:
    with WriteVector(store, "short") as column:
        column.extend(np.arange(50))
    with pytest.raises(LengthError, match=r"has 50 entries, but the files of .* fill 2,000"):
        memmpy.open(store).loader("train", keys=["short"])
    assert memmpy.open(store).loader(keys=["short"]).num_entries == 50
    skim = memmpy.skim(store, keys=["short"], progress=False)
    with pytest.raises(LengthError, match=r"has 50 entries, but the files of .* fill 2,000"):
        SplitLoader(skim, split="train")
    assert memmpy.open(store).splits is None
    assert SplitLoader(skim).num_entries == 50


@pytest.mark.slow
def test_repr_and_explain_name_the_splits(store: Path) -> None:
    loader = memmpy.open(store).loader(
        "test", keys=["event"], splits=Splits(num_folds=5), fold=2, batch_size=64
    )
    assert repr(loader).startswith(
        "SplitLoader('test', fold 2, Splits(by=('event',), num_folds=5, val=0.1): "
    )
    explanation = loader.explain()
    assert explanation.split == "'test', fold 2, Splits(by=('event',), num_folds=5, val=0.1)"
    assert "fold 2" in str(explanation)
    assert repr(SplitLoader({"x": np.arange(5)})) == (
        "SplitLoader(all entries: 5 entries, 1 batch of 32)"
    )
