"""Parts: files of arrays one after the other, beside the store, until it is known where they go."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import final

from memmpy.conversion.tasks import Span
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.store import PartWriter as FileWriter
from memmpy.typing import Array

__all__ = ["PartWriter", "rereading"]


@final
class PartWriter:
    """A part whose arrays are found again by their `Span`; see `memmpy.store.PartWriter`.

    Parameters
    ----------
    path : str
        The file that it becomes.
    """

    def __init__(self, path: str) -> None:
        self._path, self._file = path, FileWriter(path)

    def append(self, rows: Array) -> Span:
        """Write an array behind the others, and return where it will lie."""
        start, num_bytes, crc = self._file.append(rows)
        return Span(self._path, start, len(rows), num_bytes, crc)

    def finish(self, *, is_durable: bool) -> None:
        """Give the file its name; durable, it waits for the disk."""
        self._file.finish(is_durable=is_durable)

    def __enter__(self) -> "PartWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.__exit__(kind, error, traceback)


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
