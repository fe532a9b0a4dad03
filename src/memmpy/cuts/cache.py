"""Selections kept in a store beside its columns, each with what it was computed from."""

import contextlib
import functools
import hashlib
import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from msgspec import structs

from memmpy.cuts.cut_document import ENTRY_DTYPE, Document, decode, encode, is_older
from memmpy.cuts.language import LANGUAGE
from memmpy.errors import CorruptStoreError
from memmpy.store import (
    CUTS,
    ArrayWriter,
    ColumnRecord,
    checksum,
    is_real_folder,
    map_array,
    read_document,
    read_errors,
    read_metadata,
    remove_files,
    temp_suffix,
    write_atomically,
)
from memmpy.typing import Entries

__all__ = [
    "CachedCut",
    "Found",
    "Selection",
    "are_current",
    "are_entries",
    "cut_documents",
    "leftover_cuts",
    "read_cut_document",
]

#: The int64 entries that pass, ascending.
Selection: TypeAlias = np.memmap[Any, np.dtype[np.int64]]

#: Seconds after which no process still writes a file.
_LEFTOVER_AGE = 3600.0
#: Bytes of the document of a cached cut, at most.
_MAX_BYTES = 2**24
#: Entries that are compared at a time.
_BLOCK = 2**16
#: Names of the files of a `CachedCut`, and of the temporary ones.
_NAME = re.compile(r"[0-9a-f]{32}(\.json|\.npy|(\.json)?\.[0-9a-f.]+\.tmp)")


