"""Checks of arguments that many functions take: paths, flags, integers, index arrays."""

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array, Entries

__all__ = [
    "check_flag",
    "check_integer",
    "check_key",
    "check_numbers",
    "check_path",
    "check_seed",
    "check_timeout",
    "outside",
]


def check_key(key: object) -> str:
    """Return the key of a new column; raise an `OptionError` unless it is a text, and not empty."""
    if not isinstance(key, str):
        raise OptionError(f"a key is a text, got {key!r}")
    if not key:
        raise OptionError("a key must not be empty")
    return key


def check_path(path: object) -> Path:
    """Return the path of a store or a skim; raise an `OptionError` unless it is a path."""
    if isinstance(path, str | os.PathLike):
        name: object = os.fspath(path)
        if isinstance(name, str):
            return Path(name)
    raise OptionError(f"a path is a text or a pathlib.Path, got {path!r}")


def check_timeout(lock_timeout: Any) -> float:  # of any type: it is checked here
    """Return the seconds to wait for a lock; raise an `OptionError` unless they are a number."""
    is_number = isinstance(lock_timeout, int | float | np.integer | np.floating)
    seconds = float(lock_timeout) if is_number else math.nan
    if math.isnan(seconds) or isinstance(lock_timeout, bool):
        message = "lock_timeout is a number of seconds, below zero for no limit; "
        raise OptionError(f"{message}got {lock_timeout!r}")
    return seconds


def check_integer(name: str, value: object, *, minimum: int) -> int:
    """Return `value` as an int of at least `minimum`; bools and floats are refused."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= minimum:
        return int(value)
    message = f"{name} must be an integer of at least {minimum}, not {value!r}"
    raise OptionError(message)


def check_seed(name: str, value: object) -> int:
    """Return `value` as an int in 0 <= value < 2**64, the range of seeds, epochs and keys."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < 2**64:
        return int(value)
    message = f"{name} must be an integer in 0 <= {name} < 2**64, not {value!r}"
    raise OptionError(message)


def check_flag(name: str, value: object) -> bool:
    """Return `value` as a bool; anything but True and False is refused."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    message = f"{name} must be True or False, not {value!r}"
    raise OptionError(message)


def check_numbers(numbers: Array, num: int, *, of: str) -> Entries:
    """Return indices from 0 to num - 1 as a contiguous int64 array; copy only if needed.

    Parameters
    ----------
    numbers : integer array of shape (m,)
        In any order; may repeat.
    num : int
        The number of entries, rows or members that they index.
    of : str
        The name of these in the message, in the plural.

    Raises
    ------
    OptionError
        If they are no integer array of one dimension, or one is out of range.
    """
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        message = (
            f"numbers of {of} are a one-dimensional array of integers, "
            f"not {numbers.dtype} of shape {numbers.shape}"
        )
        raise OptionError(message)
    wrong = outside(numbers, 0, num)
    if wrong is not None:
        raise OptionError(f"{wrong} is out of range: there are {num:,} {of}, from 0 on")
    return np.ascontiguousarray(numbers, np.int64)


def outside(numbers: Array, start: int, stop: int) -> int | None:
    """Return an integer of an array that is not in start <= integer < stop; None where all are."""
    if not numbers.size:
        return None
    # In their own dtype: a uint64 beyond int64 would wrap around.
    extremes = int(numbers.min()), int(numbers.max())
    return next((number for number in extremes if not start <= number < stop), None)
