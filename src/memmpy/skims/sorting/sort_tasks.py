"""The tasks of a skim, and what comes of each: values that any process can be sent.

A task may be done by another process, and may be done twice: it writes the same bytes to the same
place.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import Snapshot, StoredColumn, open_column
from memmpy.errors import ColumnError, MissingFileError
from memmpy.kernels import Words
from memmpy.order import TicketsOf
from memmpy.skims.row_layout import Layout
from memmpy.skims.skim_request import SkimRequest
from memmpy.skims.sorting.runs import SortedPart
from memmpy.skims.sorting.sort_plan import Bound
from memmpy.skims.value_counts import Tally
from memmpy.splits import TicketRule, tickets_of
from memmpy.store import (
    ColumnRecord,
    Metadata,
    Origin,
    RandomAccessArray,
    SourceRecord,
    hash64,
    hash_text,
    storage_dtype,
)
from memmpy.typing import Entries

__all__ = [
    "ROWS",
    "TICKETS",
    "BucketTask",
    "ChunkTask",
    "Outcome",
    "SkimJob",
    "SortedChunk",
    "Task",
    "WrittenBucket",
    "needed",
]

ROWS, TICKETS = "rows", "tickets"
_UINT64, _INT64 = np.dtype("<u8"), np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class SkimJob:
    """What all tasks of a skim need.

    Parameters
    ----------
    store : Path
        The store.
    metadata : Metadata
        What the store knows of the columns that are used, and of its sources.
    layout : Layout
        What the skim consists of.
    rule : TicketRule
        What the tickets follow from.
    num_entries : int
        Number of entries of the store.
    selection : array of int64, str or None
        The entries of the skim, ascending; the ``.npy`` file that has them; None for all.
    directory : Path
        Where the skim is made.
    is_shared : bool
        Whether other machines write to it.
    """

    store: Path
    metadata: Metadata
    layout: Layout
    rule: TicketRule
    num_entries: int
    selection: Entries | str | None
    directory: Path
    is_shared: bool

    @property
    def arrays(self) -> dict[str, RandomAccessArray]:
        """The arrays of the skim, by name: rows, tickets, and the i-th content and offsets."""
        rows = self.layout.row
        try:
            stored = storage_dtype(rows, key=ROWS)
        except ColumnError:  # a header cannot say so many or such names
            stored = np.dtype((np.void, rows.itemsize))
        found = {ROWS: self._array(ROWS, stored, ()), TICKETS: self._array(TICKETS, _UINT64, ())}
        for i, one in enumerate(self.layout.lists):
            name = hash_text(hash64(one.name))
            found[f"content{i}"] = self._array(f"{name}.content", one.dtype, one.shape)
            found[f"offsets{i}"] = self._array(f"{name}.offsets", _INT64, ())
        return found

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> RandomAccessArray:
        return RandomAccessArray(
            str(self.directory / f"{name}.npy"), dtype, shape, name, is_shared=self.is_shared
        )

    def entries(self, start: int, stop: int) -> Entries:
        """Return entries of the skim before they are sorted."""
        if self.selection is None:
            return np.arange(start, stop)
        selection = self.selection
        if isinstance(selection, str):
            selection = np.load(selection, mmap_mode="r")
        return np.array(selection[start:stop], np.int64)

    def columns(self) -> dict[str, StoredColumn]:
        """Map the columns anew: what an older map has touched does not count as memory then."""
        records = self.metadata.columns
        try:
            return {key: open_column(self.store, key, column) for key, column in records.items()}
        except FileNotFoundError as error:
            missing = Path(error.filename or "").name
            message = f"{str(self.store)!r} has the file {missing!r} of a column no more"
            raise MissingFileError(message) from error

    def tickets(self, columns: Mapping[str, StoredColumn]) -> TicketsOf:
        """Return what gives the tickets of entries."""
        return tickets_of(
            Snapshot(self.store, self.metadata, columns),
            self.rule,
            num_entries=self.num_entries,
        )


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """Pack a chunk, sort it, and write it beside the skim, or as the skim if it is all of it.

    Parameters
    ----------
    job : SkimJob
        The skim.
    number : int
        Number of the chunk, counted from 0.
    start, stop : int
        Its place among the entries of the skim.
    span : int
        Entries of the store that are looked at with one map of the columns.
    stride : int
        One row in so many is a sample; 0 for a chunk that is all of the skim.
    """

    job: SkimJob
    number: int
    start: int
    stop: int
    span: int
    stride: int


@dataclass(frozen=True, slots=True)
class BucketTask:
    """Join what the chunks have of a bucket, and put it in its place.

    Parameters
    ----------
    job : SkimJob
        The skim.
    number : int
        Number of the bucket, counted from 0.
    parts : tuple of SortedPart
        All chunks.
    low, high : Bound or None
        Where it starts and stops; None for the start and the end of all.
    """

    job: SkimJob
    number: int
    parts: tuple[SortedPart, ...]
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class SortedChunk:
    """A chunk that lies beside the skim, sorted.

    Parameters
    ----------
    number : int
        Number of the chunk, counted from 0.
    part : SortedPart
        Where it lies.
    samples : uint64 array
        Some of its tickets.
    num_lost : mapping of (group, key) to int
        Number of values that the dtype of a group does not hold.
    tally : Tally
        What was counted of its values.
    """

    number: int
    part: SortedPart
    samples: Words
    num_lost: Mapping[tuple[str, str], int]
    tally: Tally


@dataclass(frozen=True, slots=True)
class WrittenBucket:
    """Rows of the skim that are in their place.

    Parameters
    ----------
    number : int
        Number of the bucket, counted from 0.
    num_rows : int
        How many rows it has.
    written : mapping of array to (number of its rows, CRC-32)
        What was written, of each array of the skim.
    num_lost : mapping of (group, key) to int
        As `SortedChunk` has it; empty where its chunks have counted.
    tally : Tally or None
        As `SortedChunk` has it; None where its chunks have counted.
    """

    number: int
    num_rows: int
    written: Mapping[str, tuple[int, int]]
    num_lost: Mapping[tuple[str, str], int]
    tally: Tally | None


Task: TypeAlias = ChunkTask | BucketTask
Outcome: TypeAlias = SortedChunk | WrittenBucket


def needed(metadata: Metadata, request: SkimRequest) -> Metadata:
    """Return what tasks need to know of a store: it may be sent to many of them."""
    assert request.rule is not None
    keys = dict.fromkeys([*request.stored_keys, *request.rule.keys])
    columns = {k: _small(metadata.columns[k]) for k in keys}
    sources = tuple(map(_named, metadata.sources)) if request.rule.by == "file" else ()
    hashes = {} if request.rule.region is None else metadata.hashes
    return Metadata(columns=columns, sources=sources, hashes=hashes)


def _small(column: ColumnRecord) -> ColumnRecord:
    """Return a column without where it came from, but for the texts of its hashes."""
    origin = column.origin
    if origin is not None and "metadata" in origin.recipe:
        texts = sorted(set(origin.recipe["metadata"]))
        return dataclasses.replace(column, origin=Origin({"metadata": texts}, ()))
    return dataclasses.replace(column, origin=None)


def _named(source: SourceRecord) -> SourceRecord:
    return dataclasses.replace(
        source, path="", asked=None, metadata={}, matches={}, tag="", naming=()
    )
