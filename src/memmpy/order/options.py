"""Options and positions that a caller gives, checked once and said plainly when wrong."""

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array, Entries

__all__ = ["check_flag", "check_integer", "check_positions", "check_seed"]


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


def check_positions(positions: Array, num: int) -> Entries:
    """Return a one-dimensional array of integers in 0 <= position < num as int64."""
    positions = np.asarray(positions)
    if positions.dtype.kind not in "iu" or positions.ndim != 1:
        message = (
            "positions and entries must be a one-dimensional array of integers, "
            f"not {positions.dtype} of shape {positions.shape}"
        )
        raise OptionError(message)
    if positions.size:
        for extreme in (positions.min(), positions.max()):
            if not 0 <= extreme < num:
                message = f"{extreme} is out of range: there are {num:,} entries, from 0 on"
                raise OptionError(message)
    return positions.astype(np.int64, copy=False)
