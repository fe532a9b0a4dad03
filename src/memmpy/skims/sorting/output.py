"""Writes sorted rows and lists to their place in the skim."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import Words
from memmpy.skims.sorting.sort_tasks import ROWS, TICKETS, SkimJob
from memmpy.store import combine_crc
from memmpy.typing import Array

__all__ = ["order_of", "rows_in_order", "write_sorted"]

#: Bytes of rows that are gathered at a time, and the minimum of rows.
_GATHER_BYTES = 2**22  # 4 MiB
_MIN_ROWS = 64


def order_of(tickets: Words) -> NDArray[np.int64]:
    """Return the indices that sort tickets; equal ones keep their order."""
    order = np.argsort(tickets)
    ordered = tickets[order]
    # The stable sort is much slower, and needed for equal tickets only.
    return np.argsort(tickets, kind="stable") if np.any(ordered[1:] == ordered[:-1]) else order


def rows_in_order(rows: Array, order: NDArray[np.int64]) -> Iterator[Array]:
    """Yield rows in another order, block by block, with the bytes between their fields.

    The blocks share memory, which stays in the cache: each is valid until the next one.
    """
    # As bytes: of a structured dtype NumPy copies only the fields.
    plain = rows.view(np.dtype((np.void, rows.dtype.itemsize)))
    size = max(_MIN_ROWS, _GATHER_BYTES // rows.dtype.itemsize)
    buffer = np.empty(min(size, len(order)), plain.dtype)
    for start in range(0, len(order), size):
        block = order[start : start + size]
        # The order is in range, and with this mode NumPy copies nothing twice.
        np.take(plain, block, out=buffer[: len(block)], mode="clip")
        yield buffer[: len(block)]


def write_sorted(
    job: SkimJob,
    tickets: Words,
    *,
    rows: Iterable[Array],
    lists: Sequence[Jagged],
    start: int,
    items_start: Sequence[int],
) -> dict[str, tuple[int, int]]:
    """Write sorted rows, and the items of their lists, to consecutive places of the skim.

    Parameters
    ----------
    job : SkimJob
        The skim.
    tickets : uint64 array of shape (n,)
        Tickets of the rows, ascending.
    rows : iterable of structured arrays
        The n rows, block by block.
    lists : sequence of Jagged
        The lists beside them, n entries each.
    start : int
        Number of rows of the skim before.
    items_start : sequence of int
        Number of items of each list before.

    Returns
    -------
    mapping of array to (number of its rows, CRC-32)
    """
    arrays = job.arrays
    values: dict[str, tuple[int, Array]] = {TICKETS: (start, tickets)}
    for i, (one, items) in enumerate(zip(lists, items_start, strict=True)):
        values[f"content{i}"] = items, one.content
        # All blocks write the ends of their lists, and the first one the 0 before them.
        first = 0 if start == 0 else 1
        values[f"offsets{i}"] = start + first, one.offsets[first:] + items
    written = {name: (len(own), arrays[name].write(at, own)) for name, (at, own) in values.items()}
    array, at, crc = arrays[ROWS], start, 0
    for block in rows:
        block_crc = array.write(at, block.view(array.dtype))
        crc = combine_crc(crc, block_crc, len(block) * array.row_bytes)
        at += len(block)
    return {**written, ROWS: (at - start, crc)}
