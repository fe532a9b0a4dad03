"""Friend trees: what was computed from a store, back beside the ROOT files it came from."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from memmpy.errors import LengthError, OptionError, ReadOnlyStoreError
from memmpy.export.alignment import FriendTree, Rows, align, plan_friends
from memmpy.export.friend_values import (
    Fill,
    Values,
    branch_type,
    check_branches,
    find_fills,
    take_step,
)
from memmpy.store import (
    FileLock,
    SourceRecord,
    check_sources,
    disk_error,
    num_filled,
    read_metadata,
    temp_suffix,
)
from memmpy.typing import PathLike

__all__ = ["Friend", "write_friend", "write_friends"]

#: Most entries and bytes that are written at a time: a basket of each branch.
STEP_SIZE, STEP_BYTES = 1 << 20, 1 << 26
#: What is written aside and the lock that goes with it, by the suffix that both have.
_ASIDE = re.compile(r"(?P<name>.*)\.(?P<suffix>[0-9a-f]{16}\.tmp)(?P<lock>\.lock)?")


@dataclass(frozen=True, slots=True)
class Friend:
    """A friend tree that was written.

    Parameters
    ----------
    path : Path
        The file it is in.
    source : str
        The file it is a friend of.
    tree : str
        Name of both trees, with its directories.
    num_entries : int
        Entries of both trees.
    num_missing : int
        Entries that had no value.
    """

    path: Path
    source: str
    tree: str
    num_entries: int
    num_missing: int


def write_friend(
    path: PathLike,
    directory: PathLike,
    branches: Mapping[str, Any],
    *,
    entries: Any = None,
    fill: Fill = None,
    overwrite: bool = False,
) -> list[Friend]:
    """Write values of a store's entries to ROOT files that line up with those it came from.

    Every source file gets a friend file, in which each tree that is in the store has a TTree of
    the same name and as many entries: entry i of one is entry i of the other, also where the
    store holds only some of them, in another order, or `entries` are those of one split. All
    friends appear when all are written, so what fails leaves the directory as it was.

    Parameters
    ----------
    path : path-like
        The store.
    directory : path-like
        Where to write; made where it is missing. A friend has the file name of its source
        (``.root`` in place of ``.parquet`` or ``.h5``); where sources share a name, also as many
        of their directories as tell them apart: ``2016/ttH.root``, ``2017/ttH.root``.
    branches : mapping of str to array
        The values: bool, integers, float32 or float64 of shape (n, ...), or lists of them that
        differ in length (`Jagged`, `ReadJagged`, ``ak.Array``), whose lengths go into a branch of
        the name with an ``n`` before it.
    entries : array of int, optional
        The entry of the store that each row belongs to, as ``batch["_index"]`` has them: in any
        order, each once. Where not given, there is a row for every entry of the store.
    fill : number, or mapping of branch to number, optional
        For entries without a row. NaN where not given, for floats; an entry of lists is empty.
    overwrite : bool
        Whether to replace friend files that are there.

    Returns
    -------
    list of Friend
        One for each tree, file by file.

    Raises
    ------
    MissingFileError
        If there is no store.
    OptionError
        If no files fill the store; a branch cannot have that name; an entry is out of range or
        there twice; integers have to be filled and no `fill` says with what; or a friend file is
        there already, or would replace a source.
    ColumnError, LengthError
        If values are of a kind that a TTree cannot hold, or there are not as many as entries.
    DiskError, ReadOnlyStoreError
        If the directory cannot be written to.

    Notes
    -----
    Memory is bounded by a step of entries, besides 16 bytes for each of `entries` where they are
    not ascending.

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
    fill: Fill,
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
                "entries of the store; say with entries= which entries the rows belong to"
            )
            raise LengthError(message)
        if rows.entries is not None and len(column) != len(rows.entries):
            message = f"branch {name!r} has {len(column)} rows for {len(rows.entries)} entries"
            raise LengthError(message)
    trees = plan_friends(sources)
    fills = find_fills(values, fill, trees, rows)
    folder = Path(directory)
    _check_targets({folder / tree.file for tree in trees}, sources, overwrite=overwrite)
    aside: dict[Path, Path] = {}
    target, suffix = folder, temp_suffix()
    lock_file = folder / f".{suffix}.lock"
    lock = FileLock(lock_file)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.take()  # says that what has this suffix is still being written
        _remove_leftovers({folder / tree.file for tree in trees}, folder)
        for file, group in groupby(trees, key=lambda tree: tree.file):
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            aside[target] = target.with_name(f"{target.name}.{suffix}")
            _write_file(aside[target], list(group), values, fills, rows)
        for target, written in aside.items():
            written.replace(target)
    except FileExistsError as error:
        message = f"cannot write {str(target)!r}: {error.filename!r} is a file, not a directory"
        raise ReadOnlyStoreError(message) from None
    except OSError as error:
        raise disk_error(error, what=repr(str(target))) from error
    finally:
        for written in (*aside.values(), lock_file):
            with suppress(OSError):
                written.unlink()
        lock.release()
    return [
        Friend(
            path=folder / tree.file,
            source=tree.source,
            tree=tree.tree,
            num_entries=tree.num_entries,
            num_missing=tree.num_entries - tree.num_given(rows),
        )
        for tree in trees
    ]


