"""How the work on a file is divided: into ranges of entries, and of columns where need be."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["TreeRange", "partition_entries"]

#: A range that is so many times larger than wanted is divided by columns.
_TOO_LARGE = 2


@dataclass(frozen=True, slots=True)
class TreeRange:
    """Entries of a tree that are read for some columns in one go.

    Parameters
    ----------
    keys : tuple of str
        The columns.
    tree_start, tree_stop : int
        Entries of the tree, half open.
    packed, unpacked : int
        About how many bytes are read, and how many that is once decompressed.
    made : int
        How many bytes the columns of entries of one size take that are made of it.
    """

    keys: tuple[str, ...]
    tree_start: int
    tree_stop: int
    packed: int
    unpacked: int
    made: int

    @property
    def num_entries(self) -> int:
        """How many entries it has."""
        return self.tree_stop - self.tree_start

    @property
    def num_bytes(self) -> int:
        """About how many bytes it takes: what is read, or what is made of it if that is more."""
        return max(self.unpacked, self.made)


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
    """Return ranges that together are all entries of all columns, none decoded twice.

    Parameters
    ----------
    branches : mapping of key to branches
        What each column is made of.
    sizes : mapping of branch to (int, int)
        Its bytes in the file, and once decompressed.
    boundaries : callable
        See `EventFile.boundaries`.
    entry_bytes : mapping of key to int
        Bytes of an entry of each column as it is stored; 0 where they differ in size.
    num_entries : int
        Of the tree.
    start, stop : int
        Which of its entries are wanted.
    num_bytes : int
        About how many bytes a range shall have, decompressed and as they are stored.

    Returns
    -------
    list of TreeRange
        All columns of some entries follow each other, as they mostly do in the file. Where the
        file leaves no place to cut between, columns that share no branch are read apart.
    """
    if not branches or start >= stop:
        return []
    cut = partial(
        _cut,
        branches=branches,
        sizes=sizes,
        boundaries=boundaries,
        entry_bytes=entry_bytes,
        num_entries=num_entries,
        start=start,
        stop=stop,
        num_bytes=num_bytes,
    )
    whole = cut(list(branches))
    if all(found.num_bytes <= _TOO_LARGE * num_bytes for found in whole):
        return whole
    groups = _groups(branches)
    share = max(found.num_entries for found in whole) / num_entries
    in_hand = [
        share * max(_sizes(keys, branches, sizes, entry_bytes, num_entries)[1:]) for keys in groups
    ]
    packs = _pack(groups, in_hand, num_bytes=num_bytes)
    if len(packs) == 1:
        return whole
    return [found for keys in packs for found in cut(keys)]


def _cut(
    keys: Sequence[str],
    *,
    branches: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    boundaries: Callable[[Sequence[str]], NDArray[np.int64]],
    entry_bytes: Mapping[str, int],
    num_entries: int,
    start: int,
    stop: int,
    num_bytes: int,
) -> list[TreeRange]:
    """Return the ranges of entries of some columns."""
    all_bytes = _sizes(keys, branches, sizes, entry_bytes, num_entries)
    inner = boundaries(_used(keys, branches))
    edges = [start, *inner[(inner > start) & (inner < stop)].tolist(), stop]
    length = num_bytes * num_entries / max(1, *all_bytes[1:])
    cuts = [start]
    for edge, following in zip(edges[1:], [*edges[2:], None], strict=True):
        # As close to the wanted length as the places to cut allow.
        if following is None or following - cuts[-1] > max(length, edge - cuts[-1]):
            cuts.append(edge)
    return [
        TreeRange(tuple(keys), a, b, *(size * (b - a) // num_entries for size in all_bytes))
        for a, b in pairwise(cuts)
    ]


def _sizes(
    keys: Sequence[str],
    branches: Mapping[str, Sequence[str]],
    sizes: Mapping[str, tuple[int, int]],
    entry_bytes: Mapping[str, int],
    num_entries: int,
) -> tuple[int, int, int]:
    """Return the bytes of all entries: in the file, decompressed, and as they are stored."""
    used = _used(keys, branches)
    packed, unpacked = (sum(sizes[branch][i] for branch in used) for i in (0, 1))
    return packed, unpacked, num_entries * sum(entry_bytes[key] for key in keys)


def _used(keys: Sequence[str], branches: Mapping[str, Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(branch for key in keys for branch in branches[key]))


def _groups(branches: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Return the columns in groups that share no branch."""
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


def _pack(
    groups: Sequence[list[str]], sizes: Sequence[float], *, num_bytes: int
) -> list[list[str]]:
    """Put small groups together until they have the wanted size."""
    packs: list[tuple[list[str], float]] = []
    for keys, size in zip(groups, sizes, strict=True):
        if packs and packs[-1][1] + size <= num_bytes:
            packs[-1] = ([*packs[-1][0], *keys], packs[-1][1] + size)
        else:
            packs.append((keys, size))
    return [keys for keys, _ in packs]
