"""The values of a key or an expression in a range of entries, flat, with the entry of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ReadNested, ReadShaped, ReadText, Snapshot
from memmpy.cuts import ColumnLike, HashedText, JaggedLike, Program
from memmpy.errors import OptionError
from memmpy.kernels import offsets_of
from memmpy.typing import Array, Entries, Mask

__all__ = ["FlatValues", "ValueSource", "holds_text", "is_read_apart", "values_of"]

#: A key of a column, or an expression.
ValueSource: TypeAlias = str | Program

#: Entries of nested data that are read at a time.
_NESTED_STEP = 1 << 14


@dataclass(frozen=True, slots=True, eq=False)
class FlatValues:
    """The values of a range of entries.

    Attributes
    ----------
    values : array of shape (m,)
        Booleans, integers or floats.
    offsets : int64 array of shape (n + 1,), optional
        Where the values of each entry begin, counted from ``offsets[0]``; None if each has one.
    is_there : bool array of shape (n,), optional
        Which entries have a value; None if all have.
    """

    values: Array
    offsets: Entries | None = None
    is_there: Mask | None = None

    def of_groups(self, groups: Entries | None) -> Entries | None:
        """Return the groups of the entries, -1 for those without a value."""
        if self.is_there is None:
            return groups
        return np.where(self.is_there, 0 if groups is None else groups, -1)

    def passing(self, groups: Entries | None) -> Array:
        """Return the values of entries whose group is not -1."""
        groups = self.of_groups(groups)
        if groups is None:
            return self.values
        is_passing = groups >= 0
        if self.offsets is not None:
            is_passing = np.repeat(is_passing, np.diff(self.offsets))
        return self.values[: len(is_passing)][is_passing]


def holds_text(source: ValueSource, snapshot: Snapshot) -> bool:
    """Return whether a key is of a column of text or metadata."""
    if isinstance(source, Program):
        return False
    return isinstance(snapshot.columns[source], ReadText) or snapshot.texts(source) is not None


def is_read_apart(source: ValueSource, snapshot: Snapshot) -> bool:
    """Return whether a key is of a nested or shaped column, which no expression reads."""
    return isinstance(source, str) and isinstance(snapshot.columns[source], ReadNested | ReadShaped)


def values_of(
    source: ValueSource,
    columns: Mapping[str, ColumnLike],
    *,
    snapshot: Snapshot,
    start: int,
    stop: int,
) -> Iterator[tuple[int, int, FlatValues]]:
    """Yield the values of a range of entries; in smaller ranges if the data is nested.

    Parameters
    ----------
    source : str or Program
        A key, not of text, or an expression.
    columns : mapping of str to column
        The columns in this range.
    snapshot : Snapshot
        All columns.
    start, stop : int
        The range.

    Yields
    ------
    start, stop : int
        A range of entries, counted from the first entry of the range.
    values : FlatValues
        Their values.

    Raises
    ------
    CutError, OptionError
        If the column does not hold numbers or booleans, or the expression cannot be computed.
    """
    if isinstance(source, Program):
        result = source(columns)
        content = result.content
        if content.ndim == 0:
            content = np.broadcast_to(content, stop - start)
        yield 0, stop - start, _flat(content, result.offsets, result.present)
    elif is_read_apart(source, snapshot):
        column = snapshot.columns[source]
        for first in range(start, max(stop, start + 1), _NESTED_STEP):
            last = min(first + _NESTED_STEP, stop)
            values = _nested(source, column, first, last)
            yield first - start, last - start, values
    else:
        column_like = columns[source]
        assert not isinstance(column_like, HashedText)
        if isinstance(column_like, np.ndarray):
            yield 0, stop - start, _flat(_numbers(column_like, source), None, None)
        else:
            assert isinstance(column_like, JaggedLike)
            content = _numbers(np.asarray(column_like.content), source)
            yield 0, stop - start, _flat(content, column_like.offsets, None)


def _flat(content: Array, offsets: Entries | None, is_there: Mask | None) -> FlatValues:
    """Return the values of lists or arrays of any shape."""
    if content.ndim > 1:
        size = int(np.prod(content.shape[1:]))
        offsets = np.arange(len(content) + 1) if offsets is None else offsets - offsets[0]
        return FlatValues(content.reshape(-1), offsets * size, is_there)
    return FlatValues(content, offsets, is_there)


def _nested(key: str, column: Any, start: int, stop: int) -> FlatValues:
    if isinstance(column, ReadShaped):
        lists = column.flat
        offsets = lists.offsets_between(start, stop)
        return FlatValues(_numbers(lists.content[offsets[0] : offsets[-1]], key), offsets)
    import awkward as ak

    entries, kind = column[start:stop], str(column.to_awkward().type.content)
    if entries.fields or "string" in kind or "bytes" in kind:
        raise _no_numbers(key, kind)
    if entries.ndim == 1:
        counts = ~ak.is_none(entries)
    else:
        counts = ak.count(entries, axis=-1)  # without missing items
        while counts.ndim > 1:
            counts = ak.sum(counts, axis=-1)
        counts = ak.fill_none(counts, 0)
    values = _numbers(ak.to_numpy(ak.flatten(entries, axis=None)), key)
    return FlatValues(values, offsets_of(ak.to_numpy(counts)))


def _numbers(array: Array, key: str) -> Array:
    if array.dtype.kind not in "biuf":
        raise _no_numbers(key, str(array.dtype))
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array


def _no_numbers(key: str, kind: str) -> OptionError:
    message = f"a histogram takes numbers, booleans and texts, and {key!r} is of type {kind}"
    return OptionError(message)
