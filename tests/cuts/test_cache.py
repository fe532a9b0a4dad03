"""Tests of cached selections."""

import os
from pathlib import Path

import numpy as np
import pytest

from memmpy.columns import WriteVector
from memmpy.cuts import list_cuts
from memmpy.cuts.cache import CachedCut, CutResult
from memmpy.cuts.cut_document import decode
from memmpy.errors import CorruptStoreError
from memmpy.store import CUTS, Metadata, read_metadata
from tests.documents import flipped, rewrite


@pytest.fixture
def cached(tmp_path: Path) -> CachedCut:
    """A cut whose selection is kept: entries 1 and 2."""
    with WriteVector(tmp_path, "x") as column:
        column.extend(np.arange(3))
    fingerprint = read_metadata(tmp_path).columns["x"].fingerprint
    cached = CachedCut(tmp_path, "x > 0", {"x": fingerprint})
    cached.save(found(1) + found(2), expression="x>0", generation=1)
    return cached


def found(*entries: int) -> list[CutResult]:
    """Return what one step finds."""
    return [CutResult(np.array(entries, np.int64), frozenset())]


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
    again = cached.load(expression="x>0", num_entries=3)
    assert again is not None
    assert again.entries.tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".npy", ".json"])
def test_a_selection_that_lacks_a_file_is_not_found(cached: CachedCut, suffix: str) -> None:
    kept(cached, suffix).unlink()
    assert cached.load(expression="x>0", num_entries=3) is None


@pytest.mark.parametrize("position", [0, 7, 15])
def test_a_selection_with_a_flipped_byte_is_not_found_and_made_anew(
    cached: CachedCut, position: int
) -> None:
    file = kept(cached, ".npy")
    data = bytearray(file.read_bytes())
    data[len(data) - 16 + position] ^= 1
    file.write_bytes(data)
    assert cached.load(expression="x>0", num_entries=3) is None
    assert cached.save(found(1, 2), expression="x>0", generation=2).entries.tolist() == [1, 2]
    assert cached.load(expression="x>0", num_entries=3) is not None


@pytest.mark.parametrize("document", ["", "[]", "{}", "null", '{"cut": "x > 0"}'])
def test_a_selection_with_a_damaged_document_is_not_found(cached: CachedCut, document: str) -> None:
    kept(cached, ".json").write_text(document)
    assert cached.load(expression="x>0", num_entries=3) is None


def test_a_selection_with_a_flipped_bit_in_its_document_is_not_found(cached: CachedCut) -> None:
    file = kept(cached, ".json")
    data = file.read_bytes()
    decode(data, path="it")
    for altered in flipped(data):
        with pytest.raises(CorruptStoreError):
            decode(altered, path="it")
    file.write_bytes(altered)
    assert cached.load(expression="x>0", num_entries=3) is None


def test_a_document_of_a_newer_memmpy_is_not_found(cached: CachedCut) -> None:
    rewrite(kept(cached, ".json"), lambda fields: fields.update(format_version=2))
    assert cached.load(expression="x>0", num_entries=3) is None


@pytest.mark.parametrize("document", [b"", b'{"cut": "x > 0", "language": 3, "columns": {}}'])
def test_what_is_damaged_or_of_an_older_memmpy_is_removed(
    document: bytes, cached: CachedCut
) -> None:
    file, own = kept(cached, ".json"), cached.directory / CUTS / "notes.json"
    file.write_bytes(document)
    own.write_bytes(document)
    CachedCut(cached.directory, "x > 1", cached.columns).save(
        found(2), expression="x>1", generation=2
    )
    assert not file.exists()
    assert not file.with_suffix(".npy").exists()
    assert own.exists()


@pytest.mark.parametrize("suffix", [".npy", ".1.2.tmp", ".json.0a1f.tmp"])
def test_what_killed_processes_left_is_removed_after_an_hour(
    cached: CachedCut, suffix: str
) -> None:
    old = leave(cached, 32 * "0" + suffix, age=3700)
    fresh = leave(cached, 32 * "1" + suffix, age=3500)
    cached.save(found(1, 2), expression="x>0", generation=2)
    assert not old.exists()
    assert fresh.exists()


@pytest.mark.parametrize("name", ["thesis.npy", "draft.tmp", "0.npy", "notes.json"])
def test_what_is_not_named_as_a_selection_stays(cached: CachedCut, name: str) -> None:
    file = leave(cached, name, age=1e7)
    cached.save(found(1, 2), expression="x>0", generation=2)
    assert file.exists()


def test_behind_a_link_selections_are_kept_and_nothing_is_removed(
    cached: CachedCut, tmp_path: Path
) -> None:
    folder = cached.directory / CUTS
    elsewhere = tmp_path.with_name("elsewhere")
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    left = leave(cached, 32 * "0" + ".npy", age=1e7)
    other = CachedCut(cached.directory, "x > 1", cached.columns)
    other.save(found(2), expression="x>1", generation=2)
    assert other.load(expression="x>1", num_entries=3) is not None
    assert left.exists()


@pytest.mark.parametrize("entries", [[2**63 - 1], [3], [-1, 0], [1, 0], [0, 0], [0, 2, 1, 2]])
def test_entries_that_no_cut_can_give_are_not_found(cached: CachedCut, entries: list[int]) -> None:
    """As somebody may write them who knows the checksum."""
    cached.save(found(*entries), expression="x>0", generation=1)
    assert cached.load(expression="x>0", num_entries=3) is None


