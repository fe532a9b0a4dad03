"""Gathers entries of columns, compiled by Numba."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import (
    address_of,
    copy_bytes,
    kernel,
    load_int64,
    move_4,
    move_8,
    prefetch,
    run_kernel,
)
from memmpy.typing import Array, Entries

__all__ = ["take_columns"]

_LINE = np.uint64(64)
#: How many entries ahead, and how many bytes, cache lines are prefetched at most.
_AHEAD, _BYTES_AHEAD = np.uint64(128), np.uint64(8192)


def take_columns(columns: Sequence[tuple[Array, Array]], entries: Entries) -> None:
    """Fill the output beside each column with its entries: see `memmpy.kernels.take_columns`."""
    table = [
        (column.ctypes.data, column.strides[0], array[:1].nbytes, array.ctypes.data)
        for column, array in columns
        if array.nbytes
    ]
    run_kernel(
        _take,
        np.array(table, np.uint64).reshape(-1, 4),
        address_of(entries),
        np.uint64(len(entries)),
        owners=(*columns, entries),
    )


@kernel
def _take(table: NDArray[np.uint64], entries: np.uint64, num: np.uint64) -> None:
    """Take one column after the other, of each in the table: address, stride, size, output."""
    for c in range(len(table)):
        column, stride, size, out = table[c, 0], table[c, 1], table[c, 2], table[c, 3]
        ahead = min(_AHEAD, max(np.uint64(4), _BYTES_AHEAD // size))
        for i in range(num):
            later = entries + np.uint64(8) * min(i + ahead, num - np.uint64(1))
            line = column + stride * np.uint64(load_int64(later))
            prefetch(line)
            if size > np.uint64(8):
                last = line + size - np.uint64(1)
                while line + _LINE < last:
                    line += _LINE
                    prefetch(line)
                prefetch(last)
            source = column + stride * np.uint64(load_int64(entries + np.uint64(8) * i))
            if size == np.uint64(4):
                move_4(out, source)
            elif size == np.uint64(8):
                move_8(out, source)
            else:
                copy_bytes(out, source, size)
            out += size
