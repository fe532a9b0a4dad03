"""Partition of a file into ranges of entries, and of columns where these are still too large."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["TreeRange", "partition_entries"]

#: A range this many times larger than the aim is partitioned by columns.
_TOO_LARGE = 2


@dataclass(frozen=True, slots=True)
class TreeRange:
    """Entries of a tree that one task reads for some columns.

    Parameters
    ----------
    keys : tuple of str
        The columns.
    tree_start, tree_stop : int
        The entries of the tree, half open.
    packed, unpacked : int
        About how many bytes are read: in the file, and decompressed.
    stored : int
        Bytes of the columns of entries of one size that are made of it.
    """

    keys: tuple[str, ...]
    tree_start: int
    tree_stop: int
    packed: int
    unpacked: int
    stored: int

    @property
    def num_entries(self) -> int:
        """Number of its entries."""
        return self.tree_stop - self.tree_start

    @property
    def num_bytes(self) -> int:
        """About how many bytes it takes in memory: the larger number of read and stored bytes."""
        return max(self.unpacked, self.stored)


def partition_entries(
    branches: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    boundaries: Callable[[Sequence[str]], NDArray[np.int64]],
    *,
    entry_bytes: Mapping[str, int],
    num_entries: int,
    start: int,
    stop: int,
    num_bytes: int,
) -> list[TreeRange]:
    """Partition the entries of all columns into ranges; no branch is decoded twice.

    Parameters
    ----------
    branches : mapping of key to branches
        The branches of each column.
    sizes : mapping of branch to (int, int)
        Its bytes in the file, and decompressed.
    boundaries : callable
        See `EventFile.boundaries`.
    entry_bytes : mapping of key to int
        Bytes of a stored entry of each column; 0 where entries differ in size.
    num_entries : int
        Number of entries of the tree.
    start, stop : int
        The entries to partition.
    num_bytes : int
        About how many bytes a range shall have in memory.

    Returns
    -------
    list of TreeRange
        All columns of some entries follow each other, as they mostly do in the file. Where the
        boundaries of the file make ranges too large, columns that share no branch are separated.
    """
    if not branches or start >= stop:
        return []

    def ranges_of(keys: Sequence[str]) -> list[TreeRange]:
        all_bytes = _sizes(keys, branches, sizes, entry_bytes, num_entries)
        inner = boundaries(_used(keys, branches))
        edges = [start, *inner[(inner > start) & (inner < stop)].tolist(), stop]
        bounds = _choose_edges(edges, length=num_bytes * num_entries / max(1, *all_bytes[1:]))
        return [
            TreeRange(tuple(keys), a, b, *(size * (b - a) // num_entries for size in all_bytes))
            for a, b in pairwise(bounds)
        ]

    whole = ranges_of(list(branches))
    if all(entries.num_bytes <= _TOO_LARGE * num_bytes for entries in whole):
        return whole
    groups = _groups(branches)
    share = max(entries.num_entries for entries in whole) / num_entries
    group_bytes = [
        share * max(_sizes(keys, branches, sizes, entry_bytes, num_entries)[1:]) for keys in groups
    ]
    merged = _merge_small(groups, group_bytes, num_bytes=num_bytes)
    if len(merged) == 1:
        return whole
    return [entries for keys in merged for entries in ranges_of(keys)]


def _choose_edges(edges: Sequence[int], *, length: float) -> list[int]:
    """Return edges about `length` apart, as far as the given ones allow; first and last stay."""
    chosen = [edges[0]]
    for edge, following in zip(edges[1:], [*edges[2:], None], strict=True):
        if following is None or following - chosen[-1] > max(length, edge - chosen[-1]):
            chosen.append(edge)
    return chosen


def _sizes(
    keys: Sequence[str],
    branches: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    entry_bytes: Mapping[str, int],
    num_entries: int,
) -> tuple[int, int, int]:
    """Return the bytes of all entries: in the file, decompressed, and stored."""
    used = _used(keys, branches)
    packed, unpacked = (sum(sizes[branch][i] for branch in used) for i in (0, 1))
    return packed, unpacked, num_entries * sum(entry_bytes[key] for key in keys)


def _used(keys: Sequence[str], branches: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(branch for key in keys for branch in branches[key]))


def _groups(branches: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return groups of columns; no two groups share a branch."""
    groups: list[tuple[list[str], set[str]]] = []
    for key, used in branches.items():
        keys, known = [key], set(used)
        apart = []
        for others, theirs in groups:
            if known & theirs:
                keys, known = [*others, *keys], known | theirs
            else:
                apart.append((others, theirs))
        groups = [*apart, (keys, known)]
    return [keys for keys, _ in groups]


def _merge_small(
    groups: Sequence[list[str]], sizes: Sequence[float], *, num_bytes: int
) -> list[list[str]]:
    """Merge neighbouring groups up to a number of bytes."""
    merged: list[tuple[list[str], float]] = []
    for keys, size in zip(groups, sizes, strict=True):
        if merged and merged[-1][1] + size <= num_bytes:
            merged[-1] = ([*merged[-1][0], *keys], merged[-1][1] + size)
        else:
            merged.append((keys, size))
    return [keys for keys, _ in merged]
