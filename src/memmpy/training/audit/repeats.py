"""Counts entries that repeat the identity, or the row, of an earlier entry."""

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words, find_words
from memmpy.splits import process_groups
from memmpy.store import Metadata, process_of, tree_name
from memmpy.typing import Mask

__all__ = ["Pairs", "Repeats", "SourceGroups", "add_pairs", "repeated_rows", "source_groups"]

_Numbers = NDArray[np.int64]
#: From two files, the earlier one first, to a number of entries of the later one.
Pairs: TypeAlias = dict[tuple[int, int], int]


@dataclass(frozen=True, slots=True)
class SourceGroups:
    """Numbers of what sources have in common, in order of appearance: equal ones are shared.

    Parameters
    ----------
    files, paths : int64 array of shape (num_sources,), list of str
        For each source, the number of its file; for each file, a path.
    trees : int64 array of shape (num_sources,)
        The number of its tree's name.
    file_trees : int64 array of shape (num_sources,)
        The number of its tree in its file.
    samples : int64 array of shape (num_sources,)
        The number of its process and variation; files of one sample should share no identity.
    processes, variations : int64 array of shape (num_sources,)
        The numbers of its process and of its variation.
    """

    files: _Numbers
    paths: list[str]
    trees: _Numbers
    file_trees: _Numbers
    samples: _Numbers
    processes: _Numbers
    variations: _Numbers


def source_groups(metadata: Metadata) -> SourceGroups:
    """Return what the sources of a store have in common; a store without files is one source."""
    if not metadata.sources:
        one = np.zeros(1, np.int64)
        return SourceGroups(one, [""], one, one, one, one, one)
    groups, sources = process_groups(metadata), metadata.sources
    files, trees = groups.file_of_source, _numbered([tree_name(source) for source in sources])
    return SourceGroups(
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
    """Counts of entries that repeat an identity; each call of `add` adds to them.

    Attributes
    ----------
    groups : SourceGroups
        What the sources of the store have in common.
    repeated : int64 array of shape (number of trees of files,)
        Entries that repeat an earlier entry of the same tree of the same file.
    overlaps : dict of (int, int) to int
        For two files of one sample, entries of the later one that repeat one of the earlier.
    variations : int64 array of shape (num_sources,)
        Entries that repeat one of an earlier tree of the file, or variation of the process.
    """

    groups: SourceGroups
    repeated: _Numbers = field(init=False)
    overlaps: Pairs = field(init=False, default_factory=dict)
    variations: _Numbers = field(init=False)

    def __post_init__(self) -> None:
        self.repeated = np.zeros(int(self.groups.file_trees.max()) + 1, np.int64)
        self.variations = np.zeros(len(self.groups.files), np.int64)

    def add(self, identities: Words, owners: NDArray[np.integer]) -> None:
        """Add all entries of some identities, with their sources, in the order of entries."""
        order = _repeated_places(identities)
        names, sources = identities[order], owners[order].astype(np.int64, copy=False)
        starts, counts = _runs(_changes(names) | _changes(sources))
        self.add_sorted(names[starts], sources[starts], counts)

    def add_sorted(self, identities: Words, owners: _Numbers, counts: _Numbers) -> None:
        """Add how many entries have an identity and a source, sorted by both."""
        if not len(identities):
            return
        is_first = _changes(identities)
        names = np.cumsum(is_first) - 1
        keys = names * len(self.repeated) + self.groups.file_trees[owners]
        firsts, inverse = np.unique(keys, return_inverse=True)
        more = _sums(inverse, counts, len(firsts)) - 1
        self.repeated += _sums(firsts % len(self.repeated), more, len(self.repeated))
        # From here on, only identities of several sources.
        _, num_rows = _runs(is_first)
        several = np.flatnonzero(num_rows[names] > 1)
        names, owners, counts = names[several], owners[several], counts[several]
        self._add_overlaps(names, owners, counts)
        groups = self.groups
        files, processes = groups.files[owners], groups.processes[owners]
        trees, variations = groups.trees[owners], groups.variations[owners]
        is_later = trees > _least(names, files, trees)
        is_later |= variations > _least(names, processes, variations)
        self.variations += _sums(owners[is_later], counts[is_later], len(self.variations))

    def _add_overlaps(self, names: _Numbers, owners: _Numbers, counts: _Numbers) -> None:
        files = self.groups.files[owners]
        earliest = _least(names, self.groups.samples[owners], files)
        is_later = files > earliest
        add_pairs(self.overlaps, earliest[is_later], files[is_later], counts[is_later])


def repeated_rows(row_hashes: Words, identities: Words) -> tuple[_Numbers, _Numbers]:
    """Return entries that equal an earlier one of another identity, and the first of each.

    Parameters
    ----------
    row_hashes, identities : uint64 array of shape (n,)
        Of all entries with some hashes, in the order of entries.

    Returns
    -------
    first, later : int64 array
        For each such entry, the first equal one and the entry itself, as places in the arrays.
    """
    order = _repeated_places(row_hashes)
    if not len(order):
        return order, order
    starts, lengths = _runs(_changes(row_hashes[order]))
    names = identities[order]
    places = np.arange(len(order))
    is_other = names != np.repeat(names[starts], lengths)
    first_other = np.minimum.reduceat(np.where(is_other, places, len(order)), starts)
    is_counted = places >= np.repeat(first_other, lengths)
    return np.repeat(order[starts], lengths)[is_counted], order[is_counted]


def add_pairs(pairs: Pairs, earlier: _Numbers, later: _Numbers, counts: _Numbers) -> None:
    """Add counts of the entries of a later file that repeat an earlier file."""
    num_files = int(later.max(initial=0)) + 1
    both, inverse = np.unique(earlier * num_files + later, return_inverse=True)
    sums = _sums(inverse, counts, len(both))
    for pair, num in zip(both.tolist(), sums.tolist(), strict=True):
        files = divmod(pair, num_files)
        pairs[files] = pairs.get(files, 0) + num


def _repeated_places(words: Words) -> _Numbers:
    """Return the places of words that occur more than once, by word, then by place."""
    ascending = np.sort(words)
    repeated = ascending[1:][ascending[1:] == ascending[:-1]]
    repeated = repeated[_changes(repeated)]
    if not len(repeated):
        return np.empty(0, np.int64)
    if len(repeated) < len(words) // 16:
        chosen = np.flatnonzero(find_words(repeated, words)[1])
        return chosen[np.argsort(words[chosen], kind="stable")]
    order = np.argsort(words, kind="stable")
    is_new = _changes(words[order])
    places: _Numbers = order[~is_new | np.append(~is_new[1:], False)]
    return places


def _least(names: _Numbers, others: _Numbers, numbers: _Numbers) -> _Numbers:
    """Return, for each row, the least number of the rows with its name and its other number."""
    if not len(names):
        return numbers
    keys = names * (int(others.max()) + 1) + others
    order = np.argsort(keys, kind="stable")
    starts, lengths = _runs(_changes(keys[order]))
    least = np.empty_like(numbers)
    least[order] = np.repeat(np.minimum.reduceat(numbers[order], starts), lengths)
    return least


def _changes(values: NDArray[np.integer]) -> Mask:
    """Return where a value differs from the one before; the first does."""
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
    """Return a number for each value; equal values share one, and new ones ascend."""
    numbers: dict[object, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
