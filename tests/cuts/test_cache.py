"""Tests of the files that keep selections."""

import os
from pathlib import Path

import numpy as np
import pytest

from memmpy.columns import WriteVector
from memmpy.cuts.cache import CachedCut
from memmpy.store import CUTS, read_metadata


@pytest.fixture
def cached(tmp_path: Path) -> CachedCut:
    """A cut whose selection is kept: entries 1 and 2."""
    with WriteVector(tmp_path, "x") as column:
        column.extend(np.arange(3))
    fingerprint = read_metadata(tmp_path).columns["x"].fingerprint
    cached = CachedCut(tmp_path, "x > 0", {"x": fingerprint})
    cached.keep([np.array([1]), np.array([2])], "x>0")
    return cached


def kept(cached: CachedCut, suffix: str) -> Path:
    [file] = (cached.directory / CUTS).glob(f"*{suffix}")
    return file


def leave(cached: CachedCut, name: str, *, age: float) -> Path:
    """Leave a file as a process that was killed so many seconds ago does."""
    file = cached.directory / CUTS / name
    file.touch()
    changed = file.stat().st_mtime - age
    os.utime(file, (changed, changed))
    return file


def test_what_was_kept_is_found(cached: CachedCut) -> None:
    found = cached.find()
    assert found is not None
    assert found.tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_selection_that_lacks_a_file_is_not_found(cached: CachedCut, suffix: str) -> None:
    kept(cached, suffix).unlink()
    assert cached.find() is None


@pytest.mark.parametrize("position", [0, 7, 15])
def test_a_selection_with_a_flipped_byte_is_not_found_and_made_anew(
    cached: CachedCut, position: int
) -> None:
    file = kept(cached, ".npy")
    data = bytearray(file.read_bytes())
    data[len(data) - 16 + position] ^= 1
    file.write_bytes(data)
    assert cached.find() is None
    assert cached.keep([np.array([1, 2])], "x>0").tolist() == [1, 2]
    assert cached.find() is not None


@pytest.mark.parametrize("document", ["", "[]", "{}", "null", '{"cut": "x > 0"}'])
def test_a_selection_with_a_damaged_document_is_not_found(cached: CachedCut, document: str) -> None:
    kept(cached, ".json").write_text(document)
    assert cached.find() is None


@pytest.mark.parametrize("name", ["0.npy", "0.1.2.tmp", "0.json.1.2.tmp"])
def test_what_killed_processes_left_is_removed_after_an_hour(cached: CachedCut, name: str) -> None:
    old, fresh = leave(cached, name, age=3700), leave(cached, "1" + name, age=3500)
    cached.keep([np.array([1, 2])], "x>0")
    assert not old.exists()
    assert fresh.exists()


def test_old_selections_of_columns_as_they_are_stay(cached: CachedCut) -> None:
    for suffix in (".npy", ".json"):
        leave(cached, kept(cached, suffix).name, age=1e7)
    CachedCut(cached.directory, "x > 1", cached.columns).keep([np.array([2])], "x>1")
    found = cached.find()
    assert found is not None
    assert found.tolist() == [1, 2]


def test_selections_of_columns_written_again_are_removed(cached: CachedCut) -> None:
    with WriteVector(cached.directory, "x") as column:
        column.extend(np.arange(3))
    CachedCut(cached.directory, "true", {}).keep([np.arange(3)], "true")
    assert cached.find() is None
    assert len(list((cached.directory / CUTS).iterdir())) == 2


def test_a_selection_that_could_not_be_computed_leaves_nothing(cached: CachedCut) -> None:
    before = sorted((cached.directory / CUTS).iterdir())
    other = CachedCut(cached.directory, "x > 1", cached.columns)
    with pytest.raises(ZeroDivisionError):
        other.keep((np.array([1 // n]) for n in (1, 0)), "x>1")
    assert sorted((cached.directory / CUTS).iterdir()) == before
