"""Writes friend trees: computed values, aligned with the ROOT files of a store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from memmpy.checks import check_path
from memmpy.errors import LengthError, argument_hints
from memmpy.export.alignment import FriendTree, RowAlignment, align, plan_friends
from memmpy.export.files_aside import check_targets, files_aside
from memmpy.export.friend_values import (
    BranchValues,
    FillOption,
    branch_type,
    check_branches,
    find_fills,
    take_step,
)
from memmpy.store import SourceRecord, check_sources, num_filled, read_metadata
from memmpy.typing import PathLike

__all__ = ["Friend", "write_friend", "write_friends"]

#: Limits of the entries and bytes of one write: a basket of each branch.
STEP_SIZE, STEP_BYTES = 1 << 20, 1 << 26


@argument_hints
@dataclass(frozen=True, slots=True)
class Friend:
    """One written friend tree.

    Parameters
    ----------
    path : Path
        The friend file.
    source : str
        The source file that it belongs to.
    tree : str
        Name of both trees, with its directories.
    num_entries : int
        Number of entries of both trees.
    num_missing : int
        Number of entries without a row.
    """

    path: Path
    source: str
    tree: str
    num_entries: int
    num_missing: int


@argument_hints
def write_friend(
    path: PathLike,
    directory: PathLike,
    branches: Mapping[str, Any],
    *,
    entries: Any = None,
    fill: FillOption = None,
    overwrite: bool = False,
) -> list[Friend]:
    """Write values of entries to friend trees of the ROOT files of a store.

    Each source file gets a friend file. It has a TTree for each tree in the store, of the same name
    and length: entry i of one is entry i of the other, even if the store has only some entries, or
    `entries` are in another order or those of one split. All friends appear at the end together, so
    that an error leaves the directory unchanged.

    Parameters
    ----------
    path : path-like
        The store.
    directory : path-like
        The directory of the friends, created if it is missing. A friend has the file name of its
        source, with the suffix ``.root``. Sources of the same name keep as many directories as
        necessary: ``2016/ttH.root``, ``2017/ttH.root``.
    branches : mapping of str to array
        The values: bool, integers, float32 or float64 of shape (n, ...), or lists of different
        lengths (`Jagged`, `ReadJagged`, ``ak.Array``). The lengths of the lists ``x`` go into a
        branch ``nx``.
    entries : array of int, optional
        The entry of the store that each row belongs to, such as ``batch["_index"]``: in any order,
        without duplicates. By default there is a row for every entry of the store.
    fill : number, or mapping of branch to number, optional
        Value for entries without a row. The default for floats is NaN. Lists are empty there.
    overwrite : bool
        Whether to replace existing friend files.

    Returns
    -------
    list of Friend
        One for each tree, file by file.

    Raises
    ------
    MissingFileError
        If there is no store.
    OptionError
        If no files fill the store; a branch cannot have its name; an entry is out of range or a
        duplicate; integers need a `fill`; or a friend file exists already, or would replace a
        source.
    ColumnError, LengthError
        If a TTree cannot hold the values, or there are more or fewer values than entries.
    DiskError, ReadOnlyStoreError
        If the directory cannot be written to.

    Notes
    -----
    Memory is bounded by a step of entries, plus 16 bytes for each of `entries` if they are not
    ascending.

    Examples
    --------
    >>> write_friend("data.mmpy", "friends/", {"score": scores}, entries=batch["_index"])
    [Friend(path=PosixPath('friends/ttH.root'), source='/data/ttH.root', tree='nominal', ...)]
    """
    return write_friends(
        read_metadata(path).sources,
        directory,
        branches,
        entries=entries,
        fill=fill,
        overwrite=overwrite,
    )


def write_friends(
    sources: Sequence[SourceRecord],
    directory: PathLike,
    branches: Mapping[str, Any],
    *,
    entries: Any,
    fill: FillOption,
    overwrite: bool,
) -> list[Friend]:
    """Write friends of the sources of a store, as `write_friend` does."""
    check_sources(sources)
    values = check_branches(branches)
    num_entries = num_filled(sources)
    rows = align(entries, num_entries)
    for name, column in values.items():
        if rows.entries is None and len(column) != num_entries:
            message = (
                f"branch {name!r} has {len(column)} rows, and the files fill {num_entries} "
                "entries of the store; give the entry of each row as entries="
            )
            raise LengthError(message)
        if rows.entries is not None and len(column) != len(rows.entries):
            message = f"branch {name!r} has {len(column)} rows for {len(rows.entries)} entries"
            raise LengthError(message)
    trees = plan_friends(sources)
    fills = find_fills(values, fill, trees, rows)
    folder = check_path(directory)
    targets = {folder / tree.file for tree in trees}
    check_targets(targets, sources, overwrite=overwrite)
    with files_aside(folder, targets) as aside:
        for file, group in groupby(trees, key=lambda tree: tree.file):
            _write_file(aside(folder / file), list(group), values, fills, rows)
    return [
        Friend(
            path=folder / tree.file,
            source=tree.source,
            tree=tree.tree,
            num_entries=tree.num_entries,
            num_missing=tree.num_entries - tree.num_with_row(rows),
        )
        for tree in trees
    ]


def _write_file(
    path: Path,
    trees: Sequence[FriendTree],
    values: Mapping[str, BranchValues],
    fills: Mapping[str, Any],
    rows: RowAlignment,
) -> None:
    """Write the trees of one friend file."""
    import uproot

    num_rows = max(1, len(next(iter(values.values()))))
    row_bytes = sum(column.nbytes for column in values.values()) // num_rows
    step_size = max(1, min(STEP_SIZE, STEP_BYTES // max(1, row_bytes)))
    types = {name: branch_type(column) for name, column in values.items()}
    with path.open("w+b") as stream, uproot.recreate(stream) as file:
        for tree in trees:
            friend = file.mktree(tree.tree, types)
            for start in range(0, tree.num_entries, step_size):
                stop = min(start + step_size, tree.num_entries)
                places = list(tree.places(rows, start, stop))
                step = take_step(values, places, num_entries=stop - start, fills=fills)
                friend.extend(step)
