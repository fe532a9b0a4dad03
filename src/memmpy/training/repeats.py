"""Count entries whose identity, or content, an earlier one has."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words, find_words
from memmpy.splits import process_groups
from memmpy.store import Metadata, process_of, tree_name
from memmpy.typing import Mask

__all__ = ["Pairs", "Repeats", "Sides", "add_pairs", "repeated_contents", "sides_of"]

_Numbers = NDArray[np.int64]
#: From two files, the earlier one first, to entries of the later one.
Pairs: TypeAlias = dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class Sides:
    """What the sources of a store share, as numbers that ascend in the order of the sources.

    Parameters
    ----------
    files, paths : int64 array of shape (num_sources,), list of str
        For each source, the number of its file; and a path of each file.
    trees : int64 array of shape (num_sources,)
        The number of its tree's name.
    file_trees : int64 array of shape (num_sources,)
        The number of its tree in its file.
    groups : int64 array of shape (num_sources,)
        Files of one group should have no identity in common: one process, one variation.
    processes, variations : int64 array of shape (num_sources,)
        The numbers of both.
    """

    files: _Numbers
    paths: list[str]
    trees: _Numbers
    file_trees: _Numbers
    groups: _Numbers
    processes: _Numbers
    variations: _Numbers


def sides_of(metadata: Metadata) -> Sides:
    """Return what the sources of a store share; of a store without files, one side of all."""
    if not metadata.sources:
        one = np.zeros(1, np.int64)
        return Sides(one, [""], one, one, one, one, one)
    groups, sources = process_groups(metadata), metadata.sources
    files, trees = groups.file_of_source, _numbered([tree_name(source) for source in sources])
    return Sides(
        files,
        groups.paths,
        trees,
        _numbered([*zip(files.tolist(), trees.tolist(), strict=True)]),
        groups.of_source,
        _numbered([tuple(process_of(source).items()) for source in sources]),
        _numbered([source.metadata.get("variation") for source in sources]),
    )


@dataclass(slots=True)
class Repeats:
    """Entries whose identity others have; grows with each call of `add`.

    Attributes
    ----------
    sides : Sides
        What the sources of the store share.
    repeated : int64 array of shape (number of trees of files,)
        Entries whose identity an earlier one of the same tree of the same file has.
    overlaps : dict of (int, int) to int
        Of two files of one group, entries of the later one whose identity the earlier one has.
    variations : int64 array of shape (num_sources,)
        Entries whose identity an earlier tree of the file, or variation of the process, has.
    """

    sides: Sides
    repeated: _Numbers = field(init=False)
    overlaps: Pairs = field(init=False, default_factory=dict)
    variations: _Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.repeated = np.zeros(int(self.sides.file_trees.max()) + 1, np.int64)
        self.variations = np.zeros(len(self.sides.files), np.int64)

    def add(self, identities: Words, owners: NDArray[np.integer]) -> None:
        """Add all entries of some identities, in the order of entries, with their sources."""
        order = _repeated(identities)
        names, sources = identities[order], owners[order].astype(np.int64, copy=False)
        starts, counts = _runs(_changes(names) | _changes(sources))
        self.add_sorted(names[starts], sources[starts], counts)

    def add_sorted(self, identities: Words, owners: _Numbers, counts: _Numbers) -> None:
        """Add numbers of entries by identity and source, sorted by both."""
        if not len(identities):
            return
        is_first = _changes(identities)
        names = np.cumsum(is_first) - 1
        keys = names * len(self.repeated) + self.sides.file_trees[owners]
        firsts, inverse = np.unique(keys, return_inverse=True)
        more = _sums(inverse, counts, len(firsts)) - 1
        self.repeated += _sums(firsts % len(self.repeated), more, len(self.repeated))
        # What follows is of identities of several sources.
        _, num_rows = _runs(is_first)
        several = np.flatnonzero(num_rows[names] > 1)
        names, owners, counts = names[several], owners[several], counts[several]
        self._add_overlaps(names, owners, counts)
        sides = self.sides
        files, processes = sides.files[owners], sides.processes[owners]
        trees, variations = sides.trees[owners], sides.variations[owners]
        is_later = trees > _least(names, files, trees)
        is_later |= variations > _least(names, processes, variations)
        self.variations += _sums(owners[is_later], counts[is_later], len(self.variations))

    def _add_overlaps(self, names: _Numbers, owners: _Numbers, counts: _Numbers) -> None:
        files = self.sides.files[owners]
        earliest = _least(names, self.sides.groups[owners], files)
        is_later = files > earliest
        add_pairs(self.overlaps, earliest[is_later], files[is_later], counts[is_later])


def repeated_contents(contents: Words, identities: Words) -> tuple[_Numbers, _Numbers]:
    """Return entries whose content an earlier one of another identity has, and the first of it.

    Parameters
    ----------
    contents, identities : uint64 array of shape (n,)
        Of all entries of some contents, in the order of entries.

    Returns
    -------
    first, later : int64 array
        For each such entry, the first one of its content and the entry itself: places in the
        arrays given.
    """
    order = _repeated(contents)
    if not len(order):
        return order, order
    starts, lengths = _runs(_changes(contents[order]))
    names = identities[order]
    places = np.arange(len(order))
    is_other = names != np.repeat(names[starts], lengths)
    first_other = np.minimum.reduceat(np.where(is_other, places, len(order)), starts)
    is_counted = places >= np.repeat(first_other, lengths)
    return np.repeat(order[starts], lengths)[is_counted], order[is_counted]


def add_pairs(pairs: Pairs, earlier: _Numbers, later: _Numbers, counts: _Numbers) -> None:
    """Add numbers of entries to those of two files, the earlier one first."""
    num_files = int(later.max(initial=0)) + 1
    both, inverse = np.unique(earlier * num_files + later, return_inverse=True)
    sums = _sums(inverse, counts, len(both))
    for pair, num in zip(both.tolist(), sums.tolist(), strict=True):
        files = divmod(pair, num_files)
        pairs[files] = pairs.get(files, 0) + num


def _repeated(words: Words) -> _Numbers:
    """Return the places of words that are there more than once, by word, then by place."""
    ascending = np.sort(words)
    again = ascending[1:][ascending[1:] == ascending[:-1]]
    again = again[_changes(again)]
    if not len(again):
        return np.empty(0, np.int64)
    if len(again) < len(words) // 16:
        chosen = np.flatnonzero(find_words(again, words)[1])
        return chosen[np.argsort(words[chosen], kind="stable")]
    order = np.argsort(words, kind="stable")
    found = words[order]
    is_new = _changes(found)
    repeated: _Numbers = order[~is_new | np.append(~is_new[1:], False)]
    return repeated


def _least(names: _Numbers, others: _Numbers, numbers: _Numbers) -> _Numbers:
    """Return, for each row, the least number of those that share its name and other number."""
    if not len(names):
        return numbers
    keys = names * (int(others.max()) + 1) + others
    order = np.argsort(keys, kind="stable")
    starts, lengths = _runs(_changes(keys[order]))
    least = np.empty_like(numbers)
    least[order] = np.repeat(np.minimum.reduceat(numbers[order], starts), lengths)
    return least


def _changes(values: NDArray[np.integer]) -> Mask:
    """Return where a value differs from the one before; the first one does."""
    is_new: Mask = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new


def _runs(is_first: Mask) -> tuple[_Numbers, _Numbers]:
    """Return where each run of equal values starts, and how long it is."""
    starts = np.flatnonzero(is_first)
    return starts, np.diff(np.append(starts, len(is_first)))


def _sums(bins: NDArray[np.integer], counts: _Numbers, num: int) -> _Numbers:
    """Return the sum of the counts of each bin, exact up to 2**53."""
    sums: _Numbers = np.bincount(bins, weights=counts, minlength=num).astype(np.int64)
    return sums


def _numbered(values: list[object]) -> _Numbers:
    """Return the number of each value, in the order in which they come first."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
