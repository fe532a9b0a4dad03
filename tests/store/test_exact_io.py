"""Tests of reading and writing exactly N bytes."""

import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.errors import DiskError, ReadOnlyStoreError
from memmpy.store import PartWriter, read_exactly, write_exactly

DATA = bytes(range(100))


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "x", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def by_sevens(call: Callable[..., int], *, is_list: bool) -> Callable[..., int]:
    """Return a system call that does no more than seven bytes of what it is asked for."""

    def some(descriptor: int, data: Any, at: int) -> int:
        return call(descriptor, [data[0][:7]] if is_list else data[:7], at)

    return some


def test_what_the_system_writes_in_pieces_is_written_whole(
    file: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "pwrite", by_sevens(os.pwrite, is_list=False))
    write_exactly(file, memoryview(DATA), at=5)
    assert (tmp_path / "x").read_bytes() == bytes(5) + DATA


def test_what_the_system_reads_in_pieces_is_read_whole(
    file: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.write(file, DATA)
    monkeypatch.setattr(os, "preadv", by_sevens(os.preadv, is_list=True))
    out = bytearray(90)
    read_exactly(file, memoryview(out), at=4)
    assert out == DATA[4:94]


def test_a_file_that_ends_too_early_is_an_error_that_says_by_how_much(file: int) -> None:
    os.write(file, DATA)
    with pytest.raises(EOFError, match="the file ends 3 bytes too early"):
        read_exactly(file, memoryview(bytearray(13)), at=90)


def test_a_part_says_where_its_arrays_lie(tmp_path: Path) -> None:
    first, second = np.arange(5), np.arange(6, dtype=np.float32).reshape(2, 3)
    with PartWriter(str(tmp_path / "part")) as writer:
        found = [writer.append(array) for array in (first, second[:0], second)]
        writer.finish(is_durable=True)
    assert found == [
        (0, 40, zlib.crc32(first.tobytes())),
        (40, 0, 0),
        (40, 24, zlib.crc32(second.tobytes())),
    ]
    assert (tmp_path / "part").read_bytes() == first.tobytes() + second.tobytes()
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_a_part_appears_when_it_is_finished(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path / "part")) as writer:
        writer.append(np.arange(5))
        assert not (tmp_path / "part").exists()
        writer.finish(is_durable=False)
        assert (tmp_path / "part").exists()


def test_a_part_without_arrays_makes_no_file(tmp_path: Path) -> None:
    with PartWriter(str(tmp_path / "part")) as writer:
        writer.finish(is_durable=False)
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with suppress(ZeroDivisionError), PartWriter(str(tmp_path / "part")) as writer:
        writer.append(np.arange(5))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_part_whose_place_is_taken_leaves_what_was(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    with PartWriter(str(tmp_path / "part")) as writer:
        writer.append(np.arange(5))
        with pytest.raises(DiskError, match=r"cannot write to '.*part"):
            writer.finish(is_durable=False)
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_two_that_write_one_part_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = str(tmp_path / "part")
    with PartWriter(path) as one, PartWriter(path) as other:
        for number in range(3):
            one.append(np.array([number]))
            other.append(np.array([number]))
        other.finish(is_durable=False)
        one.append(np.array([3]))
        one.finish(is_durable=False)
    assert np.fromfile(path, np.int64).tolist() == [0, 1, 2, 3]
    assert [file.name for file in tmp_path.iterdir()] == ["part"]


def test_a_folder_that_is_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with (
        PartWriter(str(tmp_path / "s" / "part")) as writer,
        pytest.raises(ReadOnlyStoreError, match="write to another path"),
    ):
        writer.append(np.arange(3))
