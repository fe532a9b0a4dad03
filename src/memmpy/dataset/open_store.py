"""`Store`, the result of `memmpy.open`: columns by key, with cuts, splits and loaders."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, final

import numpy as np

from memmpy.checks import check_key, check_mapping
from memmpy.columns import ReadJagged, check_keys
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
from memmpy.dataset.loader_columns import resolve_cut_split
from memmpy.dataset.maintenance import verify
from memmpy.dataset.store_mapping import StoreMapping
from memmpy.errors import OptionError
from memmpy.loaders import LoaderOptions, ShuffleOption, check_shuffle
from memmpy.order import SPLIT_NAMES
from memmpy.parallel import WorkOption, check_threads
from memmpy.skims import Skim, Skims, find_skims, skim
from memmpy.splits import LoaderSpec, SplitLoader, SplitRequest, Splits
from memmpy.store import Problem
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
        A mapping of key to column, in the state of the last commit. No values are read yet.

    Raises
    ------
    MissingFileError, CorruptStoreError
        If the store is missing or damaged.

    Examples
    --------
    >>> store = memmpy.open("data.mmpy")
    >>> store["nJets"].mean()
    >>> loader = store.loader("train", cut="nJets >= 6", batch_size=128)
    """
    return Store(path)


@final
class Store(StoreMapping):
    """An open store: a mapping of key to column.

    It shows the state of the last commit before it was opened, without stale columns. Open the
    store again to see later changes.

    Parameters
    ----------
    path : path-like
        The directory of the store.

    Examples
    --------
    >>> store = Store("data.mmpy")
    >>> list(store)
    ['nJets', 'met', 'jet_pt']
    >>> store["jet_pt"][0]
    array([81.2, 40.7], dtype=float32)
    """

    def cut(
        self,
        expression: str,
        *,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        num_threads: int | None = None,
    ) -> Selection:
        """Return the int64 entries that pass a cut; see `compute_cut_batched`.

        Examples
        --------
        >>> entries = store.cut("nJets >= 6 && met > limit", constants={"limit": 50})
        >>> store["met"][entries]
        """
        cut = read_cut(expression, aliases=aliases, constants=constants)
        self._check_whole(keys_of(cut))
        cached = find_entries(
            self._snapshot,
            cut,
            stored_as={},
            step_size=STEP_SIZE,
            num_threads=num_threads,
            recreate=False,
        )
        return selection_of(cached)

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
        """Compute a column from other columns and write it to the store.

        memmpy opens no source file. If the column is up to date, the call only returns it; another
        expression replaces a computed column. A computed column becomes stale if a column that it
        uses is rewritten: then add it again.

        Parameters
        ----------
        key : str
            The key of the new column.
        expression : str
            An expression in the language of cuts, of any value: ``"Sum$(jet_pt)"``,
            ``"jet_pt[0] / met"``. Its dtype follows C++: float32 for a quotient of float32,
            float64 for a `Sum$` of floats, bool for a condition. A float is NaN if an entry lacks
            the element that the expression picks.
        aliases : mapping of str to str, optional
            Names for expressions.
        constants : mapping of str to bool, number or str, optional
            Names for values.
        recreate : bool, default False
            Compute the column again, and replace a column of this key that was not computed.
        num_threads : int, optional
            Threads that evaluate, beside the thread of the caller; see `compute_cut_batched`.

        Returns
        -------
        np.memmap or ReadJagged
            The column. This object shows the last commit from now on, and so the new column.

        Raises
        ------
        CutError
            If memmpy cannot read or compute the expression; shows the place.
        OptionError
            If the key belongs to a column that was not computed, or the expression uses it.
        ReadOnlyStoreError, StoreLockedError, DiskError
            If memmpy cannot write to the store. The store keeps its content.

        Examples
        --------
        >>> store.add("HT", "Sum$(jet_pt)")
        >>> store.add("is_hard", "HT > 500 && met > 50")
        """
        add_column(
            self.path,
            check_key(key),
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
        """The selections that the store caches now: a sequence, which prints as a table.

        A selection is outdated if one of its columns was rewritten; see `CutRecord.is_current`. The
        next cut removes outdated selections.
        """
        return Cuts(list_cuts(self.path, self._metadata))

    @property
    def skims(self) -> Skims:
        """The skims in the store now: a sequence of `Skim`, which prints as a table.

        `Skims.outdated` lists the skims that do not match the columns any more. They take disk
        space until the next call rebuilds them, or you call `Skim.remove`.
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
        """Count the entries that each step of a cut leaves; see `memmpy.cutflow`.

        Examples
        --------
        >>> print(store.cutflow("nJets >= 6 && met > 50", by="process"))
        """
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
        shuffle: ShuffleOption = True,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        num_threads: int | None = None,
        rank: int = 0,
        world_size: int = 1,
    ) -> SplitLoader:
        """Return a loader of columns.

        Parameters
        ----------
        split : str, optional
            ``"train"``, ``"val"``, ``"test"``, or ``"all"`` for all entries. The default is
            ``"all"``, but a store that has splits needs a name. The first call that names one of
            the other splits, or gives `splits`, records the splits in the store.
        keys : collection of str, optional
            The columns to load; all columns by default.
        cut : str, optional
            The entries to load; all entries by default. It does not change the split of an entry.
        aliases : mapping of str to str, optional
            Names for expressions in the cut.
        constants : mapping of str to bool, number or str, optional
            Names for values in the cut.
        splits : Splits, optional
            The rule that assigns events to splits; the rule of the store by default.
        fold : int, optional
            The fold. Splits with folds need it, and others do not take it.
        batch_size : int, default 32
            Entries per batch. The last batch of an epoch may be shorter.
        shuffle : bool, "exact" or Shuffle, default True
            The order of each epoch; see `Shuffle`. ``"blocks"`` is for skims.
        seed : int, default 0
            The seed of the orders of all epochs.
        epoch : int, default 0
            The epoch of the first ``iter()``. Each ``iter()`` starts the next epoch.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is short.
        num_threads : int, optional
            Threads that gather batches ahead, beside the thread of the caller; see `SplitLoader`.
        rank : int, default 0
            The number of this process, 0 to `world_size` - 1, if several processes train together.
            Each rank gets its own part of the split; the sizes differ by at most one entry.
        world_size : int, default 1
            The number of processes that train together.

        Returns
        -------
        SplitLoader
            Its batches are dicts of the columns, and of the int64 entries under ``"_index"``.

        Raises
        ------
        MissingKeyError
            If the store lacks a column; names the nearest.
        LengthError
            If the columns differ in length.
        CutError
            If memmpy cannot read the cut; shows the place.
        SplitError
            If the splits differ from those of the store, if a split or a fold must be named, or if
            no column names the events.
        OptionError
            If an option is invalid.

        Examples
        --------
        >>> loader = store.loader("train", keys=["met", "jet_pt"], cut="nJets >= 6")
        >>> for batch in loader:
        ...     batch["met"], batch["jet_pt"].pad(4, 0.0), batch["_index"]
        """
        if keys is not None:
            check_keys(keys)
        if isinstance(split, int | np.integer) and not 0 <= split < len(SPLIT_NAMES):
            message = f"no split {split}: give 'train', 'val', 'test' or 'all'"
            raise OptionError(f"{message}; the size of batches is batch_size={split}")
        options = LoaderOptions(
            batch_size=batch_size,
            shuffle=check_shuffle(shuffle),
            seed=seed,
            epoch=epoch,
            drop_last=drop_last,
            num_threads=check_threads(num_threads),
            rank=rank,
            world_size=world_size,
        )
        options.check_for_columns()
        request = SplitRequest(split, splits, fold)
        aliases = check_mapping("aliases", aliases)
        constants = check_mapping("constants", constants)
        node = None if cut is None else read_cut(cut, aliases=aliases, constants=constants)
        events = splits.keys if splits is not None else ()
        self._check_whole([*events, *(keys_of(node) if node is not None else ())])
        split_data = resolve_cut_split(
            self._snapshot,
            {key: self[key] for key in (self if keys is None else keys)},
            request,
            cut=node,
            stored_as={},
            recreate=False,
        )
        return SplitLoader(LoaderSpec(split_data, options))

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
        recreate: bool = False,
        progress: bool | None = None,
        work: WorkOption = None,
    ) -> Skim:
        """Copy the inputs of a training into packed rows, in random order; see `memmpy.skim`.

        Examples
        --------
        >>> skim = store.skim(
        ...     keys=["weight"], groups={"event": ["met", "HT"]}, dtype="float32", cut="met > 50"
        ... )
        >>> loader = memmpy.SplitLoader(skim, split="train", batch_size=1024)
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
            recreate=recreate,
            progress=progress,
            work=work,
        )

    def verify(self, *, repair: bool = False) -> list[Problem]:
        """Compare every file with its checksum, and return the problems; see `memmpy.verify`."""
        problems = verify(self.path, repair=repair)
        if repair:
            self._open()
        return problems

    def check(self) -> Audit:
        """Find data that would spoil a training: repeated events, equal rows, odd values.

        The call reads the columns that come from files once per 16 million entries. If the store
        has no splits yet, the usual columns name the events.

        Returns
        -------
        Audit
            The findings, which print as a table. A clean store has none above level ``"info"``.

        Examples
        --------
        >>> audit = store.check()
        >>> [finding.kind for finding in audit.findings if finding.level != "info"]
        """
        return audit(self._snapshot, self._damage)
