"""The main job in one call: ROOT files to shuffled batches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from memmpy.checks import check_flag
from memmpy.conversion import RootFiles, list_configs
from memmpy.cuts import Constant
from memmpy.display import quiet
from memmpy.errors import OptionError
from memmpy.loaders import LoaderOptions, ShuffleOption, check_shuffle
from memmpy.parallel import WorkOption, check_threads, check_work
from memmpy.pipeline.load_request import LoadRequest
from memmpy.pipeline.prepare import StoreOptions, supply_columns, supply_skim
from memmpy.splits import LoaderSetup, SplitLoader, SplitRequest, Splits
from memmpy.typing import PathLike

__all__ = ["load_root"]


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
    rank: int = 0,
    world_size: int = 1,
    skim: bool = True,
    recreate: bool = False,
    progress: bool | None = None,
    work: WorkOption = None,
) -> SplitLoader:
    """Convert ROOT files, apply a cut, and return a loader of shuffled batches.

    What batches need is packed into a `Skim`, whose rows lie in random order, and is loaded from
    there: two to five times as fast as from columns of numbers. All of it is cached in the store: a
    second call reads no ROOT file and makes no skim, and after a change only what depends on it is
    made again.

    Parameters
    ----------
    root_files : RFileConfig or path-like, or a list of them
        The files, with their trees and metadata. Paths may be patterns.
    path_mmap : path-like
        The store; made where it is missing.
    keys : set of str, or mapping of str to str
        Branches or aliases that batches hold as they are; patterns and new names of branches, too
        (see `convert`).
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists, cut or filled up to a length with a value. The dtype stays.
        One that is in a group is part of that alone.
    groups : mapping of str to list of str, optional
        Inputs of a network: branches or aliases put beside each other along the last axis (see
        `skim`). They need not be in `keys`. Not with ``skim=False``.
    tcut : str, optional
        Which events to load, as ROOT or Python would write it. May use branches that are in
        neither `keys` nor `keys_padded`, and text of the metadata: ``process == "ttH"``. It sees
        lists as they are in the files, without padding.
    aliases : mapping of str to str, optional
        Names for branches or for expressions of them.
    cut_constants : mapping of str to bool, number or str, optional
        Names for values in the cut.
    dtype : dtype-like, or mapping of str to dtype-like, optional
        The dtype of all groups; or, by name, of keys and of groups: ``{"jet_pt": "float16"}``. A
        key is stored and handed out in it; a group alone is cast, and not its keys.
    splits : Splits, optional
        Who is an event, and on which side: what names events, the fractions or folds, a seed. The
        first call that gives them or names a split records them in the store, and later calls must
        agree; the columns that they need are converted, too.
    split : str, optional
        ``"train"``, ``"val"`` or ``"test"``; or ``"all"`` events, as where not given in a store
        without splits.
    fold : int, optional
        Which fold; needed where the splits have folds.
    batch_size : int
        Events in a batch. The last one of an epoch may be shorter.
    shuffle : bool, "exact", "blocks" or Shuffle
        How the events of each epoch are shuffled; see `Shuffle`. Only skims are shuffled by
        blocks.
    seed, epoch : int
        The order is a pure function of them; each ``iter()`` is the next epoch.
    drop_last : bool
        Whether to leave out a last batch that is shorter.
    num_threads : int, optional
        Threads that make batches ahead of their use, beside the caller's; see `SplitLoader`.
    rank, world_size : int
        Which equal part of the split to hand out, where several processes train together.
    skim : bool
        Whether to load from a skim; else from the columns, entry by entry, which takes no more
        room on the disk, and loads texts and nested lists, too. Both give the same values for the
        same events, in the same splits, but in another order.
    recreate : bool
        Read, compute and skim everything again, and replace columns of these keys that the user
        wrote.
    progress : bool, optional
        Whether to show progress bars, and to say on a terminal that kernels are compiled; on a
        terminal where not given. With False the loader that is returned says nothing either.
    work : Work or concurrent.futures.Executor, optional
        The executor that converts and skims, and its limits; see `Work`.

    Returns
    -------
    SplitLoader
        Its batches are dicts: `keys` (arrays, or `Jagged`), `keys_padded` (arrays of shape
        (batch, length, ...), each with a bool ``"<key>_mask"`` of shape (batch, length)), `groups`
        (arrays of shape (batch, k) or (batch, length, k) with a bool ``"<group>_mask"``, or
        `Jagged`), the names of the metadata (uint64 hashes, whose texts are in the store's
        ``metadata_memmpy.json``) and ``"_index"`` (int64 entries of the store).

    Raises
    ------
    MissingFileError, RootFileError, MissingKeyError
        If a file, tree or branch is not there or cannot be read.
    ColumnError
        If a skim cannot hold a column, such as texts and nested lists, which ``skim=False`` loads;
        or the keys of a group do not fit together.
    CutError
        If the cut or an alias cannot be understood; shows the place.
    SplitError
        If the splits differ from those of the store, a split or a fold is not named where there
        are some, or nothing names an event.
    OptionError
        If the arguments make no sense together.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If the store cannot be written to; it keeps what it held.
    """
    configs = list_configs(root_files)
    is_skim = check_flag("skim", skim)
    if groups is not None and not is_skim:
        raise OptionError("groups is for skims, and skim=False makes none: leave it out")
    # Wrong options are said before hours of conversion.
    request = LoadRequest(
        configs,
        keys,
        keys_padded or {},
        groups=(groups or {}) if is_skim else None,
        cut_text=tcut,
        aliases=aliases or {},
        constants=cut_constants or {},
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
    store = StoreOptions(path_mmap, check_work(work), recreate, progress)
    is_quiet = progress is False
    with quiet(when=is_quiet):
        if is_skim:
            choice = supply_skim(request, store)
        else:
            options.for_columns()
            choice = supply_columns(request, store)
        return SplitLoader(LoaderSetup(choice, options, is_quiet=is_quiet))
