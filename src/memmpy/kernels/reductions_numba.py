"""The reductions of `reference`, compiled by Numba.

Lists of a few items spend their time in mispredicted branches, as no processor can guess their
lengths. So all kernels take 8 items at once, even of shorter lists, and blank those past the end of
the list by arithmetic. Floats are added in order nevertheless.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.kernels.jit import kernel, run_kernel
from memmpy.kernels.offsets import wrong_lists
from memmpy.typing import Array, Mask

__all__ = ["count_true", "max_lists", "min_lists", "sum_lists"]

#: Other dtypes go into one of these without loss: each that a kernel is compiled for costs a user
#: half a second, once.
_WIDER = {"b1": "u1", "f2": "f4", "i1": "i4", "u1": "i4", "i2": "i4", "u2": "i4", "u4": "i8"}

_ONE = np.uint64(1)
#: Lists that are looked at before they are counted; their offsets stay in the nearest cache.
_BLOCK = 2048

_SUMS = {"i": np.dtype(np.int64), "f": np.dtype(np.float64), "u": np.dtype(np.uint64)}


def sum_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the sum of each list: see `memmpy.kernels.sum_lists`."""
    if content.dtype == np.bool_:
        return count_true(content, offsets)
    items = _plain(content)
    sums: Array = np.empty(len(offsets) - 1, _SUMS[items.dtype.kind])
    out = sums
    if items.dtype == np.uint64:
        # Modulo 2**64 the bits are those of int64.
        items, out = items.view(np.int64), sums.view(np.int64)
    _run(_sum, items, offsets, out, out.dtype.type(0))
    return sums


