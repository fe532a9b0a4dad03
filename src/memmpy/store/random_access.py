"""A ``.npy`` file of which any part can be written, in any order, by any process."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.store.checksums import bytes_of, crc_of
from memmpy.store.full_io import read_exactly, too_short, write_exactly
from memmpy.store.metadata import ArrayRecord
from memmpy.store.npy_file import npy_header
from memmpy.store.safe_open import open_to_write, translate_os_errors
from memmpy.typing import Array

__all__ = ["PlacedArray", "copy_bytes", "read_bytes", "writing"]

#: Bytes that are copied at a time where the kernel does not do it.
_COPY_BYTES = 2**23  # 8 MiB
#: What a kernel or file system says that cannot copy between two files.
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
class PlacedArray:
    """Where an array lies on disk, for writers that each fill some rows of it.

    Rows are written with ``pwrite`` and not through a map, so that of two machines that share a
    file system each hands on the bytes it wrote, and no pages in which others write, too.

    Parameters
    ----------
    path : str
        The file.
    dtype : np.dtype
        Little endian.
    shape : tuple of int
        The shape of one row.
    key : str
        The column, for messages.
    is_shared : bool
        Whether other machines write to it: then each write waits for the disk. That also keeps NFS
        from sending the rest of a page.
    """

    path: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    key: str
    is_shared: bool

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return int(self.dtype.itemsize * np.prod(self.shape, dtype=np.int64))

    def byte_of(self, row: int) -> int:
        """Return where a row begins in the file."""
        return len(npy_header(self.dtype, (0, *self.shape))) + row * self.row_bytes

    def create(self) -> None:
        """Make the file, unless it is there."""
        with self._writing(os.O_CREAT):
            pass

    def write(self, row: int, values: Array) -> int:
        """Write rows, and return the CRC-32 of their bytes."""
        data = bytes_of(values.astype(self.dtype, copy=False))
        with self._writing() as file:
            write_exactly(file, data, at=self.byte_of(row))
            _start_writeback(file, self.byte_of(row), len(data))
        return crc_of(data)

    def copy(self, row: int, source: int, start: int, num_bytes: int) -> None:
        """Let the kernel copy bytes of another open file to rows of this one."""
        with self._writing() as file:
            copy_bytes(source, start, file, self.byte_of(row), num_bytes)
            _start_writeback(file, self.byte_of(row), num_bytes)

    def finish(self, num_rows: int, checksum: str) -> ArrayRecord:
        """Write the header, cut off what lies behind the last row, and wait for the disk."""
        with self._writing() as file:
            header = npy_header(self.dtype, (num_rows, *self.shape))
            write_exactly(file, memoryview(header), at=0)
            os.ftruncate(file, self.byte_of(num_rows))
            os.fsync(file)
        name = Path(self.path).name
        return ArrayRecord(name, self.dtype, (num_rows, *self.shape), checksum)

    @contextmanager
    def _writing(self, flags: int = 0) -> Iterator[int]:
        flags |= os.O_DSYNC if self.is_shared else 0
        with writing(self.path, flags, what=f"column {self.key!r} to {self.path!r}") as file:
            yield file


@contextmanager
def writing(path: str, flags: int, *, what: str) -> Iterator[int]:
    """Open a file to write to, and say what a refusal means."""
    with translate_os_errors(what):
        file = open_to_write(path, flags)
        try:
            yield file
        finally:
            os.close(file)


def copy_bytes(source: int, start: int, target: int, at: int, num_bytes: int) -> None:
    """Copy bytes between two open files: in the kernel, or without a copy where disks can share.

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
            raise too_short(num_bytes - done)
        write_exactly(target, memoryview(data), at=at + done)
        done += len(data)


def read_bytes(file: int, start: int, num_bytes: int) -> bytearray:
    """Return bytes of an open file.

    Raises
    ------
    EOFError
        If it ends too early.
    """
    data = bytearray(num_bytes)
    read_exactly(file, memoryview(data), at=start)
    return data


def _start_writeback(file: int, start: int, num_bytes: int) -> None:
    """Let the disk begin now: who commits has to wait for all of it.

    The kernel takes the advice as a reason to write pages, and drops none that are not yet written.
    """
    with suppress(AttributeError, OSError):
        os.posix_fadvise(file, start, num_bytes, os.POSIX_FADV_DONTNEED)
