"""Writes rows of a ``.npy`` file in any order, from any process."""

import errno
import math
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.store.checksums import bytes_of, crc_of
from memmpy.store.exact_io import early_end, read_exactly, write_exactly
from memmpy.store.metadata import ArrayRecord
from memmpy.store.npy_file import npy_header
from memmpy.store.safe_open import open_to_read, open_to_write, translate_os_errors
from memmpy.typing import Array

__all__ = ["RandomAccessArray", "copy_bytes", "open_for_writing", "read_range"]

#: Bytes to copy at a time if the OS cannot copy between files.
_COPY_BYTES = 2**23  # 8 MiB
#: Bytes to compare at a time: as many as fit into the cache of a core.
_COMPARED_BYTES = 2**18  # 256 KiB
#: Error codes of an OS or file system that cannot copy between two files.
_CANNOT_COPY = {
    errno.EXDEV,
    errno.EINVAL,
    errno.ENOSYS,
    errno.EOPNOTSUPP,
    errno.EPERM,
    errno.EBADF,
    errno.ETXTBSY,
}


@dataclass(frozen=True, slots=True)
class RandomAccessArray:
    """An array file of which several writers each fill some rows.

    Rows are written with ``pwrite`` and not through a map: two machines that share a file system
    then send only the bytes that they wrote, and no whole pages with rows of each other.

    Parameters
    ----------
    path : str
        The file.
    dtype : np.dtype
        The dtype, little endian.
    shape : tuple of int
        The shape of one row.
    key : str
        The column, for messages.
    is_shared : bool
        Whether other machines write to the file, too. Then each write waits for the disk, which
        also keeps NFS from sending whole pages.
    """

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    key: str
    is_shared: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.dtype.itemsize * math.prod(self.shape)

    def byte_of(self, row: int) -> int:
        """Return the offset of a row in the file."""
        return _header_bytes(self.dtype, self.shape) + row * self.row_bytes

    def create(self) -> None:
        """Create the file unless it exists."""
        with self._writing(os.O_CREAT):
            pass

    def write(self, row: int, values: Array) -> int:
        """Write rows, and return the CRC-32 of their bytes."""
        data, at = bytes_of(values.astype(self.dtype, copy=False)), self.byte_of(row)
        with self._writing() as file:
            write_exactly(file, data, at=at)
            _start_writeback(file, at, len(data))
        return crc_of(data)

    def copy(self, row: int, source: int, start: int, num_bytes: int) -> None:
        """Copy bytes of another open file to rows of this one, inside of the OS if possible."""
        with self._writing() as file:
            copy_bytes(source, start, file, self.byte_of(row), num_bytes)
            _start_writeback(file, self.byte_of(row), num_bytes)

    def finish(self, num_rows: int, checksum: str) -> ArrayRecord:
        """Write the header, truncate the file after the last row, and wait for the disk."""
        with self._writing() as file:
            header = npy_header(self.dtype, (num_rows, *self.shape))
            write_exactly(file, memoryview(header), at=0)
            os.ftruncate(file, self.byte_of(num_rows))
            os.fsync(file)
        return ArrayRecord(Path(self.path).name, self.dtype, (num_rows, *self.shape), checksum)

    def has_same_rows(self, other: "RandomAccessArray", num_rows: int) -> bool:
        """Return whether the first `num_rows` rows of both arrays have the same bytes."""
        at, stop = self.byte_of(0), self.byte_of(num_rows)
        with FileIO(open_to_read(self.path)) as own, FileIO(open_to_read(other.path)) as others:
            first, second = bytearray(_COMPARED_BYTES), bytearray(_COMPARED_BYTES)
            while at < stop and first == second:
                del first[stop - at :], second[stop - at :]
                read_exactly(own.fileno(), memoryview(first), at=at)
                read_exactly(others.fileno(), memoryview(second), at=at)
                at += len(first)
        return first == second

    def _writing(self, flags: int = 0) -> AbstractContextManager[int]:
        flags |= os.O_DSYNC if self.is_shared else 0
        return open_for_writing(self.path, flags, what=f"column {self.key!r} to {self.path!r}")


@contextmanager
def open_for_writing(path: str, flags: int, *, what: str) -> Iterator[int]:
    """Open a file for writing, and raise errors that name `what`."""
    with translate_os_errors(what):
        file = open_to_write(path, flags)
        try:
            yield file
        finally:
            os.close(file)


def copy_bytes(source: int, start: int, target: int, at: int, num_bytes: int) -> None:
    """Copy bytes between two open files: inside of the OS, or as shared blocks of the disk.

    Raises
    ------
    EOFError
        If the source ends too early.
    """
    done = 0
    while done < num_bytes:
        try:
            num = os.copy_file_range(
                source, target, num_bytes - done, offset_src=start + done, offset_dst=at + done
            )
        except AttributeError:  # not Linux
            break
        except OSError as error:
            if error.errno not in _CANNOT_COPY:
                raise
            break
        if num == 0:
            break
        done += num
    while done < num_bytes:
        data = os.pread(source, min(_COPY_BYTES, num_bytes - done), start + done)
        if not data:
            raise early_end(num_bytes - done)
        write_exactly(target, memoryview(data), at=at + done)
        done += len(data)


def read_range(file: int, start: int, num_bytes: int) -> bytearray:
    """Return bytes of an open file.

    Raises
    ------
    EOFError
        If it ends too early.
    """
    data = bytearray(num_bytes)
    read_exactly(file, memoryview(data), at=start)
    return data


@cache
def _header_bytes(dtype: np.dtype[Any], shape: tuple[int, ...]) -> int:
    """Return the bytes of the header, which do not depend on the number of rows."""
    return len(npy_header(dtype, (0, *shape)))


def _start_writeback(file: int, start: int, num_bytes: int) -> None:
    """Start writing to disk now, so that the fsync of the commit is short.

    On this advice the OS writes the pages out, and drops only pages that are written.
    """
    with suppress(AttributeError, OSError):
        os.posix_fadvise(file, start, num_bytes, os.POSIX_FADV_DONTNEED)
