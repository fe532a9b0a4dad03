"""The values of a key or an expression in a range of entries, flat, with the entry of each."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ReadJagged, ReadShaped, StoredColumn
from memmpy.cuts import ColumnLike, HashedText, ListSlice, Program, distinct_values
from memmpy.errors import OptionError
from memmpy.jagged import Jagged
from memmpy.kernels import offsets_of
from memmpy.typing import Array, Entries, Mask

__all__ = ["FlatValues", "ValueSource", "content_of", "num_values", "values_of", "why_no_numbers"]

#: A key of a column, or an expression.
ValueSource: TypeAlias = str | Program


@dataclass(frozen=True, slots=True, eq=False)
class FlatValues:
    """The values of a range of entries.

    Attributes
    ----------
    items : array of shape (m, ...)
        Booleans, integers or floats, or arrays of them; the numbers of texts.
    offsets : int64 array of shape (n + 1,), optional
        Where the items of each entry begin, counted from ``offsets[0]``; None if each has one.
    is_there : bool array of shape (n,), optional
        Which entries have a value; None if all have.
    texts : sequence of str, optional
        The texts that the items number.
    """

    items: Array
    offsets: Entries | None = None
    is_there: Mask | None = None
    texts: Sequence[str] | None = None

    @property
    def values(self) -> Array:
        """The elements of all items, of one axis."""
        return self.items.reshape(-1)

    @property
    def size(self) -> int:
        """The values of an item."""
        return math.prod(self.items.shape[1:])

    @property
    def value_offsets(self) -> Entries | None:
        """Where the values of each entry begin; None if each entry has one."""
        if self.items.ndim == 1:
            return self.offsets
        offsets = np.arange(len(self.items) + 1) if self.offsets is None else self.offsets
        return offsets * self.size

    def of_groups(self, groups: Entries | None) -> Entries | None:
        """Return the groups of the entries, -1 for those without a value."""
        if self.is_there is None:
            return groups
        return np.where(self.is_there, 0 if groups is None else groups, -1)

    def passing(self, groups: Entries | None) -> Array:
        """Return the values of entries whose group is not -1."""
        groups, offsets = self.of_groups(groups), self.value_offsets
        if groups is None:
            return self.values
        is_passing = groups >= 0
        if offsets is not None:
            is_passing = np.repeat(is_passing, np.diff(offsets))
        return self.values[: len(is_passing)][is_passing]

    def take(self, rows: slice | Entries) -> tuple[Array, Entries | None]:
        """Return the values of some entries, and the number of items of each if they are lists."""
        if self.offsets is None:
            return self.items[rows].reshape(-1), None
        if isinstance(rows, slice):
            offsets = self.offsets[rows.start : rows.stop + 1]
            first, last = offsets[[0, -1]] - self.offsets[0]
            return self.items[first:last].reshape(-1), np.diff(offsets)
        lists = Jagged.trusted(self.items, self.offsets - self.offsets[0])[rows]
        return lists.content.reshape(-1), lists.counts


def content_of(column: StoredColumn) -> Array | None:
    """Return all values of a column as one array, or None if they do not lie in one."""
    if isinstance(column, ReadJagged | ReadShaped):
        return np.asarray(column.content if isinstance(column, ReadJagged) else column.flat.content)
    return np.asarray(column) if isinstance(column, np.ndarray) else None


def num_values(column: StoredColumn) -> int:
    """Return about how many values a column has."""
    content = content_of(column)
    return len(column) if content is None else content.size


def why_no_numbers(column: ColumnLike) -> str:
    """Return the type of a column that holds no numbers, booleans or texts; else an empty text."""
    if isinstance(column, HashedText):
        return ""
    array: Any = column.content if isinstance(column, ListSlice) else column
    if isinstance(array, np.ndarray):
        return "" if array.dtype.kind in "biufO" else str(array.dtype)
    kind = str(array.type.content)
    is_other = any(word in kind for word in ("string", "bytes", "complex", "date", "time"))
    return kind if array.fields or is_other else ""


def values_of(
    source: ValueSource, columns: Mapping[str, ColumnLike], *, num_entries: int
) -> FlatValues:
    """Return the values of a range of entries.

    Parameters
    ----------
    source : str or Program
        A key or an expression.
    columns : mapping of str to column
        The columns in this range.
    num_entries : int
        Its length.

    Raises
    ------
    CutError, OptionError
        If the column does not hold numbers, booleans or texts, or the expression cannot be
        computed.
    """
    if isinstance(source, Program):
        result = source(columns)
        content = result.content
        if content.ndim == 0:
            content = np.broadcast_to(content, num_entries)
        return FlatValues(_up_to_64_bits(content), result.offsets, result.present)
    column = columns[source]
    if kind := why_no_numbers(column):
        raise OptionError(
            f"a histogram takes numbers, booleans and texts, and {source!r} is of type {kind}"
        )
    if isinstance(column, ListSlice):
        return FlatValues(_up_to_64_bits(np.asarray(column.content)), column.offsets)
    if isinstance(column, HashedText) or getattr(column, "dtype", None) == object:
        texts, numbers = distinct_values(column)
        return FlatValues(numbers, texts=texts)
    if isinstance(column, np.ndarray):
        return FlatValues(_up_to_64_bits(column))
    return _nested(column)


def _nested(entries: Any) -> FlatValues:
    """Return the numbers at all depths, without those that are missing."""
    import awkward as ak

    if entries.ndim == 1:
        counts = ~ak.is_none(entries)
    else:
        counts = ak.count(entries, axis=-1)  # without missing items
        while counts.ndim > 1:
            counts = ak.sum(counts, axis=-1)
        counts = ak.fill_none(counts, 0)
    values = ak.to_numpy(ak.flatten(entries, axis=None))
    return FlatValues(_up_to_64_bits(values), offsets_of(ak.to_numpy(counts)))


def _up_to_64_bits(values: Array) -> Array:
    return values.astype(np.float64) if values.dtype.itemsize > 8 else values
