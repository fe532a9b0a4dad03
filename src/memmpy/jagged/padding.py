"""Padding of lists to one length, and checks that a dtype can hold the fill value."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array

__all__ = ["Padding", "check_fill", "check_padding", "fits", "mask_of"]

#: Lists are padded to fewer items than this.
_MAX_LENGTH = 2**31


@dataclass(frozen=True, slots=True)
class Padding:
    """The length to which lists are cut or filled, and the fill value.

    Parameters
    ----------
    length : int
        Items of each entry, in 0 <= length < 2**31.
    fill : Any
        A number for the missing items of short lists; `check_fill` checks it against a dtype.
    """

    length: int
    fill: Any  # of any type: the dtype is not known yet

    def check(self, key: str, dtype: np.dtype[Any]) -> None:
        """Raise an `OptionError` that names the key if its dtype cannot hold the fill value."""
        try:
            check_fill(self.fill, dtype)
        except OptionError as error:
            raise OptionError(f"cannot pad {key!r}: {error}") from None


def fits(values: Array, dtype: np.dtype[Any]) -> bool:
    """Return whether a dtype holds all values: integers exactly, floats up to their precision."""
    if values.dtype == dtype or values.size == 0:
        return True
    if values.dtype.kind in "mM" and values.dtype.kind == dtype.kind:
        return np.array_equal(values.astype(dtype), values, equal_nan=True)
    if values.dtype.kind not in "biufc" or dtype.kind not in "biufc":
        return False
    if values.dtype.kind == "c" and dtype.kind != "c":
        return False
    with np.errstate(all="ignore"):
        converted = values.astype(dtype)
    if values.dtype.kind in "fc" and dtype.kind in "fc":
        # 0.1 and NaN are fine, but 1e300 may become infinite.
        return bool(np.all(np.isfinite(converted) | ~np.isfinite(values)))
    # Python compares integers with floats exactly; NumPy does not.
    return bool(converted.tolist() == values.tolist())


def check_fill(fill: Any, dtype: np.dtype[Any]) -> None:
    """Raise an `OptionError` if a dtype cannot hold a fill value."""
    try:
        value = np.asarray(fill)
    except ValueError:  # lists of lists that differ in length
        value = np.asarray(None)
    if value.ndim or not fits(value, dtype):
        raise OptionError(f"cannot fill with {fill!r} among values of dtype {dtype}")


def check_padding(key: str, padding: object) -> Padding:
    """Return ``keys_padded[key]`` of a user, checked: an integer length, and a fill value.

    Raises
    ------
    OptionError
        If it is something else. A float is no length, not even a whole one.
    """
    if isinstance(padding, tuple | list) and len(padding) == 2:
        length, fill = padding
        is_integer = isinstance(length, int | np.integer) and not isinstance(length, bool)
        if is_integer and 0 <= length < _MAX_LENGTH:
            return Padding(int(length), fill.item() if isinstance(fill, np.generic) else fill)
    message = f"keys_padded takes {{key: (length, fill value)}}, got {key!r}: {padding!r}; "
    raise OptionError(f"{message}a length is an integer in 0 <= length < 2**31")


def mask_of(name: str) -> str:
    """Return the name of the mask of a padded key or group, which tells the real items."""
    return f"{name}_mask"
