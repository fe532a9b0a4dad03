"""The main job in one call: ROOT files to shuffled batches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from memmpy.columns import check_split_by, load_memmaps, open_tickets
from memmpy.cuts import Constant, compute_cut_batched, keys_of, parse
from memmpy.loaders import SplitLoader
from memmpy.root import RootFiles, convert, list_inputs
from memmpy.typing import Data, PathLike

__all__ = ["load_root"]


def load_root(
    root_files: RootFiles,
    path_mmap: PathLike,
    *,
    keys: Collection[str],
    keys_padded: Mapping[str, tuple[int, Any]] | None = None,
    tcut: str | None = None,
    aliases: Mapping[str, str] | None = None,
    cut_constants: Mapping[str, Constant] | None = None,
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
) -> SplitLoader:
    """Convert ROOT files, apply a cut, and return a loader of shuffled batches of one split.

    All of it is cached in the store: a second call reads no ROOT file, and after a change only
    what depends on it is made again.

    Parameters
    ----------
    root_files : RFileConfig or path, or a list of them
        The files, with their trees and metadata. Paths may be patterns.
    path_mmap : path-like
        The store; made where it is missing.
    keys : set of str
        Branches or aliases that batches hold as they are.
    keys_padded : mapping of str to (int, number), optional
        Branches or aliases of lists, cut or filled up to a length with a value. The dtype stays.
    tcut : str, optional
        Which events to load, as ROOT or Python would write it. May use branches that are in
        neither `keys` nor `keys_padded`, and text of the metadata: ``process == "ttH"``.
    aliases : mapping of str to str, optional
        Names for branches or for expressions of them.
    cut_constants : mapping of str to bool, number or str, optional
        Names for values in the cut.
    recreate : bool
        Read and compute everything again.
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
        agree in them share a split. Where not given, an event is named by its file's UUID, its
        tree and its entry.
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
    metadata_keys = list_inputs(root_files)[0].metadata
    padded = dict(keys_padded or {})
    constants = dict(cut_constants or {})
    names = () if split_by is None else check_split_by(split_by)
    known = {*keys, *padded, *metadata_keys, *constants}
    needed_by_cut = set() if tcut is None else keys_of(parse(tcut)) - known
    convert(
        root_files,
        path_mmap,
        keys={*keys, *needed_by_cut, *(set(names) - known)},
        keys_padded=padded,
        aliases=aliases,
        recreate=recreate,
        progress=progress,
    )
    subindex = None
    if tcut is not None:
        subindex = compute_cut_batched(path_mmap, tcut, constants=constants, recreate=recreate)
    data: Data = load_memmaps(path_mmap, [*sorted(keys), *padded, *metadata_keys])
    return SplitLoader(
        data,
        batch_size,
        split=split,
        fractions=fractions,
        subindex=subindex,
        split_seed=split_seed,
        seed=seed,
        epoch=epoch,
        shuffle=shuffle,
        drop_last=drop_last,
        num_threads=num_threads,
        tickets=open_tickets(path_mmap, split_by=split_by, split_seed=split_seed),
    )
