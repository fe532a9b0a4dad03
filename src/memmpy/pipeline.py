"""The main job in one call: ROOT files to shuffled batches."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from memmpy.columns import check_split_by, open_columns, tickets_of
from memmpy.cuts import Constant, Node, keys_in, keys_of, read_cut, select
from memmpy.errors import CutError, MissingKeyError
from memmpy.loaders import SplitLoader
from memmpy.root import RootFiles, branches_of, convert, list_configs, list_inputs
from memmpy.typing import PathLike

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
    root_files : RFileConfig or path-like, or a list of them
        The files, with their trees and metadata. Paths may be patterns.
    path_mmap : path-like
        The store; made where it is missing.
    keys : set of str
        Branches or aliases that batches hold as they are.
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
    padded, said_of_files = dict(keys_padded or {}), list(list_inputs(configs)[0].metadata)
    names = [] if split_by is None else check_split_by(split_by)
    aliases = dict(aliases or {})
    cut: Node | None = None
    needed = set(names)
    if tcut is not None:
        constants = dict(cut_constants or {})
        in_cut = _aliases_in_cut(aliases, {*said_of_files, *constants})
        # A cut is on what the files hold: padding is not part of it.
        unpadded = {key: f"{key}__unpadded" for key in padded}
        aliases |= {new: key for key, new in unpadded.items()}
        cut = read_cut(tcut, aliases={**in_cut, **unpadded}, constants=constants)
        needed |= keys_of(cut)
    try:
        convert(
            configs,
            path_mmap,
            keys={*keys, *needed} - {*padded, *said_of_files},
            keys_padded=padded,
            aliases=aliases,
            recreate=recreate,
            progress=progress,
        )
    except MissingKeyError as error:
        raise _placed(error, cut, {*keys, *padded, *names}) from None
    handed_out = [*sorted(keys), *padded, *said_of_files]
    snapshot = open_columns(path_mmap, dict.fromkeys([*handed_out, *sorted(needed)]))
    data = {key: snapshot.columns[key] for key in handed_out}
    subindex = None if cut is None else select(snapshot, cut, recreate=recreate)
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
        tickets=tickets_of(
            snapshot,
            split_by=split_by,
            split_seed=split_seed,
            num_entries=len(next(iter(data.values()))),
        ),
    )


def _aliases_in_cut(aliases: Mapping[str, str], not_in_files: Collection[str]) -> dict[str, str]:
    """Return the aliases that no file can give: those that use metadata or constants."""
    found: dict[str, str] = {}
    while True:
        names = {*not_in_files, *found}
        more = {
            name: text
            for name, text in aliases.items()
            if name not in found and names & branches_of(text)
        }
        if not more:
            return found
        found |= more


def _placed(
    error: MissingKeyError, cut: Node | None, asked_for: Collection[str]
) -> MissingKeyError | CutError:
    """Return the error for a missing branch, with its place if only the cut asks for it."""
    if cut is not None and error.key not in asked_for:
        for key in keys_in(cut):
            if key.name == error.key:
                return key.span.error(str(error))
    return error
