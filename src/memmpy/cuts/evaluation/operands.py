"""The operands of a cut: numbers and texts by entry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.language import Key
from memmpy.typing import Array, Entries, Mask

__all__ = [
    "ColumnLike",
    "HashedText",
    "JaggedLike",
    "ListSlice",
    "Operand",
    "PlainText",
    "Values",
    "length_of",
    "operand_of",
]


@runtime_checkable
class JaggedLike(Protocol):
    """Jagged entries; entry i holds the elements from number offsets[i] to offsets[i + 1].

    The first element of the content has the number ``offsets[0]``.
    """

    @property
    def content(self) -> Array:
        """The elements of all entries."""
        ...

    @property
    def offsets(self) -> Entries:
        """Where each entry starts, and where the last one stops."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class ListSlice:
    """Jagged entries out of the middle of a column, whose offsets do not start at 0.

    Attributes
    ----------
    content : array of shape (offsets[-1] - offsets[0], ...)
        The elements of these entries.
    offsets : int64 array of shape (n + 1,)
        The offsets of these entries in the column.
    """

    content: Array
    offsets: Entries


@dataclass(frozen=True, slots=True, eq=False)
class HashedText:
    """A column of text stored as 64-bit hashes.

    Attributes
    ----------
    values : uint64 array of shape (n,)
        The hash of each entry's text.
    table : mapping of int to str
        From hash to text, for all texts of the store.
    """

    values: NDArray[np.uint64]
    table: Mapping[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class PlainText:
    """A column of text that is not hashed."""

    values: Array


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers or booleans by entry.

    Attributes
    ----------
    content : array
        Of shape (n,) or (n, k, ...); of shape () for a constant; all elements where it is jagged.
    offsets : int64 array of shape (n + 1,), optional
        Where each entry starts and stops, if it is jagged; the first element has the number
        ``offsets[0]``.
    key : str
        A key of this shape, for messages about shapes that differ.
    present : bool array of shape (n,), optional
        Which entries have all elements that were picked by number. The others have no value: their
        content means nothing.
    notes : frozenset of str
        Warnings for the user.
    """

    content: Array
    offsets: Entries | None = None
    key: str = ""
    present: Mask | None = None
    notes: frozenset[str] = frozenset()


ColumnLike: TypeAlias = Array | JaggedLike | HashedText
#: A str is a text of the cut itself.
Operand: TypeAlias = Values | HashedText | PlainText | str


def operand_of(column: ColumnLike, key: Key) -> Operand:
    """Return a column as an operand."""
    if isinstance(column, HashedText):
        return column
    # Asking for a Protocol takes longer than a step of few entries.
    is_array = isinstance(column, np.ndarray)
    if isinstance(column, ListSlice) or (not is_array and isinstance(column, JaggedLike)):
        return Values(_numbers(np.asarray(column.content), key), column.offsets, key.name)
    array: Array = np.asarray(column)
    if array.ndim == 0:
        raise key.span.error(f"{key.name!r} is a single value, not a column")
    if array.dtype.kind in "OUT":
        return PlainText(array)
    return Values(_numbers(array, key), key=key.name)


def _numbers(array: Array, key: Key) -> Array:
    if array.dtype.kind not in "biuf":
        message = f"a cut cannot use {key.name!r}, which has dtype {array.dtype}"
        raise key.span.error(message, "it takes booleans, integers, floats and texts")
    return array.astype(np.float64) if array.dtype.itemsize > 8 else array


def length_of(operand: Operand) -> int | None:
    """Return the number of entries; None for a constant, which fits any."""
    match operand:
        case str():
            return None
        case Values(offsets=offsets) if offsets is not None:
            return len(offsets) - 1
        case Values(content=content):
            return len(content) if content.ndim else None
    return len(operand.values)
