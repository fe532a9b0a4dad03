"""The members of a `MixtureOrder`, compiled by Numba.

Nothing is checked here: numbers lie in their class, and sizes of classes sum to those of batches.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.class_part import ClassPart
from memmpy.kernels.hashing import GOLDEN, MIX_ROUNDS, Words
from memmpy.kernels.jit import inlined, kernel, run_kernel, trailing_zeros
from memmpy.kernels.permute_numba import CHUNK, mix_window, num_set, permute_in_place
from memmpy.typing import Entries

__all__ = ["place_batches", "place_class"]

Places = NDArray[np.uint32]

_ONE = np.uint64(1)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def place_batches(
    totals: NDArray[np.int64], window: tuple[int, int], *, key: int, batch: int, out: Places
) -> None:
    """Fill `out` with the places of the members of each class, class by class.

    Parameters
    ----------
    totals : int64 array of shape (k, n + 1)
        How many members of each class the first 0 to n batches have.
    window : (int, int)
        Batches per window, and those of the first window that come before.
    key, batch : int
        The key of all batches, and the number of the first of them, modulo 2**64.
    out : uint32 array
        As long as n batches.
    """
    run_kernel(_place_batches, totals, *window, np.uint64(key), np.uint64(batch), out)


def place_class(
    part: ClassPart, places: Places, ranges: NDArray[np.int64], *, out: Entries
) -> None:
    """Put the rows of the members of a class to their places in `out`.

    Parameters
    ----------
    part : ClassPart
        The members.
    places : uint32 array
        Where each goes.
    ranges : int64 array of shape (2, k)
        Member i is row ``i + ranges[1, j]`` for the first j with ``i < ranges[0, j]``.
    out : int64 array
        The rows of all classes.
    """
    words, samples, *numbers, edges = part
    of_class = np.array(numbers, np.uint64)
    run_kernel(_place_class, words, samples, of_class, edges, places, ranges, out)


@inlined
def _mix64(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> _SHIFTS[0])) * _FACTORS[0]
    word = (word ^ (word >> _SHIFTS[1])) * _FACTORS[1]
    mixed: np.uint64 = word ^ (word >> _SHIFTS[2])
    return mixed


@inlined
def _absorb(state: np.uint64, word: np.uint64) -> np.uint64:
    return _mix64(state ^ _mix64(word + GOLDEN))


@inlined
def _absorb_all(state: np.uint64, out: Words) -> None:
    """Fill `out` with the state that absorbs each of 0, 1, ..."""
    for i in range(len(out)):
        out[i] = _absorb(state, np.uint64(i))


@inlined
def _permute_blocks(num: np.int64, key: np.uint64, blocks: Entries) -> None:
    """Replace positions by the entries of ``Permutation(num, key)``."""
    network = np.empty(9, np.uint64)
    bits = np.int64(8)
    while np.int64(1) << bits < num:
        bits += np.int64(1)
    half = bits // np.int64(2)
    network[0], network[1], network[2] = np.uint64(num), np.uint64(half), np.uint64(bits - half)
    _absorb_all(key, network[3:])
    permute_in_place(network, blocks)


@inlined
def _fill_blocks(part: Words, pass_key: np.uint64, offset: np.int64, blocks: Entries) -> None:
    """Fill `blocks` with the blocks of a pass from that of a place on."""
    num_whole, slot = np.int64(part[1] // part[2]), offset // np.int64(part[2])
    for j in range(len(blocks)):
        blocks[j] = slot + j
    num_permuted = max(0, min(len(blocks), num_whole - slot))
    if num_whole > 1:
        _permute_blocks(num_whole, _absorb(pass_key, np.uint64(1)), blocks[:num_permuted])


@kernel
def _place_class(
    words: Words,
    samples: Entries,
    part: Words,
    edges: Entries,
    places: Places,
    ranges: NDArray[np.int64],
    out: Entries,
) -> None:
    bits, num, block_rows = np.int64(part[0]), np.int64(part[1]), np.int64(part[2])
    key, pass_number, offset = part[3], part[4], np.int64(part[5])
    most = np.int64(0)
    for w in range(len(edges) - 1):
        most = max(most, edges[w + 1] - edges[w])
    numbers, pending = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.int64)
    mix_words, targets = np.empty(MIX_ROUNDS, np.uint64), np.empty(most, np.uint32)
    slots = np.empty(most // block_rows + 2, np.int64)
    at = np.int64(0)
    for w in range(len(edges) - 1):
        while at < edges[w + 1]:
            size = min(edges[w + 1] - at, num - offset)
            pass_key = _absorb(key, pass_number)
            _absorb_all(_absorb(_absorb(pass_key, np.uint64(2)), np.uint64(offset)), mix_words)
            if block_rows > 1 and size > 1:
                mix_window(np.uint32(0), mix_words, numbers, pending, targets[:size])
                for k in range(size):
                    targets[k] = places[at + np.int64(targets[k])]
            else:
                targets[:size] = places[at : at + size]
            shift = np.int64(_absorb(pass_key, np.uint64(0)) % np.uint64(num))
            slot, rest = offset // block_rows, np.int64(offset % block_rows)
            blocks = slots[: (offset + size - 1) // block_rows + 1 - slot]
            _fill_blocks(part, pass_key, offset, blocks)
            i = np.int64(0)
            for j in range(len(blocks)):
                number = shift + blocks[j] * block_rows + rest
                num_left = min(block_rows - rest, size - i)
                rest = np.int64(0)
                while num_left > 0:  # twice where the block goes on at the first member
                    if number >= num:
                        number -= num
                    stop = i + min(num_left, num - number)
                    num_left -= stop - i
                    # the word of the member, and in it the bits from that member on
                    member = number
                    place, skip = samples[member >> bits], member & ((1 << bits) - 1)
                    bit = np.uint64(place & 63)
                    place >>= 6
                    word = (words[place] >> bit) << bit
                    num_here = num_set(word)
                    while num_here <= skip:
                        skip -= num_here
                        place += 1
                        word = words[place]
                        num_here = num_set(word)
                    for _ in range(skip):
                        word &= word - _ONE
                    while i < stop:
                        if bits:
                            while not word:
                                place += 1
                                word = words[place]
                            row = place * 64 + np.int64(trailing_zeros(word))
                            word &= word - _ONE
                        else:  # members lie far apart, and all are samples
                            row = samples[member]
                            member += 1
                        which = 0
                        while row >= ranges[0, which]:
                            which += 1
                        out[targets[i]] = row + ranges[1, which]
                        i += 1
                    number = num
            at += size
            offset = np.int64(offset + size)
            if offset == num:
                offset = np.int64(0)
                pass_number += _ONE


@kernel
def _place_batches(
    totals: NDArray[np.int64],
    window_batches: np.int64,
    in_window: np.int64,
    key: np.uint64,
    batch: np.uint64,
    places: Places,
) -> None:
    num_classes, num_batches = totals.shape[0], totals.shape[1] - 1
    size = np.int64(len(places) // num_batches)
    numbers, pending = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.int64)
    mix_words, spots = np.empty(MIX_ROUNDS, np.uint64), np.empty(size, np.uint32)
    spots[0] = 0
    for b in range(num_batches):
        state = _absorb(key, batch)
        if size > 1 and (b == 0 or in_window == window_batches):
            in_window %= window_batches
            _absorb_all(_absorb(key, batch - np.uint64(in_window)), mix_words)
            mix_window(np.uint32(0), mix_words, numbers, pending, spots)
        in_window += 1
        turn = np.uint32(_absorb(state, np.uint64(MIX_ROUNDS)) % np.uint64(size))
        first, end = np.uint32(b * size), np.uint32(size) - turn
        start = i = np.int64(0)
        for c in range(num_classes):
            for k in range(start + totals[c, b], start + totals[c, b + 1]):
                spot = spots[i]
                place = spot + turn if spot < end else spot - end
                places[k] = first + place
                i += 1
            start += totals[c, num_batches]
        batch += _ONE
