"""Bytes written and read to the last one: the system may do a part of what it is asked for."""

import os
from pathlib import Path
from types import TracebackType
from typing import final

from memmpy.store.checksums import bytes_of, crc_of
from memmpy.store.file_names import aside_suffix
from memmpy.store.safe_open import create_file, translate_os_errors
from memmpy.typing import Array

__all__ = ["PartWriter", "read_exactly", "too_short", "write_exactly"]


def write_exactly(file: int, data: memoryview, *, at: int) -> None:
    """Write all of it from a byte on: a disk that is nearly full takes a part before it refuses."""
    while data:
        num = os.pwrite(file, data, at)
        data, at = data[num:], at + num


def read_exactly(file: int, out: memoryview, *, at: int) -> None:
    """Fill all of it with the bytes of an open file, from one on.

    Raises
    ------
    EOFError
        If the file ends too early.
    """
    while out:  # one call gives no more than 2 GiB
        num = os.preadv(file, [out], at)
        if num == 0:
            raise too_short(len(out))
        out, at = out[num:], at + num


def too_short(num_bytes: int) -> EOFError:
    """Return the error for a file that lacks so many bytes."""
    return EOFError(f"the file ends {num_bytes} bytes too early")


@final
class PartWriter:
    """A file of arrays one after the other, made when the first of them comes.

    It appears whole, under its name, when it is finished. Who else does the same task, on this or
    on another machine, writes a file of another name, and both rename to one.

    Parameters
    ----------
    path : str
        The file that it becomes.
    """

    def __init__(self, path: str) -> None:
        #: The file that it becomes.
        self.path = path
        self._size = 0
        self._aside = f"{path}.{aside_suffix()}"
        self._what = f"to {self._aside!r}"
        self._file: int | None = None

    def append(self, rows: Array) -> tuple[int, int, int]:
        """Write an array behind the others.

        Returns
        -------
        start, num_bytes, crc : int
            Where it begins in the file, how many bytes it has, and their CRC-32.
        """
        data, start = bytes_of(rows), self._size
        with translate_os_errors(self._what):
            if self._file is None:
                self._file = create_file(self._aside)
            write_exactly(self._file, data, at=start)
        self._size += len(data)
        return start, len(data), crc_of(data)

    def finish(self, *, is_durable: bool) -> None:
        """Give the file its name; durable, it waits for the disk."""
        if self._file is None:
            return
        with translate_os_errors(self._what):
            if is_durable:
                os.fsync(self._file)
            file, self._file = self._file, None
            try:
                os.close(file)
                Path(self._aside).replace(self.path)
            except BaseException:
                Path(self._aside).unlink(missing_ok=True)
                raise

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
            Path(self._aside).unlink(missing_ok=True)
