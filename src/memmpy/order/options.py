"""Options that a caller gives, checked once and said plainly when wrong."""

import numpy as np

from memmpy.errors import OptionError

__all__ = ["check_flag", "check_integer", "check_seed"]


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
