"""Packs arrays of a user, rather than columns of a store, as a skim of them would be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import final

import numpy as np

from memmpy.columns import type_of_values
from memmpy.errors import LengthError, MissingKeyError, nearest
from memmpy.jagged import Jagged
from memmpy.skims.derived_columns import BlockColumns
from memmpy.skims.row_layout import lay_out
from memmpy.skims.skim_request import SkimRequest
from memmpy.skims.sorting.packing import pack
from memmpy.skims.value_counts import ValueCounter
from memmpy.typing import Array, Entries

__all__ = ["pack_arrays"]


def pack_arrays(
    request: SkimRequest, arrays: Mapping[str, Array | Jagged]
) -> tuple[Array, dict[str, Jagged]]:
    """Return the rows and the lists that a request makes of arrays, in their order.

    Parameters
    ----------
    request : SkimRequest
        The content; its cut is ignored.
    arrays : mapping of str to array of shape (n, ...), or Jagged of n lists
        The columns that it needs; more do no harm.

    Raises
    ------
    MissingKeyError
        If one is missing.
    LengthError
        If they differ in length.
    """
    needed = sorted(
        frozenset(request.plain_keys).union(*(one.keys for one in request.derived.values()))
    )
    for key in needed:
        if key not in arrays:
            raise MissingKeyError(f"no array {key!r} was given{nearest(key, arrays)}", key)
    lengths = {key: len(arrays[key]) for key in needed}
    if len(set(lengths.values())) > 1:
        raise LengthError(f"the arrays differ in length: {lengths}")
    used = {key: arrays[key] for key in needed}
    layout = lay_out(request, {key: type_of_values(values) for key, values in used.items()})
    entries = np.arange(next(iter(lengths.values()), 0))
    rows = np.zeros(len(entries), layout.row)
    reader = _ArrayReader(request, used)
    blocks = list(pack(layout, reader, entries, rows=rows, counter=ValueCounter(layout)))
    lists = {
        one.name: Jagged.concatenate([one.empty(), *(block.lists[i] for block in blocks)])
        for i, one in enumerate(layout.lists)
    }
    return rows, lists


@final
@dataclass(frozen=True, slots=True)
class _ArrayReader:
    """Reads the values of a request from arrays, all at once."""

    request: SkimRequest
    arrays: Mapping[str, Array | Jagged]

    def blocks(
        self,
        entries: Entries,
        num_entries: int,  # noqa: ARG002
    ) -> Iterator[tuple[int, int, dict[str, Array | Jagged]]]:
        """Yield one block of all entries."""
        if len(entries):
            columns = BlockColumns(self.arrays)
            values = {name: self.arrays[name] for name in self.request.plain_keys}
            derived = self.request.derived.items()
            values |= {name: one.values(columns, entries) for name, one in derived}
            yield 0, len(entries), values
