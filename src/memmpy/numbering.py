"""Numbers of entries, rows or positions, checked to be among those that there are."""

import numpy as np

from memmpy.errors import OptionError
from memmpy.typing import Array, Entries

__all__ = ["check_numbers"]


def check_numbers(numbers: Array, num: int, *, of: str) -> Entries:
    """Return numbers from 0 to num - 1 as a contiguous int64 array, a copy only if need be.

    Parameters
    ----------
    numbers : integer array of shape (m,)
        In any order; may repeat.
    num : int
        How many of what they number there are.
    of : str
        What they number, for the message, in the plural.

    Raises
    ------
    OptionError
        If they are no such array, or one is out of range.
    """
    numbers = np.asarray(numbers)
    if numbers.dtype.kind not in "iu" or numbers.ndim != 1:
        message = (
            f"numbers of {of} are a one-dimensional array of integers, "
            f"not {numbers.dtype} of shape {numbers.shape}"
        )
        raise OptionError(message)
    if numbers.size:
        # In their own dtype: a uint64 beyond int64 would wrap around.
        for extreme in (int(numbers.min()), int(numbers.max())):
            if not 0 <= extreme < num:
                message = f"{extreme} is out of range: there are {num:,} {of}, from 0 on"
                raise OptionError(message)
    return np.ascontiguousarray(numbers, np.int64)
