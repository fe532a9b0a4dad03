"""`Store`, which `memmpy.open` returns: columns by key, with cuts, splits and loaders."""

import html
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices, check_key, check_path
from memmpy.columns import (
    ReadJagged,
    Snapshot,
    StoredColumn,
    check_keys,
    no_column,
    open_what_is_whole,
    resolve_key,
)
from memmpy.cuts import (
    STEP_SIZE,
    Constant,
    CutFlow,
    Cuts,
    Selection,
    add_column,
    count_steps,
    find_entries,
    keys_of,
    list_cuts,
    plan_flow,
    read_cut,
    selection_of,
)
from memmpy.dataset.loader_columns import choose_of_cut
from memmpy.dataset.maintenance import verify
from memmpy.display import Table, format_count, printable
from memmpy.errors import CorruptStoreError, OptionError, SplitError
from memmpy.export import Friend, write_friends
from memmpy.loaders import ShuffleOption, check_options
from memmpy.order import SPLIT_NAMES
from memmpy.skims import Skim, Skims, find_skims, skim
from memmpy.splits import (
    SplitLoader,
    Splits,
    check_splits,
    num_events,
    recorded,
    set_splits,
    tickets_of,
)
from memmpy.store import (
    Lineage,
    Problem,
    SourceEntries,
    SourceEntry,
    SourceRecord,
    lineage_of,
    read_metadata,
    source_of,
)
from memmpy.training import Audit, audit
from memmpy.typing import PathLike

__all__ = ["Store", "open"]


def open(path: PathLike) -> "Store":
    """Open a store.

    Parameters
    ----------
    path : path-like
        The store's directory.

    Returns
    -------
    Store
        A mapping of key to column, as the last commit left it. Nothing is read yet.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If there is no store, or it is damaged.

    Examples
    --------
    >>> store = memmpy.open("data.mmpy")
    >>> store["nJets"].mean()
    >>> loader = store.loader("train", cut="nJets >= 6", batch_size=128)
    """
    return Store(path)


