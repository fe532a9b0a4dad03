"""Selections kept in a store beside its columns, each with what it was computed from."""

import contextlib
import dataclasses
import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.errors import CorruptStoreError
from memmpy.store import (
    CUTS,
    ArrayRecord,
    ArrayWriter,
    checksum,
    map_array,
    read_metadata,
    write_atomically,
)
from memmpy.typing import Entries

__all__ = ["CachedCut", "Selection"]

#: The int64 entries that pass, ascending.
Selection: TypeAlias = np.memmap[Any, np.dtype[np.int64]]

_INT64 = np.dtype("<i8")
#: Seconds after which nobody is writing a file any more.
_LEFTOVER_AGE = 3600.0


@dataclass(frozen=True, slots=True)
class CachedCut:
    """A place in a store for the selection of one cut on columns as they are now.

    Two processes that compute the same cut write the same bytes, and each file appears whole: no
    lock is needed.

    Parameters
    ----------
    directory : Path
        The store.
    normal : str
        The cut in its normal form, with aliases and constants put in.
    columns : mapping of key to fingerprint
        The columns it uses; a fingerprint changes when the column is written again.
    """

    directory: Path
    normal: str
    columns: Mapping[str, str]

    def find(self) -> Selection | None:
        """Return the selection, if it is there and whole; reads all of it."""
        try:
            document = json.loads(self._file(".json").read_text(encoding="utf-8"))
            if document["cut"] != self.normal or document["columns"] != dict(self.columns):
                return None
            record = ArrayRecord(self._file(".npy").name, _INT64, (document["num_passing"],))
            selection = map_array(self._folder, record, key=self.normal)
            return selection if checksum(selection) == document["checksum"] else None
        except (OSError, ValueError, KeyError, TypeError, CorruptStoreError):
            return None

    def keep(self, pieces: Iterable[Entries], expression: str) -> Selection:
        """Write the selection as its pieces come, and return it.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._folder.mkdir(exist_ok=True)
        self._prune()
        aside = self._file(f".{os.getpid()}.{threading.get_ident()}.tmp")
        try:
            writer = ArrayWriter(aside, _INT64, (), self.normal)
            for piece in pieces:
                writer.extend(piece)
            record = writer.finish()
            aside.replace(self._file(".npy"))
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        document = {
            "expression": expression,
            "cut": self.normal,
            "columns": dict(self.columns),
            "num_passing": record.shape[0],
            "checksum": record.checksum,
        }
        write_atomically(self._file(".json"), json.dumps(document, indent=1).encode())
        record = dataclasses.replace(record, file=self._file(".npy").name)
        return map_array(self._folder, record, key=self.normal)

    @property
    def _folder(self) -> Path:
        return self.directory / CUTS

    def _file(self, suffix: str) -> Path:
        text = json.dumps([self.normal, dict(self.columns)], sort_keys=True)
        return self._folder / (hashlib.sha256(text.encode()).hexdigest()[:32] + suffix)

    def _prune(self) -> None:
        """Remove selections of columns written again since, and what killed processes left."""
        columns = read_metadata(self.directory).columns
        for file in self._folder.glob("*.json"):
            with contextlib.suppress(OSError, ValueError, KeyError, AttributeError):
                used = json.loads(file.read_text(encoding="utf-8"))["columns"]
                if any(k not in columns or columns[k].fingerprint != f for k, f in used.items()):
                    file.unlink()
                    file.with_suffix(".npy").unlink(missing_ok=True)
        for file in self._folder.iterdir():
            is_left = file.suffix == ".tmp" or (
                file.suffix == ".npy" and not file.with_suffix(".json").exists()
            )
            with contextlib.suppress(OSError):
                if is_left and time.time() - file.stat().st_mtime > _LEFTOVER_AGE:
                    file.unlink()
