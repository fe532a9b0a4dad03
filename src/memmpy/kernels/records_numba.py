"""Unpacks records of files into numbers, compiled by Numba."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Array

__all__ = ["strip_headers"]


def strip_headers(
    octets: NDArray[np.uint8], bounds: NDArray[np.integer[Any]], header: int, dtype: np.dtype[Any]
) -> Array:
    """Return the items of records as native numbers: see `memmpy.kernels.strip_headers`."""
    num_bytes = int(bounds[-1]) - int(bounds[0]) - header * (len(bounds) - 1)
    is_right = 0 <= num_bytes <= len(octets) and num_bytes % dtype.itemsize == 0
    items: Array = np.empty(num_bytes // dtype.itemsize if is_right else 0, f"u{dtype.itemsize}")
    # Contiguous and read-only: Numba compiles a version for each layout and writability.
    plain = np.ascontiguousarray(octets).view()
    plain.flags.writeable = False
    starts, zero = bounds.astype(np.int64), items.dtype.type(0)
    if not is_right or not run_kernel(_strip, plain, starts, items, np.int64(header), zero):
        raise CorruptStoreError("records do not hold a header and whole items")
    if dtype.str[0] == ">":
        items.byteswap(inplace=True)
    return items.view(dtype.newbyteorder("="))


@kernel
def _strip(
    octets: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    out: Array,
    header: np.int64,
    zero: Any,
) -> bool:
    width, total = out.itemsize, 0
    for i in range(len(bounds) - 1):
        start, stop = bounds[i] + header, bounds[i + 1]
        num = (stop - start) // width
        if bounds[i] < 0 or stop < start or stop > len(octets) or num * width != stop - start:
            return False
        if num > len(out) - total:
            return False
        for item in range(num):
            word = zero
            for octet in range(width):  # LLVM makes one load of it
                word |= type(zero)(octets[np.uint64(start + octet)]) << type(zero)(8 * octet)
            out[np.uint64(total + item)] = word
            start += width
        total += num
    return bool(total == len(out))
