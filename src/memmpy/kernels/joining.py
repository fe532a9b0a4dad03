"""Arrays one after the other, as they are."""

from collections.abc import Sequence

import numpy as np

from memmpy.typing import Array

__all__ = ["join_arrays"]


def join_arrays(arrays: Sequence[Array]) -> Array:
    """Return the entries of arrays, at least one, one after the other: a copy.

    Where all have one dtype so has the result, with its byte order, padding and metadata, which
    `np.concatenate` gives up. Else it has the dtype to which NumPy promotes them.
    """
    first = arrays[0]
    if any(array.dtype != first.dtype for array in arrays):
        return np.concatenate(arrays)
    joined: Array = np.empty((sum(map(len, arrays)), *first.shape[1:]), first.dtype)
    return np.concatenate(arrays, out=joined)
