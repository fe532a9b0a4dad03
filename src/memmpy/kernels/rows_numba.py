"""The kernels of packed rows, compiled by Numba.

Both take the table of `rows_table`: a line with the address of the rows and the size of one, then
a line for each field, with the byte of a row where it begins, its size, the address of its output,
and that of the parameters of its scaling, or 0.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import (
    copy_bytes,
    inlined,
    kernel,
    move_1,
    move_2,
    move_4,
    move_8,
    prefetch,
    scale_floats,
)
from memmpy.kernels.row_field import RowField
from memmpy.typing import Array, Entries

__all__ = ["Table", "rows_table", "spread", "take"]

Table = NDArray[np.uint64]
Places = NDArray[np.uint32]

_LINE = np.uint64(64)
#: Rows taken together, field by field.
_TILE = np.uint64(32)
#: How far ahead of its copy a row is prefetched.
_BYTES_AHEAD, _MIN_AHEAD = np.uint64(5120), np.uint64(8)
#: Bytes of a tile of consecutive rows at most, so that it stays in the first cache.
_TILE_BYTES = np.uint64(32768)


def rows_table(
    address: int,
    row_bytes: int,
    *,
    fields: Iterable[RowField],
    parameters: Iterable[Array | None],
    out: Iterable[Array],
) -> Table:
    """Return the table of rows, their fields and the outputs of these, which must outlive it."""
    numbers = [address, row_bytes, 0, 0]
    for field, own, array in zip(fields, parameters, out, strict=True):
        if field.nbytes:
            scaled_by = 0 if own is None else own.ctypes.data
            numbers += field.offset, field.nbytes, array.ctypes.data, scaled_by
    return np.array(numbers, np.uint64).reshape(-1, 4)


@inlined
def _is_narrow(size: np.uint64) -> bool:
    return bool(size <= np.uint64(8) and size & (size - np.uint64(1)) == np.uint64(0))


@inlined
def _lay_out(
    destination: np.uint64, source: np.uint64, step: np.uint64, size: np.uint64, num: np.uint64
) -> None:
    """Copy items of 1, 2, 4 or 8 bytes, a step apart, to consecutive places."""
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
def _spread_narrow(items: np.uint64, places: Places, size: np.uint64, scratch: np.uint64) -> None:
    """Put items of 1, 2, 4 or 8 bytes in their places."""
    num = np.uint64(len(places))
    copy_bytes(scratch, items, size * num)
    if size == np.uint64(4):
        for i in range(num):
            place = np.uint64(places[i])
            move_4(items + np.uint64(4) * place, scratch + np.uint64(4) * i)
    elif size == np.uint64(8):
        for i in range(num):
            place = np.uint64(places[i])
            move_8(items + np.uint64(8) * place, scratch + np.uint64(8) * i)
    elif size == np.uint64(2):
        for i in range(num):
            place = np.uint64(places[i])
            move_2(items + np.uint64(2) * place, scratch + np.uint64(2) * i)
    else:
        for i in range(num):
            place = np.uint64(places[i])
            move_1(items + place, scratch + i)


@inlined
def _prefetch_row(row: np.uint64, row_bytes: np.uint64) -> None:
    last = row + row_bytes - np.uint64(1)
    _prefetch_lines(row, last)
    prefetch(last)


@inlined
def _prefetch_lines(start: np.uint64, stop: np.uint64) -> None:
    while start < stop:
        prefetch(start)
        start += _LINE


@inlined
def _divided(number: np.uint64, by: np.uint64) -> np.uint64:
    """Return a number divided by another, rounded up; 0 by 0."""
    by = max(by, np.uint64(1))
    divided: np.uint64 = (number + by - np.uint64(1)) // by
    return divided


@kernel
def take(rows: np.uint64, row_bytes: np.uint64, entries: Entries, table: Table) -> None:
    """Copy the fields of rows, each row prefetched some time before.

    `rows` and `row_bytes` are in the table, too; as arguments they are a few per cent faster.
    """
    num = np.uint64(len(entries))
    ahead = max(_MIN_AHEAD, _BYTES_AHEAD // max(row_bytes, np.uint64(1)))
    for i in range(min(ahead, num)):
        _prefetch_row(rows + np.uint64(entries[i]) * row_bytes, row_bytes)
    start = np.uint64(0)
    while start < num:
        stop = min(num, start + _TILE)
        later = start + ahead
        for f in range(1, len(table)):
            source, size, parameters = rows + table[f, 0], table[f, 1], table[f, 3]
            destination = table[f, 2] + size * start
            # Two loops, as a question for each row would take some per cent.
            num_copied = np.uint64(0) if parameters else stop - start
            for i in range(start, start + num_copied):
                if later < min(num, stop + ahead):
                    _prefetch_row(rows + np.uint64(entries[later]) * row_bytes, row_bytes)
                    later += np.uint64(1)
                copy_bytes(destination, source + np.uint64(entries[i]) * row_bytes, size)
                destination += size
            for i in range(start + num_copied, stop):
                if later < min(num, stop + ahead):
                    _prefetch_row(rows + np.uint64(entries[later]) * row_bytes, row_bytes)
                    later += np.uint64(1)
                row = source + np.uint64(entries[i]) * row_bytes
                scale_floats(destination, row, size, parameters)
                destination += size
        start = stop


@kernel
def spread(
    starts: Entries,
    counts: Entries,
    places: Places,
    table: Table,
    scratch: NDArray[np.uint8],
) -> None:
    """Move wide fields to their places at once, and narrow ones in two steps.

    Rows are taken tile by tile, and the lines of the next tile are fetched meanwhile: the
    processor foresees neither the next block nor the next page.

    A store of a few bytes to a place far off costs a whole cache line. So the narrow fields are
    first laid out in the order in which they are read, and then each is spread on its own, from a
    copy. Its output, such as 64 kB for 16,384 float32, stays in the second cache.
    """
    rows, row_bytes = table[0, 0], table[0, 1]
    tile = max(np.uint64(16), _TILE_BYTES // max(row_bytes, np.uint64(1)))
    num_wide = np.uint64(0)
    for f in range(1, len(table)):
        num_wide += np.uint64(not _is_narrow(table[f, 1]))
    block = done = some = num_left = row = ahead = np.uint64(0)
    while True:
        while num_left == np.uint64(0) and block < len(starts):
            ahead = rows + np.uint64(starts[block]) * row_bytes
            num_left = np.uint64(counts[block])
            block += np.uint64(1)
        num_next = _divided(num_left, _divided(num_left, tile))
        next_row, stop_ahead = ahead, ahead + num_next * row_bytes
        step = _LINE * _divided(num_next * row_bytes, _LINE * some * num_wide)
        for f in range(1, len(table)):
            source, size, destination = row + table[f, 0], table[f, 1], table[f, 2]
            if _is_narrow(size):
                _lay_out(destination + size * done, source, row_bytes, size, some)
                continue
            num_copied = some if table[f, 3] == np.uint64(0) else np.uint64(0)
            for i in range(done, done + num_copied):
                copy_bytes(destination + size * np.uint64(places[i]), source, size)
                source += row_bytes
                _prefetch_lines(ahead, min(ahead + step, stop_ahead))
                ahead += step
            for i in range(done + num_copied, done + some):
                place = destination + size * np.uint64(places[i])
                scale_floats(place, source, size, table[f, 3])
                source += row_bytes
                _prefetch_lines(ahead, min(ahead + step, stop_ahead))
                ahead += step
        _prefetch_lines(ahead, stop_ahead)
        done += some
        if num_next == np.uint64(0):
            break
        row, some, ahead = next_row, num_next, stop_ahead
        num_left -= num_next
    for f in range(1, len(table)):
        if _is_narrow(table[f, 1]):
            _spread_narrow(table[f, 2], places, table[f, 1], np.uint64(scratch.ctypes.data))
