"""The shape of a formula: how many elements each entry has, and how operands broadcast to it.

A formula is a cut, or the argument of a reduction in it. As in ROOT, its lists are matched element
by element: an entry has as many elements as its shortest list, and a number of the entry is used
for every element. An entry that lacks an element picked by number is left out of the formula.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from memmpy.cuts.evaluation.operands import Values
from memmpy.kernels import offsets_of
from memmpy.typing import Array, Entries, Mask

__all__ = ["Shape", "as_lists", "local_index", "shape_of"]


@dataclass(frozen=True)
class Shape:
    """The shape of the entries of a formula.

    Attributes
    ----------
    offsets : int64 array of shape (n + 1,), optional
        Where entries start and stop, if the formula is jagged.
    inner : tuple of int
        The fixed axes: of an entry, or of an element where it is jagged.
    present : bool array of shape (n,), optional
        Which entries have all elements picked by number; None for all.
    unequal : pair of str, optional
        Two keys whose lists differ in length in some entry.
    """

    offsets: Entries | None
    inner: tuple[int, ...]
    present: Mask | None
    unequal: tuple[str, str] | None

    @cached_property
    def counts(self) -> Entries:
        """The number of elements of each entry along the jagged axis."""
        assert self.offsets is not None
        return np.diff(self.offsets)

    def trim(self, values: Values) -> Values:
        """Return a column without the elements beyond the shape."""
        content, offsets = values.content, values.offsets
        if offsets is None and content.ndim <= 1:
            return values
        if self.offsets is not None and offsets is not self.offsets:
            content = _first_elements(as_lists(values), self.offsets, self.counts)
            offsets = self.offsets
        if content.shape[1:] != self.inner:
            within = slice(None), *map(slice, self.inner[: content.ndim - 1])
            content = content[within]
        return Values(content, offsets, values.key)

    def broadcast(self, operands: Sequence[Values]) -> list[Array]:
        """Return the contents of operands so that NumPy broadcasts them to this shape.

        Operands are constants, have one number an entry, or were trimmed to the shape.
        """
        is_jagged = any(values.offsets is not None for values in operands)
        contents = [
            np.repeat(values.content, self.counts)
            if is_jagged and values.offsets is None and values.content.ndim
            else values.content
            for values in operands
        ]
        ndim = max(content.ndim for content in contents)
        return [
            content.reshape(content.shape + (1,) * (ndim - content.ndim))
            if 0 < content.ndim < ndim
            else content
            for content in contents
        ]

    def local_index(self) -> Array:
        """Return the number of each element within its entry, as ``Iteration$``."""
        size = int(np.prod(self.inner, dtype=np.int64))
        within: Array = np.arange(size).reshape(self.inner)
        if self.offsets is None:
            return within[np.newaxis] if self.inner else within
        positions = local_index(self.offsets, self.counts)
        return (positions * size).reshape(-1, *(1,) * len(self.inner)) + within

    def lengths(self) -> Array:
        """Return the number of elements of each entry, as ``Length$``."""
        size = np.prod(self.inner, dtype=np.int64)
        return np.asarray(size if self.offsets is None else self.counts * size)


def shape_of(leaves: Sequence[Values]) -> Shape:
    """Return the shape of a formula from the columns and elements in it."""
    jagged = [values for values in leaves if values.offsets is not None]
    fixed = [v for v in leaves if v.offsets is None and v.content.ndim > 1]
    axes = [values.content.shape[1:] for values in fixed]
    present = _all_present(values.present for values in leaves)
    if not jagged:
        unequal = next(((fixed[0].key, v.key) for v in fixed if _differ(axes[0], v)), None)
        return Shape(None, _shortest(axes), present, unequal)
    first, *others = jagged
    offsets = first.offsets
    assert offsets is not None
    unequal = None
    limits = [axis[0] for axis in axes]
    shorter = [v for v in others if v.offsets is not None and not _are_equal(v.offsets, offsets)]
    if shorter or limits:
        counts = np.diff(offsets)
        for values in [*shorter, *fixed]:
            own = values.content.shape[1] if values.offsets is None else np.diff(values.offsets)
            if unequal is None and np.any(counts != own):
                unequal = first.key, values.key
            counts = np.minimum(counts, own)
        if unequal is not None:
            offsets = offsets_of(counts)
    inner = _shortest([*(v.content.shape[1:] for v in jagged), *(axis[1:] for axis in axes)])
    return Shape(offsets, inner, present, unequal)


def as_lists(values: Values) -> Values:
    """Return a column of arrays of one length as a jagged one; its first axis becomes jagged."""
    if values.offsets is not None:
        return values
    num, length, *inner = values.content.shape
    content = values.content.reshape(num * length, *inner)
    return Values(content, np.arange(num + 1) * length, values.key, values.present)


def local_index(offsets: Entries, counts: Entries) -> Entries:
    """Return the number of each element within its entry."""
    numbers: Entries = np.arange(int(offsets[-1] - offsets[0]))
    numbers -= np.repeat(offsets[:-1] - offsets[0], counts)
    return numbers


def _first_elements(values: Values, offsets: Entries, counts: Entries) -> Array:
    """Return the first elements of each entry, as many as `counts`."""
    assert values.offsets is not None
    if _are_equal(values.offsets, offsets):
        return values.content
    starts = values.offsets[:-1] - values.offsets[0]
    content: Array = values.content[local_index(offsets, counts) + np.repeat(starts, counts)]
    return content


def _are_equal(left: Entries, right: Entries) -> bool:
    """Return whether entries have the same counts in two jagged columns."""
    if left is right:
        return True
    if left[0] != right[0]:
        left, right = left - left[0], right - right[0]
    return np.array_equal(left, right)


def _shortest(axes: Iterable[tuple[int, ...]]) -> tuple[int, ...]:
    """Return the least length along each axis; an axis that some lack counts, too."""
    result: list[int] = []
    for lengths in axes:
        result = [min(pair) for pair in zip(result, lengths, strict=False)] + list(
            lengths[len(result) :] or result[len(lengths) :]
        )
    return tuple(result)


def _differ(axes: tuple[int, ...], values: Values) -> bool:
    return any(one != other for one, other in zip(axes, values.content.shape[1:], strict=False))


def _all_present(masks: Iterable[Mask | None]) -> Mask | None:
    result = None
    for mask in masks:
        if mask is not None:
            result = mask if result is None else result & mask
    return result