def test_the_cuts_of_one_generation_are_looked_at_once(
    cached: CachedCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> Metadata:
        raise AssertionError

    monkeypatch.setattr("memmpy.cuts.cache.read_metadata", refuse)
    other = CachedCut(cached.directory, "x > 1", cached.columns)
    other.save(found(2), expression="x>1", generation=1)
    with pytest.raises(AssertionError):
        other.save(found(2), expression="x>1", generation=2)


def test_old_selections_of_columns_as_they_are_stay(cached: CachedCut) -> None:
    for suffix in (".npy", ".json"):
        leave(cached, kept(cached, suffix).name, age=1e7)
    CachedCut(cached.directory, "x > 1", cached.columns).save(
        found(2), expression="x>1", generation=2
    )
    again = cached.load(expression="x>0", num_entries=3)
    assert again is not None
    assert again.entries.tolist() == [1, 2]


def test_selections_of_columns_written_again_are_removed(cached: CachedCut) -> None:
    with WriteVector(cached.directory, "x") as column:
        column.extend(np.arange(3))
    CachedCut(cached.directory, "true", {}).save(found(0, 1, 2), expression="true", generation=2)
    assert cached.load(expression="x>0", num_entries=3) is None
    assert len(list((cached.directory / CUTS).iterdir())) == 2


def test_a_selection_that_could_not_be_computed_leaves_nothing(cached: CachedCut) -> None:
    before = sorted((cached.directory / CUTS).iterdir())
    other = CachedCut(cached.directory, "x > 1", cached.columns)
    with pytest.raises(ZeroDivisionError):
        other.save(
            (piece for n in (1, 0) for piece in found(1 // n)), expression="x>1", generation=2
        )
    assert sorted((cached.directory / CUTS).iterdir()) == before


class TestList:
    def test_what_is_kept_is_listed_by_expression(self, cached: CachedCut) -> None:
        other = CachedCut(cached.directory, "x > 1", cached.columns)
        other.save(found(2), expression="1 < x", generation=2)
        two, one = list_cuts(cached.directory, read_metadata(cached.directory))[::-1]
        assert (one.expression, one.cut, one.num_passing) == ("1 < x", "x > 1", 1)
        assert (two.expression, two.cut, two.num_passing) == ("x>0", "x > 0", 2)
        assert one.keys == two.keys == ("x",)
        assert one.is_current
        assert two.is_current
        size = sum(file.stat().st_size for file in (cached.directory / CUTS).iterdir())
        assert one.num_bytes + two.num_bytes == size

    def test_a_store_without_cuts_lists_none(self, tmp_path: Path) -> None:
        with WriteVector(tmp_path, "x") as column:
            column.extend(np.arange(3))
        assert list_cuts(tmp_path, read_metadata(tmp_path)) == []

    def test_what_lost_its_column_is_not_current(self, cached: CachedCut) -> None:
        assert [r.is_current for r in list_cuts(cached.directory, Metadata())] == [False]

    def test_what_was_computed_of_older_columns_is_not_current(self, cached: CachedCut) -> None:
        with WriteVector(cached.directory, "x") as column:
            column.extend(np.arange(3))
        metadata = read_metadata(cached.directory)
        assert [record.is_current for record in list_cuts(cached.directory, metadata)] == [False]
        fresh = {"x": metadata.columns["x"].fingerprint}
        again = CachedCut(cached.directory, cached.normal, fresh)
        again.save(found(1, 2), expression="x>0", generation=2)
        assert [record.is_current for record in list_cuts(cached.directory, metadata)] == [True]

    @pytest.mark.parametrize("is_gone", [True, False])
    def test_what_lacks_its_entries_is_not_current(self, is_gone: bool, cached: CachedCut) -> None:
        file = kept(cached, ".npy")
        file.unlink() if is_gone else file.write_bytes(file.read_bytes()[:-1])
        (record,) = list_cuts(cached.directory, read_metadata(cached.directory))
        assert not record.is_current
        assert record.num_passing == 2

    @pytest.mark.parametrize(
        "document",
        [
            "",
            "[]",
            "{}",
            "null",
            "\xff",
            '{"cut": "x > 0", "columns": 3}',
            '{"cut": 1, "columns": []}',
        ],
    )
    def test_what_is_no_selection_is_left_out(self, document: str, cached: CachedCut) -> None:
        kept(cached, ".json").write_bytes(document.encode("latin1"))
        assert list_cuts(cached.directory, read_metadata(cached.directory)) == []

    @pytest.mark.parametrize("key", ["expression", "num_passing", "cut", "columns"])
    def test_a_document_without_a_part_is_left_out(self, key: str, cached: CachedCut) -> None:
        file = kept(cached, ".json")
        data = file.read_bytes()
        for change in (lambda fields: fields.update({key: None}), lambda fields: fields.pop(key)):
            file.write_bytes(data)
            rewrite(file, change)
            assert list_cuts(cached.directory, read_metadata(cached.directory)) == []

    def test_what_others_put_there_is_left_out(self, cached: CachedCut) -> None:
        file = kept(cached, ".json")
        file.with_name("copy.json").write_bytes(file.read_bytes())
        file.with_name("folder.json").mkdir()
        assert len(list_cuts(cached.directory, read_metadata(cached.directory))) == 1


def test_a_selection_of_another_language_is_not_found_and_removed(
    cached: CachedCut, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memmpy.cuts.cache.LANGUAGE", 0)
    assert cached.load(expression="x>0", num_entries=3) is None
    cached.save(found(0), expression="x>0", generation=2)
    assert len(list((cached.directory / CUTS).glob("*.npy"))) == 1
