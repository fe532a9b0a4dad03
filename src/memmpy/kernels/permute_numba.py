"""The permutations, block orders and subsets of `memmpy.order`, compiled by Numba.

The networks are written out, round by round, so that LLVM vectorises them. Numbers that leave the
range go through again: they are collected, without a branch, and go together.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.hashing import MIX_MIN_BITS, Words
from memmpy.kernels.jit import inlined, kernel, run_kernel
from memmpy.typing import Entries

__all__ = [
    "CHUNK",
    "mix",
    "mix_places",
    "mix_window",
    "num_set",
    "permute",
    "permute_all",
    "permute_in_place",
    "permute_run",
    "select_members",
]

#: Numbers that go together; they and those that leave the range stay in the first cache.
CHUNK = 1024

_ONE_FACTOR, _OTHER_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)
_MIN_BITS = np.int64(MIX_MIN_BITS)

_RoundKeys = tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]
_RoundWords = tuple[np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32]


def permute_all(positions: Entries, network: Words) -> Entries:
    """Return the entry of a `Permutation` at each of some positions, which lie in its range."""
    out = np.array(positions, np.int64)
    run_kernel(permute_in_place, network, out)
    return out


def permute_run(start: int, stop: int, network: Words) -> Entries:
    """Return the entries of a `Permutation` at the positions start..stop-1."""
    out = np.empty(stop - start, np.int64)
    run_kernel(permute, np.uint64(start), network, out)
    return out


def select_members(words: Words, counts: Entries, numbers: Entries) -> Entries:
    """Return the position of members of a `Subset`, whose numbers lie in its range."""
    out = np.empty(len(numbers), np.int64)
    run_kernel(_select, words, counts, numbers, out)
    return out


def mix_places(edges: Entries, words: Words) -> NDArray[np.uint32]:
    """Return the place of each row of windows of a `BlockOrder`.

    Parameters
    ----------
    edges : int64 array of shape (k + 1,)
        Where windows begin and end, from 0 on.
    words : uint64 array of shape (k, 6)
        The words of each window's rounds.
    """
    out = np.empty(int(edges[-1]), np.uint32)
    run_kernel(mix, edges, words, out)
    return out


@inlined
def _turn(
    half: np.uint64, other: np.uint64, round_key: np.uint64, half_bits: np.uint64
) -> np.uint64:
    mixed = (other + round_key) * _ONE_FACTOR
    mixed ^= mixed >> _HALF
    turned: np.uint64 = half ^ ((mixed * _OTHER_FACTOR) >> (np.uint64(64) - half_bits))
    return turned


@inlined
def _network(
    word: np.uint64, high_bits: np.uint64, low_bits: np.uint64, keys: _RoundKeys
) -> np.uint64:
    high, low = word >> low_bits, word & ((np.uint64(1) << low_bits) - np.uint64(1))
    high = _turn(high, low, keys[0], high_bits)
    low = _turn(low, high, keys[1], low_bits)
    high = _turn(high, low, keys[2], high_bits)
    low = _turn(low, high, keys[3], low_bits)
    high = _turn(high, low, keys[4], high_bits)
    low = _turn(low, high, keys[5], low_bits)
    joined: np.uint64 = (high << low_bits) | low
    return joined


@inlined
def _apply_network(
    words: Words, high_bits: np.uint64, low_bits: np.uint64, keys: _RoundKeys
) -> None:
    for i in range(len(words)):
        words[i] = _network(words[i], high_bits, low_bits, keys)


@kernel
def permute(start: np.uint64, network: Words, out: Entries) -> None:
    """Fill `out` with the entries of a `Permutation` at the positions from `start` on."""
    for i in range(len(out)):
        out[i] = np.int64(start) + i
    permute_in_place(network, out)


@kernel
def permute_in_place(network: Words, out: Entries) -> None:
    """Replace positions in `out` by the entries of a `Permutation` there."""
    words, places = np.empty(CHUNK, np.uint64), np.empty(CHUNK, np.int64)
    num, high_bits, low_bits, r = network[0], network[1], network[2], network[3:]
    keys = (r[0], r[1], r[2], r[3], r[4], r[5])
    for first in range(0, len(out), CHUNK):
        chunk = out[first : first + CHUNK].view(np.uint64)
        _apply_network(chunk, high_bits, low_bits, keys)
        num_outside = 0
        for i in range(len(chunk)):
            words[num_outside], places[num_outside] = chunk[i], i
            num_outside += chunk[i] >= num
        while num_outside:
            _apply_network(words[:num_outside], high_bits, low_bits, keys)
            num_left = 0
            for i in range(num_outside):
                word, place = words[i], places[i]
                chunk[place] = word
                words[num_left], places[num_left] = word, place
                num_left += word >= num
            num_outside = num_left


@inlined
def _round(
    number: np.uint32, factor: np.uint32, summand: np.uint32, mask: np.uint32, shift: np.uint32
) -> np.uint32:
    number = np.uint32(number * factor + summand) & mask
    # LLVM keeps to 32 bits where it sees that the shift is below 32.
    turned: np.uint32 = np.uint32(number ^ (number >> (shift & np.uint32(31))))
    return turned


@inlined
def _mixed(
    number: np.uint32,
    factors: _RoundWords,
    summands: _RoundWords,
    mask: np.uint32,
    shift: np.uint32,
) -> np.uint32:
    number = _round(number, factors[0], summands[0], mask, shift)
    number = _round(number, factors[1], summands[1], mask, shift)
    number = _round(number, factors[2], summands[2], mask, shift)
    number = _round(number, factors[3], summands[3], mask, shift)
    number = _round(number, factors[4], summands[4], mask, shift)
    return _round(number, factors[5], summands[5], mask, shift)


@inlined
def _mix_all(
    numbers: NDArray[np.uint32],
    factors: _RoundWords,
    summands: _RoundWords,
    mask: np.uint32,
    shift: np.uint32,
) -> None:
    for i in range(len(numbers)):
        numbers[i] = _mixed(numbers[i], factors, summands, mask, shift)


@inlined
def mix_window(
    start: np.uint32,
    words: Words,
    numbers: NDArray[np.uint32],
    places: Entries,
    out: NDArray[np.uint32],
) -> None:
    """Fill `out` with the place of each row of a window, from `start` on.

    `numbers` and `places` are memory for `CHUNK` numbers each.
    """
    num = len(out)
    bits = _MIN_BITS
    while np.int64(1) << bits < num:
        bits += np.int64(1)
    mask = np.uint32((np.int64(1) << bits) - 1)
    shift = np.uint32(bits // np.int64(2) + np.int64(1))
    w, one = words, np.uint32(1)
    factors = (
        np.uint32(w[0]) | one,
        np.uint32(w[1]) | one,
        np.uint32(w[2]) | one,
        np.uint32(w[3]) | one,
        np.uint32(w[4]) | one,
        np.uint32(w[5]) | one,
    )
    summands = (
        np.uint32(w[0] >> _HALF),
        np.uint32(w[1] >> _HALF),
        np.uint32(w[2] >> _HALF),
        np.uint32(w[3] >> _HALF),
        np.uint32(w[4] >> _HALF),
        np.uint32(w[5] >> _HALF),
    )
    for first in range(0, num, CHUNK):
        chunk = out[first : first + CHUNK]
        for i in range(len(chunk)):
            chunk[i] = np.uint32(first + i)
        _mix_all(chunk, factors, summands, mask, shift)
        num_outside = 0
        if num <= mask:
            for i in range(len(chunk)):
                numbers[num_outside], places[num_outside] = chunk[i], i
                num_outside += chunk[i] >= num
        while num_outside:
            _mix_all(numbers[:num_outside], factors, summands, mask, shift)
            num_left = 0
            for i in range(num_outside):
                number, place = numbers[i], places[i]
                chunk[place] = number
                numbers[num_left], places[num_left] = number, place
                num_left += number >= num
            num_outside = num_left
        for i in range(len(chunk)):
            chunk[i] += start


@kernel
def mix(edges: Entries, words: Words, out: NDArray[np.uint32]) -> None:
    """Fill `out` with the place of each row of windows of a `BlockOrder`: see `mix_places`."""
    numbers, places = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.int64)
    for w in range(len(words)):
        start, stop = edges[w], edges[w + 1]
        mix_window(np.uint32(start), words[w], numbers, places, out[start:stop])


@inlined
def num_set(word: np.uint64) -> np.int64:
    """Return how many bits of a word are set."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + (
        (word >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    num: np.int64 = np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
    return num


@inlined
def _word_of(counts: Entries, number: np.int64) -> np.int64:
    """Return the word of a member of a `Subset`: near where it is if members lie evenly."""
    num_words = len(counts) - 1
    # counts[low] <= number < counts[high]
    low, high, step = 0, num_words, 1
    share = np.float64(number) / np.float64(counts[num_words])
    guess = min(np.int64(share * np.float64(num_words)), num_words - 1)
    if counts[guess] <= number:
        low = guess
        while low + step < num_words and counts[low + step] <= number:
            low += step
            step *= 2
        high = min(low + step, num_words)
    else:
        high = guess
        while high - step > 0 and counts[high - step] > number:
            high -= step
            step *= 2
        low = max(high - step, 0)
    while high - low > 1:
        middle = (low + high) // 2
        if counts[middle] <= number:
            low = middle
        else:
            high = middle
    word: np.int64 = low
    return word


@kernel
def _select(words: Words, counts: Entries, numbers: Entries, out: Entries) -> None:
    """Find the word of each member, and then its bit."""
    for i in range(len(numbers)):
        number = numbers[i]
        low = _word_of(counts, number)
        word, left, place = words[low], number - counts[low], low * 64
        half = np.uint64(32)
        while half:
            num_low = num_set(word & ((np.uint64(1) << half) - np.uint64(1)))
            if left >= num_low:
                left -= num_low
                word >>= half
                place += np.int64(half)
            half >>= np.uint64(1)
        out[i] = place
