"""Parts: files of arrays one after the other, beside the store, until it is known where they go."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import final

from memmpy.conversion.tasks import Span
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.store import aside_suffix, bytes_of, crc_of, refusals
from memmpy.typing import Array

__all__ = ["PartWriter", "rereading"]


@final
class PartWriter:
    """A part, made when its first array comes.

    Who else does the same task writes a file of another name, and both rename to one.

    Parameters
    ----------
    path : str
        The file that it becomes.
    """

    def __init__(self, path: str) -> None:
        self._path, self._size = path, 0
        self._aside = f"{path}.{aside_suffix()}"
        self._what = f"to {self._aside!r}"
        self._file: FileIO | None = None

    def append(self, rows: Array) -> Span:
        """Write an array behind the others, and return where it will lie."""
        left = data = bytes_of(rows)
        with refusals(self._what):
            if self._file is None:
                self._file = FileIO(self._aside, "w")
            while left:
                left = left[self._file.write(left) :]
        span = Span(self._path, self._size, len(rows), len(data), crc_of(data))
        self._size += len(data)
        return span

    def finish(self, *, is_durable: bool) -> None:
        """Give the file its name; durable, it waits for the disk."""
        if self._file is None:
            return
        with refusals(self._what):
            if is_durable:
                os.fsync(self._file.fileno())
            self._file.close()
            Path(self._aside).replace(self._path)
        self._file = None

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()
            Path(self._aside).unlink(missing_ok=True)


@contextmanager
def rereading(key: str) -> Iterator[None]:
    """Say what it means that something that was made of a column cannot be read again."""
    try:
        yield
    except MemmpyError:
        raise
    except (OSError, EOFError) as error:
        message = f"what was made of {key!r} cannot be read again: {error}"
        raise CorruptStoreError(f"{message}; run again") from error
