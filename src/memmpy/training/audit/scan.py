"""Reads a store in chunks: identities, hashes of rows, and counts of values."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from memmpy.columns import Snapshot
from memmpy.errors import CorruptStoreError
from memmpy.kernels import Words
from memmpy.parallel import num_helpers, prefetch
from memmpy.splits import TicketRule, identities_of
from memmpy.store import locate
from memmpy.training.audit.entry_words import ColumnSlice, hash_rows, read_slice
from memmpy.training.audit.value_findings import KeyValues, count_values
from memmpy.typing import Entries

__all__ = ["Chunk", "DamagedColumnError", "Scan"]

#: Entries that are read in one go, and about how many bytes, at most.
_STEP_ENTRIES, _STEP_BYTES = 1 << 17, 1 << 25
_NO_WORDS = np.empty(0, np.uint64)


class DamagedColumnError(CorruptStoreError):
    """A column with invalid offsets.

    Parameters
    ----------
    message : str
        The message of the error.
    key : str
        The column.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Chunk:
    """A range of entries.

    Parameters
    ----------
    entries : int64 array of shape (n,)
        The entries.
    owners : int64 array of shape (n,)
        Their sources; 0 in a store without files.
    identities : uint64 array of shape (n,)
        Their identities.
    row_hashes : uint64 array of shape (n,) or (0,)
        Hashes of their rows, with tree name and variation; empty if rows are not compared.
    values : mapping of str to KeyValues
        Counts of the values of each key; empty if they are not counted.
    """

    entries: Entries
    owners: Entries
    identities: Words
    row_hashes: Words
    values: Mapping[str, KeyValues] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scan:
    """A store to be read, and the columns to read.

    Parameters
    ----------
    snapshot : Snapshot
        The store.
    rule : TicketRule
        The rule that names events.
    num_entries : int
        Entries of the store.
    row_keys : sequence of str
        The columns of a row; empty if rows are not compared.
    other_keys : sequence of str
        Columns of any length whose values are counted, too.
    source_hashes : uint64 array of shape (num_sources,)
        For each source, a hash of its tree name and variation.
    """

    snapshot: Snapshot
    rule: TicketRule
    num_entries: int
    row_keys: Sequence[str]
    other_keys: Sequence[str]
    source_hashes: Words

    def chunks(self, *, has_values: bool) -> Iterator[Chunk]:
        """Yield all entries, in order; threads read ahead.

        Raises
        ------
        DamagedColumnError
            If the offsets of a column fall, or lead out of the content.
        """
        lengths = {key: len(self.snapshot.columns[key]) for key in self.other_keys}
        aligned = [key for key, num in lengths.items() if num == self.num_entries and has_values]
        tasks: list[Callable[[], Chunk]] = [
            partial(self._read, start, stop, aligned, has_values=has_values)
            for start, stop in self._steps([*self.row_keys, *aligned], self.num_entries)
        ]
        if has_values:
            tasks += [
                partial(self._read_column, key, start, stop)
                for key, num in lengths.items()
                if key not in aligned
                for start, stop in self._steps([key], num)
            ]
        helpers = num_helpers()
        yield from prefetch(tasks, num_threads=helpers, depth=2 * (helpers + 1))

    def words_of(self, key: str, entries: Entries) -> Words:
        """Return the words of a column at some entries."""
        parts = [
            self._slice(key, entries[start:stop]).words
            for start, stop in self._steps([key], len(entries), of=self.num_entries)
        ]
        return np.concatenate([_NO_WORDS, *parts])

    def identities(self, entries: Entries) -> Words:
        """Return the identity of each entry; its number if files name events."""
        if self.rule.by == "file":
            return entries.astype(np.uint64)
        return identities_of(self.snapshot, self.rule, entries, num_entries=self.num_entries)

    def row_hashes(self, owners: Entries, columns: list[Words]) -> Words:
        """Return the hashes of rows, from their sources and the words of each column."""
        return hash_rows([self.source_hashes[owners], *columns], len(owners))

    def owners(self, entries: Entries) -> Entries:
        """Return the source of each entry."""
        if not self.snapshot.metadata.sources:
            return np.zeros(len(entries), np.int64)
        return locate(self.snapshot.metadata.sources, entries)[0]

    def _steps(
        self, keys: Sequence[str], num: int, *, of: int | None = None
    ) -> list[tuple[int, int]]:
        """Return ranges of entries that take about as much memory as a step may."""
        num_bytes = sum(self.snapshot.columns[key].nbytes for key in keys)
        step = _STEP_BYTES * (num if of is None else of) // max(1, num_bytes)
        step = min(max(1, step), _STEP_ENTRIES)
        return [(start, min(start + step, num)) for start in range(0, num, step)]

    def _read(self, start: int, stop: int, aligned: Sequence[str], *, has_values: bool) -> Chunk:
        entries = np.arange(start, stop)
        owners = self.owners(entries)
        columns, values = [], {}
        for key in [*self.row_keys, *aligned]:
            column = self._slice(key, slice(start, stop))
            if key in self.row_keys:
                columns.append(column.words)
            if has_values:
                values[key] = count_values(column, start)
        row_hashes = self.row_hashes(owners, columns) if self.row_keys else _NO_WORDS
        return Chunk(entries, owners, self.identities(entries), row_hashes, values)

    def _read_column(self, key: str, start: int, stop: int) -> Chunk:
        """Return a chunk without entries, with the values of a column of another length."""
        none = np.empty(0, np.int64)
        values = count_values(self._slice(key, slice(start, stop)), start)
        return Chunk(none, none, _NO_WORDS, _NO_WORDS, {key: values})

    def _slice(self, key: str, entries: slice | Entries) -> ColumnSlice:
        try:
            return read_slice(self.snapshot.columns[key], entries)
        except CorruptStoreError as error:
            raise DamagedColumnError(str(error), key) from error
