"""Parts: files of arrays one after the other, beside the store, until it is known where they go."""

from collections.abc import Iterator
from contextlib import contextmanager

from memmpy.conversion.running.read_tasks import Span
from memmpy.errors import CorruptStoreError, MemmpyError
from memmpy.store import PartWriter
from memmpy.typing import Array

__all__ = ["append", "rereading"]


def append(part: PartWriter, rows: Array) -> Span:
    """Write an array behind the others of a part, and return where it will lie."""
    start, num_bytes, crc = part.append(rows)
    return Span(part.path, start, len(rows), num_bytes, crc)


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
