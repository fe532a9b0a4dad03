"""Estimates how unlikely it is that two rows agree by chance, in bits.

Equal rows are a defect only if they do not agree by chance: of 20,000 events with one float32 and a
number of jets, a few pairs do. So the values of each key are counted in a sample of rows. The
common values of a row, such as empty lists, count together: the more rows have the same ones, the
fewer bits. For other values, the share of pairs that agree gives the bits. Keys depend on each
other: the best key counts in full, the others by three quarters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words, find_words
from memmpy.training.audit.entry_words import hash_rows
from memmpy.typing import Mask

__all__ = ["Coincidence", "estimate_coincidence"]

#: A value is common if this many sampled rows have it.
_COMMON = 5
#: The weight of the bits of a key beside the best one.
_SHARE_OF_OTHERS = 0.75
#: All pairs of rows of a store together agree by chance with a probability below 2**-7.
_MARGIN = 7.0
_NO_WORD, _ONE = np.uint64(0), np.uint64(1)
_HALF, _LOWER = np.uint64(32), np.uint64(2**32 - 1)


@dataclass(frozen=True, slots=True)
class _ValueBits:
    """The bits of the values of a key, or of one half of its words.

    Parameters
    ----------
    common : uint64 array
        The words of common values, ascending.
    bits : float
        The bits of any other value.
    """

    common: Words
    bits: float

    def are_common(self, words: Words) -> Mask:
        """Return which values are common."""
        return find_words(self.common, words)[1]


@dataclass(frozen=True, slots=True)
class Coincidence:
    """How unlikely it is that another row is equal by chance.

    Parameters
    ----------
    keys : mapping of str to sequence
        For each key, the bits of its words, or of their two halves.
    patterns, counts : uint64 array, int64 array
        Hashes of the common values of a row, ascending, and how many rows have them.
    num_rows : int
        Sampled rows.
    min_bits : float
        Rows that have as many bits are not equal by chance.
    """

    keys: Mapping[str, Sequence[_ValueBits]]
    patterns: Words
    counts: NDArray[np.int64]
    num_rows: int
    min_bits: float

    def are_distinctive(self, words: Mapping[str, Words]) -> Mask:
        """Return which rows no other equals by chance."""
        patterns, best, total = _look_up(self.keys, words)
        places, is_known = find_words(self.patterns, patterns)
        counts = np.ones(len(patterns))
        counts[is_known] = self.counts[places[is_known]]
        bits = np.log2(self.num_rows / counts) + best + _SHARE_OF_OTHERS * (total - best)
        are_distinctive: Mask = bits >= self.min_bits
        return are_distinctive


def estimate_coincidence(
    words: Mapping[str, Words], *, has_halves: Mapping[str, bool], rows: Words, num_entries: int
) -> Coincidence:
    """Estimate, from a sample of rows, how unlikely it is that rows agree by chance.

    Parameters
    ----------
    words : mapping of str to uint64 array of shape (m,)
        For each key, the words of the rows.
    has_halves : mapping of str to bool
        Whether each half of a word is counted: it is a number, and not a hash.
    rows : uint64 array of shape (m,)
        A hash of each row. Pairs are counted in distinct rows, since equal ones may be the copies
        to be found.
    num_entries : int
        Entries that will be compared.
    """
    _, distinct = np.unique(rows, return_index=True)
    keys = {
        key: [
            _bits_of(part, distinct)
            for part in (_halves_of(column) if has_halves[key] else [column])
        ]
        for key, column in words.items()
    }
    patterns, counts = np.unique(_look_up(keys, words)[0], return_counts=True)
    min_bits = log2(max(1, num_entries * (num_entries - 1) // 2)) + _MARGIN
    return Coincidence(keys, patterns, counts, len(rows), min_bits)


def _halves_of(words: Words) -> list[Words]:
    """Return the upper and the lower 32 bits of words."""
    return [words >> _HALF, words & _LOWER]


def _look_up(
    keys: Mapping[str, Sequence[_ValueBits]], words: Mapping[str, Words]
) -> tuple[Words, NDArray[np.float64], NDArray[np.float64]]:
    """Return the pattern of common values of each row, and the bits of its other values.

    Returns
    -------
    patterns : uint64 array
        Hashes of all common values.
    best, total : float64 array
        The bits of the best key, and of all keys together.
    """
    num = len(next(iter(words.values())))
    best, total = np.zeros(num), np.zeros(num)
    common = []
    for key, parts in keys.items():
        columns = [words[key]] if len(parts) == 1 else _halves_of(words[key])
        bits = np.zeros(num)
        for part, column in zip(parts, columns, strict=True):
            is_common = part.are_common(column)
            common.append(np.where(is_common, column + _ONE, _NO_WORD))
            bits += np.where(is_common, 0, part.bits)
        total, best = total + bits, np.maximum(best, bits)
    return hash_rows(common, num), best, total


def _bits_of(words: Words, distinct: NDArray[np.intp]) -> _ValueBits:
    values, inverse, counts = np.unique(words, return_inverse=True, return_counts=True)
    is_common = counts >= _COMMON
    counts_of_others = np.bincount(inverse[distinct], minlength=len(values))[~is_common]
    num = int(counts_of_others.sum())
    num_pairs = num * (num - 1) // 2
    num_equal = int((counts_of_others * (counts_of_others - 1) // 2).sum())
    return _ValueBits(
        values[is_common],
        # If no pair agrees, one might have.
        log2(max(1, num_pairs) / max(1, num_equal)),
    )