@dataclass(frozen=True, slots=True)
class Found:
    """Entries that pass a cut: all, or those of one step.

    Attributes
    ----------
    entries : int64 array
        Ascending; a `Selection` where it is all of them and kept.
    notes : frozenset of str
        What the user should be warned of.
    """

    entries: Entries
    notes: frozenset[str]


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

    def find(self, *, expression: str, num_entries: int) -> Found | None:
        """Return the selection, if it is there and whole; reads all of it.

        Its notes show the place only in the text for which they were made.

        Parameters
        ----------
        expression : str
            The cut as the user wrote it.
        num_entries : int
            How many entries the columns have, of which some pass.
        """
        try:
            document = read_cut_document(self.file(".json"))
            if (
                document is None
                or document.cut != self.normal
                or document.columns != dict(self.columns)
            ):
                return None
            record = document.array(self.file(".npy").name)
            selection = map_array(self._folder, record, key=self.normal)
            is_whole = checksum(selection) == record.checksum
            if not is_whole or not are_entries(selection, num_entries):
                return None
            notes = frozenset(document.notes)
            if document.expression != expression:
                notes = frozenset(map(_without_picture, notes))
            return Found(selection, notes)
        except (OSError, ValueError):
            return None

    def keep(self, pieces: Iterable[Found], *, expression: str, generation: int) -> Found:
        """Write the selection as its pieces come, and return it.

        Parameters
        ----------
        pieces : iterable of Found
            What passes, step by step.
        expression : str
            The cut as the user wrote it.
        generation : int
            Of the store. When it has changed, older selections are looked at.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._folder.mkdir(exist_ok=True)
        _prune(self.directory.absolute(), generation)
        aside = self.file(f".{temp_suffix()}")
        try:
            # What a loss of power takes has another checksum, and is computed again.
            writer = ArrayWriter(aside, ENTRY_DTYPE, (), self.normal, durable=False)
            notes = frozenset[str]()
            for piece in pieces:
                writer.extend(piece.entries)
                notes |= piece.notes
            record = writer.finish()
            aside.replace(self.file(".npy"))
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        assert record.checksum is not None
        document = Document(
            expression=expression,
            cut=self.normal,
            language=LANGUAGE,
            columns=dict(self.columns),
            notes=tuple(sorted(notes)),
            num_passing=record.shape[0],
            entries_checksum=record.checksum,
        )
        write_atomically(self.file(".json"), encode(document), durable=False)
        record = structs.replace(record, file=self.file(".npy").name)
        return Found(map_array(self._folder, record, key=self.normal), notes)

    @property
    def _folder(self) -> Path:
        return self.directory / CUTS

    def file(self, suffix: str) -> Path:
        """Return one of its files. No file of another name is ever looked for."""
        text = json.dumps([LANGUAGE, self.normal, dict(self.columns)], sort_keys=True)
        return self._folder / (hashlib.sha256(text.encode()).hexdigest()[:32] + suffix)


def leftover_cuts(directory: Path, *, age: float = _LEFTOVER_AGE) -> list[Path]:
    """Return what killed processes left beside the selections of a store, some time ago.

    Parameters
    ----------
    directory : Path
        The store.
    age : float
        Seconds since a file was written.
    """
    folder = directory / CUTS
    if not is_real_folder(folder):
        return []
    names = {file.name for file in folder.iterdir() if _NAME.fullmatch(file.name)}
    left = [
        folder / name
        for name in sorted(names)
        if name.endswith(".tmp")
        or (name.endswith(".npy") and f"{name.removesuffix('.npy')}.json" not in names)
    ]
    return [file for file in left if _age(file) > age]


def cut_documents(directory: Path) -> list[Path]:
    """Return the documents of the cached cuts of a store."""
    folder = directory / CUTS
    try:
        with read_errors(folder):
            files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for file in files if _NAME.fullmatch(file.name)]


def read_cut_document(file: Path) -> Document | None:
    """Return the document of a cached cut; None for one without a version, of an older memmpy.

    Raises
    ------
    CorruptStoreError
        If it is damaged, or of a newer memmpy.
    OSError
        If it cannot be read.
    """
    data, _ = read_document(file, max_bytes=_MAX_BYTES)
    return None if is_older(data) else decode(data, path=str(file))


def are_current(columns: Mapping[str, str], current: Mapping[str, ColumnRecord]) -> bool:
    """Say whether columns still have these fingerprints, and none of them is stale."""
    return all(k in current and current[k].fingerprint == f for k, f in columns.items())


@functools.lru_cache(maxsize=64)
def _prune(directory: Path, _generation: int) -> None:
    """Remove selections of columns written again since, and what killed processes left.

    Once for each generation of a store: a cut takes no longer where many are cached.
    """
    folder = directory / CUTS
    if not is_real_folder(folder):
        return
    metadata = read_metadata(directory)
    current, old = {key: metadata.columns[key] for key in metadata.current_keys()}, []
    for file in cut_documents(directory):
        with contextlib.suppress(OSError):
            if _is_outdated(file, current):
                old += [file.name, file.with_suffix(".npy").name]
    remove_files(folder, [*old, *(file.name for file in leftover_cuts(directory))])


def _is_outdated(file: Path, current: Mapping[str, ColumnRecord]) -> bool:
    """Say whether no cut uses the selection of a document any more."""
    try:
        document = read_cut_document(file)
    except CorruptStoreError:
        return True
    if document is None or document.language != LANGUAGE:
        return True
    return not are_current(document.columns, current)


def are_entries(selection: Entries, num_entries: int) -> bool:
    """Say whether entries ascend, and all are of the store."""
    if len(selection) == 0:
        return True
    entries = np.asarray(selection)  # slices of it are no maps
    steps = (entries[start : start + _BLOCK + 1] for start in range(0, len(entries), _BLOCK))
    is_inside = entries[0] >= 0 and entries[-1] < num_entries
    return bool(is_inside) and all(bool(np.all(step[:-1] < step[1:])) for step in steps)


def _age(file: Path) -> float:
    try:
        return time.time() - file.lstat().st_mtime
    except OSError:
        return 0.0


def _without_picture(note: str) -> str:
    return "\n".join(line for line in note.splitlines() if not line.startswith("  "))
