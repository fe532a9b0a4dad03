"""Which rows belong to which entries of which friend tree: integers and names, nothing is read."""

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

__all__ = ["FriendTree", "Place", "Rows", "align", "friend_files", "plan_friends"]

#: Rows of the user's arrays, and the entries that they fill.
Place: TypeAlias = tuple[slice | NDArray[np.int64], Entries]

#: Files that are not ROOT's have a friend of another suffix.
_OTHER_SUFFIXES = {".parquet", ".parq", ".pq", ".h5", ".hdf5", ".hdf"}


@dataclass(frozen=True, slots=True)
class Rows:
    """Which row of the user's arrays belongs to which entry of the store.

    Parameters
    ----------
    entries : array of int64 or None
        Ascending, each once; None where row i belongs to entry i.
    order : array of int64 or None
        The row of each of `entries`; None where they are in the order of the rows.
    """

    entries: Entries | None
    order: NDArray[np.int64] | None

    def count(self, entry_start: int, entry_stop: int) -> int:
        """Return how many rows belong to a range of entries."""
        start, stop = self._range(entry_start, entry_stop)
        return stop - start

    def between(self, entry_start: int, entry_stop: int) -> Place:
        """Return the rows that belong to a range of entries, and which those are, ascending."""
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
    """A tree to write, and what in the store is of the tree beside it.

    Parameters
    ----------
    file : str
        Relative path of the friend file.
    source : str
        The file that the store was made from.
    tree : str
        Name of both trees, with its directories.
    num_entries : int
        Of both trees.
    parts : tuple of SourceRecord
        The ranges of the tree that the store holds, ascending.
    """

    file: str
    source: str
    tree: str
    num_entries: int
    parts: tuple[SourceRecord, ...]

    def num_given(self, rows: Rows) -> int:
        """Return how many entries of the tree have a row."""
        return sum(rows.count(p.entry_start, p.entry_stop) for p in self.parts)

    def places(self, rows: Rows, start: int, stop: int) -> Iterator[Place]:
        """Yield rows, and where they go in the entries ``start`` to ``stop`` of the tree."""
        for part in self.parts:
            first, last = max(start, part.tree_start), min(stop, part.tree_stop)
            if first < last:
                shift = part.entry_start - part.tree_start
                which, entries = rows.between(first + shift, last + shift)
                yield which, entries - (shift + start)


def align(entries: Any, num_entries: int) -> Rows:
    """Return which row belongs to which entry.

    Parameters
    ----------
    entries : array of int, or None
        The entry of each row, in any order; None where row i belongs to entry i.
    num_entries : int
        Entries of the store.

    Raises
    ------
    OptionError
        If an entry is out of range or there twice.
    """
    if entries is None:
        return Rows(None, None)
    given = check_indices(entries, num_entries, of="entries from files")
    if bool((given[1:] > given[:-1]).all()):
        return Rows(given, None)
    order = np.argsort(given, kind="stable")
    ascending = given[order]
    again = np.flatnonzero(ascending[1:] == ascending[:-1])
    if len(again):
        message = (
            f"entry {ascending[again[0]]} is in entries more than once: an entry has one row, so "
            "collect one epoch, or keep one of the rows"
        )
        raise OptionError(message)
    return Rows(ascending, order)


def plan_friends(sources: Sequence[SourceRecord]) -> list[FriendTree]:
    """Return the friend trees of a store's sources, those of one file next to each other.

    Raises
    ------
    OptionError
        If the store holds two cycles of a tree, or entries of one twice, or two files would get
        one friend.
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

    It is the file's name, with as many of its directories as tell it from those of that name.

    Raises
    ------
    OptionError
        If two files cannot be told apart.
    """
    by_name: dict[str, dict[str, tuple[str, ...]]] = {}
    for path in paths:
        words = _words(path)
        by_name.setdefault(words[-1], {})[path] = words
    files = {}
    for name, alike in by_name.items():
        longest = max(map(len, alike.values()))
        for num in range(1, longest + 1):
            ends = {path: "/".join(words[-num:]) for path, words in alike.items()}
            if len(set(ends.values())) == len(ends):
                files.update(ends)
                break
        else:
            listed = ", ".join(map(repr, sorted(alike)))
            message = f"these files would have one friend {name!r}: {listed}; rename one of them"
            raise OptionError(message)
    return files


def _words(path: str) -> tuple[str, ...]:
    """Return the directories of a file or URL and the name of its friend."""
    if "://" in path:
        url = urlsplit(path)
        path = f"{url.netloc}/{url.path}"
    *directories, name = [word for word in path.split("/") if word not in {"", ".", ".."}]
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
