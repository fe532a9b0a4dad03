"""One ``.npy`` file of a store: written block by block, and read as a memory map."""

import errno
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, final

import numpy as np

from memmpy.errors import ColumnError, CorruptStoreError, DiskError, OptionError, UnreadableError
from memmpy.store.bus_error import report_bus_errors
from memmpy.store.checksums import bytes_of, crc_of, crc_text
from memmpy.store.metadata import ArrayRecord
from memmpy.store.safe_open import create_file, disk_error, open_to_read, open_to_write
from memmpy.typing import Array

__all__ = ["ArrayWriter", "checksum", "header_of", "map_array", "npy_header", "storage_dtype"]

logger: logging.Logger = logging.getLogger(__name__)

#: Size of the buffer of a writer. It is small, since a conversion writes thousands of arrays.
BUFFER_BYTES = 2**16  # 64 KiB
#: Longest header that np.load reads by default.
_MAX_HEADER = 10_000
#: The limit of open files to ask for when the current limit is too low.
_MAX_FILES = 2**16
#: Error codes for a lack of memory, maps or open files: the file itself may be whole.
_LACKS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN}


def storage_dtype(dtype: np.dtype[Any], *, key: str) -> np.dtype[Any]:
    """Return the little-endian dtype in which values are stored.

    Raises
    ------
    ColumnError
        If the dtype has no fixed width, or a ``.npy`` header cannot name it.
    """
    if dtype.hasobject or dtype.kind in "OT":
        message = f"column {key!r} cannot hold Python objects (dtype {dtype}); give numbers"
        raise ColumnError(message)
    if dtype.kind in "US":
        raise ColumnError(f"column {key!r} cannot hold text (dtype {dtype}); use WriteText for it")
    little = dtype.newbyteorder("<")
    try:
        stored: np.dtype[Any] = np.lib.format.descr_to_dtype(_descr(little))
        is_same = stored == little and stored.itemsize > 0 and bool(npy_header(stored, ()))
    except ValueError:
        is_same = False
    if not is_same:
        message = f"column {key!r} cannot hold the dtype {dtype}: "
        raise ColumnError(message + "its fields overlap, have no bytes, or cannot be named")
    return stored


