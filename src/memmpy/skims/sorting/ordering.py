"""Rows in the order of their tickets."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words
from memmpy.typing import Array

__all__ = ["order_of", "rows_in_order"]

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
