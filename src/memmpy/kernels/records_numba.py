"""Strips the headers of records, compiled by Numba."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Array

__all__ = ["strip_headers"]

#: Bytes to copy at a time.
_STRIDE = 16


def strip_headers(
    octets: NDArray[np.uint8], bounds: NDArray[np.integer[Any]], header: int, dtype: np.dtype[Any]
) -> Array:
    """Return the items of records: see `memmpy.kernels.strip_headers`."""
    num_bytes = int(bounds[-1]) - int(bounds[0]) - header * (len(bounds) - 1)
    is_right = 0 <= num_bytes <= len(octets) and num_bytes % dtype.itemsize == 0
    out = np.empty(num_bytes if is_right else 0, np.uint8)
    # Contiguous and read-only: Numba compiles a version for each layout and writability.
    plain = np.ascontiguousarray(octets).view()
    plain.flags.writeable = False
    starts = np.ascontiguousarray(bounds, np.int64)
    arguments = starts, out, np.int64(header), np.int64(dtype.itemsize)
    if not is_right or not run_kernel(_strip, plain, *arguments):
        raise CorruptStoreError("records do not hold a header and whole items")
    return out.view(dtype)


@kernel
def _strip(
    octets: NDArray[np.uint8],
    bounds: NDArray[np.int64],
    out: NDArray[np.uint8],
    header: np.int64,
    width: np.int64,
) -> bool:
    total = 0
    for i in range(len(bounds) - 1):
        start, stop = bounds[i] + header, bounds[i + 1]
        num = stop - start
        # The width is a power of two.
        if bounds[i] < 0 or num < 0 or stop > len(octets) or num & (width - 1):
            return False
        if num > len(out) - total:
            return False
        # Lists are short, and of any length: to copy some bytes too many, which the next list
        # overwrites, is several times as fast as a loop that ends at the right byte.
        done = 0
        while done < num:
            if start + done + _STRIDE <= len(octets) and total + done + _STRIDE <= len(out):
                for octet in range(_STRIDE):
                    out[np.uint64(total + done + octet)] = octets[np.uint64(start + done + octet)]
                done += _STRIDE
            else:
                out[np.uint64(total + done)] = octets[np.uint64(start + done)]
                done += 1
        total += num
    return bool(total == len(out))
