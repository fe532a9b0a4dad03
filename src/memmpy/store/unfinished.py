"""Unfinished arrays of a store, and a journal of the parts that are done.

A conversion that is killed or fails leaves them, and the next one continues there. Whoever holds
the lock of the store may delete them: then the next one starts over.
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
#: Arrays, parts, parts that are being written, and the journal.
_NAMES = re.compile(r"[0-9a-f]{16}\.(npy|part)(\.[0-9a-f]+\.tmp)?|journal\.jsonl")
#: Bytes of a journal, at most; a larger one is ignored, and the files are read again.
_MAX_BYTES = 2**31


@final
class Unfinished:
    """The folder of a store in which arrays are made, one array or part a file.

    Parameters
    ----------
    directory : Path
        The store's.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory.absolute() / UNFINISHED
        self._journal: FileIO | None = None

    def create(self) -> None:
        """Make the folder, unless it is there."""
        with translate_os_errors(f"to {str(self.directory)!r}"):
            self.directory.mkdir(exist_ok=True)
        if not is_real_folder(self.directory):
            message = f"{str(self.directory)!r} is a link, and memmpy removes its files there; "
            raise ReadOnlyStoreError(message + "remove the link and run again")

    def file(self, name: str) -> str:
        """Return the path of a file in it."""
        return str(self.directory / name)

    def note(self, line: bytes) -> None:
        """Add a line to the journal, with its checksum."""
        # What was cut off before it ends where the new line begins.
        data = b"\n%08x %b\n" % (crc_of(line), line)
        journal = self.directory / _JOURNAL
        with translate_os_errors(f"to {str(journal)!r}"):
            if self._journal is None:
                file = open_to_write(journal, os.O_CREAT | os.O_APPEND)
                self._journal = FileIO(file, "a")
            self._journal.write(data)

    def notes(self) -> Iterator[bytes]:
        """Yield the lines of the journal; one that is not as it was written means nothing."""
        try:
            text, _ = read_document(self.directory / _JOURNAL, max_bytes=_MAX_BYTES)
        except (MemmpyError, OSError):
            return
        for line in text.split(b"\n"):
            checksum, _, noted = line.partition(b" ")
            if checksum == b"%08x" % crc_of(noted):
                yield noted

    def remove(self, file: str) -> None:
        """Remove a file of it, if it is there."""
        with suppress(OSError):
            os.unlink(file)  # noqa: PTH108 - one of many thousands

    def close(self) -> None:
        """Close the journal."""
        if self._journal is not None:
            with suppress(OSError):  # each line has been written
                self._journal.close()
            self._journal = None

    def clear(self) -> None:
        """Remove it all; nothing where it is a link."""
        self.close()
        remove_folder(self.directory, _NAMES)

    def is_empty(self) -> bool:
        """Say whether nothing is noted in the journal."""
        return next(self.notes(), None) is None
