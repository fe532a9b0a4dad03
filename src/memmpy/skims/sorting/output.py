"""Rows and lists in the order of their tickets, and their place in the skim."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import Jagged
from memmpy.kernels import Words
from memmpy.skims.sorting.sort_tasks import ROWS, TICKETS, SkimJob
from memmpy.store import joined_crc
from memmpy.typing import Array

__all__ = ["order_of", "rows_in_order", "write_sorted"]

#: Bytes of rows that are put in order at a time, and rows at least.
_TAKEN_BYTES = 2**22  # 4 MiB
_MIN_ROWS = 64


def order_of(tickets: Words) -> NDArray[np.int64]:
    """Return what sorts tickets, where equal ones keep their order."""
    order = np.argsort(tickets)
    ordered = tickets[order]
    # Much slower, and needed only where two have one ticket.
    return np.argsort(tickets, kind="stable") if np.any(ordered[1:] == ordered[:-1]) else order


def rows_in_order(rows: Array, order: NDArray[np.int64]) -> Iterator[Array]:
    """Yield rows in another order, with the bytes between their fields, some at a time.

    Each is good until the next one is asked for: they share memory, which stays in the cache.
    """
    # As bytes: of a structured dtype numpy copies the fields alone.
    plain = rows.view(np.dtype((np.void, rows.dtype.itemsize)))
    size = max(_MIN_ROWS, _TAKEN_BYTES // rows.dtype.itemsize)
    buffer = np.empty(min(size, len(order)), plain.dtype)
    for start in range(0, len(order), size):
        block = order[start : start + size]
        # Entries are in range, and with this mode nothing is copied twice.
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
    """Write sorted rows from one on, and the items of each list from one on.

    Parameters
    ----------
    job : SkimJob
        The skim.
    tickets : uint64 array of shape (n,)
        Tickets of the rows, ascending.
    rows : iterable of structured arrays
        The n rows, some at a time.
    lists : sequence of Jagged
        The lists beside them, n entries each.
    start : int
        Number of rows of the skim that come before.
    items_start : sequence of int
        Number of items of each list that come before.

    Returns
    -------
    mapping of array to (number of its rows, CRC-32)
    """
    arrays = job.arrays
    values: dict[str, tuple[int, Array]] = {TICKETS: (start, tickets)}
    for i, (one, items) in enumerate(zip(lists, items_start, strict=True)):
        values[f"content{i}"] = items, one.content
        # The first rows say where the first list starts, and all say where their lists end.
        first = 0 if start == 0 else 1
        values[f"offsets{i}"] = start + first, one.offsets[first:] + items
    found = {
        name: (len(written), arrays[name].write(at, written))
        for name, (at, written) in values.items()
    }
    array, at, crc = arrays[ROWS], start, 0
    for block in rows:
        its_crc = array.write(at, block.view(array.dtype))
        crc = joined_crc(crc, its_crc, len(block) * array.row_bytes)
        at += len(block)
    return {**found, ROWS: (at - start, crc)}
