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

from memmpy.cuts.document import Document, decode, encode, is_older
from memmpy.cuts.language import LANGUAGE
from memmpy.errors import CorruptStoreError
from memmpy.store import (
    CUTS,
    ArrayRecord,
    ArrayWriter,
    ColumnRecord,
    Metadata,
    Problem,
    array_problem,
    aside_suffix,
    checksum,
    is_own_folder,
    map_array,
    read_document,
    read_metadata,
    remove_files,
    write_atomically,
)
from memmpy.typing import Array, Entries

__all__ = [
    "CachedCut",
    "CutRecord",
    "Found",
    "Selection",
    "leftover_cuts",
    "list_cuts",
    "verify_cuts",
]

#: The int64 entries that pass, ascending.
Selection: TypeAlias = np.memmap[Any, np.dtype[np.int64]]

_INT64 = np.dtype("<i8")
#: Seconds after which nobody is writing a file any more.
_LEFTOVER_AGE = 3600.0
#: Bytes of the document of a cached cut, at most.
_MAX_BYTES = 2**24
#: Entries that are compared at a time.
_BLOCK = 2**20
#: What `CachedCut` names its files, and what it writes aside.
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
            document = _read(self._file(".json"))
            if document.cut != self.normal or document.columns != dict(self.columns):
                return None
            record = ArrayRecord(self._file(".npy").name, _INT64, (document.num_passing,))
            selection = map_array(self._folder, record, key=self.normal)
            is_whole = checksum(selection) == document.entries_checksum
            if not is_whole or not _are_entries(selection, num_entries):
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
        aside = self._file(f".{aside_suffix()}")
        try:
            # What a loss of power takes has another checksum, and is computed again.
            writer = ArrayWriter(aside, _INT64, (), self.normal, durable=False)
            notes = frozenset[str]()
            for piece in pieces:
                writer.extend(piece.entries)
                notes |= piece.notes
            record = writer.finish()
            aside.replace(self._file(".npy"))
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
        write_atomically(self._file(".json"), encode(document), durable=False)
        record = structs.replace(record, file=self._file(".npy").name)
        return Found(map_array(self._folder, record, key=self.normal), notes)

    @property
    def _folder(self) -> Path:
        return self.directory / CUTS

    def _file(self, suffix: str) -> Path:
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
    if not is_own_folder(folder):
        return []
    names = {file.name for file in folder.iterdir() if _NAME.fullmatch(file.name)}
    left = [
        folder / name
        for name in sorted(names)
        if name.endswith(".tmp")
        or (name.endswith(".npy") and f"{name.removesuffix('.npy')}.json" not in names)
    ]
    return [file for file in left if _age(file) > age]


def verify_cuts(directory: Path, metadata: Metadata) -> list[Problem]:
    """Read the cached selections of a store, and return what is not as it was written.

    Parameters
    ----------
    directory : Path
        The store.
    metadata : Metadata
        What it knows of itself.
    """
    files = sorted((directory / CUTS).glob("*.json"))
    checked = [(f, _problem_of(f, directory, metadata)) for f in files if _NAME.fullmatch(f.name)]
    return [problem for _, problem in checked if problem is not None]


def _problem_of(file: Path, directory: Path, metadata: Metadata) -> Problem | None:
    """Return what is wrong with a cached selection."""
    name = f"{CUTS}/{file.name}"
    try:
        data, _ = read_document(file, max_bytes=_MAX_BYTES)
        if is_older(data):
            return None  # it is not used, and removed in time
        document = decode(data, path=str(file))
    except FileNotFoundError:
        return None  # another process has removed it
    except (OSError, ValueError) as error:
        return Problem("cut", name, f"it cannot be read: {error}")
    cached = CachedCut(directory, document.cut, document.columns)
    if document.language != LANGUAGE:
        return None
    if cached._file(".json").name != file.name:
        return Problem("cut", name, "it is of another cut than its name says")
    shape = (document.num_passing,)
    array = ArrayRecord(file.with_suffix(".npy").name, _INT64, shape, document.entries_checksum)
    nums = [c.num_entries for key in cached.columns if (c := metadata.columns.get(key)) is not None]
    last = np.array([min(nums, default=2**63 - 1)])

    def look(entries: Array) -> str | None:
        falls = np.any(entries[:-1] >= entries[1:]) or entries[0] < 0 or entries[-1] >= last
        return "it has entries that no cut of this store can give" if falls else None

    message = array_problem(file.parent, array, look=look)
    if message is None:
        return None
    return Problem(f"cut {document.expression}", f"{CUTS}/{array.file}", message)


