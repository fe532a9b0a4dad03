"""`load_root`: ROOT files to shuffled batches in one call."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from memmpy.checks import check_flag, check_mapping, check_progress
from memmpy.conversion import RootFiles, list_configs
from memmpy.cuts import Constant
from memmpy.display import quiet
from memmpy.errors import OptionError, argument_hints
from memmpy.loaders import LoaderOptions, ShuffleOption, check_shuffle
from memmpy.parallel import RankOption, WorkOption, check_threads, check_work
from memmpy.pipeline.load_request import LoadRequest
from memmpy.pipeline.prepare import StoreOptions, prepare_split
from memmpy.splits import LoaderSpec, SplitLoader, SplitRequest, Splits
from memmpy.typing import PathLike

__all__ = ["load_root"]


@argument_hints
def load_root(
    root_files: RootFiles,
    path_mmap: PathLike,
    *,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    groups: Mapping[str, Sequence[str]] | None = None,
    tcut: str | None = None,
    aliases: Mapping[str, str] | None = None,
    cut_constants: Mapping[str, Constant] | None = None,
    dtype: Any = None,
    splits: Splits | None = None,
    split: str | int | None = None,
    fold: int | None = None,
    batch_size: int = 32,
    shuffle: ShuffleOption = True,
    seed: int = 0,
    epoch: int = 0,
    drop_last: bool = False,
    num_threads: int | None = None,
    rank: RankOption = 0,
    world_size: int = 1,
    skim: bool = True,
    recreate: bool = False,
    progress: bool | None = None,
    work: WorkOption = None,
) -> SplitLoader:
    """Convert files, apply a cut, and return a loader of shuffled batches.

    The first call converts the branches that the batches and the cut need into a store, and copies
    the selected events into a `Skim`, whose rows are in random order. Later calls reuse both: they
    open no file, and rebuild only what depends on a change.

    Parameters
    ----------
    root_files : RFileConfig or path-like, or a list of them
        The ROOT, Parquet or HDF5 files, with their trees and metadata. Paths may be patterns.
    path_mmap : path-like
        The directory of the store. memmpy creates it if it is missing.
    keys : set of str, or mapping of str to str
        Branches or aliases that batches hold without padding. Patterns such as ``"Jet_*"``, and a
        mapping of new names to branches, work as in `convert`.
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists that batches hold padded: each list is truncated or filled up
        to a length with a value. The dtype stays the same. A padded key in a group is handed out
        in the group only.
    groups : mapping of str to list of str, optional
        Inputs of a network: the keys of a group are stacked along the last axis (see `skim`). They
        need not be in `keys`. Not with ``skim=False``.
    tcut : str, optional
        The events to load, in the syntax of ROOT or of Python. The cut may use branches that are
        not in the batches, and metadata: ``process == "ttH"``. It sees lists as in the files,
        without padding. All events by default.
    aliases : mapping of str to str, optional
        Names for branches or expressions.
    cut_constants : mapping of str to bool, number or str, optional
        Names for values in the cut.
    dtype : dtype-like, or mapping of str to dtype-like, optional
        The dtype of all groups; or a mapping of keys and groups to dtypes:
        ``{"jet_pt": "float16"}``. A key is stored and loaded in its dtype. The dtype of a group
        does not change its keys outside of the group.
    splits : Splits, optional
        The rule that assigns events to splits; the rule of the store by default. The first call
        that gives `splits`, or names a split, records it in the store, and later calls must agree
        with it. memmpy converts the columns that the rule needs, too.
    split : str, optional
        ``"train"``, ``"val"``, ``"test"``, or ``"all"`` for all events. The default is
        ``"all"``, but a store that has splits needs a name.
    fold : int, optional
        The fold. Splits with folds need it, and others do not take it.
    batch_size : int, default 32
        Events per batch. The last batch of an epoch may be shorter.
    shuffle : bool, "exact", "blocks" or Shuffle, default True
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
    skim : bool, default True
        Load from a skim. For many columns this is up to five times as fast from memory, and tens of
        times from disk. With False, load from the columns: this takes no more disk space, and also
        loads texts and nested lists. The events, values and splits are the same; the order differs.
    recreate : bool, default False
        Convert, select and skim everything again, and replace columns of these keys that you
        wrote.
    progress : bool, optional
        Whether to show progress bars, and a line while kernels compile. By default memmpy shows
        them on a terminal. With False, the loader does not show the line either.
    work : Work or concurrent.futures.Executor, optional
        The executor that converts and skims, and its limits; see `Work`.

    Returns
    -------
    SplitLoader
        Its batches are dicts of

        - `keys`: arrays, or `Jagged` for lists;
        - `keys_padded`: arrays of shape (batch, length, ...), each with a bool ``"<key>_mask"`` of
          shape (batch, length), which is True for real items;
        - `groups`: arrays of shape (batch, k); for lists `Jagged`, or arrays of shape (batch,
          length, k) with a bool ``"<group>_mask"`` if their keys are padded;
        - the names of the metadata: uint64 hashes of texts, which are in `Store.texts`, and
          numbers; and the names of totals: float64;
        - ``"_index"``: int64 entries of the store.

    Raises
    ------
    MissingFileError, RootFileError, MissingKeyError
        If a file, tree or branch is missing or unreadable.
    ColumnError
        If a skim cannot hold a column, such as texts and nested lists, or the keys of a group do
        not fit together.
    CutError
        If memmpy cannot read the cut or an alias; shows the place.
    SplitError
        If the splits differ from those of the store, if a split or a fold must be named, or if no
        column names the events.
    OptionError
        If arguments are wrong, or contradict each other.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If memmpy cannot write to the store. The store keeps its content.

    Examples
    --------
    >>> loader = memmpy.load_root(
    ...     memmpy.RFileConfig("ttH_*.root", metadata={"process": "ttH"}),
    ...     "data.mmpy",
    ...     keys={"nJets", "met"},
    ...     keys_padded={"jet_pt": (22, float("nan"))},
    ...     tcut="nJets >= 6 && met > 50",
    ...     split="train",
    ...     batch_size=128,
    ... )
    >>> for batch in loader:
    ...     batch["met"], batch["jet_pt"], batch["jet_pt_mask"]
    """
    configs = list_configs(root_files)
    is_skim = check_flag("skim", skim)
    if groups is not None and not is_skim:
        raise OptionError("groups is for skims, and skim=False makes none: leave it out")
    # Both values raise an error for wrong options before hours of conversion.
    request = LoadRequest(
        configs,
        keys,
        check_mapping("keys_padded", keys_padded),
        groups=check_mapping("groups", groups) if is_skim else None,
        cut_text=tcut,
        aliases=check_mapping("aliases", aliases),
        constants=check_mapping("cut_constants", cut_constants),
        dtype=dtype,
        split_request=SplitRequest(split, splits, fold),
    )
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
    store = StoreOptions(path_mmap, check_work(work), recreate, check_progress(progress))
    if not is_skim:
        options.check_for_columns()
    is_quiet = store.progress is False
    with quiet(when=is_quiet):
        split_data = prepare_split(request, store)
        return SplitLoader(LoaderSpec(split_data, options, is_quiet=is_quiet))
