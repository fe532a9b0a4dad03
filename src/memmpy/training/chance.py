"""How unlikely it is that two events agree in their content by chance, in bits.

Rows of equal content are a defect only where chance does not make them: of 20,000 events that hold
one float32 and a number of jets, a few pairs agree. So the values of each key are counted in some
rows. A value that many rows have is as likely as they are many; of the others, pairs that agree
tell how likely that is. Keys that depend on each other tell less than each alone: the best key
counts in full, the others by three quarters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2

import numpy as np
from numpy.typing import NDArray

from memmpy.order import Words

__all__ = ["Chance", "chance_of", "halves_of"]

#: A value that as many sampled rows have is common.
_COMMON = 5
#: What a key counts beside the best one.
_SHARE_OF_OTHERS = 0.75
#: All pairs of rows of a store together agree by chance with a probability below 2**-7.
_MARGIN = 7.0
_HALF, _LOWER = np.uint64(32), np.uint64(2**32 - 1)


@dataclass(frozen=True, slots=True)
class _ValueBits:
    """How unlikely values are, in bits.

    Parameters
    ----------
    common : uint64 array
        The words of values that many rows have, ascending.
    bits_of_common : float64 array
        Theirs.
    bits_of_others : float
        That of any other value.
    """

    common: Words
    bits_of_common: NDArray[np.float64]
    bits_of_others: float

    def of(self, words: Words) -> NDArray[np.float64]:
        """Return the bits of each value."""
        bits = np.full(len(words), self.bits_of_others)
        if len(self.common):
            places = np.minimum(np.searchsorted(self.common, words), len(self.common) - 1)
            is_common = self.common[places] == words
            bits[is_common] = self.bits_of_common[places[is_common]]
        return bits


@dataclass(frozen=True, slots=True)
class Chance:
    """How unlikely the content of a row is.

    Parameters
    ----------
    keys : mapping of str to sequence
        For each key, the bits of its words, or of both halves of them.
    needed : float
        Bits from which on rows of equal content are no chance.
    """

    keys: Mapping[str, Sequence[_ValueBits]]
    needed: float

    def is_telling(self, words: Mapping[str, Words]) -> NDArray[np.bool_]:
        """Return which rows have a content that no other has by chance."""
        best = total = np.zeros(len(next(iter(words.values()))))
        for key, parts in self.keys.items():
            columns = [words[key]] if len(parts) == 1 else halves_of(words[key])
            bits = sum(part.of(column) for part, column in zip(parts, columns, strict=True))
            total, best = total + bits, np.maximum(best, bits)
        telling: NDArray[np.bool_] = best + _SHARE_OF_OTHERS * (total - best) >= self.needed
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
    return Chance(keys, log2(max(1, num_entries * (num_entries - 1) // 2)) + _MARGIN)


def halves_of(words: Words) -> list[Words]:
    """Return the upper and the lower 32 bits of words."""
    return [words >> _HALF, words & _LOWER]


def _bits_of(words: Words, distinct: NDArray[np.intp]) -> _ValueBits:
    values, inverse, counts = np.unique(words, return_inverse=True, return_counts=True)
    is_common = counts >= _COMMON
    once = np.bincount(inverse[distinct], minlength=len(values))[~is_common]
    num = int(once.sum())
    num_pairs, num_equal = num * (num - 1) // 2, int((once * (once - 1) // 2).sum())
    return _ValueBits(
        values[is_common],
        np.log2(len(words) / counts[is_common]),
        # Where nothing is seen to agree, one pair might have.
        log2(max(1, num_pairs) / max(1, num_equal)),
    )
