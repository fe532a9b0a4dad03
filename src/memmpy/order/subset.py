"""A set of positions in little memory: two bits for each position."""

from collections.abc import Iterable
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.errors import LengthError
from memmpy.kernels import Words
from memmpy.typing import Entries, Mask

__all__ = ["Subset"]

_WORD = 64
#: Halves of a word, and masks of its low half, down to one bit.
_HALVINGS = tuple((np.uint8(half), np.uint64(2**half - 1)) for half in (32, 16, 8, 4, 2, 1))


@final
class Subset:
    """A set of positions out of 0..num-1, in ascending order.

    It keeps one bit for each position and one int64 count for each 64: ``num / 4`` bytes in all.

    Parameters
    ----------
    masks : iterable of bool arrays
        Whether each position is a member, step by step: `num` booleans together.
    num : int
        The number of positions.

    Examples
    --------
    >>> import numpy as np
    >>> subset = Subset([np.array([True, False]), np.array([True])], num=3)
    >>> subset.select(np.array([0, 1]))
    array([0, 2])
    """

    __slots__ = ("_counts", "_words", "num")

    def __init__(self, masks: Iterable[Mask], *, num: int) -> None:
        self.num = num
        self._words = _pack(masks, num)
        # _counts[i] members lie before word i
        self._counts = np.zeros(len(self._words) + 1, dtype=np.int64)
        np.cumsum(np.bitwise_count(self._words), out=self._counts[1:])

    def __len__(self) -> int:
        return int(self._counts[-1])

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {self.num} positions)"

    @property
    def nbytes(self) -> int:
        """The memory it takes, in bytes."""
        return self._words.nbytes + self._counts.nbytes

    def select(self, numbers: Entries, *, compiled: bool = False) -> Entries:
        """Return the position of members by their numbers, 0 for the lowest.

        Parameters
        ----------
        numbers : int64 array
            Each from 0 to len - 1.
        compiled : bool
            Whether to use Numba, which is five times as fast and does not hold the GIL.

        Raises
        ------
        OptionError
            If a number is out of range.
        """
        numbers = check_indices(numbers, len(self), of="members")
        if compiled and len(numbers):
            from memmpy.kernels.permute_numba import select_members

            return select_members(self._words, self._counts, numbers)
        # sorted numbers walk the counts in order, which is worth the sorting
        order = np.argsort(numbers)
        places = np.empty_like(numbers)
        places[order] = np.searchsorted(self._counts, numbers[order], side="right") - 1
        positions = places * _WORD
        left = (numbers - self._counts[places]).astype(np.uint8)
        positions += _select_bit(self._words[places], left)
        return positions


def _select_bit(words: Words, numbers: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the place of the n-th set bit of each word, by bisection."""
    places = np.zeros(len(words), dtype=np.uint8)
    for half, low_mask in _HALVINGS:
        num_low = np.bitwise_count(words & low_mask)
        is_high = numbers >= num_low
        numbers = numbers - num_low * is_high
        shift = is_high * half
        words = words >> shift
        places += shift
    return places


def _pack(masks: Iterable[Mask], num: int) -> Words:
    """Return masks as one bit for each position, from the lowest bit of the first word on."""
    packed = np.zeros(-(-num // _WORD) * (_WORD // 8), dtype=np.uint8)
    rest = np.zeros(0, dtype=np.bool_)
    start = 0
    for mask in masks:
        pending = np.concatenate([rest, mask])
        ready = len(pending) - len(pending) % 8
        start = _put(packed, start, pending[:ready])
        rest = pending[ready:]
    stop = start * 8 + len(rest)
    _put(packed, start, rest)
    if stop != num:
        message = f"the masks of a subset have {stop:,} positions together, not {num:,}"
        raise LengthError(message)
    return packed.view("<u8").astype(np.uint64, copy=False)


def _put(packed: NDArray[np.uint8], start: int, mask: Mask) -> int:
    """Write the bits of a mask from byte `start` on, and return where they end."""
    part = np.packbits(mask, bitorder="little")
    stop = start + len(part)
    packed[start:stop] = part[: max(0, len(packed) - start)]
    return stop
