"""A skim is rebuilt when something changes that it depends on, and only then."""

import dataclasses
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, Splits, convert, load_root
from memmpy.columns import read_vector
from memmpy.errors import ConversionWarning, CutWarning
from memmpy.skims import Skim, skim_reader, skim_request
from memmpy.skims.skim_request import check_request
from memmpy.splits import TicketRule
from memmpy.store import read_metadata
from tests.conftest import CLIPS, MakeFile
from tests.skims.stores import (
    NOTHING,
    as_version_1,
    bytes_of,
    check_skim,
    make_events,
    rewrite,
    skim_of,
    write_store,
)

pytestmark = CLIPS

ASKED: dict[str, Any] = {
    "keys": ["weight"],
    "keys_padded": {"pt": (3, -1.0)},
    "groups": {"jets": ["pt"], "x": ["met", "ht"]},
    "cut": "is_good",
    "splits": Splits(by=("run", "event")),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "data", make_events())


def made_at(skim: Skim) -> tuple[str, int, int]:
    """Return what changes when a skim is made."""
    status = skim.path.stat()
    return skim.path.name, status.st_ino, status.st_mtime_ns


def test_the_same_again_is_not_made_again(store: Path) -> None:
    first = skim_of(store, **ASKED)
    before = {file: file.stat().st_mtime_ns for file in store.rglob("*")}
    again = skim_of(store, **ASKED)
    assert made_at(again) == made_at(first)
    assert {file: file.stat().st_mtime_ns for file in store.rglob("*")} == before


def test_another_spelling_of_the_cut_is_the_same(store: Path) -> None:
    first = skim_of(store, **{**ASKED, "cut": "met > 0.5 && ht > x", "constants": {"x": 0.25}})
    again = skim_of(store, **{**ASKED, "cut": "(met>0.5) && y", "aliases": {"y": "ht > 0.25"}})
    assert made_at(again) == made_at(first)


@pytest.mark.slow_together
@pytest.mark.parametrize("key", ["weight", "pt", "met", "ht", "is_good", "run", "event"])
def test_a_column_that_is_written_again_rebuilds_it(store: Path, key: str) -> None:
    first = skim_of(store, **ASKED)
    before, rows = made_at(first), np.array(first.rows)
    write_store(store, {key: make_events(seed=1)[key]})
    again = skim_of(store, **ASKED)
    assert again.path == first.path
    assert made_at(again) != before
    passing = np.flatnonzero(read_vector(store, "is_good"))
    check_skim(store, again, passing=passing, **{k: v for k, v in ASKED.items() if k != "cut"})
    assert np.array_equal(first.rows, rows)  # who has it open keeps it
    assert made_at(skim_of(store, **ASKED)) == made_at(again)


def test_a_column_that_is_not_used_does_not_matter(store: Path) -> None:
    first = skim_of(store, **ASKED)
    write_store(store, {"eta": make_events(seed=1)["eta"], "new": np.arange(200)})
    assert made_at(skim_of(store, **ASKED)) == made_at(first)


@pytest.mark.slow_together
@pytest.mark.parametrize(
    "change",
    [
        {"keys": ["weight", "event"]},
        {"keys_padded": {"pt": (3, -2.0)}},
        {"keys_padded": {"pt": (3, float("nan"))}},
        {"keys_padded": {"pt": (4, -1.0)}},
        {"groups": {"jets": ["pt"], "x": ["ht", "met"]}},
        {"groups": {"jets": ["pt"], "y": ["met", "ht"]}},
        {"cut": "!is_good"},
        {"cut": None},
        {"dtype": {"x": "float64"}},
        {"splits": Splits(by=("event", "run"))},
        {"splits": Splits(by="file")},
        {"splits": Splits(by=("run", "event"), seed=1)},
    ],
)
def test_what_is_asked_otherwise_is_another_skim(store: Path, change: dict[str, Any]) -> None:
    first = skim_of(store, **ASKED)
    before, asked = made_at(first), {**ASKED, **change}
    memmpy.open(store).set_splits(asked["splits"])
    other = skim_of(store, **asked)
    assert other.path != first.path
    memmpy.open(store).set_splits(ASKED["splits"])
    assert made_at(skim_of(store, **ASKED)) == before


