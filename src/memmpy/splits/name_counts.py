"""Counts how many entries share a name, by file and by process, in bounded memory."""

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words
from memmpy.store import Metadata, process_of
from memmpy.typing import Array

__all__ = ["NameCounter", "NameCounts", "ProcessGroups", "process_groups"]


@dataclass(frozen=True, slots=True)
class ProcessGroups:
    """Groups of files within which two files must not share an identity.

    Parameters
    ----------
    of_source : int64 array
        The group of each source: its process and variation.
    file_of_source : int64 array
        The file of each source, by UUID.
    paths : list of str
        A path of each file.
    """

    of_source: NDArray[np.int64]
    file_of_source: NDArray[np.int64]
    paths: list[str]


def process_groups(metadata: Metadata) -> ProcessGroups:
    """Return the groups of the sources of a store.

    The process is the metadata of that name, else all metadata together. Files of another
    ``variation`` rightly hold the same events.
    """
    groups: dict[object, int] = {}
    files: dict[str, int] = {}
    of_source, file_of_source, paths = [], [], []
    for source in metadata.sources:
        group = json.dumps([dict(process_of(source)), source.metadata.get("variation")])
        of_source.append(groups.setdefault(group, len(groups)))
        if source.uuid not in files:
            files[source.uuid] = len(files)
            paths.append(source.path)
        file_of_source.append(files[source.uuid])
    return ProcessGroups(np.array(of_source, np.int64), np.array(file_of_source, np.int64), paths)


class NameCounter:
    """Collects the names of entries, or only names below a limit that depends on `num_entries`.

    Either all entries of a name are kept or none, so the counts of the kept names are exact.

    Parameters
    ----------
    num_entries : int
        The number of all entries.
    num_names : int
        The largest number of names to keep, approximately.
    """

    def __init__(self, num_entries: int, num_names: int) -> None:
        self._num_names = num_names
        self._limit = 2**64
        while num_entries * self._limit > num_names << 64:
            self._limit //= 2
        self._pending: list[tuple[Words, Array, Array, Array]] = []
        self._num_pending = 0

    @property
    def is_whole(self) -> bool:
        """Whether all names were kept."""
        return self._limit == 2**64

    def add(self, identities: Words, owners: Array, regions: Array) -> None:
        """Add entries."""
        if not self.is_whole:
            below = identities < np.uint64(self._limit)
            identities, owners, regions = identities[below], owners[below], regions[below]
        self._pending.append((identities, owners, regions, np.ones(len(identities), np.int64)))
        self._num_pending += len(identities)
        if self._num_pending > 2 * self._num_names:
            self.compress()

    def compress(self) -> "NameCounts":
        """Add up the entries by name, file and region, and return their numbers."""
        parts = [np.concatenate(column) for column in zip(*self._pending, strict=True)]
        identities, owners, regions, counts = parts
        order = np.argsort(identities)
        is_equal = identities[order[1:]] == identities[order[:-1]]
        is_repeated = np.zeros(len(order), np.bool_)
        is_repeated[1:] = is_equal
        is_repeated[:-1] |= is_equal
        # Few names repeat, and only their entries need sorting by the rest.
        repeated = order[is_repeated]
        by = (regions[repeated], owners[repeated], identities[repeated])
        order[is_repeated] = repeated[np.lexsort(by)]
        keys = [values[order] for values in (identities, owners, regions)]
        is_first = np.ones(len(order), np.bool_)
        is_first[1:] = np.logical_or.reduce([values[1:] != values[:-1] for values in keys])
        starts = np.flatnonzero(is_first)
        summed = np.add.reduceat(counts[order], starts) if len(starts) else counts[:0]
        whole = tuple(values[starts] for values in keys)
        self._pending = [(whole[0], whole[1], whole[2], summed)]
        self._num_pending = len(summed)
        return NameCounts(*self._pending[0])


@dataclass(frozen=True, slots=True)
class NameCounts:
    """The number of entries of each name, source and region; sorted by name, then by source."""

    identities: Words
    owners: Array
    regions: Array
    counts: Array

    @property
    def _starts(self) -> NDArray[np.intp]:
        """Where each name begins."""
        return np.flatnonzero(np.append(True, self.identities[1:] != self.identities[:-1]))

    def mean_multiplicity(self) -> float:
        """Return the mean number of entries that share a name, averaged over entries."""
        if not len(self.counts):
            return 1.0
        nums = np.add.reduceat(self.counts, self._starts).astype(np.float64)
        return float((nums * nums).sum() / nums.sum())

    def median_multiplicity(self) -> float:
        """Return the median number of entries of a name."""
        if not len(self.counts):
            return 1.0
        return float(np.median(np.add.reduceat(self.counts, self._starts)))

    def overlaps(self, groups: ProcessGroups) -> dict[tuple[int, int], int]:
        """Count the entries that share a name with an earlier file of their process, by files."""
        group, file = groups.of_source[self.owners], groups.file_of_source[self.owners]
        # The first row of each (name, group) is of the earliest source.
        order = np.lexsort((self.owners, group, self.identities))
        same = (self.identities[order][1:] == self.identities[order][:-1]) & (
            group[order][1:] == group[order][:-1]
        )
        starts = np.flatnonzero(np.append(True, ~same))
        first = np.repeat(file[order][starts], np.diff(np.append(starts, len(order))))
        is_other = file[order] != first
        overlaps: dict[tuple[int, int], int] = {}
        for earlier, later, num in zip(
            first[is_other].tolist(),
            file[order][is_other].tolist(),
            self.counts[order][is_other].tolist(),
            strict=True,
        ):
            overlaps[earlier, later] = overlaps.get((earlier, later), 0) + num
        return overlaps

    def num_in_two_regions(self) -> int:
        """Return how many names have entries in different regions."""
        if not len(self.counts):
            return 0
        starts = self._starts
        lowest = np.minimum.reduceat(self.regions, starts)
        highest = np.maximum.reduceat(self.regions, starts)
        return int(np.count_nonzero(lowest != highest))
