"""Tests of what splits warn of: each danger once, and nothing else."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import memmpy
from memmpy import RFileConfig, SplitError, Splits
from memmpy.errors import SplitWarning
from memmpy.splits import name_scan, open_event_columns
from memmpy.splits.danger import dangers_of
from memmpy.splits.name_scan import rounded_by
from memmpy.store import read_metadata
from tests.splits.files import write_events, write_file

NUM = 20_000


def messages(directory: Path, files: Any, **options: Any) -> list[str]:
    """Return what three calls of one training warn of together."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for split in ("train", "val", "test"):
            memmpy.load_root(
                files, directory / "s", keys={"gid"}, split=split, progress=False, **options
            )
    assert all(issubclass(one.category, memmpy.MemmpyWarning) for one in said)
    return [str(one.message) for one in said]


BAD_NAMES = {
    "0 for all": (np.zeros(NUM, "u8"), "1 name with 100 % of all entries"),
    "three runs": (
        (np.arange(NUM) // 7000).astype("u8"),
        "3 names with 35.0 %, 35.0 %, 30.0 % of all",
    ),
    "-999 for a third": (
        np.where(np.arange(NUM) % 10 < 3, -999, np.arange(NUM)),
        "1 name with 30.0 % of all entries",
    ),
    "float32": ((10**9 + np.arange(NUM)).astype("f4").astype("i8"), "went through float32"),
    "float32, negative": (
        (-(10**9) - np.arange(NUM)).astype("f4").astype("i4"),
        "went through float32",
    ),
    "float64": ((2**60 + 3 * np.arange(NUM)).astype("f8").astype("u8"), "went through float64"),
}


@pytest.mark.parametrize(("event", "match"), BAD_NAMES.values(), ids=BAD_NAMES.keys())
@pytest.mark.parametrize("skim", [True, False])
def test_columns_that_name_no_event_warn_once(
    event: np.ndarray, match: str, skim: bool, tmp_path: Path
) -> None:
    file = write_events(tmp_path / "a.root", event)
    (said,) = messages(tmp_path, file, splits=Splits(by=("event",)), skim=skim)
    assert match in said
    assert "event" in said
    # Another process would hear it again: what was found is kept in the store.
    metadata = read_metadata(tmp_path / "s")
    assert metadata.splits is not None
    assert metadata.splits["notes"] == [said]


GOOD_NAMES = {
    "counted": np.arange(NUM),
    "counted from 1e9": 10**9 + np.arange(NUM),
    "counted from 2**62": np.arange(NUM, dtype=np.uint64) + np.uint64(2**62),
    "packed": np.arange(NUM, dtype=np.uint64) << np.uint64(32),
    "packed with a run": (np.uint64(284500) << np.uint64(40)) + np.arange(NUM, dtype=np.uint64),
    "every thousandth": np.arange(NUM) * 1000 + 10**9,
    "random": np.random.default_rng(0).integers(0, 2**64, NUM, dtype=np.uint64),
    "of 32 bits": np.random.default_rng(0).integers(0, 2**32, NUM, dtype=np.uint32),
    "negative": -np.arange(NUM),
    "eight rows an event": np.repeat(np.arange(NUM // 8), 8),
    "a hundred rows an event": np.repeat(np.arange(NUM // 100), 100),
    "few": np.repeat(np.arange(5), 8),
    "sixty jets of ninety events": np.repeat(np.arange(90), 60),
    "one number that looks rounded": np.full(40, 2024011648),
    "none": np.zeros(0, np.int64),
}


@pytest.mark.slow_together
@pytest.mark.parametrize("event", GOOD_NAMES.values(), ids=GOOD_NAMES.keys())
def test_a_clean_store_is_silent(event: np.ndarray, tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", event)
    for number, splits in enumerate((Splits(by=("event",)), Splits(by="file"), None)):
        (tmp_path / str(number)).mkdir()
        assert messages(tmp_path / str(number), file, splits=splits) == []


@given(
    st.integers(0, 2**62),
    st.integers(1, 2**20),
    st.sampled_from([100, 3000]),
    st.sampled_from([1, 3, 20]),
)
def test_counted_numbers_were_not_rounded(first: int, step: int, num: int, num_rows: int) -> None:
    numbers = (first + step * np.repeat(np.arange(num), num_rows)).astype(np.uint64)
    odd = numbers | np.uint64(1)  # unless the step is a large power of two, as nothing counts
    assert rounded_by(odd) is None


@given(st.integers(2**27, 2**50), st.sampled_from([np.float32, np.float64]), st.integers(0, 99))
def test_rounded_numbers_are_seen(first: int, kind: type[Any], seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(first, 8 * first, 1000)
    if kind is np.float64:
        numbers += 2**59
    rounded = numbers.astype(kind).astype(np.int64)
    assert rounded_by(rounded) == np.dtype(kind).name


def test_shares_far_off_warn_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # No hash is that bad: what is drawn has to be bent.
    file = write_events(tmp_path / "a.root", np.arange(NUM))
    memmpy.convert(file, tmp_path / "s", keys={"event"}, progress=False)
    snapshot = open_event_columns(tmp_path / "s", read_metadata(tmp_path / "s"), None)
    splits = Splits(by=("event",))
    assert list(dangers_of(snapshot, splits, num_entries=NUM)) == []
    drawn = type(splits.ticket_rule).tickets
    monkeypatch.setattr(
        type(splits.ticket_rule),
        "tickets",
        lambda self, *given: drawn(self, *given) // np.uint64(100) * np.uint64(97),
    )
    (said,) = dangers_of(snapshot, splits, num_entries=NUM)
    assert "the shares of the splits of" in said
    assert "instead of 80.0 %" in said


@pytest.mark.parametrize(
    ("metadata", "is_said"),
    [
        ([{"process": "A"}, {"process": "A"}], True),
        ([{"process": "A"}, {"process": "B"}], False),
        ([{}, {}], True),
        ([{"year": "17"}, {"year": "18"}], False),
        ([{"process": "A", "x": "1"}, {"process": "A", "x": "2"}], True),
        (
            [
                {"process": "A", "variation": "nominal"},
                {"process": "A", "variation": "JES_up"},
            ],
            False,
        ),
    ],
)
def test_equal_events_in_two_files_of_a_process_warn_once(
    metadata: list[dict[str, str]], is_said: bool, tmp_path: Path
) -> None:
    files = [
        RFileConfig(write_events(tmp_path / f"{i}.root", np.arange(1000) + 900 * i), metadata=texts)
        for i, texts in enumerate(metadata)
    ]
    said = messages(tmp_path, files, splits=Splits(by=("event",)))
    assert len(said) == is_said
    if is_said:
        assert said[0].startswith("100 entries of ")
        assert f"{str(tmp_path / '1.root')!r} repeats {str(tmp_path / '0.root')!r}" in said[0]


def test_a_file_added_twice_warns_once(tmp_path: Path) -> None:
    files = [write_events(tmp_path / f"{i}.root", np.arange(500)) for i in range(4)]
    (said,) = messages(tmp_path, files)
    assert said.startswith("1,500 entries of ")
    assert ", and so in 2 other files" in said


def test_trees_of_one_file_and_slices_that_touch_are_silent(tmp_path: Path) -> None:
    trees = {name: {"event": np.arange(500), "gid": np.arange(500)} for name in ("a", "b")}
    file = write_file(tmp_path / "f.root", trees)
    slices = [RFileConfig(file, "a", {}, 0, 200), RFileConfig(file, "a", {}, 200, 500)]
    assert messages(tmp_path, [*slices, RFileConfig(file, "b")]) == []


def test_metadata_that_tell_variations_apart_warn_once(tmp_path: Path) -> None:
    trees = {name: {"event": np.arange(50), "gid": np.arange(50)} for name in ("nominal", "JES")}
    file = write_file(tmp_path / "a.root", trees)
    files = [RFileConfig(file, tree, {"process": f"ttH_{tree}"}) for tree in trees]
    (said,) = messages(tmp_path, files)
    assert "have the same event, entry by entry, and 'process' gives their events different" in said
    assert "metadata={'variation': ...}" in said


def test_trees_of_other_events_may_have_other_processes(tmp_path: Path) -> None:
    trees = {
        name: {"event": np.random.default_rng(i).integers(0, 2**40, 50), "gid": np.arange(50)}
        for i, name in enumerate(("ttH", "ttbb"))
    }
    file = write_file(tmp_path / "a.root", trees)
    assert messages(tmp_path, [RFileConfig(file, t, {"process": t}) for t in trees]) == []


def test_a_rule_that_leaves_a_fold_empty_warns_once(tmp_path: Path) -> None:
    file = write_events(tmp_path / "a.root", 2 * np.arange(1000))
    splits = Splits(by=("event",), fold_by="event % 4", num_folds=4)
    with pytest.warns(
        SplitWarning, match=r"none of the 1,000 entries of .* into fold 1, 3"
    ) as said:
        memmpy.convert(file, tmp_path / "s", keys={"gid"}, splits=splits, progress=False)
    assert len(said) == 1


def test_a_copy_of_a_file_is_the_same_file(tmp_path: Path) -> None:
    trees = {name: {"event": np.arange(50), "gid": np.arange(50)} for name in ("nominal", "JES")}
    file = write_file(tmp_path / "a.root", trees)
    copy = Path(shutil.copy(file, tmp_path / "b.root"))
    files = [RFileConfig(file, "nominal"), RFileConfig(copy, "JES")]
    (said,) = messages(tmp_path, files, splits=Splits(by="file"))
    assert "variations 'JES', 'nominal' of" in said


def test_entries_of_a_store_without_files_are_names_enough_for_folds(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "x") as column:
        column.extend(np.arange(100))
    splits = Splits(by="file", num_folds=3)
    assert memmpy.open(tmp_path / "s").loader("test", splits=splits, fold=0).splits == splits


def test_a_rule_that_puts_an_event_on_two_sides_is_an_error(tmp_path: Path) -> None:
    row = np.arange(2000)
    file = write_events(tmp_path / "a.root", row // 4, jet=row % 4)
    options: dict[str, Any] = {"keys": {"gid"}, "progress": False}
    for by in (("event",), None):  # the usual columns are found, too
        splits = Splits(by=by, fold_by="jet % 2", num_folds=2)
        with pytest.raises(SplitError, match=r"\(jet % 2\) puts 500 events of .* on two sides"):
            memmpy.load_root(file, tmp_path / "s", split="test", fold=0, splits=splits, **options)
        assert memmpy.open(tmp_path / "s").splits is None
    good = Splits(by=("event",), fold_by="event % 2", num_folds=2)
    loader = memmpy.load_root(file, tmp_path / "s", split="test", fold=0, splits=good, **options)
    assert loader.num_entries == 1000
    with pytest.raises(SplitError, match="two sides"):
        memmpy.open(tmp_path / "s").set_splits(Splits(by=("event",), split_by="jet % 3"))


def test_what_was_found_is_looked_for_again_once_the_events_change(tmp_path: Path) -> None:
    splits = Splits(by=("event",))
    first = write_events(tmp_path / "a.root", np.arange(1000))
    assert messages(tmp_path, [first], splits=splits) == []
    second = write_events(tmp_path / "b.root", np.arange(10, 20))
    (said,) = messages(tmp_path, [first, second])
    assert said.startswith("10 entries of ")


def test_of_many_events_some_are_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(name_scan, "_NUM_NAMES", 2000)
    monkeypatch.setattr(name_scan, "_STEP_SIZE", 3000)
    files = [write_events(tmp_path / f"{i}.root", np.arange(15_000)) for i in range(2)]
    (said,) = messages(tmp_path, files)
    assert said.startswith("at least ")
    file = write_events(tmp_path / "c.root", np.repeat(np.arange(5000), 6))
    (tmp_path / "other").mkdir()
    assert messages(tmp_path / "other", file) == []