@final
class Store(Mapping[str, StoredColumn]):
    """An open store: key to column, without the columns that are stale.

    It shows what was committed when it was opened, also after a later conversion; open it again
    to see that.

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
        return Store, (self.path.absolute(),)  # and not all of its columns

    def _open(self) -> None:
        self._snapshot, self._damage = open_what_is_whole(self.path)
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

    def write_friend(
        self,
        directory: PathLike,
        branches: Mapping[str, Any],
        *,
        entries: Sequence[int] | NDArray[Any] | None = None,
        fill: float | Mapping[str, float] | None = None,
        overwrite: bool = False,
    ) -> list[Friend]:
        """Write values of entries to ROOT files beside the sources; see `memmpy.write_friend`."""
        return write_friends(
            self.sources, directory, branches, entries=entries, fill=fill, overwrite=overwrite
        )

    @property
    def snapshot(self) -> Snapshot:
        """The columns as the last commit left them when the store was opened."""
        return self._snapshot

    @property
    def splits(self) -> Splits | None:
        """Who is an event, and on which side, as it is recorded now; None if no call asked yet."""
        return recorded(read_metadata(self.path))

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
        return splits, tickets_of(self._snapshot, splits.ticket_rule, num_entries=num)(chosen)

    @property
    def _num_events(self) -> int:
        return num_events(self._metadata)

    @property
    def texts(self) -> Mapping[int, str]:
        """From the 64-bit hashes of metadata columns to their texts."""
        return self._metadata.hashes

    def cut(
        self,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> Selection:
        """Return the int64 entries that pass a cut; see `compute_cut_batched`."""
        cut = read_cut(expression, aliases=aliases, constants=constants)
        self._check_whole(keys_of(cut))
        found = find_entries(
            self._snapshot,
            cut,
            stored_as={},
            step_size=STEP_SIZE,
            num_threads=num_threads,
            recreate=False,
        )
        return selection_of(found)

    def add(
        self,
        key: str,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        recreate: bool = False,
        num_threads: int | None = None,
    ) -> np.memmap[Any, Any] | ReadJagged:
        """Compute a column from others and keep it in the store; no ROOT file is read.

        Where it is there already, nothing is done; another expression replaces a computed column.
        Once a column that it uses is written again it is stale, and has to be added again.

        Parameters
        ----------
        key : str
            The new column.
        expression : str
            What a cut may be, of any value: ``"Sum$(jet_pt)"``, ``"jet_pt[0] / met"``. The dtype
            is that of C++: float32 where floats are divided, float64 for a `Sum$` of them, bool
            for a condition. A float is NaN where a picked element is missing.
        aliases, constants : mapping, optional
            Names in the expression, as `compute_cut_batched` takes them.
        recreate : bool
            Compute again what is there, and replace a column that was not computed.
        num_threads : int, optional
            As `compute_cut_batched` takes it.

        Returns
        -------
        np.memmap or ReadJagged
            The column. The store shows it, as it shows what others have committed by now.

        Raises
        ------
        CutError
            If the expression cannot be understood or computed; shows the place.
        OptionError
            If there is a column of that key which was not computed, or the expression uses it.
        ReadOnlyStoreError, StoreLockedError, DiskError
            If the store cannot be written to; it keeps what it held.

        Examples
        --------
        >>> store.add("HT", "Sum$(jet_pt)")
        >>> store.add("is_hard", "HT > 500 && met > 50")
        """
        check_key(key)
        add_column(
            self.path,
            key,
            expression,
            aliases=aliases,
            constants=constants,
            recreate=recreate,
            num_threads=num_threads,
        )
        self._open()
        column = self[key]
        assert isinstance(column, np.memmap | ReadJagged)
        return column

    @property
    def cuts(self) -> Cuts:
        """The selections that are cached in the store now: a sequence, which prints as a table.

        Those that are outdated, because a column of theirs was written again, are listed until the
        next cut removes them; see `CutRecord.is_current`.
        """
        return Cuts(list_cuts(self.path, self._metadata))

    @property
    def skims(self) -> Skims:
        """The skims that lie in the store now: a sequence of `Skim`, which prints as a table.

        `Skims.outdated` are those that something was changed of since they were made: they take
        room on the disk until they are asked for again, or removed with `Skim.remove`.
        """
        return find_skims(self.path, self._metadata)

    def cutflow(
        self,
        cuts: str | Sequence[str],
        *,
        by: str | Sequence[str] | None = None,
        weight: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> CutFlow:
        """Return how many entries each step of a cut leaves, by group; see `memmpy.cutflow`."""
        plan = plan_flow(cuts, by=by, weight=weight, aliases=aliases, constants=constants)
        self._check_whole(plan.keys)
        return count_steps(self._snapshot, plan, step_size=STEP_SIZE, num_threads=num_threads)

    def loader(
        self,
        split: str | int | None = None,
        *,
        keys: Collection[str] | None = None,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        splits: Splits | None = None,
        fold: int | None = None,
        batch_size: int = 32,
        rank: int = 0,
        world_size: int = 1,
        seed: int = 0,
        epoch: int = 0,
        shuffle: ShuffleOption = True,
        drop_last: bool = False,
        num_threads: int | None = None,
    ) -> SplitLoader:
        """Return a loader of some columns, or of all.

        Parameters
        ----------
        split : str, optional
            ``"train"``, ``"val"``, ``"test"``, or ``"all"`` events, as where not given in a store
            without splits. The first call that names one of the others, or gives `splits`, records
            the splits in the store.
        keys : collection of str, optional
            Which columns; all of the store where not given.
        cut : str, optional
            Which entries. It does not change in which split an entry is.
        aliases, constants : mapping, optional
            Names in the cut, as `compute_cut_batched` takes them.
        splits : Splits, optional
            Who is an event, and on which side; those of the store where not given.
        fold : int, optional
            Which fold; needed where the splits have folds.
        batch_size : int
            Entries in a batch.
        rank, world_size, seed, epoch, drop_last, num_threads
            As `SplitLoader` takes them.
        shuffle : bool or "exact"
            Whether each epoch has an order of its own, a permutation of all entries; else that of
            the entries.

        Raises
        ------
        SplitError
            If the splits differ from those of the store, a split or a fold is not named where
            there are some, or nothing names an event.
        """
        if keys is not None:
            check_keys(keys)
        if isinstance(split, int | np.integer) and not 0 <= split < len(SPLIT_NAMES):
            message = f"no split {split}: give 'train', 'val', 'test' or 'all'"
            raise OptionError(f"{message}; the size of batches is batch_size={split}")
        options = check_options(
            for_rows=False,
            batch_size=batch_size,
            rank=rank,
            world_size=world_size,
            seed=seed,
            epoch=epoch,
            shuffle=shuffle,
            block_rows=None,
            window_blocks=None,
            drop_last=drop_last,
            num_threads=num_threads,
        )
        given = check_splits(splits)
        node = None if cut is None else read_cut(cut, aliases=aliases, constants=constants)
        events = given.keys if given is not None else ()
        self._check_whole([*events, *(keys_of(node) if node is not None else ())])
        choice = choose_of_cut(
            self._snapshot,
            {key: self[key] for key in (self if keys is None else keys)},
            cut=node,
            stored_as={},
            recreate=False,
            split=split,
            splits=given,
            fold=fold,
        )
        return SplitLoader.over(choice, options)

    def skim(
        self,
        *,
        keys: Collection[str] = (),
        keys_padded: Mapping[str, tuple[int, Any]] | None = None,
        groups: Mapping[str, Sequence[str]] | None = None,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        dtype: Any = None,
        splits: Splits | None = None,
        executor: Executor | None = None,
        recreate: bool = False,
        progress: bool | None = None,
        lock_timeout: float = -1,
    ) -> Skim:
        """Copy what a training needs into packed rows, in random order; see `memmpy.skim`.

        Examples
        --------
        >>> skimmed = store.skim(keys=["weight"], groups={"event": ["met", "HT"]}, cut="met > 50")
        >>> loader = memmpy.SplitLoader(skimmed, batch_size=1024)
        """
        return skim(
            self.path,
            keys=keys,
            keys_padded=keys_padded,
            groups=groups,
            cut=cut,
            aliases=aliases,
            constants=constants,
            dtype=dtype,
            splits=splits,
            executor=executor,
            recreate=recreate,
            progress=progress,
            lock_timeout=lock_timeout,
        )

    def verify(self, *, repair: bool = False) -> list[Problem]:
        """Compare every file with its checksum and return what differs, as `memmpy.verify`."""
        problems = verify(self.path, repair=repair)
        if repair:
            self._open()
        return problems

    def check(self) -> Audit:
        """Look for what would spoil a training: repeated events, equal rows, odd values.

        Reads all columns that came from files once, and once more for each 16 million entries
        beyond the first. Where the store has no splits yet, the usual columns name the events.

        Returns
        -------
        Audit
            What was found, which prints as a table. A clean store has nothing above ``"info"``.

        Examples
        --------
        >>> audit = store.check()
        >>> [finding.kind for finding in audit.findings if finding.level != "info"]
        """
        return audit(self._snapshot, self._damage)

    def _check_whole(self, keys: Iterable[str]) -> None:
        """Raise a `CorruptStoreError` if one of these columns could not be opened."""
        for key in keys:
            holder = resolve_key(key, self._metadata.columns)
            if holder in self._damage:
                raise CorruptStoreError(self._damage[holder])

    @property
    def _num_files(self) -> int:
        return len({source.path for source in self.sources})

    def _table(self) -> Table:
        rows = []
        for key, column in self._columns.items():
            kind = self._metadata.columns[key].kind
            rows.append((key, kind, _type(column), f"{len(column):,}"))
        damaged = [(key, self._metadata.columns[key].kind, "damaged", "?") for key in self._damage]
        return Table(("key", "kind", "type", "entries"), 3, [rows + damaged])

    def _title(self) -> str:
        columns = format_count(len(self), "column")
        files = format_count(self._num_files, "file")
        return printable(f"Store {os.fspath(self.path)!r}: {columns}, {files}")

    def __repr__(self) -> str:
        return f"{self._title()}\n{self._table().to_text()}"

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._title())}</p>{self._table().to_html()}"


def _type(column: Any) -> str:
    if hasattr(column, "shape"):
        return f"{column.dtype}{list(column.shape[1:]) if column.ndim > 1 else ''}"
    return str(getattr(column, "dtype", "text" if hasattr(column, "encoded") else "awkward"))
