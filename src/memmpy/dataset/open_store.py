"""`Store`, which `memmpy.open` returns: columns by key, with cuts, splits and loaders."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_key
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
from memmpy.dataset.loader_columns import choose_of_cut
from memmpy.dataset.maintenance import verify
from memmpy.dataset.store_columns import StoreColumns
from memmpy.errors import OptionError
from memmpy.export import Friend, write_friends
from memmpy.loaders import LoaderOptions, ShuffleOption, check_shuffle
from memmpy.order import SPLIT_NAMES
from memmpy.parallel import WorkOption, check_threads
from memmpy.skims import Skim, Skims, find_skims, skim
from memmpy.splits import LoaderSetup, SplitLoader, SplitRequest, Splits
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
class Store(StoreColumns):
    """An open store: key to column, without the columns that are stale.

    It shows what was committed when it was opened, also after a later conversion; open it again
    to see that.

    Parameters
    ----------
    path : path-like
        The store's directory.
    """

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
        aliases : mapping of str to str, optional
            Names for expressions.
        constants : mapping of str to bool, number or str, optional
            Names for values.
        recreate : bool
            Compute again what is there, and replace a column that was not computed.
        num_threads : int, optional
            Threads that evaluate beside the caller's; see `compute_cut_batched`.

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
        shuffle: ShuffleOption = True,
        seed: int = 0,
        epoch: int = 0,
        drop_last: bool = False,
        num_threads: int | None = None,
        rank: int = 0,
        world_size: int = 1,
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
        aliases : mapping of str to str, optional
            Names for expressions in the cut.
        constants : mapping of str to bool, number or str, optional
            Names for values in the cut.
        splits : Splits, optional
            Who is an event, and on which side; those of the store where not given.
        fold : int, optional
            Which fold; needed where the splits have folds.
        batch_size : int
            Entries in a batch.
        shuffle : bool, "exact" or Shuffle
            How the entries of each epoch are shuffled; see `Shuffle`. Only skims are shuffled
            by blocks.
        seed, epoch : int
            The order is a pure function of them; each ``iter()`` is the next epoch.
        drop_last : bool
            Leave out the last batch if it is short.
        num_threads : int, optional
            Threads that gather ahead, beside the caller's; see `SplitLoader`.
        rank, world_size : int
            Which equal part of the split to hand out, where several processes train together.

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
        options = LoaderOptions(
            batch_size=batch_size,
            shuffle=check_shuffle(shuffle),
            seed=seed,
            epoch=epoch,
            drop_last=drop_last,
            num_threads=check_threads(num_threads),
            rank=rank,
            world_size=world_size,
        ).for_columns()
        request = SplitRequest(split, splits, fold)
        node = None if cut is None else read_cut(cut, aliases=aliases, constants=constants)
        events = splits.keys if splits is not None else ()
        self._check_whole([*events, *(keys_of(node) if node is not None else ())])
        choice = choose_of_cut(
            self._snapshot,
            {key: self[key] for key in (self if keys is None else keys)},
            request,
            cut=node,
            stored_as={},
            recreate=False,
        )
        return SplitLoader(LoaderSetup(choice, options))

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
            recreate=recreate,
            progress=progress,
            work=work,
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
