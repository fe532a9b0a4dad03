"""Whatever goes wrong inside a reader, said in the user's words."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

from memmpy.errors import InputFileError, MemmpyError

__all__ = ["check_magic", "said_of"]


@contextmanager
def said_of(what: str, failure: str) -> Iterator[None]:
    """Turn whatever a reader raises into an error that names the file."""
    try:
        yield
    except MemmpyError:
        raise
    except MemoryError as error:
        raise MemoryError(f"not enough memory for {what!r}; give a smaller step_bytes") from error
    except Exception as error:
        first = str(error).strip().partition("\n")[0]
        message = f"{what!r} {failure}: {first or type(error).__name__}"
        raise InputFileError(message) from error


def check_magic(stream: BinaryIO, magic: bytes, *, path: str, format: str) -> None:
    """Raise an `InputFileError` if a file does not begin as files of its format do."""
    if not stream.seek(0, os.SEEK_END):
        raise InputFileError(f"{path!r} is empty, not a file in {format}")
    stream.seek(0)
    start = stream.read(len(magic))
    if start != magic:
        message = f"{path!r} is not a file in {format}: it begins with {start!r}, not {magic!r}"
        raise InputFileError(message)
