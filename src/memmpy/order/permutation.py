"""A keyed permutation of 0..num-1 that needs no memory."""

from collections.abc import Iterable
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices, check_integer, check_seed
from memmpy.errors import OptionError
from memmpy.kernels import Words, absorb
from memmpy.typing import Entries

__all__ = ["MAX_NUM", "MIN_BITS", "ROUNDS", "Permutation"]

#: The largest number of entries.
MAX_NUM = 2**62
#: Six rounds over at least eight bits make all orders of 2 to 8 entries equally frequent
#: (chi-square over 200,000 keys); four rounds, or six over five bits, do not.
ROUNDS = 6
MIN_BITS = 8

_MULTIPLIERS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)


@final
class Permutation:
    """The bijection of 0..num-1 that belongs to a key.

    It is fixed by `num` and `key`, in all versions: splits depend on it, and epochs are resumed by
    it.

    Parameters
    ----------
    num : int
        The number of entries, from 0 to 2**62.
    key : int
        Chooses the bijection: 0 <= key < 2**64.

    Notes
    -----
    A Feistel network over the smallest ``2**bits >= num`` (`bits` at least `MIN_BITS`), whose low
    half has the odd bit, and cycle walking: what lands at `num` or above goes through the network
    again. Round r turns one half (the high one in even rounds) by the top bits of ::

        t = (other half + absorb(key, r)) * 0xBF58476D1CE4E5B9
        t = (t ^ (t >> 32)) * 0x94D049BB133111EB

    From 128 entries on that is at most two passes on average; two entries take 128.

    Examples
    --------
    >>> import numpy as np
    >>> Permutation(5, key=1)(np.arange(5))
    array([1, 4, 0, 2, 3])
    """

    __slots__ = ("_high_bits", "_low_bits", "_round_keys", "key", "network", "num")

    def __init__(self, num: int, *, key: int) -> None:
        self.num: int = check_integer("num", num, minimum=0)
        if self.num > MAX_NUM:
            message = f"a permutation has at most 2**62 entries, not {self.num:,}"
            raise OptionError(message)
        self.key: int = check_seed("key", key)
        bits = max(MIN_BITS, (self.num - 1).bit_length())
        self._high_bits = bits // 2
        self._low_bits = bits - self._high_bits
        self._round_keys = absorb(self.key, np.arange(ROUNDS, dtype=np.uint64))
        #: For kernels: num, the bits of both halves, and the keys of the rounds.
        self.network: NDArray[np.uint64] = np.array(
            [self.num, self._high_bits, self._low_bits, *self._round_keys], np.uint64
        )

    def __len__(self) -> int:
        return self.num

    def __repr__(self) -> str:
        return f"Permutation({self.num}, key={self.key})"

    def __call__(self, positions: Entries, *, compiled: bool = False) -> Entries:
        """Return the entry at each of a one-dimensional array of positions.

        Parameters
        ----------
        positions : int64 array
            Each from 0 to num - 1.
        compiled : bool
            See `run`.

        Raises
        ------
        OptionError
            If a position is out of range.
        """
        if compiled and self.num > 1:
            from memmpy.kernels.permute_numba import permute_all

            return permute_all(check_indices(positions, self.num, of="entries"), self.network)
        return self._walk(positions, range(ROUNDS))

    def inverse(self, entries: Entries) -> Entries:
        """Return the position of each of a one-dimensional array of entries."""
        return self._walk(entries, range(ROUNDS - 1, -1, -1))

    def run(self, start: int, stop: int, *, compiled: bool) -> Entries:
        """Return the entries at the positions start..stop-1, as calling it with them does.

        Parameters
        ----------
        start, stop : int
            0 <= start <= stop <= num.
        compiled : bool
            Whether to use Numba rather than NumPy: about 3 ns an entry if the number of entries is
            a power of two, up to twice as long if not, without the GIL.

        Raises
        ------
        OptionError
            If the positions are out of range.
        """
        if not 0 <= start <= stop <= self.num:
            message = f"no positions {start} to {stop}: there are {self.num:,} entries, from 0 on"
            raise OptionError(message)
        if compiled and self.num > 1:
            from memmpy.kernels.permute_numba import permute_run

            return permute_run(start, stop, self.network)
        return self(np.arange(start, stop))

    def _walk(self, numbers: Entries, rounds: Iterable[int]) -> Entries:
        numbers = check_indices(numbers, self.num, of="entries")
        if self.num < 2:
            return np.zeros_like(numbers)
        limit = np.uint64(self.num)
        words = self._network(numbers.view(np.uint64), rounds)
        outside = np.flatnonzero(words >= limit)
        while outside.size:
            again = self._network(words[outside], rounds)
            words[outside] = again
            outside = outside[again >= limit]
        return words.view(np.int64)

    def _network(self, words: Words, rounds: Iterable[int]) -> Words:
        low_bits = np.uint64(self._low_bits)
        high: Words = words >> low_bits
        low = words & np.uint64(2**self._low_bits - 1)
        turn_high = low, high, np.uint64(64 - self._high_bits)
        turn_low = high, low, np.uint64(64 - self._low_bits)
        mixed, shifted = np.empty_like(words), np.empty_like(words)
        for number in rounds:
            other, half, shift = turn_low if number % 2 else turn_high
            np.add(other, self._round_keys[number], out=mixed)
            mixed *= _MULTIPLIERS[0]
            np.right_shift(mixed, _HALF, out=shifted)
            mixed ^= shifted
            mixed *= _MULTIPLIERS[1]
            mixed >>= shift
            half ^= mixed
        high <<= low_bits
        high |= low
        return high