def count_true(mask: Mask, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many items of each list are true: see `memmpy.kernels.count_true`."""
    counts = np.empty(len(offsets) - 1, np.int64)
    if int(offsets[-1]) - int(offsets[0]) > len(mask):
        raise _wrong(offsets, len(mask))
    _run(_count, np.packbits(mask, bitorder="little"), offsets, counts)
    return counts


def min_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the least item of each list: see `memmpy.kernels.min_lists`."""
    if content.dtype == np.bool_:
        counts = np.diff(offsets)
        are_all_true: Mask = (count_true(content, offsets) == counts) & (counts > 0)
        return are_all_true
    items = _plain(content)
    greatest = np.inf if items.dtype.kind == "f" else np.iinfo(items.dtype).max
    least = np.empty(len(offsets) - 1, items.dtype)
    _run(_min, items, offsets, least, items.dtype.type(greatest))
    return least.astype(_dtype_of_extremes(content), copy=False)


def max_lists(content: Array, offsets: NDArray[np.int64]) -> Array:
    """Return the greatest item of each list: see `memmpy.kernels.max_lists`."""
    if content.dtype == np.bool_:
        return count_true(content, offsets) > 0
    items = _plain(content)
    least = -np.inf if items.dtype.kind == "f" else np.iinfo(items.dtype).min
    greatest = np.empty(len(offsets) - 1, items.dtype)
    _run(_max, items, offsets, greatest, items.dtype.type(least))
    return greatest.astype(_dtype_of_extremes(content), copy=False)


def _dtype_of_extremes(content: Array) -> np.dtype[Any]:
    native = content.dtype.newbyteorder("=")
    return np.dtype(np.float32) if native == np.float16 else native


def _plain(array: Array) -> Array:
    """Return a read-only contiguous array of a native dtype, a copy only if need be.

    Numba compiles a version for each dtype, layout and writability.
    """
    dtype = np.dtype(_WIDER.get(array.dtype.str[1:], array.dtype.newbyteorder("=")))
    if array.dtype == np.bool_:
        array = array.view(dtype)
    plain: Array = np.ascontiguousarray(array, dtype).view()
    plain.flags.writeable = False
    return plain


def _run(
    function: Callable[..., bool], items: Array, offsets: NDArray[np.int64], out: Array, *more: Any
) -> None:
    """Fill `out`, one for each list."""
    if not run_kernel(function, items, _plain(offsets), out, *more):
        raise _wrong(offsets, len(items))


def _wrong(offsets: NDArray[np.int64], num_items: int) -> CorruptStoreError:
    return wrong_lists(offsets - offsets[0], num_items, entries=np.arange(len(offsets) - 1))


def _load_word(_: Any, octets: Any, start: Any) -> Any:
    """Load 8 bytes from anywhere as one little-endian integer."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = builder.gep(array.data, [arguments[1]])
        word = builder.load(builder.bitcast(place, ir.IntType(64).as_pointer()))
        word.align = 1
        return word

    return types.uint64(octets, start), generate


def _count_bits(_: Any, word: Any) -> Any:
    """Count the bits that are set."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.ctpop(arguments[0])

    return types.uint64(word), generate


def _choose(_: Any, _condition: Any, one: Any, _other: Any) -> Any:
    """Return one value or another without a branch: LLVM is told that none would be predicted."""

    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        chosen = builder.select(*arguments)
        chosen.set_metadata("unpredictable", builder.module.add_metadata([]))
        return chosen

    return one(types.boolean, one, one), generate


load_word: Callable[[NDArray[np.uint8], np.int64], np.uint64] = intrinsic(_load_word)
count_bits: Callable[[np.uint64], np.uint64] = intrinsic(_count_bits)
choose: Callable[[Any, Any, Any], Any] = intrinsic(_choose)


# Kernels return False at the first offsets that fall or lead out of the items, before reading
# there. Items are indexed by uint64, since Numba lets an int64 count from the end.


@kernel
def _count(octets: NDArray[np.uint8], offsets: NDArray[np.int64], out: NDArray[np.int64]) -> bool:
    """Count the bits that are set of each list; 57 of them are in any word of 8 octets."""
    base, num_bits = offsets[0], 8 * len(octets)
    last_word = num_bits - 64  # no word may start later
    for first in range(0, len(out), _BLOCK):
        # Slices, since Numba looks for an index from the end in any that does not start at 0.
        some, counts = offsets[first : first + _BLOCK + 1], out[first : first + _BLOCK]
        # A look ahead, at many offsets at once, leaves short lists without a branch.
        lengths = np.uint64(0)
        for i in range(len(counts)):
            lengths |= np.uint64(some[i + 1] - some[i])
        if lengths < 32 and 0 <= some[-1] - base <= last_word:
            for i in range(len(counts)):
                start, length = some[i] - base, np.uint64(some[i + 1] - some[i])
                word = load_word(octets, start >> 3) >> np.uint64(start & 7)
                counts[i] = count_bits(word & ((_ONE << length) - _ONE))
            continue
        for i in range(len(counts)):
            start, stop = some[i] - base, some[i + 1] - base
            if not 0 <= start <= stop <= num_bits:
                return False
            count = np.uint64(0)
            while start < stop and start <= last_word:
                length = np.uint64(min(stop - start, 57))
                word = load_word(octets, start >> 3) >> np.uint64(start & 7)
                count += count_bits(word & ((_ONE << length) - _ONE))
                start += 57
            for j in range(start, stop):
                count += np.uint64(octets[np.uint64(j >> 3)] >> np.uint8(j & 7)) & _ONE
            counts[i] = count
    return True


@kernel
def _sum(items: Array, offsets: NDArray[np.int64], out: Array, zero: Any) -> bool:
    base = offsets[0]
    start = np.int64(0)
    for i in range(len(out)):
        stop = offsets[i + 1] - base
        if stop < start or stop > len(items):
            return False
        total = zero
        while stop - start > 8:
            for j in range(8):
                total += items[np.uint64(start + j)]
            start += 8
        num_left = stop - start
        if start + 8 <= len(items):
            for j in range(8):
                item = type(zero)(items[np.uint64(start + j)])
                total += choose(j < num_left, item, zero)
        else:
            for j in range(num_left):
                total += items[np.uint64(start + j)]
        out[i] = total
        start = stop
    return True


@kernel
def _min(items: Array, offsets: NDArray[np.int64], out: Array, greatest: Any) -> bool:
    base = offsets[0]
    start = np.int64(0)
    for i in range(len(out)):
        stop = offsets[i + 1] - base
        if stop < start or stop > len(items):
            return False
        if stop == start:
            out[i] = 0
            continue
        first, last = start, stop - 1
        least = greatest
        while stop - start > 8:
            for j in range(8):
                item = items[np.uint64(start + j)]
                least = choose(item < least, item, least)
            start += 8
        for j in range(8):
            # The last item again and again changes nothing.
            item = items[np.uint64(choose(start + j < last, start + j, last))]
            least = choose(item < least, item, least)
        if least == greatest:
            # Nothing is less: all are infinite, the greatest integer, or NaN, which is what the
            # first is if all are.
            least = items[np.uint64(first)]
            for j in range(first, stop):
                item = items[np.uint64(j)]
                least = choose(item == greatest, item, least)
        out[i] = least
        start = stop
    return True


@kernel
def _max(items: Array, offsets: NDArray[np.int64], out: Array, least: Any) -> bool:
    base = offsets[0]
    start = np.int64(0)
    for i in range(len(out)):
        stop = offsets[i + 1] - base
        if stop < start or stop > len(items):
            return False
        if stop == start:
            out[i] = 0
            continue
        first, last = start, stop - 1
        most = least
        while stop - start > 8:
            for j in range(8):
                item = items[np.uint64(start + j)]
                most = choose(item > most, item, most)
            start += 8
        for j in range(8):
            # The last item again and again changes nothing.
            item = items[np.uint64(choose(start + j < last, start + j, last))]
            most = choose(item > most, item, most)
        if most == least:
            # Nothing is more: all are infinite, the least integer, or NaN, which is what the
            # first is if all are.
            most = items[np.uint64(first)]
            for j in range(first, stop):
                item = items[np.uint64(j)]
                most = choose(item == least, item, most)
        out[i] = most
        start = stop
    return True
