"""Kernels of rows and lists, called as loaders do."""

from typing import Any

import numpy as np

from memmpy.kernels import take_lists
from memmpy.kernels.jit import run_kernel
from memmpy.kernels.lists_numba import place_entries
from memmpy.kernels.rows_numba import rows_table, spread, take


def take_rows(rows: Any, entries: Any, *, fields: Any, out: Any) -> None:
    run_kernel(
        take,
        np.uint64(rows.ctypes.data),
        np.uint64(rows.shape[1]),
        np.asarray(entries, np.int64),
        rows_table(
            rows.ctypes.data,
            rows.shape[1],
            fields=fields,
            parameters=[None] * len(fields),
            out=out,
        ),
    )


def spread_rows(rows: Any, starts: Any, *, counts: Any, places: Any, fields: Any, out: Any) -> None:
    scratch = np.empty(8 * len(places), np.uint8)
    run_kernel(
        spread,
        starts,
        counts,
        places,
        rows_table(
            rows.ctypes.data,
            rows.shape[1],
            fields=fields,
            parameters=[None] * len(fields),
            out=out,
        ),
        scratch,
    )


def spread_lists(content: Any, offsets: Any, *, starts: Any, counts: Any, places: Any) -> Any:
    entries = np.empty(len(places), np.int64)
    run_kernel(
        place_entries,
        starts,
        counts,
        places,
        entries,
    )
    return take_lists(content, offsets, entries=entries, compiled=True)