@final
class ArrayWriter:
    """Writes a ``.npy`` file row by row.

    Parameters
    ----------
    path : Path
        The file, which must not exist.
    dtype : np.dtype
        A dtype that `storage_dtype` returned.
    shape : tuple of int
        Shape of one row.
    key : str
        The column, for messages.
    durable : bool
        Whether `finish` waits for the disk, so that the file survives a loss of power.
    """

    def __init__(
        self,
        path: Path,
        dtype: np.dtype[Any],
        shape: tuple[int, ...],
        key: str,
        *,
        durable: bool,
    ) -> None:
        self.dtype: np.dtype[Any] = dtype
        self.shape: tuple[int, ...] = shape
        self._durable = durable
        #: Number of rows so far.
        self.num_rows: int = 0
        self.path: Path = path
        self._key = key
        self._crc = 0
        self._fill = 0
        self._failure: Exception | None = None
        row_bytes = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        self._buffer = np.empty((max(1, BUFFER_BYTES // max(1, row_bytes)), *shape), dtype)
        self._capacity = len(self._buffer)
        self._process = os.getpid()
        # State of the file after the last write; None before the first.
        self._state: tuple[int, int, int] | None = None
        with self._open() as file:
            _write_all(file, npy_header(dtype, (0, *shape)))

    def append(self, row: Any) -> None:
        """Append one row, cast to the dtype of the file by NumPy."""
        if self._fill == self._capacity:
            self._flush()
        self._buffer[self._fill] = row
        self._fill += 1
        self.num_rows += 1

    def extend(self, rows: Array) -> None:
        """Append rows of the dtype and the row shape of the file."""
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
        """Write the rest of the rows and the final header."""
        if self._failure is not None:
            raise self._failure
        self._flush()
        shape = (self.num_rows, *self.shape)
        with self._open() as file:
            _write_all(file, npy_header(self.dtype, shape))
            if self._durable:
                os.fsync(file.fileno())
        return ArrayRecord(self.path.name, self.dtype, shape, crc_text(self._crc))

    def _flush(self) -> None:
        if self._fill:
            filled, self._fill = self._buffer[: self._fill], 0
            self._write(filled)

    def _write(self, rows: Array) -> None:
        data = bytes_of(rows)
        self._crc = crc_of(data, self._crc)
        with self._open() as file:
            file.seek(0, os.SEEK_END)
            _write_all(file, data)

    @contextmanager
    def _open(self) -> Iterator[FileIO]:
        """Open the file for one write: a store may have more arrays than a process may open files.

        Raises an error if another file has taken the place of the one that this process created.
        """
        if os.getpid() != self._process:
            message = f"this process is a fork of the one that writes column {self._key!r}"
            raise OptionError(f"{message}; write it in one process only")
        try:
            make = create_file if self._state is None else open_to_write
            with FileIO(make(self.path), "w") as file:
                _check_state(file, self._state)
                yield file
                self._state = _state(file)
        except OSError as error:
            what = f"column {self._key!r} to {str(self.path)!r}"
            # Raised again by `finish`: a file that lacks rows must not be committed.
            self._failure = disk_error(error, what=what)
            raise self._failure from error


def map_array(directory: Path, record: ArrayRecord, *, key: str) -> np.memmap[Any, Any]:
    """Map an array of a store, read-only.

    Compares size and header of the file with the metadata, so that a truncated file is an error
    here and not a crash when its pages are read.

    Each map keeps a file open. When the process reaches its limit of open files, memmpy raises the
    soft limit (``RLIMIT_NOFILE``) once, to the hard limit or 65,536, whichever is lower.

    Raises
    ------
    CorruptStoreError
        If the file does not match the metadata.
    FileNotFoundError
        If the file is missing.
    UnreadableError
        If the file cannot be read: no permission, a bad sector, a lost server.
    DiskError
        If the process may not open more files or maps.
    """
    try:
        return _map(directory / record.file, record)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            error.errno, f"a file of column {key!r} is missing", error.filename
        ) from None
    except CorruptStoreError as error:
        message = f"column {key!r} of {str(directory)!r} is damaged: {error}"
        raise CorruptStoreError(f"{message}; convert or write the column again") from None
    except OSError as error:
        message = f"column {key!r} of {str(directory)!r}: {error.strerror or error}"
        if error.errno not in _LACKS:
            message = f"cannot read {message} ({record.file})"
            raise UnreadableError(message) from error
        if error.errno != errno.EMFILE or not _raise_limit():
            if error.errno == errno.EMFILE:
                message += ", and every array needs one; raise the limit with ulimit -n"
            raise DiskError(f"cannot open {message}", error.errno) from error
    return map_array(directory, record, key=key)


def _map(path: Path, record: ArrayRecord) -> np.memmap[Any, Any]:
    header = header_of(record)
    start, wrong = len(header), f"is not an array of {record.dtype} and shape {record.shape}"
    # Map the file that was checked, even if another file takes its name meanwhile.
    with open(path, "rb", buffering=0, opener=_opener) as file:
        bytes_before, size = file.read(start), os.fstat(file.fileno()).st_size
        if size != start + record.nbytes:
            wrong = f"has {size} bytes, expected {start + record.nbytes}"
        elif bytes_before == header:
            if record.nbytes == 0:
                return _empty_map(record)
            report_bus_errors()
            try:
                values = np.memmap(file, record.dtype, "r", offset=start, shape=record.shape)
            except ValueError:  # it became shorter meanwhile
                wrong = "was truncated while it was opened"
            else:
                values.filename = str(path.resolve())
                return values
    raise CorruptStoreError(f"{path.name} {wrong}")


def _opener(path: str, _flags: int) -> int:
    return open_to_read(path)


def _raise_limit() -> bool:
    """Raise the limit of open files of this process, and return whether it was raised."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_FILES)
    if soft == resource.RLIM_INFINITY or soft >= limit:
        return False
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (ValueError, OSError):
        return False
    logger.info("raised the limit of open files of this process from %d to %d", soft, limit)
    return True


def checksum(values: Array) -> str:
    """Return the text of `ArrayRecord.checksum` for the values of an array."""
    return crc_text(crc_of(values))


def header_of(record: ArrayRecord) -> bytes:
    """Return the bytes before the values of an array."""
    return npy_header(record.dtype, record.shape) if record.has_header else b""


def npy_header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    """Return a ``.npy`` header whose size does not depend on the number of rows.

    Not the header of NumPy, since headers are compared byte by byte, and NumPy may change its own.
    """
    text = f"{{'descr': {_descr(dtype)!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    room = 20 - len(str(shape[0])) if shape else 20
    length = -(-(10 + len(text) + room + 1) // 64) * 64 - 10
    if length > _MAX_HEADER:
        raise ValueError("np.load refuses headers of this length")
    return (
        b"\x93NUMPY\x01\x00"
        + length.to_bytes(2, "little")
        + (text.ljust(length - 1) + "\n").encode("latin1")
    )


def _descr(dtype: np.dtype[Any]) -> Any:
    """Return a dtype as a ``.npy`` header describes it: a string, or a list of fields."""
    return dtype.str if dtype.names is None else dtype.descr


def _check_state(file: FileIO, expected: tuple[int, int, int] | None) -> None:
    if expected is not None and _state(file) != expected:
        raise OSError(errno.EIO, "another process removed or altered the file")


def _state(file: FileIO) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino, status.st_size


def _write_all(file: FileIO, data: bytes | memoryview) -> None:
    """Write all of `data`. A nearly full disk takes a part before it refuses."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]


def _empty_map(record: ArrayRecord) -> np.memmap[Any, Any]:
    """Return an empty array as an `np.memmap`, which cannot map an empty file."""
    values = np.empty(record.shape, record.dtype).view(np.memmap)
    values.flags.writeable = False
    return values
