"""The members of a `MixtureOrder`, compiled by Numba.

Nothing is checked here: numbers lie in their class, and sizes of classes sum to those of batches.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.hashing import GOLDEN, MIX_ROUNDS, Words
from memmpy.kernels.jit import inlined, kernel, run_kernel, trailing_zeros
from memmpy.kernels.permute_numba import CHUNK, mix_window, num_set, permute_in_place
from memmpy.typing import Entries

__all__ = ["fill_class", "merge_classes"]

_ONE = np.uint64(1)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def fill_class(
    members: tuple[Words, Entries, int],
    sizes: tuple[int, int, int],
    *,
    key: int,
    number: tuple[int, int],
    edges: Entries,
    out: Entries,
) -> None:
    """Fill `out` with the members that a class hands out in some windows, one after the other.

    Parameters
    ----------
    members : (words, samples, bits)
        The words of the `Subset` of the class; the positions of the members ``i * 2**bits``; and
        `bits`.
    sizes : (int, int, int)
        The first member to use, how many there are, and how many of them make a block.
    key : int
        The key of the class.
    number : (int, int)
        The pass over the class of the first one, modulo 2**64, and its offset in that pass.
    edges : int64 array of shape (k + 1,)
        Where windows begin and end in `out`, from 0 on.
    out : int64 array
        As long as all windows.
    """
    words, samples, bits = members
    run_kernel(
        _fill_class,
        words,
        samples,
        np.int64(bits),
        *map(np.int64, sizes),
        np.uint64(key),
        np.uint64(number[0]),
        np.int64(number[1]),
        edges,
        out,
    )


def merge_classes(
    sequences: Entries, counts: NDArray[np.int64], *, key: int, batch: int, out: Entries
) -> None:
    """Fill `out` with batches, each a mixture of the next members of each class.

    Parameters
    ----------
    sequences : int64 array
        The members of all batches, class by class.
    counts : int64 array of shape (n, k)
        How many members of each class each of the batches has.
    key, batch : int
        The key of all batches, and the number of the first of them, modulo 2**64.
    out : int64 array
        As long as `sequences`.
    """
    run_kernel(_merge_classes, sequences, counts, np.uint64(key), np.uint64(batch), out)


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
def _select_run(
    words: Words,
    samples: Entries,
    bits: np.int64,
    number: np.int64,
    out: Entries,
    start: int,
    stop: int,
) -> None:
    """Fill out[start:stop] with the positions of consecutive members of a `Subset`."""
    at, left = samples[number >> bits], number & ((np.int64(1) << bits) - np.int64(1))
    bit = np.uint64(at & 63)
    at >>= 6
    word = (words[at] >> bit) << bit
    num = num_set(word)
    while num <= left:
        left -= num
        at += 1
        word = words[at]
        num = num_set(word)
    for _ in range(left):
        word &= word - _ONE
    for i in range(start, stop):
        while not word:
            at += 1
            word = words[at]
        out[i] = at * 64 + np.int64(trailing_zeros(word))
        word &= word - _ONE


@kernel
def _fill_class(
    words: Words,
    samples: Entries,
    bits: np.int64,
    first: np.int64,
    num: np.int64,
    block_rows: np.int64,
    key: np.uint64,
    pass_number: np.uint64,
    offset: np.int64,
    edges: Entries,
    out: Entries,
) -> None:
    most = 0
    for w in range(len(edges) - 1):
        most = max(most, edges[w + 1] - edges[w])
    numbers, places = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.int64)
    mix_words = np.empty(MIX_ROUNDS, np.uint64)
    rows, spots = np.empty(most, np.int64), np.empty(most, np.uint32)
    slots = np.empty(most // block_rows + 2, np.int64)
    num_whole, at = num // block_rows, 0
    for w in range(len(edges) - 1):
        while at < edges[w + 1]:
            size = min(edges[w + 1] - at, num - offset)
            pass_key = _absorb(key, pass_number)
            shift = np.int64(_absorb(pass_key, np.uint64(0)) % np.uint64(num))
            slot = offset // block_rows
            rest = np.int64(offset % block_rows)
            blocks = slots[: (offset + size - 1) // block_rows + 1 - slot]
            for j in range(len(blocks)):
                blocks[j] = slot + j
            num_permuted = max(0, min(len(blocks), num_whole - slot))
            if num_whole > 1:
                key_of_blocks = _absorb(pass_key, np.uint64(1))
                _permute_blocks(num_whole, key_of_blocks, blocks[:num_permuted])
            done = 0
            for j in range(len(blocks)):
                count = min(block_rows - rest, size - done)
                number = shift + blocks[j] * block_rows + rest
                if number >= num:
                    number -= num
                stop = done + min(count, num - number)
                _select_run(words, samples, bits, first + number, rows, done, stop)
                done += count
                if stop < done:
                    _select_run(words, samples, bits, first, rows, stop, done)
                rest = np.int64(0)
            state = _absorb(_absorb(pass_key, np.uint64(2)), np.uint64(offset))
            _absorb_all(state, mix_words)
            if size > 1:
                mix_window(np.uint32(0), mix_words, numbers, places, spots[:size])
            else:
                spots[0] = 0
            for i in range(size):
                out[at + np.int64(spots[i])] = rows[i]
            at += size
            offset = np.int64(offset + size)
            if offset == num:
                offset = np.int64(0)
                pass_number += _ONE


@kernel
def _merge_classes(
    sequences: Entries,
    counts: NDArray[np.int64],
    key: np.uint64,
    batch: np.uint64,
    out: Entries,
) -> None:
    num_batches, num_classes = counts.shape
    cursors = np.zeros(num_classes, np.int64)
    start = 0
    for c in range(num_classes):
        cursors[c] = start
        for b in range(num_batches):
            start += counts[b, c]
    size = len(out) // num_batches
    numbers, places = np.empty(CHUNK, np.uint32), np.empty(CHUNK, np.int64)
    mix_words, spots = np.empty(MIX_ROUNDS, np.uint64), np.empty(size, np.uint32)
    for b in range(num_batches):
        _absorb_all(_absorb(key, batch), mix_words)
        if size > 1:
            mix_window(np.uint32(0), mix_words, numbers, places, spots)
        else:
            spots[0] = 0
        place = 0
        for c in range(num_classes):
            cursor = cursors[c]
            for i in range(counts[b, c]):
                out[b * size + np.int64(spots[place])] = sequences[cursor + i]
                place += 1
            cursors[c] = cursor + counts[b, c]
        batch += _ONE
