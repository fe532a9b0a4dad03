"""`Store`, the result of `memmpy.open`: columns by key, with cuts, splits and loaders."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, final

import numpy as np

from memmpy.checks import check_mapping
from memmpy.columns import check_keys
from memmpy.cuts import Constant, keys_of, read_cut
from memmpy.dataset.cut_split import resolve_cut_split
from memmpy.dataset.maintenance import verify
from memmpy.dataset.store_views import StoreViews
from memmpy.errors import OptionError, argument_hints
from memmpy.loaders import LoaderOptions, ShuffleOption, check_shuffle
from memmpy.order import SPLIT_NAMES
from memmpy.parallel import RankOption, WorkOption, check_threads, check_work
from memmpy.skims import Skim, Skims, find_skims, skim
from memmpy.splits import LoaderSpec, SplitLoader, SplitRequest, Splits, check_splits
from memmpy.store import Problem
from memmpy.training import (
    Audit,
    Inputs,
    Negative,
    Normalise,
    Reweight,
    TrainingRequest,
    TrainingSet,
    audit,
    make_training_set,
)
from memmpy.typing import PathLike

__all__ = ["Store", "open"]


@argument_hints
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


# Its methods stand in four files: columns, sources and splits in `StoreMapping`; what takes
# expressions in `StoreCuts`; tables in `StoreViews`; skims, loaders and training sets here.
@argument_hints
@final
class Store(StoreViews):
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

    @property
    def skims(self) -> Skims:
        """The skims in the store now, a sequence of `Skim` that prints as a table.

        `Skims.outdated` lists the skims that do not match the columns any more. They take disk
        space until the next call rebuilds them, or you call `Skim.remove`.
        """
        return find_skims(self.path, self._metadata)

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
        rank: RankOption = 0,
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
            The epoch of the first pass. Each whole pass leads to the next epoch.
        drop_last : bool, default False
            Leave out the last batch of an epoch if it is short.
        num_threads : int, optional
            Threads that gather batches ahead, beside the thread of the caller; see `SplitLoader`.
        rank : int, "auto" or "slurm", default 0
            The number of this process, 0 to `world_size` - 1, if several processes train together.
            ``"auto"`` and ``"slurm"`` find both numbers; see `SplitLoader`.
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

    def training_set(
        self,
        *,
        inputs: Inputs,
        labels: Mapping[str, str] | None = None,
        others: str = "raise",
        weight: str | None = None,
        cut: str | None = None,
        aliases: Mapping[str, str] | None = None,
        constants: Mapping[str, Constant] | None = None,
        splits: Splits | None = None,
        spectators: Collection[str] = (),
        missing: float | Mapping[str, float] | None = None,
        fill: float | None = 0.0,
        scale: str | Mapping[str, str | None] | None = None,
        normalise: Normalise = "mean",
        negative: Negative = "keep",
        reweight: Reweight | None = None,
        dtype: Any = "float32",
        work: WorkOption = None,
    ) -> TrainingSet:
        """Return what a network is trained on, from columns of the store.

        The parameters are those of `memmpy.training_set`, but for the files. Columns that you wrote
        or added take part like any other.

        Examples
        --------
        >>> data = store.training_set(
        ...     inputs={"event": ["met", "HT"]},
        ...     labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
        ... )
        """
        request = TrainingRequest(
            inputs,
            labels=labels,
            others=others,
            weight=weight,
            cut=cut,
            aliases=aliases,
            constants=constants,
            spectators=spectators,
            missing=missing,
            fill=fill,
            scale=scale,
            normalise=normalise,
            negative=negative,
            reweight=reweight,
            dtype=dtype,
        )
        data = make_training_set(self.path, request, check_work(work), check_splits(splits))
        self._open()
        return data

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
