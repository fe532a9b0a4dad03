"""Tests of `memmpy clean`, as a user types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from memmpy import WriteVector
from memmpy.cli import main


def clean(*words: object) -> Result:
    return CliRunner().invoke(main, ["clean", *map(str, words)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with WriteVector(path=tmp_path / "s", key="met") as column:
        column.append(1.0)
    return tmp_path / "s"


@pytest.fixture
def left(store: Path) -> Path:
    (store / "0123456789abcdef.7.npy").write_bytes(b"0123")
    (store / "unfinished").mkdir()
    (store / "unfinished" / "journal.jsonl").write_bytes(b"")
    return store


def test_a_clean_store_has_no_leftovers(store: Path) -> None:
    assert clean(store).output == clean("--remove", store).output == "no leftovers\n"


def test_leftovers_are_listed_with_the_command_that_removes_them(left: Path) -> None:
    done = clean(left)
    assert (done.exit_code, done.output.splitlines()) == (
        0,
        [
            "0123456789abcdef.7.npy  4 B  of a write that was not committed",
            "unfinished  0 B  of a conversion, which would continue there",
            f"2 leftovers, 4 B; remove with: memmpy clean --remove {left}",
        ],
    )
    assert (left / "unfinished").exists()


def test_leftovers_are_removed(left: Path) -> None:
    done = clean("--remove", left)
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "2 leftovers, 4 B removed")
    assert not (left / "unfinished").exists()


def test_clean_keeps_other_files_and_names_them(left: Path) -> None:
    (left / "unfinished" / "thesis.npy").write_bytes(b"mine")
    done = clean("--remove", left)
    assert done.exit_code == 1
    assert "not removed: unfinished: it holds other files, or you lack permission" in done.output
    assert [file.name for file in (left / "unfinished").iterdir()] == ["thesis.npy"]
