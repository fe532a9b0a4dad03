"""A set of positions in little memory: two bits for each position."""

from collections.abc import Iterable, Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.errors import LengthError
from memmpy.kernels import Words
from memmpy.typing import Array, Entries, Mask

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

    __slots__ = ("counts", "num", "words")

    def __init__(self, masks: Iterable[Mask], *, num: int) -> None:
        self._keep(_pack(([mask] for mask in masks), num, num_sets=1)[0], num)

    @classmethod
    def by_label(
        cls, labels: Iterable[Array], *, num: int, values: Sequence[int]
    ) -> "list[Subset]":
        """Return the positions of each of some labels, from one pass over all labels.

        Parameters
        ----------
        labels : iterable of integer arrays
            The label of each position, step by step: `num` together.
        num : int
            The number of positions.
        values : sequence of int
            The labels to look for.
        """
        masks = ([step == value for value in values] for step in labels)
        subsets = [cls.__new__(cls) for _ in values]
        for subset, words in zip(subsets, _pack(masks, num, num_sets=len(values)), strict=True):
            subset._keep(words, num)
        return subsets

    def _keep(self, words: Words, num: int) -> None:
        self.num: int = num
        #: For kernels: one bit for each position, from the lowest bit of the first word on.
        self.words: Words = words
        #: For kernels: counts[i] members lie before word i.
        self.counts: NDArray[np.int64] = np.zeros(len(words) + 1, dtype=np.int64)
        np.cumsum(np.bitwise_count(words), out=self.counts[1:])

    def __len__(self) -> int:
        return int(self.counts[-1])

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {self.num} positions)"

    @property
    def nbytes(self) -> int:
        """The memory it takes, in bytes."""
        return self.words.nbytes + self.counts.nbytes

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

            return select_members(self.words, self.counts, numbers)
        # sorted numbers walk the counts in order, which is worth the sorting
        order = np.argsort(numbers)
        places = np.empty_like(numbers)
        places[order] = np.searchsorted(self.counts, numbers[order], side="right") - 1
        positions = places * _WORD
        left = (numbers - self.counts[places]).astype(np.uint8)
        positions += _select_bit(self.words[places], left)
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


def _pack(steps: Iterable[Sequence[Mask]], num: int, *, num_sets: int) -> list[Words]:
    """Return the masks of sets as one bit for each position, from the lowest bit of a word on.

    Each step has a mask for each set, all of one length.
    """
    packed = np.zeros((num_sets, -(-num // _WORD) * (_WORD // 8)), dtype=np.uint8)
    rest = np.zeros((num_sets, 0), dtype=np.bool_)
    start = 0
    for masks in steps:
        pending = np.concatenate([rest, np.stack(masks)], axis=1)
        ready = pending.shape[1] - pending.shape[1] % 8
        start = _put(packed, start, pending[:, :ready])
        rest = pending[:, ready:]
    stop = start * 8 + rest.shape[1]
    _put(packed, start, rest)
    if stop != num:
        message = f"the masks of a subset have {stop:,} positions together, not {num:,}"
        raise LengthError(message)
    return [octets.view("<u8").astype(np.uint64, copy=False) for octets in packed]


def _put(packed: NDArray[np.uint8], start: int, masks: NDArray[np.bool_]) -> int:
    """Write the bits of masks from byte `start` on, and return where they end."""
    part = np.packbits(masks, axis=1, bitorder="little")
    stop: int = start + part.shape[1]
    packed[:, start:stop] = part[:, : max(0, packed.shape[1] - start)]
    return stop
