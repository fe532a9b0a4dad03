"""Arrays of one length an entry as the lists that they are, too."""

import numpy as np

from memmpy.columns.jagged import Jagged
from memmpy.typing import Array

__all__ = ["as_lists"]


def as_lists(values: Array) -> Jagged:
    """Return entries of shape (n, length, ...) as n lists of `length` items, over the same memory.

    An array that is not contiguous is copied.
    """
    num, length, *inner = values.shape
    offsets = np.arange(num + 1, dtype=np.int64) * length
    return Jagged.trusted(values.reshape(num * length, *inner), offsets)