@pytest.mark.parametrize(
    "splits",
    [Splits(by=("run", "event"), num_folds=5), Splits(by=("run", "event"), fractions={"train": 1})],
)
def test_splits_of_the_same_tickets_share_a_skim(store: Path, splits: Splits) -> None:
    first = skim_of(store, **ASKED)
    memmpy.open(store).set_splits(splits)
    assert made_at(skim_of(store, **{**ASKED, "splits": splits})) == made_at(first)
    assert made_at(skim_of(store, **{**ASKED, "splits": None})) == made_at(first)


def test_other_formulas_of_tickets_make_another_skim() -> None:
    def names(by: Any) -> set[str]:
        request = check_request(**{**NOTHING, "keys": ["met"]})
        rules = (TicketRule(by, 0, version=version) for version in (1, 2, 3))
        return {dataclasses.replace(request, rule=rule).name for rule in rules}

    assert len(names(("run", "event"))) == 3
    assert len(names("file")) == 1  # whose formulas are those of version 1


def test_a_skim_of_the_first_tickets_of_columns_is_outdated(store: Path) -> None:
    first = skim_of(store, **ASKED)
    before = bytes_of(first)
    assert first.is_current(read_metadata(store))
    held = json.loads((first.path / "metadata_skim.json").read_text())
    assert held["asked"].pop("tickets") == 2
    rewrite(first, **held)
    old = Skim(first.path)
    assert old.ticket_rule.version == 1
    assert not old.is_current(read_metadata(store))
    assert bytes_of(skim_of(store, **ASKED)) == before


