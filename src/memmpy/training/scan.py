"""Read a store in chunks: identities, contents and what the values of keys are like."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from memmpy.columns import Snapshot
from memmpy.errors import CorruptStoreError
from memmpy.kernels import Words
from memmpy.parallel import num_helpers, prefetch
from memmpy.splits import TicketRule, identities_of
from memmpy.store import locate
from memmpy.training.content import Values, joined, read_values
from memmpy.training.value_findings import KeyValues, values_of
from memmpy.typing import Entries

__all__ = ["Chunk", "DamagedColumnError", "Scan"]

#: Entries that are read in one go, and about how many bytes, at most.
_STEP_ENTRIES, _STEP_BYTES = 1 << 17, 1 << 25
_NO_WORDS = np.empty(0, np.uint64)


class DamagedColumnError(CorruptStoreError):
    """A column whose offsets cannot be right.

    Parameters
    ----------
    message : str
        What is wrong.
    key : str
        Which column.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some entries that follow each other.

    Parameters
    ----------
    entries : int64 array of shape (n,)
        Which.
    owners : int64 array of shape (n,)
        Their sources; 0 of a store without files.
    identities : uint64 array of shape (n,)
        Their identities.
    contents : uint64 array of shape (n,) or (0,)
        Their contents, of one tree name and variation; empty where none are compared.
    values : mapping of str to KeyValues
        What the values of keys are like, where that was asked for.
    """

    entries: Entries
    owners: Entries
    identities: Words
    contents: Words
    values: Mapping[str, KeyValues] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scan:
    """What is read of a store.

    Parameters
    ----------
    snapshot : Snapshot
        The store.
    rule : TicketRule
        What names an event.
    num_entries : int
        How many entries there are.
    contents : sequence of str
        The columns that are the content of an entry; empty where contents are not compared.
    others : sequence of str
        Columns whose values are looked at, of any length.
    sides : uint64 array of shape (num_sources,)
        For each source, a number of its tree name and variation.
    """

    snapshot: Snapshot
    rule: TicketRule
    num_entries: int
    contents: Sequence[str]
    others: Sequence[str]
    sides: Words

    def chunks(self, *, has_values: bool) -> Iterator[Chunk]:
        """Yield all entries, in order; threads read ahead.

        Raises
        ------
        DamagedColumnError
            If the offsets of a column fall, or lead out of the content.
        """
        lengths = {key: len(self.snapshot.columns[key]) for key in self.others}
        beside = [key for key, num in lengths.items() if num == self.num_entries and has_values]
        tasks: list[Callable[[], Chunk]] = [
            partial(self._read, start, stop, beside, has_values=has_values)
            for start, stop in self._steps([*self.contents, *beside], self.num_entries)
        ]
        if has_values:
            tasks += [
                partial(self._look, key, start, stop)
                for key, num in lengths.items()
                if key not in beside
                for start, stop in self._steps([key], num)
            ]
        helpers = num_helpers()
        yield from prefetch(tasks, num_threads=helpers, depth=2 * (helpers + 1))

    def words_of(self, key: str, entries: Entries) -> Words:
        """Return the content of a column at some entries."""
        parts = [
            self._values(key, entries[start:stop]).words
            for start, stop in self._steps([key], len(entries), of=self.num_entries)
        ]
        return np.concatenate([_NO_WORDS, *parts])

    def identities(self, entries: Entries) -> Words:
        """Return the identity of each entry; where files name events, its number."""
        if self.rule.by == "file":
            return entries.astype(np.uint64)
        return identities_of(self.snapshot, self.rule, entries, num_entries=self.num_entries)

    def contents_of(self, owners: Entries, columns: list[Words]) -> Words:
        """Return the content of entries, from their sources and the words of each column."""
        return joined([self.sides[owners], *columns], len(owners))

    def owners(self, entries: Entries) -> Entries:
        """Return the source of each entry."""
        if not self.snapshot.metadata.sources:
            return np.zeros(len(entries), np.int64)
        return locate(self.snapshot.metadata.sources, entries)[0]

    def _steps(
        self, keys: Sequence[str], num: int, *, of: int | None = None
    ) -> list[tuple[int, int]]:
        """Return ranges of entries in which columns take about as much memory as a step may."""
        num_bytes = sum(self.snapshot.columns[key].nbytes for key in keys)
        step = _STEP_BYTES * (num if of is None else of) // max(1, num_bytes)
        step = min(max(1, step), _STEP_ENTRIES)
        return [(start, min(start + step, num)) for start in range(0, num, step)]

    def _read(self, start: int, stop: int, beside: Sequence[str], *, has_values: bool) -> Chunk:
        entries = np.arange(start, stop)
        owners = self.owners(entries)
        columns, seen = [], {}
        for key in [*self.contents, *beside]:
            values = self._values(key, slice(start, stop))
            if key in self.contents:
                columns.append(values.words)
            if has_values:
                seen[key] = values_of(values, start)
        contents = self.contents_of(owners, columns) if self.contents else _NO_WORDS
        return Chunk(entries, owners, self.identities(entries), contents, seen)

    def _look(self, key: str, start: int, stop: int) -> Chunk:
        """Return a chunk of no entries, with the values of a column of another length."""
        none = np.empty(0, np.int64)
        seen = values_of(self._values(key, slice(start, stop)), start)
        return Chunk(none, none, _NO_WORDS, _NO_WORDS, {key: seen})

    def _values(self, key: str, where: Any) -> Values:
        try:
            return read_values(self.snapshot.columns[key], where)
        except CorruptStoreError as error:
            raise DamagedColumnError(str(error), key) from error
