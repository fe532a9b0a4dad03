"""The folder of unfinished arrays in a store, with a journal of the finished parts.

A conversion that is killed or fails leaves this folder, and the next conversion continues there. A
process that holds the lock of the store may delete the folder: then the next one starts over.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import final

from memmpy.errors import MemmpyError, ReadOnlyStoreError
from memmpy.store.checksums import crc_of
from memmpy.store.file_names import UNFINISHED
from memmpy.store.safe_open import (
    is_real_folder,
    open_to_write,
    read_document,
    remove_folder,
    translate_os_errors,
)

__all__ = ["Unfinished"]

_JOURNAL = "journal.jsonl"
#: Names of arrays, of parts of tasks and of their rests, of temporary files, and of the journal.
_NAMES = re.compile(r"[0-9a-f]{16}\.(npy|part)(\.[0-9a-f]{16}){0,2}(\.tmp)?|journal\.jsonl")
#: Size limit of a journal. A larger one is ignored, and the input files are read again.
_MAX_BYTES = 2**31


@final
class Unfinished:
    """The folder ``unfinished`` of a store, with one file for each array or part.

    Parameters
    ----------
    directory : Path
        The store.
    """

    def __init__(self, directory: Path) -> None:
        self.directory: Path = directory.absolute() / UNFINISHED
        self._journal: FileIO | None = None

    def create(self) -> None:
        """Create the folder unless it exists."""
        with translate_os_errors(f"to {str(self.directory)!r}"):
            self.directory.mkdir(exist_ok=True)
        if not is_real_folder(self.directory):
            message = (
                f"{str(self.directory)!r} is a link, and memmpy deletes files in this folder; "
            )
            raise ReadOnlyStoreError(message + "remove the link and run again")

    def file(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return str(self.directory / name)

    def note(self, line: bytes) -> None:
        """Add a line to the journal, with its checksum."""
        # The newline in front ends a line that a killed process left incomplete.
        data = b"\n%08x %b\n" % (crc_of(line), line)
        journal = self.directory / _JOURNAL
        with translate_os_errors(f"to {str(journal)!r}"):
            if self._journal is None:
                file = open_to_write(journal, os.O_CREAT | os.O_APPEND)
                self._journal = FileIO(file, "a")
            self._journal.write(data)

    def notes(self) -> Iterator[bytes]:
        """Yield the lines of the journal whose checksum is right."""
        try:
            text, _ = read_document(self.directory / _JOURNAL, max_bytes=_MAX_BYTES)
        except (MemmpyError, OSError):
            return
        for line in text.split(b"\n"):
            checksum, _, noted = line.partition(b" ")
            if checksum == b"%08x" % crc_of(noted):
                yield noted

    def remove(self, file: str) -> None:
        """Remove a file of the folder if it exists."""
        with suppress(OSError):
            os.unlink(file)  # noqa: PTH108 - one of many thousands

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            with suppress(OSError):  # all lines are written already
                self._journal.close()
            self._journal = None

    def clear(self) -> None:
        """Remove the folder with all its files, unless it is a link."""
        self.close()
        remove_folder(self.directory, _NAMES)

    def is_empty(self) -> bool:
        """Return whether the journal has no lines."""
        return next(self.notes(), None) is None
