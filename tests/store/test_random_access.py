"""Tests of array files whose rows are written in any order."""

import errno
import multiprocessing
import os
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from memmpy.errors import DiskError, ReadOnlyStoreError
from memmpy.store import RandomAccessArray, crc_of, crc_text
from memmpy.store.random_access import copy_bytes

SHARED = Path("/dev/shm")


def placed(
    path: Path, dtype: Any = "<i8", shape: tuple[int, ...] = (), *, is_shared: bool = False
) -> RandomAccessArray:
    array = RandomAccessArray(str(path), np.dtype(dtype), shape, "key", is_shared=is_shared)
    array.create()
    return array


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    dtype=st.sampled_from(["<i8", "<f4", "|b1", "<u2"]),
    shape=st.sampled_from([(), (3,), (2, 2), (0,)]),
    cuts=st.lists(st.integers(0, 40), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_any_order_of_writes_gives_what_numpy_saves(
    tmp_path: Path, dtype: str, shape: tuple[int, ...], cuts: list[int], order: Any
) -> None:
    values = np.arange(40 * np.prod(shape, dtype=int)).reshape(40, *shape).astype(dtype)
    (tmp_path / "x.npy").unlink(missing_ok=True)
    array = placed(tmp_path / "x.npy", dtype, shape)
    edges = [0, *sorted(cuts), 40]
    pieces = list(pairwise(edges))
    order.shuffle(pieces)
    for start, stop in pieces:
        assert array.write(start, values[start:stop]) == zlib.crc32(values[start:stop].tobytes())
    record = array.finish(40, crc_text(crc_of(values)))
    loaded = np.load(tmp_path / "x.npy")
    assert loaded.dtype == values.dtype
    assert np.array_equal(loaded, values)
    assert (record.file, record.shape) == ("x.npy", values.shape)


def test_rows_that_are_written_twice_are_those_of_the_last_time(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy")
    for start in (0, 5):
        array.write(0, np.arange(start, start + 4))
    array.finish(4, "")
    assert np.load(tmp_path / "x.npy").tolist() == [5, 6, 7, 8]


def test_what_lies_behind_the_last_row_is_cut_off(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy")
    array.write(0, np.arange(100))
    array.finish(3, "")
    assert (tmp_path / "x.npy").stat().st_size == array.byte_of(3)
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2]


def test_a_shared_array_takes_the_same_rows(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy", is_shared=True)
    array.write(2, np.arange(2))
    array.write(0, np.arange(2))
    array.finish(4, "")
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 0, 1]


def test_to_create_an_array_again_keeps_its_rows(tmp_path: Path) -> None:
    placed(tmp_path / "x.npy").write(0, np.arange(4))
    array = placed(tmp_path / "x.npy")
    array.finish(4, "")
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2, 3]


def test_values_of_another_byte_order_are_turned(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy")
    array.write(0, np.arange(3, dtype=">i8"))
    array.finish(3, "")
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 2]


def _write_every_other(array: RandomAccessArray, first: int) -> None:
    for row in range(first, 2000, 2):
        array.write(row, np.array([row]))


@pytest.mark.slow
def test_processes_that_write_neighbouring_rows_do_not_disturb_each_other(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy")
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_write_every_other, args=(array, first)) for first in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    array.finish(2000, "")
    assert np.array_equal(np.load(tmp_path / "x.npy"), np.arange(2000))


def test_a_file_that_was_removed_is_an_error(tmp_path: Path) -> None:
    array = placed(tmp_path / "x.npy")
    (tmp_path / "x.npy").unlink()
    with pytest.raises(DiskError, match=r"cannot write column 'key' to .*x\.npy'"):
        array.write(0, np.arange(3))
    assert not (tmp_path / "x.npy").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = placed(tmp_path / "x.npy")

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "pwrite", refuse)
    with pytest.raises(DiskError, match="free some space and run again") as caught:
        array.write(0, np.arange(3))
    assert caught.value.errno == errno.ENOSPC


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("")
    with pytest.raises(ReadOnlyStoreError, match="write to another path"):
        placed(tmp_path / "s" / "x.npy")


def copied(source: Path, target: Path, start: int, at: int, num_bytes: int) -> bytes:
    """Return what a target is after a copy."""
    read = os.open(source, os.O_RDONLY)
    write = os.open(target, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        copy_bytes(read, start, write, at, num_bytes)
    finally:
        os.close(read)
        os.close(write)
    return target.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.binary(max_size=400), st.data())
def test_any_range_is_copied_to_any_place(tmp_path: Path, data: bytes, draw: Any) -> None:
    (tmp_path / "a").write_bytes(data)
    (tmp_path / "b").unlink(missing_ok=True)
    start = draw.draw(st.integers(0, len(data)))
    num_bytes = draw.draw(st.integers(0, len(data) - start))
    at = draw.draw(st.integers(0, 50)) if num_bytes else 0
    expected = bytes(at) + data[start : start + num_bytes]
    assert copied(tmp_path / "a", tmp_path / "b", start, at, num_bytes) == expected


def test_more_than_is_copied_at_a_time_is_copied(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes((20 << 20) + 7)
    (tmp_path / "a").write_bytes(data)
    assert copied(tmp_path / "a", tmp_path / "b", 5, 0, len(data) - 5) == data[5:]


@pytest.mark.skipif(not SHARED.is_dir(), reason="a file system of Linux")
def test_bytes_are_copied_to_another_file_system(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(9 << 20)
    with tempfile.TemporaryDirectory(dir=SHARED) as folder:
        (Path(folder) / "a").write_bytes(data)
        assert copied(Path(folder) / "a", tmp_path / "b", 3, 0, len(data) - 3) == data[3:]


@pytest.mark.skipif(not Path("/proc/version").exists(), reason="a file of Linux")
def test_what_the_kernel_does_not_copy_is_read_and_written(tmp_path: Path) -> None:
    version = Path("/proc/version").read_bytes()
    assert copied(Path("/proc/version"), tmp_path / "b", 0, 0, len(version)) == version


def test_a_source_that_ends_too_early_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"123")
    with pytest.raises(EOFError, match="ends 2 bytes too early"):
        copied(tmp_path / "a", tmp_path / "b", 1, 0, 4)


def test_a_copy_of_a_range_to_rows_gives_its_values(tmp_path: Path) -> None:
    np.arange(10).tofile(tmp_path / "part")
    array = placed(tmp_path / "x.npy")
    with (tmp_path / "part").open("rb") as part:
        array.copy(2, part.fileno(), 8 * 4, 8 * 3)
        array.copy(0, part.fileno(), 0, 8 * 2)
    array.finish(5, "")
    assert np.load(tmp_path / "x.npy").tolist() == [0, 1, 4, 5, 6]
