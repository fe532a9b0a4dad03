"""The tasks of a skim and their results, as values that any process can be sent.

Any process may run a task, even twice: it writes the same bytes to the same place.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import Snapshot, open_column
from memmpy.errors import ColumnError, MissingFileError
from memmpy.kernels import Words
from memmpy.order import TicketsOf
from memmpy.skims.derived_columns import Derived
from memmpy.skims.row_layout import SkimLayout
from memmpy.skims.skim_request import SkimRequest
from memmpy.skims.sorting.runs import SortedRun
from memmpy.skims.sorting.sort_plan import Bound
from memmpy.skims.value_counts import ValueCounter
from memmpy.splits import TicketRule, tickets_of
from memmpy.store import (
    ColumnRecord,
    Metadata,
    NumberRecord,
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
    "SkimJob",
    "SortOutcome",
    "SortTask",
    "SortedChunk",
    "WrittenBucket",
    "task_metadata",
]

ROWS, TICKETS = "rows", "tickets"
_UINT64, _INT64 = np.dtype("<u8"), np.dtype("<i8")


@dataclass(frozen=True, slots=True)
class SkimJob:
    """A skim to make, with the facts that all its tasks need.

    Parameters
    ----------
    store : Path
        The store.
    metadata : Metadata
        The metadata of the columns that are used, and of the sources.
    layout : SkimLayout
        The layout of the skim.
    derived : mapping of name to Derived
        The columns of the layout that are computed.
    rule : TicketRule
        The rule of the tickets.
    num_entries : int
        Number of entries of the store.
    selection : array of int64, str or None
        The entries of the skim, ascending, or the path of a ``.npy`` file of them; None for all.
    directory : Path
        The folder in which the skim is made.
    is_shared : bool
        Whether other machines write to it.
    """

    store: Path
    metadata: Metadata
    layout: SkimLayout
    derived: Mapping[str, Derived]
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
        except ColumnError:  # a header cannot hold that many names, or these
            stored = np.dtype((np.void, rows.itemsize))
        arrays = {ROWS: self._array(ROWS, stored, ()), TICKETS: self._array(TICKETS, _UINT64, ())}
        for i, one in enumerate(self.layout.lists):
            name = hash_text(hash64(one.name))
            arrays[f"content{i}"] = self._array(f"{name}.content", one.dtype, one.shape)
            arrays[f"offsets{i}"] = self._array(f"{name}.offsets", _INT64, ())
        return arrays

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> RandomAccessArray:
        return RandomAccessArray(
            str(self.directory / f"{name}.npy"), dtype, shape, name, is_shared=self.is_shared
        )

    def entries(self, start: int, stop: int) -> Entries:
        """Return a range of the entries of the skim, not yet sorted."""
        if self.selection is None:
            return np.arange(start, stop)
        selection = self.selection
        if isinstance(selection, str):
            selection = np.load(selection, mmap_mode="r")
        return np.array(selection[start:stop], np.int64)

    def snapshot(self) -> Snapshot:
        """Map the columns again, so that pages of older maps do not count as memory."""
        records = self.metadata.columns
        try:
            columns = {key: open_column(self.store, key, one) for key, one in records.items()}
        except FileNotFoundError as error:
            missing = Path(error.filename or "").name
            message = f"the file {missing!r} of a column of {str(self.store)!r} is gone"
            raise MissingFileError(message) from error
        return Snapshot(self.store, self.metadata, columns)

    def tickets(self, snapshot: Snapshot) -> TicketsOf:
        """Return a function that gives the tickets of entries."""
        return tickets_of(snapshot, self.rule, num_entries=self.num_entries)


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """Pack and sort a chunk, and write it as a run; a chunk that is the whole skim, as the skim.

    Parameters
    ----------
    job : SkimJob
        The skim.
    number : int
        Number of the chunk, counted from 0.
    start, stop : int
        Its range of the entries of the skim.
    span : int
        Entries of the store that are read with one map of the columns.
    stride : int
        Stride of the samples; 0 for a chunk that is the whole skim.
    """

    job: SkimJob
    number: int
    start: int
    stop: int
    span: int
    stride: int


@dataclass(frozen=True, slots=True)
class BucketTask:
    """Join the rows of a bucket from all runs, and write them to their place.

    Parameters
    ----------
    job : SkimJob
        The skim.
    number : int
        Number of the bucket, counted from 0.
    runs : tuple of SortedRun
        All runs.
    low, high : Bound or None
        Where it starts and stops; None for the start and the end of the skim.
    """

    job: SkimJob
    number: int
    runs: tuple[SortedRun, ...]
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class SortedChunk:
    """The result of a `ChunkTask` that wrote a run.

    Parameters
    ----------
    number : int
        Number of the chunk, counted from 0.
    run : SortedRun
        The run.
    samples : uint64 array
        Some of its tickets.
    num_lost : mapping of (group, key) to int
        Number of values that the dtype of a group cannot hold.
    counter : ValueCounter
        The counts of its values.
    """

    number: int
    run: SortedRun
    samples: Words
    num_lost: Mapping[tuple[str, str], int]
    counter: ValueCounter


@dataclass(frozen=True, slots=True)
class WrittenBucket:
    """The result of a task that wrote rows to their place in the skim.

    Parameters
    ----------
    number : int
        Number of the bucket, counted from 0.
    num_rows : int
        Number of its rows.
    written : mapping of array to (number of its rows, CRC-32)
        The rows that were written, for each array of the skim.
    num_lost : mapping of (group, key) to int
        As in `SortedChunk`; empty where the chunks have counted already.
    counter : ValueCounter or None
        As in `SortedChunk`; None where the chunks have counted already.
    """

    number: int
    num_rows: int
    written: Mapping[str, tuple[int, int]]
    num_lost: Mapping[tuple[str, str], int]
    counter: ValueCounter | None


SortTask: TypeAlias = ChunkTask | BucketTask
SortOutcome: TypeAlias = SortedChunk | WrittenBucket


def task_metadata(metadata: Metadata, request: SkimRequest) -> Metadata:
    """Return the part of the metadata that tasks need, as many tasks are sent to workers."""
    assert request.rule is not None
    keys = dict.fromkeys([*request.stored_keys(metadata), *request.rule.keys])
    columns = {k: _without_origin(metadata.columns[k]) for k in keys}
    sources = tuple(map(_identity_of, metadata.sources)) if request.rule.by == "file" else ()
    has_texts = request.rule.region is not None or request.derived
    hashes = metadata.hashes if has_texts else {}
    return Metadata(columns=columns, sources=sources, hashes=hashes)


def _without_origin(column: ColumnRecord) -> ColumnRecord:
    """Return a column without its origin, but for the texts of its hashes."""
    texts = column.source_texts
    origin = None if texts is None else Origin({"metadata": sorted(set(texts))}, ())
    return dataclasses.replace(column, origin=origin)


def _identity_of(source: SourceRecord) -> SourceRecord:
    return dataclasses.replace(
        source,
        path="",
        asked=None,
        metadata={},
        matches={},
        tag="",
        naming=(),
        numbers=NumberRecord(),
    )
