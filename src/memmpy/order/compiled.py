"""The orders of `permutation` and `blocks`, compiled by Numba: the same numbers, sooner.

The networks are written out, round by round, since LLVM then takes many numbers at once. What
leaves the range goes through again: those numbers are collected, without a branch, and taken
together.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.compiling import inlined, kernel, run_kernel
from memmpy.order.mixing import Words
from memmpy.typing import Entries

__all__ = ["mix_places", "permute_run"]

#: Numbers taken together; they and those that leave the range stay in the nearest cache.
_CHUNK = 1024

_ONE_FACTOR, _OTHER_FACTOR = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF = np.uint64(32)

_RoundKeys = tuple[np.uint64, np.uint64, np.uint64, np.uint64, np.uint64, np.uint64]
_RoundWords = tuple[np.uint32, np.uint32, np.uint32, np.uint32, np.uint32, np.uint32]


def permute_run(
    start: int, stop: int, *, num: int, high_bits: int, low_bits: int, round_keys: Words
) -> Entries:
    """Return what a `Permutation` puts at the positions start..stop-1."""
    out = np.empty(stop - start, np.uint64)
    run_kernel(
        _permute,
        np.uint64(start),
        np.uint64(num),
        np.uint64(high_bits),
        np.uint64(low_bits),
        round_keys,
        np.empty(_CHUNK, np.uint64),
        np.empty(_CHUNK, np.int64),
        out,
    )
    return out.view(np.int64)


def mix_places(
    num: int, *, bits: int, factors: NDArray[np.uint32], summands: NDArray[np.uint32]
) -> NDArray[np.uint32]:
    """Return the place of each row of a window of a `BlockOrder`."""
    out = np.empty(num, np.uint32)
    run_kernel(
        _mix,
        np.uint32(bits),
        factors,
        summands,
        np.empty(_CHUNK, np.uint32),
        np.empty(_CHUNK, np.int64),
        out,
    )
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
def _permute_all(words: Words, high_bits: np.uint64, low_bits: np.uint64, keys: _RoundKeys) -> None:
    for i in range(len(words)):
        words[i] = _network(words[i], high_bits, low_bits, keys)


@kernel
def _permute(
    start: np.uint64,
    num: np.uint64,
    high_bits: np.uint64,
    low_bits: np.uint64,
    round_keys: Words,
    words: Words,
    places: Entries,
    out: Words,
) -> None:
    r = round_keys
    keys = (r[0], r[1], r[2], r[3], r[4], r[5])
    for first in range(0, len(out), _CHUNK):
        chunk = out[first : first + _CHUNK]
        for i in range(len(chunk)):
            chunk[i] = start + np.uint64(first + i)
        _permute_all(chunk, high_bits, low_bits, keys)
        num_outside = 0
        for i in range(len(chunk)):
            words[num_outside], places[num_outside] = chunk[i], i
            num_outside += chunk[i] >= num
        while num_outside:
            _permute_all(words[:num_outside], high_bits, low_bits, keys)
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


@kernel
def _mix(
    bits: np.uint32,
    round_factors: NDArray[np.uint32],
    round_summands: NDArray[np.uint32],
    numbers: NDArray[np.uint32],
    places: Entries,
    out: NDArray[np.uint32],
) -> None:
    mask = np.uint32((np.int64(1) << np.int64(bits)) - 1)
    shift = np.uint32(bits // np.uint32(2) + np.uint32(1))
    f, s = round_factors, round_summands
    factors = (f[0], f[1], f[2], f[3], f[4], f[5])
    summands = (s[0], s[1], s[2], s[3], s[4], s[5])
    num = len(out)
    for first in range(0, num, _CHUNK):
        chunk = out[first : first + _CHUNK]
        for i in range(len(chunk)):
            chunk[i] = np.uint32(first + i)
        _mix_all(chunk, factors, summands, mask, shift)
        if num > mask:
            continue  # none is outside
        num_outside = 0
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
