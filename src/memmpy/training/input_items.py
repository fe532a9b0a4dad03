"""`InputItems`: the items of an input of a training set, read block by block."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.jagged import mask_of
from memmpy.loaders import steps_of
from memmpy.skims import Skim
from memmpy.training.row_statistics import slice_lists
from memmpy.typing import Array, Mask

__all__ = ["InputItems", "item_steps", "items_per_row", "read_items"]

#: Rows of a step, and about as many items.
_STEP_ROWS, _STEP_ITEMS = 1 << 15, 1 << 18


@final
@dataclass(frozen=True, slots=True)
class InputItems:
    """The items of an input in some rows: objects that are there, or one item for each row.

    Attributes
    ----------
    values : float array of shape (items, k)
        The values.
    counts : int64 array of shape (rows,)
        The items of each row.
    """

    values: Array
    counts: NDArray[np.int64]

    def take(self, is_chosen: Mask) -> "InputItems":
        """Return the items of some rows."""
        return InputItems(self.values[np.repeat(is_chosen, self.counts)], self.counts[is_chosen])

    def rows_with(self, is_so: Mask) -> Mask:
        """Return which rows have an item of some kind; `is_so` has the shape (items,)."""
        rows = np.repeat(np.arange(len(self.counts)), self.counts)[is_so]
        return np.bincount(rows, minlength=len(self.counts)) > 0


def item_steps(skim: Skim, inputs: Iterable[str], ranges: Sequence[range]) -> Iterator[range]:
    """Return ranges of rows whose items of some inputs fit into memory."""
    most = max((items_per_row(skim, name) for name in inputs), default=1.0)
    return steps_of(ranges, int(min(_STEP_ROWS, max(1, _STEP_ITEMS // most))))


def read_items(skim: Skim, name: str, rows: range) -> InputItems:
    """Return the items of an input in some rows."""
    if name in skim.lists:
        content, offsets = slice_lists(skim.lists[name], rows)
        return InputItems(np.asarray(content), np.diff(offsets))
    part = skim.rows[rows.start : rows.stop]
    values = np.asarray(part[name])
    if values.ndim == 2:
        return InputItems(values, np.ones(len(part), np.int64))
    is_there = np.asarray(part[mask_of(name)])
    return InputItems(values[is_there], np.count_nonzero(is_there, axis=1).astype(np.int64))


def items_per_row(skim: Skim, name: str) -> float:
    """Return the mean number of items of an input in a row, at least 1."""
    if name in skim.lists:
        return max(1.0, len(skim.lists[name][0]) / max(1, len(skim)))
    shape = skim.fields[name].shape
    return float(shape[0]) if len(shape) == 2 else 1.0
