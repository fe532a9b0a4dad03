"""Tests of writing and mapping ``.npy`` files."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from msgspec import structs

from memmpy.errors import CorruptStoreError, DiskError
from memmpy.store import ArrayRecord, ArrayWriter, checksum, map_array

INT64 = np.dtype("<i8")


@pytest.fixture
def record(tmp_path: Path) -> ArrayRecord:
    writer = ArrayWriter(tmp_path / "a.npy", INT64, (2,), "x", durable=True)
    writer.extend(np.arange(10).reshape(5, 2))
    return writer.finish()


def damage(path: Path, change: Any) -> None:
    path.write_bytes(change(path.read_bytes()))


def test_the_record_says_what_the_file_holds(record: ArrayRecord) -> None:
    assert record == ArrayRecord("a.npy", INT64, (5, 2), record.checksum)
    assert record.checksum is not None
    assert record.checksum.startswith("crc32:")
    assert record.nbytes == 80


def test_numpy_opens_the_file(record: ArrayRecord, tmp_path: Path) -> None:
    mapped = np.load(tmp_path / record.file, mmap_mode="r")
    assert mapped.tolist() == np.arange(10).reshape(5, 2).tolist()


@given(
    st_numpy.scalar_dtypes().filter(lambda dtype: dtype.kind not in "USV"),
    st.lists(st.integers(0, 2**62), max_size=4).map(tuple),
)
def test_the_header_is_as_long_however_many_rows_there_are(
    dtype: np.dtype, shape: tuple[int, ...]
) -> None:
    from memmpy.store.npy_file import npy_header

    lengths = {len(npy_header(dtype, (num, *shape))) for num in (0, 9, 10, 10**6, 2**62)}
    assert len(lengths) == 1
    assert lengths.pop() % 64 == 0


def test_an_array_is_mapped_read_only(record: ArrayRecord, tmp_path: Path) -> None:
    mapped = map_array(tmp_path, record, key="x")
    assert isinstance(mapped, np.memmap)
    assert not mapped.flags.writeable


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data[:-1], "a.npy has 207 bytes, expected 208"),
        (lambda data: data[:64], "a.npy has 64 bytes, expected 208"),
        (lambda data: b"", "a.npy has 0 bytes, expected 208"),
        (lambda data: data + b"\0", "a.npy has 209 bytes, expected 208"),
        (lambda data: b"\0" * 208, r"a.npy is not an array of int64 and shape \(5, 2\)"),
        (lambda data: data.replace(b"<i8", b"<f8"), "a.npy is not an array of int64"),
        (lambda data: data.replace(b"(5, 2)", b"(2, 5)"), "a.npy is not an array of int64"),
        (lambda data: data.replace(b"False", b"True "), "a.npy is not an array of int64"),
    ],
)
def test_a_file_of_another_size_or_header_is_an_error(
    record: ArrayRecord, tmp_path: Path, change: Any, message: str
) -> None:
    damage(tmp_path / "a.npy", change)
    with pytest.raises(CorruptStoreError, match=f"column 'x' of .* is damaged: {message}.*again"):
        map_array(tmp_path, record, key="x")


@given(position=st.integers(0, 127), bit=st.integers(0, 7))
def test_no_bit_of_a_header_may_differ(
    tmp_path_factory: pytest.TempPathFactory, position: int, bit: int
) -> None:
    directory = tmp_path_factory.mktemp("header")
    writer = ArrayWriter(directory / "a.npy", INT64, (), "x", durable=True)
    writer.extend(np.arange(3))
    record = writer.finish()
    data = bytearray((directory / "a.npy").read_bytes())
    data[position] ^= 1 << bit
    (directory / "a.npy").write_bytes(data)
    with pytest.raises(CorruptStoreError):
        map_array(directory, record, key="x")


def test_a_missing_file_is_left_to_the_caller(record: ArrayRecord, tmp_path: Path) -> None:
    (tmp_path / "a.npy").unlink()
    with pytest.raises(FileNotFoundError):
        map_array(tmp_path, record, key="x")


def test_a_shape_beyond_all_memory_is_an_error(record: ArrayRecord, tmp_path: Path) -> None:
    huge = structs.replace(record, shape=(2**62, 2**62))
    with pytest.raises(CorruptStoreError, match="has 208 bytes, expected"):
        map_array(tmp_path, huge, key="x")


def test_the_checksum_of_the_values_is_that_of_the_record(
    record: ArrayRecord, tmp_path: Path
) -> None:
    assert checksum(map_array(tmp_path, record, key="x")) == record.checksum


def test_a_file_that_was_removed_while_it_grew_is_an_error(tmp_path: Path) -> None:
    writer = ArrayWriter(tmp_path / "a.npy", INT64, (), "x", durable=True)
    (tmp_path / "a.npy").unlink()
    with pytest.raises(DiskError, match=r"cannot write column 'x' to .*: No such file"):
        writer.extend(np.arange(100_000))
    assert not (tmp_path / "a.npy").exists()
