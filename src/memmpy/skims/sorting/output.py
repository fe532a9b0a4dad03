"""Sorted rows and lists, written where they belong in the skim."""

from collections.abc import Iterable, Sequence

from memmpy.jagged import Jagged
from memmpy.kernels import Words
from memmpy.skims.sorting.sort_tasks import ROWS, TICKETS, SkimJob
from memmpy.store import combine_crc
from memmpy.typing import Array

__all__ = ["write_sorted"]


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
        crc = combine_crc(crc, its_crc, len(block) * array.row_bytes)
        at += len(block)
    return {**found, ROWS: (at - start, crc)}