@functools.lru_cache(maxsize=64)
def _prune(directory: Path, _generation: int) -> None:
    """Remove selections of columns written again since, and what killed processes left.

    Once for each generation of a store: a cut takes no longer where many are cached.
    """
    folder = directory / CUTS
    if not is_own_folder(folder):
        return
    current = _current(read_metadata(directory))
    old = []
    for file in folder.iterdir():
        if file.suffix == ".json" and _NAME.fullmatch(file.name):
            with contextlib.suppress(OSError):
                if _is_outdated(file, current):
                    old += [file.name, file.with_suffix(".npy").name]
    remove_files(folder, [*old, *(file.name for file in leftover_cuts(directory))])


@dataclass(frozen=True, slots=True)
class CutRecord:
    """A cached selection, as a store lists it.

    Attributes
    ----------
    expression : str
        The cut as the user wrote it when it was computed.
    cut : str
        Its normal form, with aliases and constants put in: what it is found by.
    keys : tuple of str
        The columns it uses; all of the store for a constant.
    num_passing : int
        How many entries pass.
    num_bytes : int
        What it takes on disk.
    is_current : bool
        Whether it is still used: not where a column was written again, or its file is damaged. The
        next selection that is kept in the store removes those of columns written again.
    """

    expression: str
    cut: str
    keys: tuple[str, ...]
    num_passing: int
    num_bytes: int
    is_current: bool


def list_cuts(directory: Path, metadata: Metadata) -> list[CutRecord]:
    """Return the selections that are cached in a store, by expression; what is no such is left out.

    Parameters
    ----------
    directory : Path
        The store.
    metadata : Metadata
        What it knows of itself.
    """
    current = _current(metadata)
    files = (directory / CUTS).glob("*.json")
    records = [_record(file, directory, current) for file in files if _NAME.fullmatch(file.name)]
    found = [record for record in records if record is not None]
    return sorted(found, key=lambda record: (record.expression, record.cut, not record.is_current))


def _record(file: Path, directory: Path, current: Mapping[str, ColumnRecord]) -> CutRecord | None:
    try:
        document = _read(file)
        num_bytes = file.stat().st_size
    except (OSError, ValueError):
        return None
    cached = CachedCut(directory, document.cut, document.columns)
    # Only a file that is named after what it holds is ever looked for.
    if cached._file(".json").name != file.name:
        return None
    selection = file.with_suffix(".npy")
    is_current = _are_current(cached.columns, current)
    try:
        num_bytes += selection.stat().st_size
        map_array(
            selection.parent,
            ArrayRecord(selection.name, _INT64, (document.num_passing,)),
            key=file.name,
        )
    except (OSError, ValueError):
        is_current = False
    return CutRecord(
        expression=document.expression,
        cut=document.cut,
        keys=tuple(sorted(document.columns)),
        num_passing=document.num_passing,
        num_bytes=num_bytes,
        is_current=is_current,
    )


def _read(file: Path) -> Document:
    data, _ = read_document(file, max_bytes=_MAX_BYTES)
    return decode(data, path=str(file))


def _is_outdated(file: Path, current: Mapping[str, ColumnRecord]) -> bool:
    """Say whether no cut is found by a document any more."""
    try:
        document = _read(file)
    except CorruptStoreError:  # damaged, or of another version
        return True
    return document.language != LANGUAGE or not _are_current(document.columns, current)


def _are_entries(selection: Entries, num_entries: int) -> bool:
    """Say whether entries ascend, and all are of the store."""
    if len(selection) == 0:
        return True
    starts = range(0, len(selection), _BLOCK)
    steps = (selection[start : start + _BLOCK + 1] for start in starts)
    is_inside = selection[0] >= 0 and selection[-1] < num_entries
    return bool(is_inside) and all(bool(np.all(step[:-1] < step[1:])) for step in steps)


def _age(file: Path) -> float:
    try:
        return time.time() - file.lstat().st_mtime
    except OSError:
        return 0.0


def _current(metadata: Metadata) -> dict[str, ColumnRecord]:
    """Return the columns that are not stale."""
    return {key: metadata.columns[key] for key in metadata.current_keys()}


def _are_current(columns: Mapping[str, str], current: Mapping[str, ColumnRecord]) -> bool:
    """Whether columns still have these fingerprints, and none of them is stale."""
    return all(k in current and current[k].fingerprint == f for k, f in columns.items())


def _without_picture(note: str) -> str:
    return "\n".join(line for line in note.splitlines() if not line.startswith("  "))
