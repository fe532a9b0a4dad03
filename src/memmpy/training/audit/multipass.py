"""Counts repeated identities and rows exactly in bounded memory, in several passes over a store.

A pass keeps the identities and the hashes of rows whose upper bits are its own. An identity of many
entries would fill a pass by itself: a sample finds these, and they are counted apart.
"""

from dataclasses import dataclass

import numpy as np

from memmpy.kernels import Words, find_words
from memmpy.training.audit.comparable_rows import ComparableRows
from memmpy.training.audit.repeats import Pairs, Repeats, SourceGroups, add_pairs, repeated_rows
from memmpy.training.audit.scan import Chunk, Scan
from memmpy.training.audit.value_findings import KeyValues
from memmpy.typing import Array, Entries, Mask

__all__ = ["MAX_KEPT", "Counts", "count_repeats"]

#: About how many identities and rows a pass keeps: 8 and 24 bytes each, and as much to sort.
MAX_KEPT = 1 << 24
#: Entries to sample, and how many of them make an identity frequent.
_NUM_SAMPLES, _MANY = 1 << 16, 32


@dataclass(frozen=True, slots=True)
class Counts:
    """The repeats and the values of a store.

    Parameters
    ----------
    repeats : Repeats
        Entries that share their identity; empty if files name events.
    same_rows : dict of (int, int) to int
        For two files, or one twice, entries of the second that equal an entry of the first and
        have another identity.
    values : dict of str to KeyValues
        Counts of the values of each key.
    """

    repeats: Repeats
    same_rows: Pairs
    values: dict[str, KeyValues]


def count_repeats(
    scan: Scan, groups: SourceGroups, rows: ComparableRows | None, *, max_kept: int
) -> Counts:
    """Count repeats and values; read a store as often as needed.

    Parameters
    ----------
    scan : Scan
        The store.
    groups : SourceGroups
        The groups of its sources.
    rows : ComparableRows or None
        The rows to compare; None for none.
    max_kept : int
        About how many identities a pass keeps.

    Raises
    ------
    DamagedColumnError
        If the offsets of a column fall, or lead out of the content.
    """
    counts = Counts(Repeats(groups), {}, {})
    frequent = _FrequentIdentities(scan, num_sources=len(groups.files))
    num_bits = max(0, (scan.num_entries - 1) // max_kept).bit_length()
    for pass_index in range(1 << num_bits):
        kept = _KeptEntries()
        for chunk in scan.chunks(has_values=pass_index == 0):
            for key, values in chunk.values.items():
                before = counts.values.get(key)
                counts.values[key] = values if before is None else before.joined(values)
            if scan.rule.by != "file":
                others = frequent.add(chunk) if pass_index == 0 else frequent.others(chunk)
                kept.add_events(chunk, others & _is_in_pass(pass_index, num_bits, chunk.identities))
            if rows is not None:
                is_here = _is_in_pass(pass_index, num_bits, chunk.row_hashes)
                kept.add_rows(chunk, is_here & rows.are_uncommon(chunk.row_hashes))
        counts.repeats.add(kept.pop("identities"), kept.pop("owners"))
        if rows is not None:
            _count_rows(scan, groups, rows, kept, counts.same_rows)
    counts.repeats.add_sorted(*frequent.counts())
    return counts


class _KeptEntries:
    """The entries that a pass keeps, as arrays in parts."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add_events(self, chunk: Chunk, chosen: Mask) -> None:
        """Keep the identities of some entries."""
        self._add("identities", chunk.identities[chosen])
        self._add("owners", chunk.owners[chosen].astype(np.int32))

    def add_rows(self, chunk: Chunk, chosen: Mask) -> None:
        """Keep the hashes of some rows, with their identities and entries."""
        if len(chunk.row_hashes):
            self._add("row_hashes", chunk.row_hashes[chosen])
            self._add("names", chunk.identities[chosen])
            self._add("entries", chunk.entries[chosen])

    def pop(self, name: str) -> Array:
        """Return all parts of an array as one, and drop them."""
        dtype = np.int64 if name in {"owners", "entries"} else np.uint64
        return np.concatenate(self._parts.pop(name, [np.empty(0, dtype)]))

    def _add(self, name: str, values: Array) -> None:
        self._parts.setdefault(name, []).append(values)


class _FrequentIdentities:
    """Identities of many entries, counted by source.

    Parameters
    ----------
    scan : Scan
        The store.
    num_sources : int
        Its sources, at least 1.
    """

    def __init__(self, scan: Scan, *, num_sources: int) -> None:
        num = scan.num_entries
        self._names = np.empty(0, np.uint64)
        if scan.rule.by != "file" and num:
            sampled = np.unique(np.linspace(0, num - 1, min(num, _NUM_SAMPLES)).astype(np.int64))
            names, counts = np.unique(scan.identities(sampled), return_counts=True)
            self._names = names[counts >= _MANY]
        self._counts = np.zeros((len(self._names), num_sources), np.int64)

    def others(self, chunk: Chunk) -> Mask:
        """Return which entries have other identities."""
        return self._places(chunk)[1]

    def add(self, chunk: Chunk) -> Mask:
        """Count the entries, and return which have other identities."""
        places, is_other = self._places(chunk)
        bins = places * self._counts.shape[1] + chunk.owners
        self._counts += np.bincount(bins[~is_other], minlength=self._counts.size).reshape(
            self._counts.shape
        )
        return is_other

    def counts(self) -> tuple[Words, Entries, Entries]:
        """Return identities, their sources and how many entries, sorted by identity and source."""
        names, owners = np.nonzero(self._counts)
        return self._names[names], owners, self._counts[names, owners]

    def _places(self, chunk: Chunk) -> tuple[Entries, Mask]:
        places, is_known = find_words(self._names, chunk.identities)
        return places, ~is_known


def _is_in_pass(pass_index: int, num_bits: int, words: Words) -> Mask:
    if num_bits == 0:
        return np.ones(len(words), np.bool_)
    is_here: Mask = (words >> np.uint64(64 - num_bits)) == np.uint64(pass_index)
    return is_here


def _count_rows(
    scan: Scan, groups: SourceGroups, rows: ComparableRows, kept: _KeptEntries, same_rows: Pairs
) -> None:
    entries = kept.pop("entries")
    first, later = repeated_rows(kept.pop("row_hashes"), kept.pop("names"))
    if not len(first):
        return
    first, later = entries[first], entries[later]
    distinct, inverse = np.unique(first, return_inverse=True)
    chosen = rows.are_distinctive(scan, distinct)[inverse]
    files = [groups.files[scan.owners(each[chosen])] for each in (first, later)]
    add_pairs(same_rows, files[0], files[1], np.ones(len(files[0]), np.int64))
