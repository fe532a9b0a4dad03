"""Plans friend trees: which rows of the user belong to which entries of which tree."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.errors import OptionError
from memmpy.store import SourceRecord, tree_name
from memmpy.typing import Entries

__all__ = ["FriendTree", "RowAlignment", "RowsAndEntries", "align", "friend_files", "plan_friends"]

#: Rows of the user's arrays, and the entries that they fill.
RowsAndEntries: TypeAlias = tuple[slice | NDArray[np.int64], Entries]

#: Suffixes of files that are not ROOT files: their friends get another suffix.
_OTHER_SUFFIXES = {".parquet", ".parq", ".pq", ".h5", ".hdf5", ".hdf"}


@dataclass(frozen=True, slots=True)
class RowAlignment:
    """The entry of the store that each row of the user's arrays belongs to.

    Parameters
    ----------
    entries : array of int64 or None
        Ascending, without duplicates; None if row i belongs to entry i.
    order : array of int64 or None
        The row of each of `entries`; None if the rows have the same order.
    """

    entries: Entries | None
    order: NDArray[np.int64] | None

    def count(self, entry_start: int, entry_stop: int) -> int:
        """Return the number of rows that belong to a range of entries."""
        start, stop = self._range(entry_start, entry_stop)
        return stop - start

    def between(self, entry_start: int, entry_stop: int) -> RowsAndEntries:
        """Return the rows that belong to a range of entries, and these entries, ascending."""
        start, stop = self._range(entry_start, entry_stop)
        if self.entries is None:
            return slice(start, stop), np.arange(start, stop, dtype=np.int64)
        rows = slice(start, stop) if self.order is None else self.order[start:stop]
        return rows, self.entries[start:stop]

    def _range(self, entry_start: int, entry_stop: int) -> tuple[int, int]:
        if self.entries is None:
            return entry_start, entry_stop
        start, stop = np.searchsorted(self.entries, [entry_start, entry_stop])
        return int(start), int(stop)


@dataclass(frozen=True, slots=True)
class FriendTree:
    """A friend tree to write or read, and the entries of the store that belong to it.

    Parameters
    ----------
    file : str
        Relative path of the friend file.
    source : str
        The source file.
    tree : str
        Name of both trees, with its directories.
    num_entries : int
        Number of entries of both trees.
    parts : tuple of SourceRecord
        The ranges of the tree that the store holds, ascending.
    """

    file: str
    source: str
    tree: str
    num_entries: int
    parts: tuple[SourceRecord, ...]

    def num_with_row(self, rows: RowAlignment) -> int:
        """Return the number of entries of the tree that have a row."""
        return sum(rows.count(p.entry_start, p.entry_stop) for p in self.parts)

    def places(self, rows: RowAlignment, start: int, stop: int) -> Iterator[RowsAndEntries]:
        """Yield rows, and their positions in the entries ``start`` to ``stop`` of the tree."""
        for part in self.parts:
            first, last = max(start, part.tree_start), min(stop, part.tree_stop)
            if first < last:
                shift = part.entry_start - part.tree_start
                indices, entries = rows.between(first + shift, last + shift)
                yield indices, entries - (shift + start)


def align(entries: Any, num_entries: int) -> RowAlignment:
    """Return the alignment of rows with entries.

    Parameters
    ----------
    entries : array of int, or None
        The entry of each row, in any order; None if row i belongs to entry i.
    num_entries : int
        Entries of the store.

    Raises
    ------
    OptionError
        If an entry is out of range or a duplicate.
    """
    if entries is None:
        return RowAlignment(None, None)
    checked = check_indices(entries, num_entries, of="entries from files")
    if bool((checked[1:] > checked[:-1]).all()):
        return RowAlignment(checked, None)
    order = np.argsort(checked, kind="stable")
    ascending = checked[order]
    duplicates = np.flatnonzero(ascending[1:] == ascending[:-1])
    if len(duplicates):
        message = (
            f"entry {ascending[duplicates[0]]} is in entries more than once: an entry has one row, "
            "so collect one epoch, or keep one of the rows"
        )
        raise OptionError(message)
    return RowAlignment(ascending, order)


def plan_friends(sources: Sequence[SourceRecord]) -> list[FriendTree]:
    """Return the friend trees of the sources of a store, file by file.

    Raises
    ------
    OptionError
        If the store has two cycles of a tree, or duplicate entries of one, or if two files would
        get the same friend.
    """
    files = friend_files(dict.fromkeys(source.path for source in sources))
    parts: dict[str, dict[str, list[SourceRecord]]] = {path: {} for path in files}
    for source in sources:
        parts[source.path].setdefault(tree_name(source), []).append(source)
    trees = []
    for path, by_name in parts.items():
        names: set[str] = set()
        for name, records in by_name.items():
            _check_parts(path, name, records)
            tree = name.strip("/") or "tree"
            if tree in names:
                raise OptionError(f"two trees of {path!r} would have the friend {tree!r}")
            names.add(tree)
            num_entries = max(record.tree_entries for record in records)
            ascending = tuple(sorted(records, key=lambda record: record.tree_start))
            trees.append(FriendTree(files[path], path, tree, num_entries, ascending))
    return trees


def friend_files(paths: Iterable[str]) -> dict[str, str]:
    """Return the relative path of the friend file of each source file.

    It is the name of the file; files of the same name keep as many directories as necessary.

    Raises
    ------
    OptionError
        If two files would have the same friend.
    """
    by_name: dict[str, dict[str, tuple[str, ...]]] = {}
    for path in paths:
        parts = _path_parts(path)
        by_name.setdefault(parts[-1], {})[path] = parts
    files = {}
    for name, alike in by_name.items():
        longest = max(map(len, alike.values()))
        for num in range(1, longest + 1):
            ends = {path: "/".join(parts[-num:]) for path, parts in alike.items()}
            if len(set(ends.values())) == len(ends):
                files.update(ends)
                break
        else:
            names = ", ".join(map(repr, sorted(alike)))
            message = f"these files would have one friend {name!r}: {names}; rename one of them"
            raise OptionError(message)
    return files


def _path_parts(path: str) -> tuple[str, ...]:
    """Return the directories of a file or URL, and the name of its friend."""
    if "://" in path:
        url = urlsplit(path)
        path = f"{url.netloc}/{url.path}"
    *directories, name = [part for part in path.split("/") if part not in {"", ".", ".."}]
    file = PurePosixPath(name)
    if file.suffix.lower() in _OTHER_SUFFIXES:
        name = file.with_suffix(".root").name
    return (*directories, name)


def _check_parts(path: str, tree: str, records: Sequence[SourceRecord]) -> None:
    """Raise an `OptionError` unless the records are ranges of one tree that do not overlap."""
    if len({record.tree for record in records}) > 1:
        cycles = " and ".join(repr(record.tree) for record in records)
        message = (
            f"the store holds {cycles} of {path!r}, which are states of one tree: a friend can be "
            "aligned with one of them only; convert them to stores of their own"
        )
        raise OptionError(message)
    filled = [record for record in records if record.num_entries]
    for one, other in pairwise(sorted(filled, key=lambda record: record.tree_start)):
        if other.tree_start < one.tree_stop:
            message = (
                f"the store holds entry {other.tree_start} of {tree!r} of {path!r} twice: "
                "a friend has one row for it"
            )
            raise OptionError(message)
