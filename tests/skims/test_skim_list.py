"""The skims of a store, listed and verified."""

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import memmpy
from memmpy.columns import WriteVector
from memmpy.skims import Skim, Skims, find_skims, is_skim, list_skims, verify_skims
from memmpy.store import Problem, read_metadata
from tests.skims.stores import make_events, skim_of, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "data", make_events())


@pytest.fixture
def skims(store: Path) -> list[Skim]:
    """Two skims, by name."""
    made = [skim_of(store, keys=["met", "pt"], cut="met > 0.5"), skim_of(store, keys=["ht"])]
    return sorted(made, key=lambda skim: skim.path.name)


def flip(file: Path) -> None:
    """Alter the last byte of a file."""
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def found_in(store: Path) -> Skims:
    return find_skims(store, read_metadata(store))


def test_skims_are_listed_by_name(store: Path, skims: list[Skim]) -> None:
    (store / "skims" / "0123456789abcdef.7.tmp").mkdir()
    found, damaged = list_skims(store)
    assert [one.path for one in found] == [one.path for one in skims]
    assert damaged == {}


@pytest.mark.parametrize("is_made", [True, False])
def test_a_store_without_skims_lists_none(store: Path, is_made: bool) -> None:
    if is_made:
        (store / "skims").mkdir()
    assert list_skims(store) == ([], {})
    assert repr(found_in(store)) == "no skims"


def test_a_skim_that_cannot_be_opened_is_listed_with_the_reason(
    store: Path, skims: list[Skim]
) -> None:
    (skims[0].path / "rows.npy").unlink()
    found, damaged = list_skims(store)
    assert [one.path for one in found] == [skims[1].path]
    assert damaged.keys() == {skims[0].path.name}
    assert "rows.npy: the file is missing" in damaged[skims[0].path.name]
    (skims[0].path / "rows.npy").mkdir()
    found, damaged = list_skims(store)
    assert [one.path for one in found] == [skims[1].path]
    assert "rows.npy: it is not the array that was written" in damaged[skims[0].path.name]
    (skims[1].path / "metadata_skim.json").unlink()
    assert list_skims(store)[1].keys() == {one.path.name for one in skims}


def test_a_skim_is_current_until_a_column_of_it_is_written_again(
    store: Path, skims: list[Skim]
) -> None:
    assert [one.path for one in found_in(store).current] == [one.path for one in skims]
    assert len(found_in(store).outdated) == 0
    write_store(store, {"pt": make_events(seed=1)["pt"]})
    (outdated,) = found_in(store).outdated
    (current,) = found_in(store).current
    assert (outdated.cut, current.cut) == ("met > 0.5", None)
    outdated.remove()
    assert [one.path for one in found_in(store)] == [current.path]


def test_a_skim_of_a_column_that_the_store_has_no_more_is_outdated(store: Path) -> None:
    made = skim_of(store, keys=["ht"])
    assert made.is_current(read_metadata(store))
    other = write_store(store.parent / "other", {"met": np.arange(3)})
    assert not made.is_current(read_metadata(other))


def test_skims_are_a_sequence(store: Path, skims: list[Skim]) -> None:
    found = found_in(store)
    assert len(found) == 2
    assert found[-1].path == skims[1].path
    assert [one.path for one in found[1:]] == [skims[1].path]
    assert isinstance(found[1:], Skims)
    assert found.num_bytes == sum(one.nbytes for one in skims)


def test_skims_are_shown_as_a_table(store: Path, skims: list[Skim]) -> None:
    with WriteVector(store, "ht") as column:
        column.extend(np.zeros(200))
    cut = next(one for one in skims if one.cut is not None)
    uncut = next(one for one in skims if one.cut is None)
    lines = [" ".join(line.split()) for line in str(found_in(store)).splitlines()]
    assert lines[0] == "skim holds cut state rows size"
    size = f"{cut.nbytes / 1000:.1f} kB"
    assert f"{cut.path.name} met, pt met > 0.5 current {len(cut)} {size}" in lines
    assert f"{uncut.path.name} ht all outdated 200 {uncut.nbytes / 1000:.1f} kB" in lines
    assert lines[-1].startswith("2 skims, ")
    assert "met &gt; 0.5" in found_in(store)._repr_html_()
    console = Console(width=100)
    with console.capture() as captured:
        console.print(found_in(store))
    assert captured.get().split() == str(found_in(store)).split()


def test_a_store_shows_its_skims(store: Path, skims: list[Skim]) -> None:
    opened = memmpy.open(store)
    assert [one.path for one in opened.skims.current] == [one.path for one in skims]
    write_store(store, {"pt": make_events(seed=1)["pt"]})
    assert len(opened.skims.outdated) == 0  # it has the column of before
    assert [one.cut for one in memmpy.open(store).skims.outdated] == ["met > 0.5"]


def test_damaged_skims_are_in_the_table(store: Path, skims: list[Skim]) -> None:
    for one in skims:
        (one.path / "rows.npy").unlink()
    found = found_in(store)
    assert len(found) == 0
    assert found.damaged.keys() == {one.path.name for one in skims}
    assert str(found).count("damaged") == 2
    assert str(found).splitlines()[-1].strip() == "2 skims, 0 B"


def test_whole_skims_have_no_problems(store: Path, skims: list[Skim]) -> None:
    assert verify_skims(store) == {one.path.name: [] for one in skims}
    assert verify_skims(skims[0].path) == {skims[0].path.name: []}


def test_altered_and_missing_files_of_skims_are_problems(store: Path, skims: list[Skim]) -> None:
    flip(skims[0].path / "tickets.npy")
    (skims[1].path / "rows.npy").unlink()
    found = verify_skims(store)
    (altered,), (missing,) = (found[one.path.name] for one in skims)
    assert (altered.file, altered.message) == ("tickets.npy", "the checksum differs")
    assert "rows.npy: the file is missing" in missing.message
    assert verify_skims(skims[0].path) == {skims[0].path.name: [altered]}


def test_a_skim_that_another_process_rebuilds_meanwhile_is_no_problem(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = skim_of(store, keys=["ht"])
    flip(made.path / "rows.npy")
    verify = Skim.verify
    num_verified = 0

    def verify_then_make(one: Skim) -> list[Problem]:
        nonlocal num_verified
        num_verified += 1
        problems = verify(one)
        if num_verified == 1:
            assert len(problems) == 1
            skim_of(store, keys=["ht"], recreate=True)
        return problems

    monkeypatch.setattr(Skim, "verify", verify_then_make)
    assert verify_skims(store) == {made.path.name: []}
    assert num_verified == 2


def test_a_folder_is_a_skim_where_its_metadata_lies(store: Path, skims: list[Skim]) -> None:
    assert is_skim(skims[0].path)
    assert not is_skim(store)
    assert not is_skim(store / "none")
