"""Lists the cached selections of a store, and verifies them."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final, overload

from memmpy.cuts.cache import (
    CachedCut,
    cut_documents,
    is_selection,
    read_cut_document,
)
from memmpy.cuts.language import LANGUAGE
from memmpy.display import Renderable, Table, format_count, format_size
from memmpy.errors import argument_hints
from memmpy.store import (
    CUTS,
    ColumnRecord,
    Metadata,
    Problem,
    are_unchanged,
    array_problem,
    map_array,
)
from memmpy.typing import Array

__all__ = ["CutRecord", "Cuts", "list_cuts", "verify_cuts"]


@argument_hints
@dataclass(frozen=True, slots=True)
class CutRecord:
    """A cached selection, as a store lists it.

    Attributes
    ----------
    expression : str
        The cut as the user wrote it when it was computed.
    cut : str
        Its normal form, with aliases and constants put in, by which the cache finds it.
    keys : tuple of str
        The columns it uses; all of the store for a constant.
    num_passing : int
        Entries that pass.
    num_bytes : int
        Bytes on disk.
    is_current : bool
        Whether it is still used. It is not if a column was written again, or its file is damaged.
        The next cut that is cached removes the selections of columns written again.
    """

    expression: str
    cut: str
    keys: tuple[str, ...]
    num_passing: int
    num_bytes: int
    is_current: bool


@argument_hints
@final
class Cuts(Renderable, Sequence[CutRecord]):
    """The selections cached in a store, by expression; prints as a table.

    Parameters
    ----------
    records : sequence of CutRecord
        The cached selections.
    """

    __slots__ = ("_records",)

    def __init__(self, records: Sequence[CutRecord]) -> None:
        self._records = tuple(records)

    @property
    def num_bytes(self) -> int:
        """Bytes on disk of all of them."""
        return sum(record.num_bytes for record in self._records)

    def __len__(self) -> int:
        return len(self._records)

    @overload
    def __getitem__(self, index: int) -> CutRecord: ...
    @overload
    def __getitem__(self, index: slice) -> "Cuts": ...
    def __getitem__(self, index: int | slice) -> "CutRecord | Cuts":
        if isinstance(index, slice):
            return Cuts(self._records[index])
        return self._records[index]

    def to_dict(self) -> dict[str, Any]:
        """Return the selections as plain values, for JSON."""
        return {"cuts": [dataclasses.asdict(record) for record in self._records]}

    def _blocks(self) -> list[str | Table]:
        if not self._records:
            return ["no cached cuts"]
        rows = [
            (
                record.expression,
                ", ".join(record.keys),
                "current" if record.is_current else "outdated",
                f"{record.num_passing:,}",
                format_size(record.num_bytes),
            )
            for record in self._records
        ]
        headings = ("cut", "columns", "state", "entries", "size")
        caption = f"{format_count(len(self), 'cached cut')}, {format_size(self.num_bytes)}"
        return [Table(headings, 3, [rows], caption)]


def list_cuts(directory: Path, metadata: Metadata) -> list[CutRecord]:
    """Return the cached selections of a store by expression; files that are none are left out.

    Parameters
    ----------
    directory : Path
        The store.
    metadata : Metadata
        Its metadata.
    """
    current = metadata.current_columns()
    records = [_record(file, directory, current) for file in cut_documents(directory)]
    readable = [record for record in records if record is not None]
    return sorted(readable, key=lambda one: (one.expression, one.cut, not one.is_current))


def _record(file: Path, directory: Path, current: Mapping[str, ColumnRecord]) -> CutRecord | None:
    try:
        document = read_cut_document(file)
        num_bytes = file.stat().st_size
    except (OSError, ValueError):
        return None
    if document is None:
        return None
    cached = CachedCut(directory, document.cut, document.columns)
    if cached.file(".json").name != file.name:
        return None
    selection = file.with_suffix(".npy")
    is_current = are_unchanged(cached.columns, current)
    try:
        num_bytes += selection.stat().st_size
        map_array(selection.parent, document.array(selection.name), key=file.name)
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


def verify_cuts(directory: Path, metadata: Metadata) -> list[Problem]:
    """Read the cached selections of a store, and return their problems.

    Parameters
    ----------
    directory : Path
        The store.
    metadata : Metadata
        Its metadata.
    """
    problems = (_problem_of(file, directory, metadata) for file in cut_documents(directory))
    return [problem for problem in problems if problem is not None]


def _problem_of(file: Path, directory: Path, metadata: Metadata) -> Problem | None:
    """Return the problem of a cached selection, if any."""
    name = f"{CUTS}/{file.name}"
    try:
        document = read_cut_document(file)
    except FileNotFoundError:
        return None  # another process has removed it
    except (OSError, ValueError) as error:
        return Problem("cut", name, f"it cannot be read: {error}")
    if document is None or document.language != LANGUAGE:
        return None  # an older memmpy wrote it: it is not used
    cached = CachedCut(directory, document.cut, document.columns)
    if cached.file(".json").name != file.name:
        return Problem("cut", name, "it describes another cut than its name says")
    array = document.array(file.with_suffix(".npy").name)
    # A column that was written again since may have another length: it limits nothing.
    columns = metadata.columns.items()
    nums = [c.num_entries for k, c in columns if document.columns.get(k) == c.fingerprint]
    num_entries = min(nums, default=2**63 - 1)

    def look(entries: Array) -> str | None:
        is_right = is_selection(entries, num_entries)
        return None if is_right else "it has entries that no cut of this store can give"

    message = array_problem(file.parent, array, look=look)
    if message is None or not file.exists():  # another process has removed it
        return None
    return Problem(f"cut {document.expression}", f"{CUTS}/{array.file}", message)
