"""The main job in one call: ROOT files to shuffled batches."""

import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any

import numpy as np

from memmpy.choosing import Chosen, choose
from memmpy.columns import Snapshot, check_split_by, open_columns
from memmpy.conversion import (
    Conversion,
    RootFiles,
    check_names,
    convert,
    list_configs,
    names_in,
    split_renames,
)
from memmpy.cuts import Constant, Node, check_apart, keys_in, keys_of, read_cut
from memmpy.errors import ColumnError, CutError, MissingKeyError, OptionError, StoreLockedError
from memmpy.loaders import SplitLoader
from memmpy.typing import PathLike

__all__ = ["load_root"]

#: The column that a cut takes for a key that batches hold padded.
UNPADDED = "{}__unpadded"
#: How often to convert again where another process converts other files into the store.
MAX_ATTEMPTS = 3


def load_root(
    root_files: RootFiles,
    path_mmap: PathLike,
    *,
    keys: Collection[str] | Mapping[str, str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    tcut: str | None = None,
    aliases: Mapping[str, str] | None = None,
    cut_constants: Mapping[str, Constant] | None = None,
    dtypes: Mapping[str, Any] | None = None,
    executor: Executor | None = None,
    recreate: bool = False,
    batch_size: int = 32,
    split: int | str = 0,
    fractions: Sequence[float] = (0.8, 0.1, 0.1),
    split_seed: int = 0,
    split_by: Sequence[str] | None = None,
    seed: int = 0,
    epoch: int = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    num_threads: int = 1,
    progress: bool | None = None,
    lock_timeout: float = -1,
) -> SplitLoader:
    """Convert ROOT files, apply a cut, and return a loader of shuffled batches of one split.

    All of it is cached in the store: a second call reads no ROOT file, and after a change only
    what depends on it is made again.

    Parameters
    ----------
    root_files : RFileConfig or path-like, or a list of them
        The files, with their trees and metadata. Paths may be patterns.
    path_mmap : path-like
        The store; made where it is missing.
    keys : set of str, or mapping of str to str
        Branches or aliases that batches hold as they are; patterns and new names for branches as
        `convert` takes them.
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists, cut or filled up to a length with a value. The dtype stays.
    tcut : str, optional
        Which events to load, as ROOT or Python would write it. May use branches that are in
        neither `keys` nor `keys_padded`, and text of the metadata: ``process == "ttH"``. It sees
        lists as they are in the files, without padding.
    aliases : mapping of str to str, optional
        Names for branches or for expressions of them.
    cut_constants : mapping of str to bool, number or str, optional
        Names for values in the cut.
    dtypes : mapping of str to dtype-like, optional
        How keys are stored, and handed out: ``{"jet_pt": "float16"}``.
    executor : concurrent.futures.Executor, optional
        Who converts; threads of this process on all cores where not given.
    recreate : bool
        Read and compute everything again, and replace columns of these keys that the user wrote.
    batch_size : int
        Events in a batch. The last one of an epoch may be shorter.
    split : int or str
        Which of the `fractions`, by number or as ``"train"``, ``"val"``, ``"test"``.
    fractions : sequence of float
        Shares of the splits, of any number; they sum to 1.
    split_seed : int
        Another seed deals the events into other splits.
    split_by : sequence of str, optional
        Integer branches that name an event, such as ``("runNumber", "eventNumber")``: events that
        agree in them share a split, also after the files were made anew. Where not given, an event
        is named by its file's UUID, its tree and its entry.
    seed, epoch : int
        The order is a pure function of them; each ``iter()`` is the next epoch.
    shuffle : bool
        Whether each epoch has an order of its own; else that of the files.
    drop_last : bool
        Whether to leave out a last batch that is shorter.
    num_threads : int
        Threads that make batches ahead of their use; 0 for none.
    progress : bool, optional
        Whether to show a progress bar; on a terminal where not given.
    lock_timeout : float
        Seconds to wait for another process that writes to the store; below zero, for ever.

    Returns
    -------
    SplitLoader
        Its batches are dicts: `keys` (arrays, or `Jagged`), `keys_padded` (arrays of shape
        (batch, length, ...)), the names of the metadata (uint64 hashes, whose texts are in the
        store's ``metadata_memmpy.json``) and ``"_index"`` (int64 entries of the store).

    Raises
    ------
    MissingFileError, RootFileError, MissingKeyError
        If a file, tree or branch is not there or cannot be read.
    CutError
        If the cut or an alias cannot be understood; shows the place.
    OptionError
        If the arguments make no sense together.
    DiskError, ReadOnlyStoreError, StoreLockedError
        If the store cannot be written to; it keeps what it held.
    """
    configs = list_configs(root_files)
    said_of_files = configs[0].metadata
    keys_padded = keys_padded or {}
    keys, aliases = split_renames(keys, aliases or {})
    check_names(keys, keys_padded=keys_padded, aliases=aliases, reserved=said_of_files)
    names = [] if split_by is None else check_split_by(split_by)

    def make_loader(chosen: Chosen) -> SplitLoader:
        return SplitLoader(
            chosen.data,
            batch_size,
            split=split,
            fractions=fractions,
            subindex=chosen.subindex,
            split_seed=split_seed,
            seed=seed,
            epoch=epoch,
            shuffle=shuffle,
            drop_last=drop_last,
            num_threads=num_threads,
            tickets=chosen.tickets,
        )

    # Wrong options are said before hours of conversion.
    make_loader(Chosen({"none": np.empty(0).view(np.memmap)}, None, None))
    cut, stored_as = None, {}
    if tcut is not None:
        constants = cut_constants or {}
        cut = _read_cut(tcut, aliases=aliases, constants=constants, said_of_files=said_of_files)
        # A cut is on what the files hold: padding is not part of it.
        stored_as = {key: UNPADDED.format(key) for key in keys_padded if key in keys_of(cut)}
        for name in sorted({*stored_as.values()} & {*keys, *keys_padded, *aliases, *said_of_files}):
            raise OptionError(f"{name!r} is what load_root keeps for the cut; take another name")
    in_cut = set() if cut is None else keys_of(cut) - {*stored_as, *said_of_files}
    needed = {*keys, *in_cut, *names, *stored_as.values()} - {*keys_padded, *said_of_files}
    try:
        snapshot, conversion = _convert_and_open(
            configs,
            path_mmap,
            keys=needed,
            keys_padded=keys_padded,
            aliases={**aliases, **{name: key for key, name in stored_as.items()}},
            dtypes=dtypes,
            executor=executor,
            recreate=recreate,
            progress=progress,
            lock_timeout=lock_timeout,
        )
    except MissingKeyError as error:
        raise _placed(error, cut, {*keys, *keys_padded, *names}) from None
    matched = conversion.keys_of(keys)
    chosen = choose(
        snapshot,
        {key: snapshot.columns[key] for key in [*matched, *keys_padded, *said_of_files]},
        cut=cut,
        stored_as=stored_as,
        recreate=recreate,
        split_by=split_by,
        split_seed=split_seed,
    )
    return make_loader(chosen)


def _read_cut(
    tcut: str,
    *,
    aliases: Mapping[str, str],
    constants: Mapping[str, Constant],
    said_of_files: Collection[str],
) -> Node:
    """Return the cut on columns, into which go the aliases that no file can give."""
    check_apart(aliases, constants)
    in_cut: dict[str, str] = {}
    while True:
        names = {*said_of_files, *constants, *in_cut}
        more = {
            n: text for n, text in aliases.items() if n not in in_cut and names & names_in(text)
        }
        if not more:
            return read_cut(tcut, aliases=in_cut, constants=constants)
        in_cut |= more


def _convert_and_open(
    configs: RootFiles,
    path: PathLike,
    *,
    keys: Collection[str],
    keys_padded: Mapping[str, tuple[int, Any]],
    aliases: Mapping[str, str],
    dtypes: Mapping[str, Any] | None,
    executor: Executor | None,
    recreate: bool,
    progress: bool | None,
    lock_timeout: float,
) -> tuple[Snapshot, Conversion]:
    """Return the store's columns as they are once they hold what is asked for."""
    for attempt in range(MAX_ATTEMPTS):
        conversion = convert(
            configs,
            path,
            keys=keys,
            keys_padded=keys_padded,
            aliases=aliases,
            dtypes=dtypes,
            executor=executor,
            recreate=recreate and attempt == 0,
            progress=progress,
            lock_timeout=lock_timeout,
        )
        # Another process may have converted other files since: then columns are stale or others.
        with suppress(MissingKeyError, ColumnError):
            snapshot = open_columns(path, sorted(conversion.wanted.origins))
            if conversion.is_in(snapshot.metadata):
                return snapshot, conversion
    message = (
        f"other processes keep converting other files into {os.fspath(path)!r}; "
        "give each job a store of its own"
    )
    raise StoreLockedError(message)


def _placed(
    error: MissingKeyError, cut: Node | None, asked_for: Collection[str]
) -> MissingKeyError | CutError:
    """Return the error for a missing branch, with its place if only the cut asks for it."""
    if cut is not None and error.key not in asked_for:
        for key in keys_in(cut):
            if key.name == error.key:
                return key.span.error(str(error))
    return error
