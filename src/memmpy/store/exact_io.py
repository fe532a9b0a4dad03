"""Reads and writes exactly N bytes: the OS may transfer fewer in one call."""

import os
from pathlib import Path
from types import TracebackType
from typing import final

from memmpy.store.checksums import bytes_of, crc_of
from memmpy.store.file_names import temp_suffix
from memmpy.store.safe_open import create_file, translate_os_errors
from memmpy.typing import Array

__all__ = ["PartWriter", "early_end", "read_exactly", "write_exactly"]

#: Bytes of one call. For more, Linux uses larger pages, which take longer to find and to clear: a
#: tenth longer for arrays of 20 MiB.
_WRITTEN_BYTES = 2**20


def write_exactly(file: int, data: memoryview, *, at: int) -> None:
    """Write all of `data` at an offset. A nearly full disk takes a part before it refuses."""
    while data:
        num = os.pwrite(file, data[:_WRITTEN_BYTES], at)
        data, at = data[num:], at + num


def read_exactly(file: int, out: memoryview, *, at: int) -> None:
    """Fill all of `out` with the bytes of an open file at an offset.

    Raises
    ------
    EOFError
        If the file ends too early.
    """
    while out:  # one call reads at most 2 GiB
        num = os.preadv(file, [out], at)
        if num == 0:
            raise early_end(len(out))
        out, at = out[num:], at + num


def early_end(num_bytes: int) -> EOFError:
    """Return the error for a file that is too short by this number of bytes."""
    return EOFError(f"the file ends {num_bytes} bytes too early")


@final
class PartWriter:
    """Writes arrays one after the other into a file that appears, whole, at the end.

    The temporary file is created with the first array. If another worker repeats the task, it has a
    temporary file of its own, and both rename to the same name.

    Parameters
    ----------
    path : str
        The final name of the file.
    """

    def __init__(self, path: str) -> None:
        #: The final name of the file.
        self.path = path
        self._size = 0
        self._temporary = f"{path}.{temp_suffix()}"
        self._what = f"to {self._temporary!r}"
        self._file: int | None = None

    def append(self, rows: Array) -> tuple[int, int, int]:
        """Write an array after the others.

        Returns
        -------
        start, num_bytes, crc : int
            Offset of the array in the file, its bytes, and their CRC-32.
        """
        data, start = bytes_of(rows), self._size
        with translate_os_errors(self._what):
            if self._file is None:
                self._file = create_file(self._temporary)
            write_exactly(self._file, data, at=start)
        self._size += len(data)
        return start, len(data), crc_of(data)

    def finish(self, *, is_durable: bool) -> None:
        """Give the file its final name; if `is_durable`, wait for the disk first."""
        if self._file is None:
            return
        with translate_os_errors(self._what):
            if is_durable:
                os.fsync(self._file)
            file, self._file = self._file, None
            try:
                os.close(file)
                Path(self._temporary).replace(self.path)
            except BaseException:
                Path(self._temporary).unlink(missing_ok=True)
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
            Path(self._temporary).unlink(missing_ok=True)
