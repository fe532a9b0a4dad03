"""Count repeated identities and contents of any number of entries, exactly, in bounded memory.

A pass over the store keeps those identities and contents whose upper bits are the pass's own. An
identity of many entries would fill a pass by itself: a sample finds those, and they are counted
apart.
"""

from dataclasses import dataclass

import numpy as np

from memmpy.kernels import Words, find_words
from memmpy.training.equal_rows import Rows
from memmpy.training.repeats import Pairs, Repeats, Sides, add_pairs, repeated_contents
from memmpy.training.scan import Chunk, Scan
from memmpy.training.value_findings import KeyValues
from memmpy.typing import Array, Entries, Mask

__all__ = ["MAX_KEPT", "Counts", "count"]

#: Identities, and contents, that a pass keeps, about: 8 and 24 bytes each, and as many to sort.
MAX_KEPT = 1 << 24
#: Entries in which identities are looked for that this many of them share.
_NUM_SAMPLES, _MANY = 1 << 16, 32


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted.

    Parameters
    ----------
    repeats : Repeats
        Entries whose identity others have; empty where files name events.
    same_rows : dict of (int, int) to int
        Of two files, or of one twice, entries of the latter whose content an entry of the former
        has, with another identity.
    values : dict of str to KeyValues
        What the values of keys are like.
    """

    repeats: Repeats
    same_rows: Pairs
    values: dict[str, KeyValues]


def count(scan: Scan, sides: Sides, rows: Rows | None, *, max_kept: int) -> Counts:
    """Read a store as often as needed, and count.

    Parameters
    ----------
    scan : Scan
        The store.
    sides : Sides
        What its sources share.
    rows : Rows or None
        Which rows can be compared; None for none.
    max_kept : int
        How many identities a pass keeps, about.

    Raises
    ------
    DamagedColumnError
        If the offsets of a column fall, or lead out of the content.
    """
    counts = Counts(Repeats(sides), {}, {})
    many = _Many(scan, num_sources=len(sides.files))
    num_bits = max(0, (scan.num_entries - 1) // max_kept).bit_length()
    for part in range(1 << num_bits):
        kept = _Kept()
        for chunk in scan.chunks(has_values=part == 0):
            for key, seen in chunk.values.items():
                before = counts.values.get(key)
                counts.values[key] = seen if before is None else before.joined(seen)
            if scan.rule.by != "file":
                others = many.add(chunk) if part == 0 else many.others(chunk)
                kept.add_events(chunk, others & _is_of(part, num_bits, chunk.identities))
            if rows is not None:
                is_here = _is_of(part, num_bits, chunk.contents)
                kept.add_rows(chunk, is_here & rows.without_poor(chunk.contents))
        counts.repeats.add(kept.joined("identities"), kept.joined("owners"))
        if rows is not None:
            _count_rows(scan, sides, rows, kept, counts.same_rows)
    counts.repeats.add_sorted(*many.counted())
    return counts


class _Kept:
    """What a pass keeps: arrays in parts."""

    def __init__(self) -> None:
        self._parts: dict[str, list[Array]] = {}

    def add_events(self, chunk: Chunk, chosen: Mask) -> None:
        """Keep the identities of some entries."""
        self._add("identities", chunk.identities[chosen])
        self._add("owners", chunk.owners[chosen].astype(np.int32))

    def add_rows(self, chunk: Chunk, chosen: Mask) -> None:
        """Keep the contents of some entries, with their identities and numbers."""
        if len(chunk.contents):
            self._add("contents", chunk.contents[chosen])
            self._add("names", chunk.identities[chosen])
            self._add("entries", chunk.entries[chosen])

    def joined(self, name: str) -> Array:
        """Return one array of all its parts, which are dropped."""
        dtype = np.int64 if name in {"owners", "entries"} else np.uint64
        return np.concatenate(self._parts.pop(name, [np.empty(0, dtype)]))

    def _add(self, name: str, values: Array) -> None:
        self._parts.setdefault(name, []).append(values)


class _Many:
    """Identities of many entries, counted by source.

    Parameters
    ----------
    scan : Scan
        The store.
    num_sources : int
        How many sources it has, at least 1.
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

    def counted(self) -> tuple[Words, Entries, Entries]:
        """Return identities, sources and numbers of entries, sorted by the former two."""
        names, owners = np.nonzero(self._counts)
        return self._names[names], owners, self._counts[names, owners]

    def _places(self, chunk: Chunk) -> tuple[Entries, Mask]:
        places, is_known = find_words(self._names, chunk.identities)
        return places, ~is_known


def _is_of(part: int, num_bits: int, words: Words) -> Mask:
    if num_bits == 0:
        return np.ones(len(words), np.bool_)
    is_here: Mask = (words >> np.uint64(64 - num_bits)) == np.uint64(part)
    return is_here


def _count_rows(scan: Scan, sides: Sides, rows: Rows, kept: _Kept, same_rows: Pairs) -> None:
    entries = kept.joined("entries")
    first, later = repeated_contents(kept.joined("contents"), kept.joined("names"))
    if not len(first):
        return
    first, later = entries[first], entries[later]
    origins, inverse = np.unique(first, return_inverse=True)
    chosen = rows.are_telling(scan, origins)[inverse]
    files = [sides.files[scan.owners(each[chosen])] for each in (first, later)]
    add_pairs(same_rows, files[0], files[1], np.ones(len(files[0]), np.int64))