def test_another_language_of_cuts_makes_another_skim(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = skim_of(store, **ASKED)
    uncut = skim_of(store, **{**ASKED, "cut": None})
    monkeypatch.setattr(skim_request, "LANGUAGE", 99)
    monkeypatch.setattr(skim_reader, "LANGUAGE", 99)
    assert skim_of(store, **ASKED).path != first.path
    assert not first.is_current(read_metadata(store))
    assert uncut.is_current(read_metadata(store))
    assert made_at(skim_of(store, **{**ASKED, "cut": None})) == made_at(uncut)


def test_one_more_file_rebuilds_it(make_file: MakeFile, tmp_path: Path) -> None:
    store = tmp_path / "data"
    files = [RFileConfig(make_file("a.root", 20), "tree")]
    convert(files, store, keys={"met", "eventNumber"}, progress=False)
    first = skim_of(store, keys=["met"])
    assert made_at(skim_of(store, keys=["met"])) == made_at(first)
    assert len(first) == 20
    files.append(RFileConfig(make_file("b.root", 5, first=20), "tree"))
    convert(files, store, keys={"met", "eventNumber"}, progress=False)
    again = skim_of(store, keys=["met"])
    assert len(again) == 25
    check_skim(store, again, passing=np.arange(25), keys=["met"])


def test_other_files_with_the_same_values_make_other_tickets(
    make_file: MakeFile, tmp_path: Path
) -> None:
    store = tmp_path / "data"
    convert(make_file("a.root", 20), store, keys={"met"}, progress=False)
    first = np.array(skim_of(store, keys=["met"]).tickets)
    convert(make_file("b.root", 20), store, keys={"met"}, progress=False)
    again = skim_of(store, keys=["met"])
    assert not np.array_equal(again.tickets, first)
    check_skim(store, again, passing=np.arange(20), keys=["met"])


def test_recreate_makes_the_same_bytes_again(store: Path) -> None:
    first = skim_of(store, **ASKED)
    before, rows = bytes_of(first), np.array(first.rows)
    inode = first.path.stat().st_ino
    again = skim_of(store, recreate=True, **ASKED)
    assert again.path.stat().st_ino != inode
    assert bytes_of(again) == before
    assert np.array_equal(first.rows, rows)


DAMAGES = [
    "truncated",
    "missing",
    "no metadata",
    "other metadata",
    "a directory",
    "metadata a directory",
    "a file",
    "a broken link",
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_skim_is_made_again(store: Path, damage: str) -> None:
    first = skim_of(store, **ASKED)
    before = bytes_of(first)
    if damage == "truncated":
        with (first.path / "rows.npy").open("r+b") as file:
            file.truncate(500)
    elif damage == "missing":
        (first.path / "tickets.npy").unlink()
    elif damage == "no metadata":
        (first.path / "metadata_skim.json").unlink()
    elif damage == "other metadata":
        (first.path / "metadata_skim.json").write_text("{}")
    elif damage == "a directory":
        (first.path / "rows.npy").unlink()
        (first.path / "rows.npy").mkdir()
    elif damage == "metadata a directory":
        (first.path / "metadata_skim.json").unlink()
        (first.path / "metadata_skim.json").mkdir()
    else:
        shutil.rmtree(first.path)
        if damage == "a file":
            first.path.write_text("x")
        else:
            first.path.symlink_to(store / "nowhere")
    assert bytes_of(skim_of(store, **ASKED)) == before
    assert {file.suffix for file in (store / "skims").iterdir()} == {"", ".lock"}


@pytest.mark.parametrize("change", ["order", "offset", "dtype", "list", "num_store_entries"])
def test_one_that_is_laid_out_otherwise_is_made_again(store: Path, change: str) -> None:
    asked: dict[str, Any] = {"keys": ["met", "ht", "tag"]}
    first = skim_of(store, **asked)
    before = bytes_of(first)
    held = json.loads((first.path / "metadata_skim.json").read_text())
    fields, lists = held["row"]["fields"], held["lists"]
    if change == "order":
        fields["met"], fields["ht"] = fields["ht"], fields["met"]
    elif change == "offset":
        fields["met"]["offset"] = fields["ht"]["offset"]
    elif change == "dtype":
        fields["met"]["dtype"] = "<i4"
    elif change == "list":
        lists["tah"] = lists.pop("tag")
    else:
        held["num_store_entries"] += 1
    rewrite(first, **held)
    Skim(first.path)
    assert bytes_of(skim_of(store, **asked)) == before


def test_a_skim_without_notes_and_checksum_is_found(store: Path) -> None:
    first = skim_of(store, **ASKED)

    def forget(fields: dict[str, Any]) -> None:
        del fields["notes"], fields["checksum"]

    as_version_1(first, forget)
    before = bytes_of(first)
    assert bytes_of(skim_of(store, **ASKED)) == before


def noted(store: Path, **asked: Any) -> tuple[Skim, list[tuple[type[Warning], str]]]:
    """Return a skim, and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = skim_of(store, **asked)
    return found, [(one.category, str(one.message)) for one in caught]


def test_what_was_warned_of_is_given_again(store: Path) -> None:
    asked: dict[str, Any] = {
        "groups": {"x": ["weight"]},
        "dtype": "f2",
        "cut": "pt + other > 3 || met > 0.5 & run",
    }
    write_store(store, {"weight": np.full(200, 1e300), "other": make_events(seed=1)["pt"]})
    first, notes = noted(store, **asked)
    assert {category for category, _ in notes} == {ConversionWarning, CutWarning}
    assert len(notes) == 3
    again, given = noted(store, **asked)
    assert made_at(again) == made_at(first)
    assert given == notes
    # A picture of the cut is of no use in another spelling.
    _, otherwise = noted(store, **{**asked, "cut": "((pt+other) > 3) || met>0.5 & run"})
    assert [category for category, _ in otherwise] == [category for category, _ in notes]
    assert any("^" in text for _, text in notes)
    assert not any("^" in text for _, text in otherwise)


def test_a_text_that_no_file_has_is_warned_of_each_time(
    make_file: MakeFile, tmp_path: Path
) -> None:
    file = RFileConfig(make_file("a.root", 20), "tree", metadata={"process": "ttH"})
    asked: dict[str, Any] = {
        "path_mmap": tmp_path / "data",
        "keys": {"met"},
        "tcut": "process == 'tw' || met > -1",
        "progress": False,
    }
    for _ in range(2):
        with pytest.warns(CutWarning, match="no entry has the text 'tw'"):
            load_root([file], **asked)
