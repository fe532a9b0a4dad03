"""How unlikely it is that two events agree in their content by chance, in bits.

Rows of equal content are a defect only where chance does not make them: of 20,000 events that hold
one float32 and a number of jets, a few pairs agree. So the values of each key are counted in some
rows. The common values of a row, such as lists without jets, are taken together: they are as likely
as such rows are many. Of any other value, pairs of rows that agree tell how likely that is. Keys
that depend on each other tell less than each alone: the best key counts in full, the others by
three quarters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words, find_words
from memmpy.training.content import joined
from memmpy.typing import Mask

__all__ = ["Chance", "chance_of", "halves_of"]

#: A value that as many sampled rows have is common.
_COMMON = 5
#: What a key counts beside the best one.
_SHARE_OF_OTHERS = 0.75
#: All pairs of rows of a store together agree by chance with a probability below 2**-7.
_MARGIN = 7.0
_NO_WORD, _ONE = np.uint64(0), np.uint64(1)
_HALF, _LOWER = np.uint64(32), np.uint64(2**32 - 1)


@dataclass(frozen=True, slots=True)
class _ValueBits:
    """The values of a key, or of half of its words.

    Parameters
    ----------
    common : uint64 array
        The words of values that many rows have, ascending.
    bits : float
        How unlikely any other value is.
    """

    common: Words
    bits: float

    def are_common(self, words: Words) -> Mask:
        """Return which values are common."""
        return find_words(self.common, words)[1]


@dataclass(frozen=True, slots=True)
class Chance:
    """How unlikely the content of a row is.

    Parameters
    ----------
    keys : mapping of str to sequence
        For each key, the bits of its words, or of both halves of them.
    patterns, counts : uint64 array, int64 array
        Hashes of the common values that rows have together, ascending, and how many rows.
    num_rows : int
        How many rows that is of.
    needed : float
        Bits from which on rows of equal content are no chance.
    """

    keys: Mapping[str, Sequence[_ValueBits]]
    patterns: Words
    counts: NDArray[np.int64]
    num_rows: int
    needed: float

    def is_telling(self, words: Mapping[str, Words]) -> Mask:
        """Return which rows have a content that no other has by chance."""
        patterns, best, total = _looked_up(self.keys, words)
        places, is_known = find_words(self.patterns, patterns)
        counts = np.ones(len(patterns))
        counts[is_known] = self.counts[places[is_known]]
        bits = np.log2(self.num_rows / counts) + best + _SHARE_OF_OTHERS * (total - best)
        telling: Mask = bits >= self.needed
        return telling


def chance_of(
    words: Mapping[str, Words], *, has_halves: Mapping[str, bool], rows: Words, num_entries: int
) -> Chance:
    """Return how unlikely contents are, from some rows.

    Parameters
    ----------
    words : mapping of str to uint64 array of shape (m,)
        For each key, the words of these rows.
    has_halves : mapping of str to bool
        Whether both halves of a word tell something: it is a number, and not a hash.
    rows : uint64 array of shape (m,)
        A hash of each row. Of those that are equal, one counts where the pairs are counted: the
        others may be what is looked for.
    num_entries : int
        How many entries will be compared.
    """
    _, distinct = np.unique(rows, return_index=True)
    keys = {
        key: [
            _bits_of(part, distinct)
            for part in (halves_of(column) if has_halves[key] else [column])
        ]
        for key, column in words.items()
    }
    patterns, counts = np.unique(_looked_up(keys, words)[0], return_counts=True)
    needed = log2(max(1, num_entries * (num_entries - 1) // 2)) + _MARGIN
    return Chance(keys, patterns, counts, len(rows), needed)


def halves_of(words: Words) -> list[Words]:
    """Return the upper and the lower 32 bits of words."""
    return [words >> _HALF, words & _LOWER]


def _looked_up(
    keys: Mapping[str, Sequence[_ValueBits]], words: Mapping[str, Words]
) -> tuple[Words, NDArray[np.float64], NDArray[np.float64]]:
    """Return of each row its pattern of common values, and the bits of the others.

    Returns
    -------
    patterns : uint64 array
        Hashes of all common values.
    best, total : float64 array
        The bits of the best key, and of all together.
    """
    num = len(next(iter(words.values())))
    best, total = np.zeros(num), np.zeros(num)
    common = []
    for key, parts in keys.items():
        columns = [words[key]] if len(parts) == 1 else halves_of(words[key])
        bits = np.zeros(num)
        for part, column in zip(parts, columns, strict=True):
            is_common = part.are_common(column)
            common.append(np.where(is_common, column + _ONE, _NO_WORD))
            bits += np.where(is_common, 0, part.bits)
        total, best = total + bits, np.maximum(best, bits)
    return joined(common, num), best, total


def _bits_of(words: Words, distinct: NDArray[np.intp]) -> _ValueBits:
    values, inverse, counts = np.unique(words, return_inverse=True, return_counts=True)
    is_common = counts >= _COMMON
    once = np.bincount(inverse[distinct], minlength=len(values))[~is_common]
    num = int(once.sum())
    num_pairs, num_equal = num * (num - 1) // 2, int((once * (once - 1) // 2).sum())
    return _ValueBits(
        values[is_common],
        # Where nothing is seen to agree, one pair might have.
        log2(max(1, num_pairs) / max(1, num_equal)),
    )
