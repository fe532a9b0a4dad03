"""What a cut computes with: numbers by entry, in one shape or in another, and how shapes meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.arithmetic import truth
from memmpy.cuts.tree import Key, Span
from memmpy.errors import CutError
from memmpy.typing import Array, Entries, Mask

__all__ = [
    "ColumnLike",
    "HashedText",
    "JaggedLike",
    "Operand",
    "PlainText",
    "Values",
    "aligned",
    "any_of_entry",
    "length_of",
    "operand_of",
]


@runtime_checkable
class JaggedLike(Protocol):
    """A jagged column: entry i holds ``content[offsets[i]:offsets[i + 1]]``, offsets start at 0."""

    @property
    def content(self) -> Array:
        """The elements of all entries."""
        ...

    @property
    def offsets(self) -> Entries:
        """Where each entry starts, and where the last one stops."""
        ...


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
    """A column of text as it is."""

    values: Array


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """Numbers or booleans by entry.

    Attributes
    ----------
    content : array
        Of shape (n,) or (n, k, ...); of shape () for a constant; all elements where it is jagged.
    offsets : int64 array of shape (n + 1,), optional
        Where each entry starts and stops in the content, if it is jagged.
    key : str
        A key that has this shape, to be named where shapes do not meet.
    """

    content: Array
    offsets: Entries | None = None
    key: str = ""


ColumnLike: TypeAlias = Array | JaggedLike | HashedText
#: A str is a text of the cut itself.
Operand: TypeAlias = Values | HashedText | PlainText | str


def operand_of(column: ColumnLike, key: Key) -> Operand:
    """Return a column as what a cut computes with."""
    if isinstance(column, HashedText):
        return column
    if isinstance(column, JaggedLike):
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


def aligned(operands: Sequence[Values], span: Span) -> tuple[list[Array], Values]:
    """Return contents that broadcast, and an operand that has the shape of the result.

    A constant fits all. One number an entry is repeated for each element of the others. Elements
    are matched one to one, so that all others must have as many in each entry.
    """
    model = max(operands, key=lambda values: (values.offsets is not None, values.content.ndim))
    contents = [values.content for values in operands]
    if model.offsets is not None:
        contents = [_spread(values, model, span) for values in operands]
    shape = max((content.shape for content in contents), key=len)
    for i, (content, values) in enumerate(zip(contents, operands, strict=True)):
        if content.shape != shape[: content.ndim]:
            raise _mismatch(values, model, span)
        if 0 < content.ndim < len(shape):
            contents[i] = content.reshape(content.shape + (1,) * (len(shape) - content.ndim))
    return contents, model


def _spread(values: Values, model: Values, span: Span) -> Array:
    """Return one value for each element of a jagged model."""
    content, offsets = values.content, model.offsets
    if offsets is None or values.offsets is offsets or content.ndim == 0:
        return content
    if values.offsets is not None:
        if np.array_equal(values.offsets, offsets):
            return content
        raise _mismatch(values, model, span)
    counts = np.diff(offsets)
    if content.ndim == 1:
        return np.repeat(content, counts)
    if np.any(counts != content.shape[1]):
        raise _mismatch(values, model, span)
    flat: Array = content.reshape(content.shape[0] * content.shape[1], *content.shape[2:])
    return flat


def _mismatch(values: Values, model: Values, span: Span) -> CutError:
    return span.error(
        f"{model.key!r} and {values.key!r} do not have the same number of elements in each entry",
        "elements are matched one to one",
    )


def any_of_entry(values: Values) -> Mask:
    """Return whether any element of each entry is true; an entry without elements is not."""
    mask = truth(values.content)
    if mask.ndim > 1:
        mask = np.logical_or.reduce(mask, axis=tuple(range(1, mask.ndim)))
    if values.offsets is None:
        # Not the column itself: the mask is the caller's own.
        return mask.copy() if mask is values.content else mask
    starts = values.offsets[:-1]
    filled = starts < values.offsets[1:]
    passed = np.zeros(len(starts), np.bool_)
    if filled.any():
        # Without the empty entries, each of which reduceat would take for one element.
        passed[filled] = np.logical_or.reduceat(mask, starts[filled])
    return passed
