"""Picks elements of an entry: by number, by a computed index, or with an alternative."""

from collections.abc import Sequence

import numpy as np

from memmpy.cuts.evaluation.operands import Values
from memmpy.cuts.evaluation.shapes import Shape, as_lists
from memmpy.cuts.language import (
    MAX_INDEX,
    Element,
    Node,
    Number,
    common_dtype,
    index_by_condition,
    truncate,
)
from memmpy.typing import Array, Entries, Mask

__all__ = ["alternative", "pick_by_number", "pick_by_value"]


def pick_by_number(values: Values, node: Element) -> Values:
    """Return ``x[0]``: one element of each entry, marked where it is missing.

    Raises
    ------
    CutError
        If entries have no such axis, or no entry has such an element.
    """
    _check_axes(values, node)
    present: Mask | None = None
    content = values.content
    for axis, index in enumerate(node.operands[1:]):
        assert isinstance(index, Number)
        number = int(index.value)
        if axis == 0 and values.offsets is not None:
            counts = np.diff(values.offsets)
            present = counts > number
            starts = values.offsets[:-1] - values.offsets[0]
            content = _take(content, starts + number, present)
        else:
            _check_number(node.operands[0], index, content.shape[1])
            content = content[:, number]
    return Values(content, None, values.key, present)


def pick_by_value(
    values: Values, indices: Sequence[Values], *, node: Element, shape: Shape
) -> Values:
    """Return ``x[i]``, ``x[i][j]`` for computed indices; NaN where there is no such element.

    An index loses its fraction. Integers become float64, so that they can be NaN.

    Raises
    ------
    CutError
        If an index is a condition, if an axis has no index or an index no axis, or if no entry has
        such an element.
    """
    num_axes = _check_axes(values, node)
    column, *places = node.operands
    for place, index in zip(places, indices, strict=True):
        if index.content.dtype == np.bool_:
            raise index_by_condition(column, place)
    if len(places) < num_axes:
        raise node.span.error(
            f"{column.span} has {num_axes} axes, and a computed index picks from all of them",
            f"give each an index, such as {column.span}{'[0]' * num_axes}",
        )
    inner = values.content.shape[1:]
    lengths = inner if values.offsets is None else (None, *inner)
    for place, length in zip(places, lengths, strict=True):
        if isinstance(place, Number) and length is not None:
            _check_number(column, place, length)
    values = as_lists(values)
    offsets = values.offsets
    assert offsets is not None
    of_entry = Values(offsets[:-1] - offsets[0]), Values(np.diff(offsets))
    first, *others, items, counts = shape.broadcast([*indices, *of_entry])
    number, is_there = _index_of(first, counts)
    items = items + number
    for picked, length in zip(others, values.content.shape[1:], strict=True):
        number, is_inside = _index_of(picked, length)
        items, is_there = items * length + number, is_there & is_inside
    content = _take(values.content.reshape(-1), items, is_there)
    dtype = content.dtype if content.dtype.kind == "f" else np.dtype(np.float64)
    content = np.where(is_there, content.astype(dtype), np.asarray(np.nan, dtype))
    offsets = next((index.offsets for index in indices if index.offsets is not None), None)
    return Values(content, offsets, values.key)


def _index_of(index: Array, length: Entries | int) -> tuple[Entries, Mask]:
    """Return computed indices as integers, and which of them lie within the length of an axis."""
    number = np.minimum(truncate(index), MAX_INDEX).astype(np.int64)
    return number, (number >= 0) & (number < length) & ~np.isnan(index)


def alternative(primary: Values, other: Values, *, node: Node, shape: Shape) -> Values:
    """Return ``Alt$(primary, other)`` for the elements of a formula.

    A primary with one value an entry gives that value to every element.
    """
    if other.offsets is not None or other.content.ndim > 1:
        place = node.operands[1].span
        raise place.error(f"{place} has many values in an entry", "Alt$ takes a single one here")
    if primary.offsets is None and primary.content.ndim <= 1:
        is_there = np.True_ if primary.present is None else primary.present
        return Values(_where(is_there, primary.content, other.content), None, primary.key)
    primary = as_lists(primary)
    offsets = primary.offsets
    assert offsets is not None
    if primary.content.ndim > 1 or len(shape.inner) > (shape.offsets is None):
        raise node.span.error("Alt$ takes lists of one axis")
    starts, counts = offsets[:-1] - offsets[0], np.diff(offsets)
    if primary.present is not None:
        counts = np.where(primary.present, counts, 0)
    of_entry = Values(starts), Values(counts), other
    iteration = Values(shape.local_index(), shape.offsets)
    positions, starts, counts, fallback = shape.broadcast([iteration, *of_entry])
    is_there = positions < counts
    content = _where(is_there, _take(primary.content, starts + positions, is_there), fallback)
    return Values(content, shape.offsets, primary.key)


def _take(content: Array, items: Entries, is_there: Mask) -> Array:
    """Return items of a content; missing ones get arbitrary values."""
    if len(content) == 0:
        shape = np.broadcast_shapes(items.shape, is_there.shape)
        return np.zeros((*shape, *content.shape[1:]), content.dtype)
    return content[np.where(is_there, items, 0)]


def _where(is_there: Mask | np.bool_, content: Array, fallback: Array) -> Array:
    if content.dtype == fallback.dtype:
        return np.where(is_there, content, fallback)
    dtype = common_dtype(content, fallback)
    return np.where(is_there, content.astype(dtype), fallback.astype(dtype))


def _check_number(column: Node, index: Number, length: int) -> None:
    """Raise a `CutError` if a number is too large for an axis of fixed length."""
    if index.value >= length:
        message = f"{column.span} has {length} elements in each entry"
        raise index.span.error(message, "the first is [0]")


def _check_axes(values: Values, node: Element) -> int:
    """Return the number of axes to pick from; raise a `CutError` if there are more indices."""
    axes = max(values.content.ndim, 1) - (values.offsets is None)
    column, *indices = node.operands
    if axes == 0:
        raise node.span.error(f"{column.span} has one value in each entry", f"write {column.span}")
    if len(indices) > axes:
        place = indices[axes].span
        raise place.error(
            f"{column.span} has {axes} {'axis' if axes == 1 else 'axes'} to pick from"
        )
    return axes
