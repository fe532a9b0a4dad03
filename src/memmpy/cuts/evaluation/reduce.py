"""Reduces the elements of an entry to one value: sums, extremes and counts, as ROOT's ``Sum$``.

An entry without elements gives 0, and true for ``all``. So does one that lacks an element that the
reduction picks by number.
"""

from collections.abc import Sequence

import numpy as np

from memmpy.cuts.evaluation.operands import Values
from memmpy.cuts.evaluation.shapes import Shape
from memmpy.cuts.language import Reduction, truth
from memmpy.kernels import count_true, max_lists, min_lists, offsets_of, sum_lists
from memmpy.typing import Array, Entries

__all__ = ["reduce"]

_INT64 = np.dtype(np.int64)


def reduce(node: Reduction, operands: Sequence[Values], shape: Shape, *, compiled: bool) -> Values:
    """Return a reduction of the operands of its formula.

    Parameters
    ----------
    node : Reduction
        The reduction.
    operands : sequence of Values
        The values; for ``MinIf$`` and ``MaxIf$`` the values and the condition.
    shape : Shape
        The shape of the formula.
    compiled : bool
        Whether to use compiled kernels.
    """
    values = _elements(node, operands, shape)
    if node.name == "Length$":
        content = shape.lengths()
    elif values.offsets is not None:
        content = _of_lists(node.name, *_flat(values), compiled=compiled)
    elif values.content.ndim > 1:
        content = _of_fixed(node.name, values.content)
    else:
        content = _of_single(node.name, values.content)
    if shape.present is not None:
        content = np.where(shape.present, content, np.asarray(node.name == "all", content.dtype))
    return Values(content)


def _elements(node: Reduction, operands: Sequence[Values], shape: Shape) -> Values:
    """Return the elements to reduce: conditions as booleans, for ``MinIf$`` those that pass."""
    values = operands[0]
    if node.name in {"MinIf$", "MaxIf$"}:
        return _passing(operands, shape)
    if node.name == "count" and values.content.dtype != np.bool_:
        span = node.operands[0].span
        raise node.span.error(
            f"count takes a condition, and {span} is a number",
            f"len({span}) counts all elements, count({span} != 0) those that are not 0",
        )
    is_condition = node.name in {"any", "all", "count"}
    return Values(truth(values.content), values.offsets) if is_condition else values


def _passing(operands: Sequence[Values], shape: Shape) -> Values:
    """Return the elements that fulfil a condition, as lists; a single value is a list of one."""
    content, mask = np.broadcast_arrays(*shape.broadcast(operands))
    mask = truth(mask)
    if content.ndim == 0:
        return Values(np.where(mask, content, np.zeros_like(content)))
    offsets = next((v.offsets for v in operands if v.offsets is not None), None)
    counts = np.count_nonzero(mask, axis=tuple(range(1, mask.ndim)))
    if offsets is not None:
        counts = sum_lists(counts, offsets, compiled=False)
    return Values(content[mask], offsets_of(counts))


def _flat(values: Values) -> tuple[Array, Entries]:
    """Return content and offsets of lists of numbers, without inner axes."""
    offsets = values.offsets
    assert offsets is not None
    size = int(np.prod(values.content.shape[1:], dtype=np.int64))
    if values.content.ndim == 1:
        return values.content, offsets
    return values.content.reshape(-1), (offsets - offsets[0]) * size


def _of_lists(name: str, content: Array, offsets: Entries, *, compiled: bool) -> Array:
    match name:
        case "Sum$":
            return sum_lists(content, offsets, compiled=compiled)
        case "count":
            return count_true(content, offsets, compiled=compiled)
        case "any":
            return np.greater(count_true(content, offsets, compiled=compiled), 0)
        case "all":
            return np.equal(count_true(content, offsets, compiled=compiled), np.diff(offsets))
        case "Min$" | "MinIf$":
            return min_lists(content, offsets, compiled=compiled)
        case _:
            return max_lists(content, offsets, compiled=compiled)


def _of_single(name: str, content: Array) -> Array:
    if name in {"Sum$", "count"}:
        return content.astype(_sum_dtype(content.dtype), copy=False)
    return content


def _of_fixed(name: str, content: Array) -> Array:
    num = len(content)
    rows = content.reshape(num, content.size // num if num else 0)
    result: Array
    match name:
        case "Sum$" | "count":
            result = np.add.reduce(rows, axis=1, dtype=_sum_dtype(rows.dtype))
        case "any":
            result = np.logical_or.reduce(rows, axis=1)
        case "all":
            result = np.logical_and.reduce(rows, axis=1)
        case _ if rows.shape[1] == 0:
            result = np.zeros(num, rows.dtype)
        case _:  # of bool, too; NaN is ignored
            result = (np.fmin if name == "Min$" else np.fmax).reduce(rows, axis=1)
    return result


def _sum_dtype(dtype: np.dtype) -> np.dtype:
    if dtype.kind == "f":
        return np.dtype(np.float64)
    return dtype if dtype == np.uint64 else _INT64
