"""What lists are padded with, and whether a dtype can hold it: Python's numbers have none."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array

__all__ = ["Padding", "check_fill", "check_padding", "fits", "mask_of"]

#: Items to which lists may be padded are fewer.
_MAX_LENGTH = 2**31


@dataclass(frozen=True, slots=True)
class Padding:
    """How lists become arrays: cut or filled up to `length` items.

    Parameters
    ----------
    length : int
        Items of each entry, in 0 <= length < 2**31.
    fill : Any
        A number, put where a list is shorter; `check_fill` says whether a dtype can hold it.
    """

    length: int
    fill: Any  # of any type: there is no dtype yet to compare it with


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


def check_padding(key: str, given: object) -> Padding:
    """Return what a user gave as ``keys_padded[key]``: an integer length, and a fill value.

    Raises
    ------
    OptionError
        If it is something else. A float is no length, also where it is whole.
    """
    if isinstance(given, tuple | list) and len(given) == 2:
        length, fill = given
        is_integer = isinstance(length, int | np.integer) and not isinstance(length, bool)
        if is_integer and 0 <= length < _MAX_LENGTH:
            return Padding(int(length), fill.item() if isinstance(fill, np.generic) else fill)
    message = f"keys_padded takes {{key: (length, fill value)}}, got {key!r}: {given!r}; "
    raise OptionError(f"{message}a length is an integer in 0 <= length < 2**31")


def mask_of(name: str) -> str:
    """Return the name of what says which items of a padded key, or group, are real."""
    return f"{name}_mask"
