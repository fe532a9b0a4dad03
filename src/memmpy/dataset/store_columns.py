"""The columns of a store by key, where their entries came from, and on which side they are."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices, check_path
from memmpy.columns import Snapshot, StoredColumn, no_column, open_undamaged, resolve_key
from memmpy.display import Renderable, Table, format_count
from memmpy.errors import CorruptStoreError, SplitError
from memmpy.splits import Splits, check_splits, num_events, recorded_splits, set_splits, tickets_of
from memmpy.store import (
    Lineage,
    SourceEntries,
    SourceEntry,
    SourceRecord,
    lineage_of,
    read_metadata,
    source_of,
)
from memmpy.typing import PathLike

__all__ = ["StoreColumns"]


class StoreColumns(Renderable, Mapping[str, StoredColumn]):
    """The base of `Store`: columns by key, where entries came from, and on which side they are.

    Parameters
    ----------
    path : path-like
        The store's directory.
    """

    def __init__(self, path: PathLike) -> None:
        #: The store's directory.
        self.path = check_path(path)
        self._open()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.absolute(),)  # and not all of its columns

    def _open(self) -> None:
        self._snapshot, self._damage = open_undamaged(self.path)
        self._metadata, self._columns = self._snapshot.metadata, self._snapshot.columns

    def __getitem__(self, key: str) -> StoredColumn:
        if key in self:
            self._check_whole([key])
            return self._columns[key]
        raise no_column(key, self._metadata, path=self.path, known=self)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and (key in self._columns or key in self._damage)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._columns, *self._damage])

    def __len__(self) -> int:
        return len(self._columns) + len(self._damage)

    @property
    def sources(self) -> tuple[SourceRecord, ...]:
        """The files that fill the store, in the order of their entries."""
        return self._metadata.sources

    @overload
    def source(self, entries: int | np.integer[Any]) -> SourceEntry: ...
    @overload
    def source(self, entries: Sequence[int] | NDArray[Any]) -> SourceEntries: ...
    def source(self, entries: Any) -> SourceEntry | SourceEntries:
        """Return the file, the tree and the entry in it that an entry came from.

        Parameters
        ----------
        entries : int, or array of int
            Entries of the store, such as ``batch["_index"]``, in any order.

        Returns
        -------
        SourceEntry for an int, SourceEntries for an array
            Tuples of ``file, tree, entry``. The tree is without its cycle (`lineage` has it), and
            the entry counts from the start of the tree: ``uproot.open(file)[tree]`` has it.

        Raises
        ------
        OptionError
            If no files fill the store, or an entry is out of range.

        Examples
        --------
        >>> file, tree, entry = store.source(batch["_index"])
        """
        found: SourceEntry | SourceEntries = source_of(self.sources, entries)
        return found

    def lineage(self, key: str) -> list[Lineage]:
        """Return what each file gave to a column; nothing for one that the user wrote.

        Raises
        ------
        MissingKeyError, ColumnError
            If there is no such column, it is stale, or it was computed from others of the store.
        """
        if key not in self:
            raise no_column(key, self._metadata, path=self.path, known=self)
        return lineage_of(self._metadata, key)

    @property
    def snapshot(self) -> Snapshot:
        """The columns as the last commit left them when the store was opened."""
        return self._snapshot

    @property
    def _num_events(self) -> int:
        return num_events(self._metadata)

    @property
    def splits(self) -> Splits | None:
        """Who is an event, and on which side, as it is recorded now; None if no call asked yet."""
        return recorded_splits(read_metadata(self.path))

    def set_splits(self, splits: Splits | None) -> None:
        """Change the splits of the store for all later calls; no source file is read.

        Networks that were trained with the old ones have seen events of the new test split.

        Parameters
        ----------
        splits : Splits or None
            The new ones, whose columns are in the store; None to forget them, so that the next
            call that names some records them.

        Raises
        ------
        MissingKeyError, ColumnError, SplitError
            If a column is not there or names no event, or nothing does.
        ReadOnlyStoreError, StoreLockedError, DiskError
            If the store cannot be written to.
        """
        given = check_splits(splits)
        self._check_whole(() if given is None else given.keys)
        set_splits(self._snapshot, given, num_entries=self._num_events)

    def split_of(
        self, entries: Sequence[int] | NDArray[Any] | None = None, *, fold: int | None = None
    ) -> NDArray[np.int64]:
        """Return in which split entries are: 0 for train, 1 for val, 2 for test.

        Parameters
        ----------
        entries : array of int, optional
            Entries of the store, such as ``batch["_index"]``; all of them where not given.
        fold : int, optional
            Which fold; needed where the splits have folds.

        Raises
        ------
        SplitError
            If the store has no splits yet, or a fold is needed.
        """
        splits, tickets = self._tickets(entries)
        return splits.splits_of_tickets(tickets, fold=fold)

    def fold_of(self, entries: Sequence[int] | NDArray[Any] | None = None) -> NDArray[np.int64]:
        """Return the fold that tests each of some entries, or of all; see `split_of`."""
        splits, tickets = self._tickets(entries)
        return splits.folds_of_tickets(tickets)

    def _tickets(
        self, entries: Sequence[int] | NDArray[Any] | None
    ) -> tuple[Splits, NDArray[np.uint64]]:
        splits = self.splits
        if splits is None:
            message = f"{str(self.path)!r} has no splits yet: "
            raise SplitError(f"{message}name them with set_splits(Splits(by=...))")
        num = self._num_events
        if entries is None:
            chosen = np.arange(num)
        else:
            chosen = check_indices(entries, num, of="entries from files")
        rule = splits.ticket_rule
        return splits, tickets_of(self._snapshot, rule, num_entries=num)(chosen)

    @property
    def texts(self) -> Mapping[int, str]:
        """From the 64-bit hashes of metadata columns to their texts."""
        return self._metadata.hashes

    def _check_whole(self, keys: Iterable[str]) -> None:
        """Raise a `CorruptStoreError` if one of these columns could not be opened."""
        for key in keys:
            holder = resolve_key(key, self._metadata.columns)
            if holder in self._damage:
                raise CorruptStoreError(self._damage[holder])

    def _blocks(self) -> list[Table]:
        rows = []
        for key, column in self._columns.items():
            kind = self._metadata.columns[key].kind
            rows.append((key, kind, _type(column), f"{len(column):,}"))
        damaged = [(key, self._metadata.columns[key].kind, "damaged", "?") for key in self._damage]
        num_files = len({source.path for source in self.sources})
        nums = f"{format_count(len(self), 'column')}, {format_count(num_files, 'file')}"
        title = f"Store {os.fspath(self.path)!r}: {nums}"
        return [Table(("key", "kind", "type", "entries"), 3, [rows + damaged], title=title)]


def _type(column: Any) -> str:
    if hasattr(column, "shape"):
        return f"{column.dtype}{list(column.shape[1:]) if column.ndim > 1 else ''}"
    return str(getattr(column, "dtype", "text" if hasattr(column, "encoded") else "awkward"))
