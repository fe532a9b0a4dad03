"""Strips the headers of records of files: in NumPy or compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import reference
from memmpy.typing import Array

__all__ = ["strip_headers"]


def strip_headers(
    octets: NDArray[np.uint8],
    bounds: NDArray[np.integer[Any]],
    header: int,
    dtype: np.dtype[Any],
    *,
    compiled: bool,
) -> Array:
    """Return the items of records that each begin with bytes to skip, in the byte order of `dtype`.

    Parameters
    ----------
    octets : uint8 array
        The records.
    bounds : integer array of shape (n + 1,)
        Record i is ``octets[bounds[i] : bounds[i + 1]]``.
    header : int
        Bytes to skip at the beginning of each.
    dtype : np.dtype
        The dtype that items have in the records, of any byte order; 1, 2, 4 or 8 bytes wide.
    compiled : bool
        Whether to use Numba's kernel rather than NumPy: about ten times as fast, and without the
        GIL. `is_worth_compiling` decides by the bytes of the whole job.

    Returns
    -------
    array of shape (m,)

    Raises
    ------
    CorruptStoreError
        If the bounds fall or lead out, or a record is not a header and whole items.
    """
    if compiled:
        from memmpy.kernels.records_numba import strip_headers as strip

        return strip(octets, bounds, header, dtype)
    return reference.strip_headers(octets, bounds, header, dtype)
