"""One ``.npy`` file of a store: written in growing pieces, read as a memory map."""

import errno
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError, CorruptStoreError, DiskError
from memmpy.store.metadata import ArrayRecord
from memmpy.typing import Array

__all__ = ["ArrayWriter", "disk_error", "map_array", "storage_dtype"]

#: Bytes of values that are collected before they are written. A conversion has thousands of arrays.
BUFFER_BYTES = 1 << 16


def storage_dtype(dtype: np.dtype[Any], *, key: str) -> np.dtype[Any]:
    """Return the little-endian dtype under which values are stored.

    Raises
    ------
    ColumnError
        If values of that dtype have no fixed width.
    """
    if dtype.hasobject or dtype.kind in "OT":
        message = f"column {key!r} cannot hold Python objects (dtype {dtype}); give numbers"
        raise ColumnError(message)
    if dtype.kind in "US":
        raise ColumnError(f"column {key!r} cannot hold text (dtype {dtype}); use WriteText for it")
    little: np.dtype[Any] = dtype.newbyteorder("<")
    return little


def disk_error(error: OSError, *, what: str) -> DiskError:
    """Return the error to raise when the file system refused to write."""
    reason = error.strerror or str(error)
    message = f"cannot write {what}: {reason}; the store keeps what it held before"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        message += "; free some space and run again"
    return DiskError(message, error.errno or errno.EIO)


@final
class ArrayWriter:
    """A ``.npy`` file that grows row by row.

    Parameters
    ----------
    path : Path
        A file that does not exist yet.
    dtype : np.dtype
        As `storage_dtype` gives it.
    shape : tuple of int
        Shape of one row.
    key : str
        The column, for messages.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], key: str) -> None:
        self.dtype, self.shape = dtype, shape
        #: Rows given so far.
        self.num_rows = 0
        self.path, self._key = path, key
        self._crc = 0
        self._fill = 0
        row_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        self._buffer = np.empty((max(1, BUFFER_BYTES // max(1, row_bytes)), *shape), dtype)
        self._capacity = len(self._buffer)
        with self._open("xb") as file:
            self._header_bytes = self._write_header(file)

    def append(self, row: Any) -> None:
        """Add one row, which numpy casts to the dtype of the file."""
        if self._fill == self._capacity:
            self._flush()
        self._buffer[self._fill] = row
        self._fill += 1
        self.num_rows += 1

    def extend(self, rows: Array) -> None:
        """Add rows of the dtype and row shape of the file."""
        num = len(rows)
        if num > self._capacity - self._fill:
            self._flush()
            if num >= self._capacity:
                self._write(np.ascontiguousarray(rows, dtype=self.dtype))
                self.num_rows += num
                return
        self._buffer[self._fill : self._fill + num] = rows
        self._fill += num
        self.num_rows += num

    def finish(self) -> ArrayRecord:
        """Write what is left and the header, and see that all is on disk."""
        self._flush()
        with self._open("r+b") as file:
            if self._write_header(file) != self._header_bytes:
                raise AssertionError("the header changed its size")
            os.fsync(file.fileno())
        shape = (self.num_rows, *self.shape)
        return ArrayRecord(self.path.name, self.dtype, shape, f"crc32:{self._crc:08x}")

    def _flush(self) -> None:
        if self._fill:
            filled, self._fill = self._buffer[: self._fill], 0
            self._write(filled)

    def _write(self, rows: Array) -> None:
        data = _bytes_of(rows)
        self._crc = zlib.crc32(data, self._crc)
        with self._open("ab") as file:
            while len(data):
                data = data[file.write(data) :]

    @contextmanager
    def _open(self, mode: Literal["xb", "ab", "r+b"]) -> Iterator[FileIO]:
        """Open the file for a moment: a process may have fewer handles than a store has arrays."""
        try:
            with self.path.open(mode, buffering=0) as file:
                yield file
        except OSError as error:
            raise disk_error(error, what=f"column {self._key!r} to {str(self.path)!r}") from error

    def _write_header(self, file: FileIO) -> int:
        # numpy leaves room in a header for its first axis to grow in place.
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": (self.num_rows, *self.shape),
        }
        np.lib.format.write_array_header_1_0(file, header)
        return file.tell()


def map_array(directory: Path, record: ArrayRecord, *, key: str) -> np.memmap[Any, Any]:
    """Map an array of a store, read-only.

    Its size and header are compared with the metadata, so that a truncated file is an error here
    and not a crash when its pages are touched.

    Raises
    ------
    CorruptStoreError
        If the file is not what the metadata says.
    FileNotFoundError
        If it is not there.
    """
    path = directory / record.file
    with path.open("rb") as file:
        start = _check_header(file, record, key=key) if record.has_header else 0
        size = os.fstat(file.fileno()).st_size
    if size != start + record.nbytes:
        message = (
            f"column {key!r} of {str(directory)!r} is damaged: {path.name} has {size} bytes, "
            f"expected {start + record.nbytes}; convert or write the column again"
        )
        raise CorruptStoreError(message)
    if record.nbytes == 0:
        return _empty_map(record)
    return np.memmap(path, record.dtype, "r", offset=start, shape=record.shape)


def checksum(values: Array) -> str:
    """Return the checksum of an array's values as an `ArrayRecord` has it."""
    crc = 0
    data = _bytes_of(values)
    for start in range(0, len(data), 1 << 26):
        crc = zlib.crc32(data[start : start + (1 << 26)], crc)
    return f"crc32:{crc:08x}"


def _check_header(file: Any, record: ArrayRecord, *, key: str) -> int:
    try:
        version = np.lib.format.read_magic(file)
        if version != (1, 0):
            raise ValueError(f".npy version {version}")  # noqa: TRY301
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    except ValueError as error:
        message = f"column {key!r} is damaged: {record.file} has no .npy header: {error}"
        raise CorruptStoreError(message) from error
    if (shape, fortran, dtype) != (record.shape, False, record.dtype):
        message = (
            f"column {key!r} is damaged: {record.file} holds {dtype} of shape {shape}, "
            f"the metadata says {record.dtype} of shape {record.shape}"
        )
        raise CorruptStoreError(message)
    return int(file.tell())


def _empty_map(record: ArrayRecord) -> np.memmap[Any, Any]:
    """Return an array without values that is an `np.memmap` like all others."""
    values = np.empty(record.shape, record.dtype).view(np.memmap)
    values.flags.writeable = False
    return values


def _bytes_of(rows: Array) -> memoryview:
    flat: NDArray[np.uint8] = np.ascontiguousarray(rows).reshape(-1).view(np.uint8)
    return flat.data
