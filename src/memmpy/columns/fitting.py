"""Whether a dtype can hold a value that has none of its own, such as Python's numbers."""

from typing import Any

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array

__all__ = ["check_fill", "fits"]


def fits(values: Array, dtype: np.dtype[Any]) -> bool:
    """Say whether a dtype holds all values: integers exactly, floats as well as floats can."""
    if values.dtype == dtype or values.size == 0:
        return True
    if values.dtype.kind in "mM" and values.dtype.kind == dtype.kind:
        return np.array_equal(values.astype(dtype), values, equal_nan=True)
    if values.dtype.kind not in "biufc" or dtype.kind not in "biufc":
        return False
    if values.dtype.kind == "c" and dtype.kind != "c":
        return False
    with np.errstate(all="ignore"):
        held = values.astype(dtype)
    if values.dtype.kind in "fc" and dtype.kind in "fc":
        # 0.1 and NaN are held, 1e300 turns into infinity.
        return bool(np.all(np.isfinite(held) | ~np.isfinite(values)))
    # Python compares an integer with a float exactly, which numpy does not.
    return bool(held.tolist() == values.tolist())


def check_fill(fill: Any, dtype: np.dtype[Any]) -> None:
    """Raise an `OptionError` where a dtype cannot hold the value that padding puts in."""
    try:
        value = np.asarray(fill)
    except ValueError:  # lists of lists that differ in length
        value = np.asarray(None)
    if value.ndim or not fits(value, dtype):
        raise OptionError(f"cannot fill with {fill!r} among values of dtype {dtype}")
