"""Gather windows of whole batches, some ahead, and cut them into batches."""

from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from functools import partial

import numpy as np

from memmpy.loaders.columns import INDEX_KEY, gather, row_nbytes
from memmpy.loaders.prefetch import prefetch
from memmpy.order import plan_windows
from memmpy.typing import Batch, Column, Entries

__all__ = ["WINDOW_NBYTES", "WINDOW_ROWS", "load_batches"]

#: A window has so many rows, unless they would take more than so many bytes.
WINDOW_ROWS = 1 << 14
WINDOW_NBYTES = 8 << 20


def load_batches(
    columns: Mapping[str, Column],
    entries_at: Callable[[Entries], Entries],
    num: int,
    *,
    batch_size: int,
    drop_last: bool,
    num_threads: int,
    position: int,
) -> Generator[Batch, None, None]:
    """Yield the batches of one epoch, from `position` on.

    Neither the size of the windows nor the number of threads changes what is in a batch. About
    ``num_threads + 2`` windows are in memory; a batch's arrays are views of their window, which
    lives as long as one of its batches does.

    Parameters
    ----------
    columns : mapping of str to Column
        What to gather.
    entries_at : callable
        From int64 positions of the epoch to the entries there; called in several threads.
    num : int
        The number of positions.
    position : int
        Where to start, at the edge of a batch.
    """
    rows = min(WINDOW_ROWS, int(WINDOW_NBYTES / max(1, row_nbytes(columns))))
    windows = plan_windows(
        num, batch_size, drop_last=drop_last, rows_per_window=rows, position=position
    )
    tasks = (partial(_gather_window, columns, entries_at, *window) for window in windows)
    with closing(prefetch(tasks, num_threads=num_threads, depth=num_threads + 1)) as gathered:
        for window in gathered:
            for start in range(0, len(window[INDEX_KEY]), batch_size):
                part = slice(start, start + batch_size)
                yield {key: values[part] for key, values in window.items()}


def _gather_window(
    columns: Mapping[str, Column], entries_at: Callable[[Entries], Entries], start: int, stop: int
) -> Batch:
    entries = entries_at(np.arange(start, stop))
    run = _as_run(entries)
    window = {key: gather(column, entries, run) for key, column in columns.items()}
    window[INDEX_KEY] = entries
    return window


def _as_run(entries: Entries) -> slice | None:
    """Return the entries as a slice if they are consecutive."""
    start, stop = int(entries[0]), int(entries[-1]) + 1
    is_run = stop - start == len(entries) and bool((np.diff(entries) == 1).all())
    return slice(start, stop) if is_run else None
