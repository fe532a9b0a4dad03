"""Selections cached in a store, each with the fingerprints of the columns that it depends on."""

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

from memmpy.cuts.cut_document import ENTRY_DTYPE, CutDocument, decode, encode, is_older
from memmpy.cuts.language import LANGUAGE
from memmpy.errors import CorruptStoreError, without_carets
from memmpy.store import (
    CUTS,
    ArrayWriter,
    ColumnRecord,
    are_unchanged,
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
    "CutResult",
    "Selection",
    "cut_documents",
    "is_selection",
    "leftover_cuts",
    "read_cut_document",
]

#: The int64 entries that pass, ascending.
Selection: TypeAlias = np.memmap[Any, np.dtype[np.int64]]

#: Seconds after which no process is still writing a file.
_LEFTOVER_AGE = 3600.0
#: Bytes of the document of a cached cut, at most.
_MAX_BYTES = 2**24
#: Entries that are compared at a time.
_BLOCK = 2**16
#: Names of the files of a `CachedCut`, and of the temporary ones.
_NAME = re.compile(r"[0-9a-f]{32}(\.json|\.npy|(\.json)?\.[0-9a-f.]+\.tmp)")


@dataclass(frozen=True, slots=True)
class CutResult:
    """The entries that pass a cut: all of them, or those of one step.

    Attributes
    ----------
    entries : int64 array
        Ascending; a `Selection` once they are cached.
    notes : frozenset of str
        Warnings for the user.
    """

    entries: Entries
    notes: frozenset[str]


@dataclass(frozen=True, slots=True)
class CachedCut:
    """The cached selection of one cut on the present columns of a store.

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

    def load(self, *, expression: str, num_entries: int) -> CutResult | None:
        """Return the selection if it is cached and undamaged; reads all of it.

        Notes show the place in the cut only if `expression` is the text that they were made for.

        Parameters
        ----------
        expression : str
            The cut as the user wrote it.
        num_entries : int
            Entries of the columns.
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
            if not is_whole or not is_selection(selection, num_entries):
                return None
            notes = frozenset(document.notes)
            if document.expression != expression:
                notes = frozenset(map(without_carets, notes))
            return CutResult(selection, notes)
        except (OSError, ValueError):
            return None

    def save(self, results: Iterable[CutResult], *, expression: str, generation: int) -> CutResult:
        """Write the selection step by step, and return it.

        Parameters
        ----------
        results : iterable of CutResult
            The result of each step, in order.
        expression : str
            The cut as the user wrote it.
        generation : int
            Generation of the store. A new one removes outdated selections.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        self._folder.mkdir(exist_ok=True)
        _prune(self.directory.absolute(), generation)
        aside = self.file(f".{temp_suffix()}")
        try:
            # If the power fails, the checksum will not match, and the cut is computed again.
            writer = ArrayWriter(aside, ENTRY_DTYPE, (), self.normal, durable=False)
            notes = frozenset[str]()
            for result in results:
                writer.extend(result.entries)
                notes |= result.notes
            record = writer.finish()
            aside.replace(self.file(".npy"))
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        assert record.checksum is not None
        document = CutDocument(
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
        return CutResult(map_array(self._folder, record, key=self.normal), notes)

    @property
    def _folder(self) -> Path:
        return self.directory / CUTS

    def file(self, suffix: str) -> Path:
        """Return the path of one of its files: the name is a hash of the cut and its columns."""
        text = json.dumps([LANGUAGE, self.normal, dict(self.columns)], sort_keys=True)
        return self._folder / (hashlib.sha256(text.encode()).hexdigest()[:32] + suffix)


def leftover_cuts(directory: Path, *, age: float = _LEFTOVER_AGE) -> list[Path]:
    """Return the files that killed processes left beside the selections of a store.

    Parameters
    ----------
    directory : Path
        The store.
    age : float
        Least age of a file, in seconds.
    """
    folder = directory / CUTS
    if not is_real_folder(folder):
        return []
    names = {file.name for file in folder.iterdir() if _NAME.fullmatch(file.name)}
    leftovers = [
        folder / name
        for name in sorted(names)
        if name.endswith(".tmp")
        or (name.endswith(".npy") and f"{name.removesuffix('.npy')}.json" not in names)
    ]
    return [file for file in leftovers if _age(file) > age]


def cut_documents(directory: Path) -> list[Path]:
    """Return the documents of the cached cuts of a store."""
    folder = directory / CUTS
    try:
        with read_errors(folder):
            files = sorted(file for file in folder.iterdir() if file.suffix == ".json")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [file for file in files if _NAME.fullmatch(file.name)]


def read_cut_document(file: Path) -> CutDocument | None:
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


@functools.lru_cache(maxsize=64)
def _prune(directory: Path, _generation: int) -> None:
    """Remove selections of columns that were written again, and leftover files.

    It runs once for each generation of a store, so that a cut is fast where many are cached.
    """
    folder = directory / CUTS
    if not is_real_folder(folder):
        return
    metadata = read_metadata(directory)
    current, old = metadata.current_columns(), []
    for file in cut_documents(directory):
        with contextlib.suppress(OSError):
            if _is_outdated(file, current):
                old += [file.name, file.with_suffix(".npy").name]
    remove_files(folder, [*old, *(file.name for file in leftover_cuts(directory))])


def _is_outdated(file: Path, current: Mapping[str, ColumnRecord]) -> bool:
    """Return whether the selection of a document can no longer be used."""
    try:
        document = read_cut_document(file)
    except CorruptStoreError:
        return True
    if document is None or document.language != LANGUAGE:
        return True
    return not are_unchanged(document.columns, current)


def is_selection(selection: Entries, num_entries: int) -> bool:
    """Return whether entries ascend and lie within the store."""
    if len(selection) == 0:
        return True
    entries = np.asarray(selection)  # its slices are plain arrays, not maps
    steps = (entries[start : start + _BLOCK + 1] for start in range(0, len(entries), _BLOCK))
    is_inside = entries[0] >= 0 and entries[-1] < num_entries
    return bool(is_inside) and all(bool(np.all(step[:-1] < step[1:])) for step in steps)


def _age(file: Path) -> float:
    try:
        return time.time() - file.lstat().st_mtime
    except OSError:
        return 0.0
