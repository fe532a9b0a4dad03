"""A skim is made anew when something changes that it depends on, and only then."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy import RFileConfig, convert
from memmpy.columns import read_vector
from memmpy.skims import Skim, read, request
from memmpy.store import read_metadata
from tests.conftest import MakeFile
from tests.skims.stores import bytes_of, check_skim, make_events, skim_of, write_store

ASKED: dict[str, Any] = {
    "keys": ["weight"],
    "keys_padded": {"pt": (3, -1.0)},
    "groups": {"jets": ["pt"], "x": ["met", "ht"]},
    "cut": "is_good",
    "split_by": ["run", "event"],
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


@pytest.mark.parametrize("key", ["weight", "pt", "met", "ht", "is_good", "run", "event"])
def test_a_column_that_is_written_again_makes_it_anew(store: Path, key: str) -> None:
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
        {"split_by": ["event", "run"]},
        {"split_by": None},
        {"split_seed": 1},
    ],
)
def test_what_is_asked_otherwise_is_another_skim(store: Path, change: dict[str, Any]) -> None:
    first = skim_of(store, **ASKED)
    before = made_at(first)
    other = skim_of(store, **{**ASKED, **change})
    assert other.path != first.path
    assert made_at(skim_of(store, **ASKED)) == before


def test_other_formulas_of_tickets_make_another_skim(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = skim_of(store, **ASKED)
    metadata = read_metadata(store)
    assert first.is_made_of(metadata)
    monkeypatch.setattr(request, "TICKET_VERSION", 2)
    monkeypatch.setattr(read, "TICKET_VERSION", 2)
    other = skim_of(store, **ASKED)
    assert other.path != first.path
    assert (first.is_made_of(metadata), other.is_made_of(metadata)) == (False, True)
    assert Skim(first.path).rows.tobytes() == first.rows.tobytes()


def test_another_language_of_cuts_makes_another_skim(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = skim_of(store, **ASKED)
    uncut = skim_of(store, **{**ASKED, "cut": None})
    monkeypatch.setattr(request, "LANGUAGE", -1)
    monkeypatch.setattr(read, "LANGUAGE", -1)
    assert skim_of(store, **ASKED).path != first.path
    assert not first.is_made_of(read_metadata(store))
    assert uncut.is_made_of(read_metadata(store))
    assert made_at(skim_of(store, **{**ASKED, "cut": None})) == made_at(uncut)


def test_a_file_more_makes_it_anew(make_file: MakeFile, tmp_path: Path) -> None:
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


@pytest.mark.parametrize("damage", ["truncated", "missing", "no metadata", "other metadata"])
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
    else:
        (first.path / "metadata_skim.json").write_text("{}")
    assert bytes_of(skim_of(store, **ASKED)) == before
