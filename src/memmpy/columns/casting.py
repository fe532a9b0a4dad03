"""Values of one dtype as another, and how many of them it cannot hold."""

from typing import Any

import numpy as np

from memmpy.errors import ColumnError
from memmpy.typing import Array, Mask

__all__ = ["cast"]


def cast(values: Array, dtype: np.dtype[Any], *, key: str) -> tuple[Array, int]:
    """Return values of another dtype, and the number of those that it does not hold.

    Floats become infinite where they are too large, integers are rounded to floats; other losses
    of floats are what their precision is.

    Raises
    ------
    ColumnError
        If an integer dtype cannot hold an integer.
    """
    if _is_lossless(values.dtype, dtype):
        return values.astype(dtype, copy=False), 0
    with np.errstate(over="ignore"):
        held = values.astype(dtype)
    if values.dtype.kind == "f":
        return held, int(np.count_nonzero(np.isinf(held) & ~np.isinf(values)))
    if dtype.kind == "f":
        return held, int(np.count_nonzero(~_is_exact(held, values)))
    wrong = (held.astype(values.dtype) != values) | ((held < 0) != (values < 0))
    if wrong.any():
        found = values[wrong].flat[0]
        raise ColumnError(f"{key!r} has the value {found}, which does not fit into {dtype}")
    return held, 0


def _is_lossless(given: np.dtype[Any], dtype: np.dtype[Any]) -> bool:
    """Say whether a dtype holds all values of another one."""
    # NumPy calls it safe to make floats of all integers.
    is_rounded = given.kind in "iu" and dtype.kind == "f" and given.itemsize >= dtype.itemsize
    return np.can_cast(given, dtype, "safe") and not is_rounded


def _is_exact(held: Array, values: Array) -> Mask:
    """Say which integers a float holds as they are."""
    low, high = (0.0, 2.0**64) if values.dtype.kind == "u" else (-(2.0**63), 2.0**63)
    # A float that is one more than the largest integer has no way back.
    wide = held.astype(np.float64)
    has_way_back = (low <= wide) & (wide < high)
    back = np.where(has_way_back, wide, 0).astype(np.uint64 if low == 0 else np.int64)
    exact: Mask = has_way_back & (back == values)
    return exact
