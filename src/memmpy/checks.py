"""Checks of common arguments: integers, flags, mappings, index arrays, keys, paths, timeouts.

Each check returns the value in one type, or raises an `OptionError`:
"<name> must be <expected>, got <value>".
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import numpy as np

from memmpy.errors import OptionError, nearest
from memmpy.typing import Array, Entries

__all__ = [
    "check_choice",
    "check_flag",
    "check_indices",
    "check_integer",
    "check_key",
    "check_mapping",
    "check_path",
    "check_progress",
    "check_seed",
    "check_timeout",
    "is_number",
    "is_pattern",
    "nearest_choice",
    "nearest_dtype",
    "outside",
]

_T = TypeVar("_T")

#: The dtypes of numbers, as users write them.
_DTYPES = ("bool", *(f"{kind}{bits}" for kind in ("int", "uint") for bits in (8, 16, 32, 64)))
_DTYPES += ("float16", "float32", "float64")


def check_key(key: object, *, name: str = "a key") -> str:
    """Return a key as a string that is not empty."""
    if isinstance(key, str) and key:
        return key
    raise _error(name, "a non-empty string", key)


def is_pattern(name: object) -> bool:
    """Return whether a name is a pattern, such as ``jet_*``.

    If there is something of exactly that name, such as the branch ``hit.p[3]``, it stands for that.
    """
    return isinstance(name, str) and any(sign in name for sign in "*?[")


def check_path(path: object) -> Path:
    """Return the path of a store, a skim or a file."""
    with suppress(TypeError, UnicodeEncodeError):  # of no path; of half a character
        name: object = os.fspath(path)  # type: ignore[call-overload]
        if isinstance(name, str) and b"\0" not in os.fsencode(name):
            return Path(name)
    raise _error("a path", "a string or a pathlib.Path", path)


def check_timeout(lock_timeout: Any) -> float:  # of any type: it is checked here
    """Return the seconds to wait for a lock; a negative number means without limit."""
    if is_number(lock_timeout) and not math.isnan(lock_timeout):
        return float(lock_timeout)
    raise _error("lock_timeout", "a number of seconds (negative: no limit)", lock_timeout)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is an integer or a float that float64 holds, and no bool."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return False
    try:
        float(value)
    except OverflowError:
        return False
    return True


def check_integer(name: str, value: object, *, minimum: int) -> int:
    """Return an integer of at least `minimum` as an int. Bools and floats are refused."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and value >= minimum:
        return int(value)
    raise _error(name, f"an integer of at least {minimum}", value)


def check_seed(name: str, value: object) -> int:
    """Return an integer in 0 <= value < 2**64 as an int: the range of seeds, epochs and keys."""
    if isinstance(value, int | np.integer) and not isinstance(value, bool) and 0 <= value < 2**64:
        return int(value)
    raise _error(name, f"an integer in 0 <= {name} < 2**64", value)


def check_choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return one of some texts."""
    if isinstance(value, str) and value in choices:
        return value
    expected = f"one of {', '.join(map(repr, choices))}"
    raise OptionError(f"{_error(name, expected, value)}{nearest_choice(value, choices)}")


def nearest_choice(value: object, choices: Iterable[str]) -> str:
    """Return ``; nearest: 'a'`` for the message of a wrong choice, or an empty string."""
    return nearest(value, choices) if isinstance(value, str) else ""


def nearest_dtype(value: object) -> str:
    """Return ``; nearest: 'float32'`` for what is no dtype of numbers, or an empty string."""
    return nearest_choice(value, _DTYPES)


def check_flag(name: str, value: object) -> bool:
    """Return True or False as a bool. Zero, one and all other values are refused."""
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise _error(name, "True or False", value)


def check_progress(value: object) -> bool | None:
    """Return True, False or None, which stands for a terminal."""
    return None if value is None else check_flag("progress", value)


def check_mapping(name: str, value: Mapping[str, _T] | None) -> Mapping[str, _T]:
    """Return a mapping of names; an empty one for None. All else is refused."""
    if value is None or isinstance(value, Mapping):
        return {} if value is None else value
    raise _error(name, "a mapping of names", value)


def check_indices(indices: Any, num: int, *, of: str) -> Entries:  # of any type, too
    """Return indices from 0 to num - 1 as a contiguous int64 array, copied only if necessary.

    Parameters
    ----------
    indices : integer array of shape (m,), or list of int
        The indices, in any order; may repeat.
    num : int
        The indices are below this number.
    of : str
        Plural name of the items that they count, for the message, such as ``entries``.

    Raises
    ------
    OptionError
        If they are no integer array of one dimension, or one is out of range.
    """
    is_empty_list = isinstance(indices, list | tuple) and not indices
    array = np.asarray(indices, np.int64 if is_empty_list else None)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        shape = f"{array.dtype} of shape {array.shape}"
        if array.dtype.kind == "b":
            shape = f"a mask of shape {array.shape}; give np.flatnonzero(mask)"
        raise OptionError(f"{of} must be a one-dimensional array of integers, got {shape}")
    wrong = outside(array, 0, num)
    if wrong is not None:
        raise OptionError(f"{wrong} is out of range: there are {num:,} {of}, counted from 0")
    return np.ascontiguousarray(array, np.int64)


def outside(integers: Array, start: int, stop: int) -> int | None:
    """Return an integer that is not in start <= integer < stop; None if all are."""
    if not integers.size:
        return None
    # Compared in their own dtype: a uint64 above the int64 range would wrap around.
    extremes = int(integers.min()), int(integers.max())
    return next((extreme for extreme in extremes if not start <= extreme < stop), None)


def _error(name: str, expected: str, value: object) -> OptionError:
    return OptionError(f"{name} must be {expected}, got {value!r}")
