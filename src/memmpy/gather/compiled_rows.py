"""The kernels of packed rows, compiled by Numba.

Both take the table of `_fields_table`: a line for each field, with the byte of a row where it
begins, its size, and the address of its output.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.compiling import (
    address_of,
    copy_bytes,
    inlined,
    kernel,
    load_int64,
    load_uint32,
    move_1,
    move_2,
    move_4,
    move_8,
    prefetch,
    prefetch_to_write,
    run_kernel,
)
from memmpy.gather.fields import RowField
from memmpy.typing import Array, Entries

__all__ = ["spread_rows", "take_rows"]

Table = NDArray[np.uint64]

_LINE = np.uint64(64)
#: Rows taken together: their lines are asked for while the ones before are moved.
_TILE = np.uint64(64)
#: What a tile of consecutive rows has at most, to stay in the nearest cache.
_TILE_BYTES = np.uint64(32768)


def take_rows(
    rows: NDArray[np.uint8], entries: Entries, fields: tuple[RowField, ...], out: tuple[Array, ...]
) -> None:
    """Fill each output with a field of the given rows: see `memmpy.gather.take_rows`."""
    run_kernel(
        _take,
        address_of(rows),
        np.uint64(rows.shape[1]),
        address_of(entries),
        np.uint64(len(entries)),
        _fields_table(fields, out),
    )


def spread_rows(
    rows: NDArray[np.uint8],
    starts: Entries,
    counts: NDArray[np.int64],
    places: NDArray[np.uint32],
    fields: tuple[RowField, ...],
    out: tuple[Array, ...],
) -> None:
    """Put the rows of blocks in their places: see `memmpy.gather.spread_rows`."""
    scratch = np.empty(len(places), np.uint64)
    run_kernel(
        _spread,
        address_of(rows),
        np.uint64(rows.shape[1]),
        address_of(starts),
        address_of(counts),
        np.uint64(len(starts)),
        address_of(places),
        np.uint64(len(places)),
        _fields_table(fields, out),
        address_of(scratch),
    )


def _fields_table(fields: tuple[RowField, ...], out: tuple[Array, ...]) -> Table:
    numbers: list[int] = []
    for field, array in zip(fields, out, strict=True):
        if field.nbytes:
            numbers += field.offset, field.nbytes, array.ctypes.data
    return np.array(numbers, np.uint64).reshape(-1, 3)


@inlined
def _is_narrow(size: np.uint64) -> bool:
    return bool(size <= np.uint64(8) and size & (size - np.uint64(1)) == np.uint64(0))


@inlined
def _lay_out(
    destination: np.uint64, source: np.uint64, step: np.uint64, size: np.uint64, num: np.uint64
) -> None:
    """Move items of 1, 2, 4 or 8 bytes, a step apart, to where they lie one after the other."""
    if size == np.uint64(4):
        for _ in range(num):
            move_4(destination, source)
            destination += np.uint64(4)
            source += step
    elif size == np.uint64(8):
        for _ in range(num):
            move_8(destination, source)
            destination += np.uint64(8)
            source += step
    elif size == np.uint64(2):
        for _ in range(num):
            move_2(destination, source)
            destination += np.uint64(2)
            source += step
    else:
        for _ in range(num):
            move_1(destination, source)
            destination += np.uint64(1)
            source += step


@inlined
def _spread_narrow(
    items: np.uint64, places: np.uint64, num: np.uint64, size: np.uint64, scratch: np.uint64
) -> None:
    """Put items of 1, 2, 4 or 8 bytes in their places."""
    copy_bytes(scratch, items, size * num)
    if size == np.uint64(4):
        for i in range(num):
            place = np.uint64(load_uint32(places + np.uint64(4) * i))
            move_4(items + np.uint64(4) * place, scratch + np.uint64(4) * i)
    elif size == np.uint64(8):
        for i in range(num):
            place = np.uint64(load_uint32(places + np.uint64(4) * i))
            move_8(items + np.uint64(8) * place, scratch + np.uint64(8) * i)
    elif size == np.uint64(2):
        for i in range(num):
            place = np.uint64(load_uint32(places + np.uint64(4) * i))
            move_2(items + np.uint64(2) * place, scratch + np.uint64(2) * i)
    else:
        for i in range(num):
            place = np.uint64(load_uint32(places + np.uint64(4) * i))
            move_1(items + place, scratch + i)


@kernel
def _take(
    rows: np.uint64, row_bytes: np.uint64, entries: np.uint64, num: np.uint64, table: Table
) -> None:
    start = np.uint64(0)
    while start < num:
        stop = min(num, start + _TILE)
        for i in range(stop, min(num, stop + _TILE)):
            row = rows + np.uint64(load_int64(entries + np.uint64(8) * i)) * row_bytes
            stop_of_row = row + row_bytes
            while row < stop_of_row:
                prefetch(row)
                row += _LINE
        for f in range(len(table)):
            size = table[f, 1]
            source = rows + table[f, 0]
            destination = table[f, 2] + size * start
            if size == np.uint64(4):
                for i in range(start, stop):
                    entry = np.uint64(load_int64(entries + np.uint64(8) * i))
                    move_4(destination, source + entry * row_bytes)
                    destination += np.uint64(4)
            elif size == np.uint64(8):
                for i in range(start, stop):
                    entry = np.uint64(load_int64(entries + np.uint64(8) * i))
                    move_8(destination, source + entry * row_bytes)
                    destination += np.uint64(8)
            else:
                for i in range(start, stop):
                    entry = np.uint64(load_int64(entries + np.uint64(8) * i))
                    copy_bytes(destination, source + entry * row_bytes, size)
                    destination += size
        start = stop


@kernel
def _spread(
    rows: np.uint64,
    row_bytes: np.uint64,
    starts: np.uint64,
    counts: np.uint64,
    num_blocks: np.uint64,
    places: np.uint64,
    num: np.uint64,
    table: Table,
    scratch: np.uint64,
) -> None:
    """Move wide fields to their places at once, and narrow ones in two steps.

    A store of a few bytes to a place far off costs a whole cache line. So the narrow fields are
    first laid out in the order in which they are read, and then each is spread on its own, from a
    copy: what it spreads over, as 64 kB for 16,384 float32, stays in the second cache.
    """
    tile = max(np.uint64(16), _TILE_BYTES // max(row_bytes, np.uint64(1)))
    done = np.uint64(0)
    for b in range(num_blocks):
        row = rows + np.uint64(load_int64(starts + np.uint64(8) * b)) * row_bytes
        num_left = np.uint64(load_int64(counts + np.uint64(8) * b))
        while num_left:
            some = min(tile, num_left)
            for f in range(len(table)):
                source, size, destination = row + table[f, 0], table[f, 1], table[f, 2]
                if _is_narrow(size):
                    _lay_out(destination + size * done, source, row_bytes, size, some)
                    continue
                for i in range(done, done + some):
                    line = destination + size * np.uint64(load_uint32(places + np.uint64(4) * i))
                    stop = line + size
                    while line < stop:
                        prefetch_to_write(line)
                        line += _LINE
                for i in range(done, done + some):
                    place = np.uint64(load_uint32(places + np.uint64(4) * i))
                    copy_bytes(destination + size * place, source, size)
                    source += row_bytes
            row += some * row_bytes
            done += some
            num_left -= some
    for f in range(len(table)):
        if _is_narrow(table[f, 1]):
            _spread_narrow(table[f, 2], places, num, table[f, 1], scratch)
