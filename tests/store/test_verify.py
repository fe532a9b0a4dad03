"""Tests of comparing a store with its checksums."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.columns import WriteJagged, WriteVector
from memmpy.errors import MissingFileError
from memmpy.store import Metadata, Problem, read_metadata, verify_columns


@pytest.fixture
def file(store: Path) -> Path:
    with WriteJagged(store, "j") as column:
        column.extend([np.arange(5.0), np.arange(2.0)])
    return store / read_metadata(store).columns["j"].arrays["content"].file


def test_a_whole_store_has_no_problems(file: Path) -> None:
    assert verify_columns(file.parent) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(128, 128 + 7 * 8 - 1), flip=st.integers(1, 255))
def test_any_flipped_byte_is_found(file: Path, position: int, flip: int) -> None:
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[position] ^= flip
    file.write_bytes(damaged)
    assert verify_columns(file.parent) == [Problem("j", file.name, "the checksum differs")]
    file.write_bytes(whole)


def test_a_missing_file_is_found(file: Path) -> None:
    file.unlink()
    assert verify_columns(file.parent) == [Problem("j", file.name, "the file is missing")]


def test_a_truncated_file_is_found(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    [problem] = verify_columns(file.parent)
    assert problem.key == "j"
    assert problem.message == "it has 183 bytes, expected 184"


def test_a_file_that_cannot_be_opened_is_found(file: Path) -> None:
    file.unlink()
    file.mkdir()
    [problem] = verify_columns(file.parent)
    assert "is a folder, expected a file" in problem.message


def test_all_problems_are_named(file: Path) -> None:
    for array in file.parent.glob("*.npy"):
        array.unlink()
    assert {problem.key for problem in verify_columns(file.parent)} == {"x", "j"}


def test_a_missing_store_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="no store at"):
        verify_columns(tmp_path / "nothing")


@pytest.mark.parametrize("is_whole", [True, False])
def test_what_a_writer_replaces_meanwhile_is_no_problem(
    file: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    store, read = file.parent, read_metadata
    num_reads = 0

    def read_then_replace(path: Path) -> Metadata:
        nonlocal num_reads
        metadata = read(path)
        num_reads += 1
        if num_reads == 1:
            with WriteVector(store, "x") as column:
                column.append(1)
            if not is_whole:
                file.unlink()
        return metadata

    monkeypatch.setattr("memmpy.store.verify.read_metadata", read_then_replace)
    found = verify_columns(store)
    assert num_reads >= 2
    assert found == ([] if is_whole else [Problem("j", file.name, "the file is missing")])
