"""Casts and padding of columns: allowed casts, resulting types, and lost values."""

from typing import Any

import numpy as np

from memmpy.columns.types import ColumnType
from memmpy.errors import ColumnError, OptionError
from memmpy.jagged import Padding
from memmpy.typing import Array, Mask

__all__ = ["MAX_ENTRY_BYTES", "can_cast", "cast", "padded_type"]

#: Bytes that one entry may have once it is padded.
MAX_ENTRY_BYTES = 2**30  # 1 GiB
#: Kinds of dtypes, from and to, between which users may cast. No float becomes an integer.
_CASTS = {"ff", "ii", "iu", "ui", "uu", "if", "uf", "bi", "bu", "bf", "bb"}
#: The first number that float64 may have rounded an integer to.
_ROUNDED = np.float64(2**53)


def can_cast(dtype: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Return whether users may cast values of one dtype to another, a dtype of numbers."""
    return f"{dtype.kind}{target.kind}" in _CASTS


def padded_type(key: str, entries: ColumnType, padding: Padding) -> ColumnType:
    """Return the type of entries once they are padded.

    Raises
    ------
    OptionError
        If the entries are no lists of numbers.
    """
    is_number = (entries.kind, entries.shape) == ("vector", ())
    if entries.dtype is None or entries.kind not in {"vector", "jagged"} or is_number:
        message = f"cannot pad {key!r}: its entries are {entries}, not lists of numbers"
        raise OptionError(message)
    inner = entries.shape[1:] if entries.kind == "vector" else entries.shape
    return ColumnType("vector", entries.dtype, (padding.length, *inner))


def cast(
    values: Array, dtype: np.dtype[Any], *, key: str, are_integers: bool = False
) -> tuple[Array, int]:
    """Return values as another dtype, and the number of those that it cannot hold.

    Floats that are too large become infinite, and integers are rounded to floats. Loss of the
    precision of floats does not count, unless they stand for integers, which may be missing (NaN).

    Raises
    ------
    ColumnError
        If an integer dtype cannot hold an integer.
    """
    is_lossless = _is_lossless(values.dtype, dtype)
    if is_lossless and not are_integers:
        return values.astype(dtype, copy=False), 0
    with np.errstate(over="ignore"):
        converted = values.astype(dtype, copy=not is_lossless)
    if values.dtype.kind == "f" and are_integers:
        # From 2**53 on, float64 may have rounded them before.
        is_lost = (converted != values) & ~np.isnan(values) | (np.abs(values) >= _ROUNDED)
        return converted, int(np.count_nonzero(is_lost))
    if values.dtype.kind == "f":
        return converted, int(np.count_nonzero(np.isinf(converted) & ~np.isinf(values)))
    if dtype.kind == "f":
        return converted, int(np.count_nonzero(~_is_exact(converted, values)))
    wrong = (converted.astype(values.dtype) != values) | ((converted < 0) != (values < 0))
    if wrong.any():
        value = values[wrong].flat[0]
        raise ColumnError(f"{key!r} has the value {value}, which does not fit into {dtype}")
    return converted, 0


def _is_lossless(source: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype holds all values of another one."""
    # NumPy calls it safe to make floats of all integers.
    is_rounded = source.kind in "iu" and dtype.kind == "f" and source.itemsize >= dtype.itemsize
    return np.can_cast(source, dtype, "safe") and not is_rounded


def _is_exact(converted: Array, values: Array) -> Mask:
    """Return which integers a float holds as they are."""
    low, high = (0.0, 2.0**64) if values.dtype.kind == "u" else (-(2.0**63), 2.0**63)
    # A float that is one more than the largest integer has no way back.
    wide = converted.astype(np.float64)
    has_way_back = (low <= wide) & (wide < high)
    back = np.where(has_way_back, wide, 0).astype(np.uint64 if low == 0 else np.int64)
    exact: Mask = has_way_back & (back == values)
    return exact
