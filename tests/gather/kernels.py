"""Kernels of rows and lists, called as loaders do."""

from typing import Any

import numpy as np

from memmpy.compiling import address_of, run_kernel
from memmpy.gather import take_lists
from memmpy.gather.compiled_lists import place_entries
from memmpy.gather.compiled_rows import fields_table, spread, take


def take_rows(rows: Any, entries: Any, *, fields: Any, out: Any) -> None:
    run_kernel(
        take,
        address_of(rows),
        np.uint64(rows.shape[1]),
        address_of(entries),
        np.uint64(len(entries)),
        fields_table(fields, out),
    )


def spread_rows(rows: Any, starts: Any, *, counts: Any, places: Any, fields: Any, out: Any) -> None:
    scratch = np.empty(len(places), np.uint64)
    run_kernel(
        spread,
        address_of(rows),
        np.uint64(rows.shape[1]),
        address_of(starts),
        address_of(counts),
        np.uint64(len(starts)),
        address_of(places),
        np.uint64(len(places)),
        fields_table(fields, out),
        address_of(scratch),
    )


def spread_lists(content: Any, offsets: Any, *, starts: Any, counts: Any, places: Any) -> Any:
    entries = np.empty(len(places), np.int64)
    run_kernel(
        place_entries,
        address_of(starts),
        address_of(counts),
        np.uint64(len(starts)),
        address_of(places),
        entries,
    )
    return take_lists(content, offsets, entries=entries, compiled=True)