def _check_targets(targets: set[Path], sources: Sequence[SourceRecord], *, overwrite: bool) -> None:
    """Raise an `OptionError` where a file would be lost."""
    files = {_identity(Path(source.path)): source.path for source in sources}
    for target in sorted(targets):
        identity = _identity(target)
        if identity is None:
            continue
        if identity in files:
            message = (
                f"the friend {str(target)!r} would replace the file {files[identity]!r} that the "
                "store was made from; write to another directory"
            )
            raise OptionError(message)
        if not overwrite:
            message = f"{str(target)!r} is there already; overwrite=True replaces it"
            raise OptionError(message)


def _identity(file: Path) -> tuple[int, int] | None:
    """Return what two paths of one file have in common; None where there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _remove_leftovers(targets: set[Path], folder: Path) -> None:
    """Remove what killed writers of friend files left: nobody holds their locks any more."""
    left: dict[str, list[Path]] = {}
    for parent in {folder, *(target.parent for target in targets)}:
        for file in parent.glob("*.tmp*"):
            found = _ASIDE.fullmatch(file.name)
            if found is not None and (found["lock"] or parent / found["name"] in targets):
                left.setdefault(found["suffix"], []).append(file)
    for suffix, files in left.items():
        lock_file = folder / f".{suffix}.lock"
        lock = FileLock(lock_file)
        with suppress(ReadOnlyStoreError, OSError):
            if lock.take():
                for file in {*files, lock_file}:
                    file.unlink(missing_ok=True)
        lock.release()


def _write_file(
    path: Path,
    trees: Sequence[FriendTree],
    values: Mapping[str, Values],
    fills: Mapping[str, Any],
    rows: Rows,
) -> None:
    """Write the trees of one friend file."""
    import uproot

    num_rows = max(1, len(next(iter(values.values()))))
    row_bytes = sum(column.nbytes for column in values.values()) // num_rows
    step_size = max(1, min(STEP_SIZE, STEP_BYTES // max(1, row_bytes)))
    types = {name: branch_type(held) for name, held in values.items()}
    with path.open("w+b") as stream, uproot.recreate(stream) as file:
        for tree in trees:
            written = file.mktree(tree.tree, types)
            for start in range(0, tree.num_entries, step_size):
                stop = min(start + step_size, tree.num_entries)
                places = list(tree.places(rows, start, stop))
                step = take_step(values, places, num_entries=stop - start, fills=fills)
                written.extend(step)
    with path.open("rb") as whole:  # uproot has closed the stream
        os.fsync(whole.fileno())
