"""`StoreMapping`: the mapping that `Store` is, and its methods on sources and splits of entries."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices, check_path
from memmpy.columns import Snapshot, StoredColumn, no_column, open_undamaged, resolve_key
from memmpy.dataset.store_columns import MAX_ROWS, list_columns, select_keys
from memmpy.display import Renderable, Table
from memmpy.errors import CorruptStoreError, MissingKeyError, SplitError, argument_hints
from memmpy.export import Friend, write_friends
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

__all__ = ["StoreMapping"]


@argument_hints
class StoreMapping(Renderable, Mapping[str, StoredColumn]):
    """A store as a mapping of columns, with the source, the split and the fold of each entry.

    Parameters
    ----------
    path : path-like
        The directory of the store.
    """

    def __init__(self, path: PathLike) -> None:
        #: The directory of the store.
        self.path: Path = check_path(path)
        self._open()

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path.absolute(),)  # not its columns

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
        """The files that the entries come from, in the order of the entries."""
        return self._metadata.sources

    @overload
    def source(self, entries: int | np.integer[Any]) -> SourceEntry: ...
    @overload
    def source(self, entries: Sequence[int] | NDArray[Any]) -> SourceEntries: ...
    def source(self, entries: Any) -> SourceEntry | SourceEntries:
        """Return the file, the tree and the entry of the tree that an entry comes from.

        Parameters
        ----------
        entries : int, or array of int
            Entries of the store, such as ``batch["_index"]``, in any order.

        Returns
        -------
        SourceEntry for an int, SourceEntries for an array
            Tuples of ``file, tree, entry``. The tree has no cycle (`lineage` has it). The entry
            counts from the start of the tree, as in ``uproot.open(file)[tree]``.

        Raises
        ------
        OptionError
            If the entries do not come from files, or an entry is out of range.

        Examples
        --------
        >>> file, tree, entry = store.source(batch["_index"])
        """
        source: SourceEntry | SourceEntries = source_of(self.sources, entries)
        return source

    def lineage(self, key: str) -> list[Lineage]:
        """Return the origin of a column in each file: tree, branch and entries.

        The list is empty for a column that the user wrote.

        Raises
        ------
        MissingKeyError, ColumnError
            If the column is missing, stale, or computed from other columns of the store.

        Examples
        --------
        >>> for lineage in store.lineage("jet_pt"):
        ...     print(lineage)
        """
        if key not in self:
            raise no_column(key, self._metadata, path=self.path, known=self)
        return lineage_of(self._metadata, key)

    def write_friend(
        self,
        directory: PathLike,
        branches: Mapping[str, Any],
        *,
        entries: Sequence[int] | NDArray[Any] | None = None,
        fill: float | Mapping[str, float] | None = None,
        overwrite: bool = False,
    ) -> list[Friend]:
        """Write values of entries to ROOT friend trees; see `memmpy.write_friend`."""
        return write_friends(
            self.sources, directory, branches, entries=entries, fill=fill, overwrite=overwrite
        )

    @property
    def snapshot(self) -> Snapshot:
        """The columns in the state of the last commit before the store was opened."""
        return self._snapshot

    @property
    def _num_events(self) -> int:
        return num_events(self._metadata)

    @property
    def splits(self) -> Splits | None:
        """The splits that the store records now; None if no call has named a split yet."""
        return recorded_splits(read_metadata(self.path))

    def set_splits(self, splits: Splits | None) -> None:
        """Change the splits of the store for all later calls. memmpy opens no source file.

        Networks that you trained with the old splits have seen events of the new test split.

        Parameters
        ----------
        splits : Splits or None
            The new splits, whose columns are in the store. None removes the record, so that the
            next call that names a split writes a new one.

        Raises
        ------
        MissingKeyError, ColumnError, SplitError
            If a column is missing or cannot name events, or no column names them.
        ReadOnlyStoreError, StoreLockedError, DiskError
            If memmpy cannot write to the store.

        Examples
        --------
        >>> store.set_splits(Splits(by=("runNumber", "eventNumber"), num_folds=5))
        """
        check_splits(splits)
        self._check_whole(() if splits is None else splits.keys)
        set_splits(self._snapshot, splits, num_entries=self._num_events)

    def split_of(
        self, entries: Sequence[int] | NDArray[Any] | None = None, *, fold: int | None = None
    ) -> NDArray[np.int64]:
        """Return the split of entries: 0 for train, 1 for val, 2 for test.

        Parameters
        ----------
        entries : array of int, optional
            Entries of the store, such as ``batch["_index"]``; all entries by default.
        fold : int, optional
            The fold. Splits with folds need it, and others do not take it.

        Returns
        -------
        array of int64
            One number per entry.

        Raises
        ------
        SplitError
            If the store has no splits yet, or the call must name a fold.

        Examples
        --------
        >>> is_test = store.split_of() == 2
        """
        splits, tickets = self._tickets(entries)
        return splits.splits_of_tickets(tickets, fold=fold)

    def fold_of(self, entries: Sequence[int] | NDArray[Any] | None = None) -> NDArray[np.int64]:
        """Return the fold that tests each entry; see `split_of`.

        Parameters
        ----------
        entries : array of int, optional
            Entries of the store; all entries by default.

        Returns
        -------
        array of int64
            One fold per entry.

        Raises
        ------
        SplitError
            If the store has no splits yet, or its splits have no folds.
        """
        splits, tickets = self._tickets(entries)
        return splits.folds_of_tickets(tickets)

    def _tickets(
        self, entries: Sequence[int] | NDArray[Any] | None
    ) -> tuple[Splits, NDArray[np.uint64]]:
        splits = self.splits
        if splits is None:
            message = f"{str(self.path)!r} has no splits yet: "
            raise SplitError(f"{message}name them with store.set_splits(Splits(by=...))")
        num = self._num_events
        if entries is None:
            chosen = np.arange(num)
        else:
            chosen = check_indices(entries, num, of="entries from files")
        rule = splits.ticket_rule
        return splits, tickets_of(self._snapshot, rule, num_entries=num)(chosen)

    @property
    def texts(self) -> Mapping[int, str]:
        """A mapping of the 64-bit hashes in metadata columns to their texts."""
        return self._metadata.hashes

    def _select(self, keys: str | Collection[str] | None) -> list[str]:
        """Return the keys that names and patterns select; tells which are stale."""
        try:
            return select_keys(self, keys)
        except MissingKeyError as error:
            if error.key not in self._metadata.columns:
                raise
            stale = no_column(error.key, self._metadata, path=self.path, known=self)
            raise stale from None

    def _check_whole(self, keys: Iterable[str]) -> None:
        """Raise a `CorruptStoreError` if one of these columns is damaged."""
        for key in keys:
            holder = resolve_key(key, self._metadata.columns)
            if holder in self._damage:
                raise CorruptStoreError(self._damage[holder])

    def _blocks(self) -> list[Table]:
        summaries = list_columns(
            self.path, self._metadata, self, damage=self._damage, max_rows=MAX_ROWS
        )
        return summaries._blocks()
