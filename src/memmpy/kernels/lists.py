"""Gathers lists of a jagged column: in NumPy or compiled.

List i is ``content[offsets[i] : offsets[i + 1]]``, of items of any dtype and shape.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_indices
from memmpy.errors import ColumnError
from memmpy.kernels import reference
from memmpy.typing import Array, Entries

__all__ = ["take_lists"]


def take_lists(
    content: Array, offsets: NDArray[np.int64], *, entries: Entries, compiled: bool, of: str = ""
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of some lists, in the order of `entries`.

    Parameters
    ----------
    content : array of shape (k, ...)
        C-contiguous, without Python objects; may be a read-only memory map.
    offsets : int64 array of shape (n + 1,)
        Contiguous; may be a read-only memory map.
    entries : int64 array of shape (m,)
        The lists, each from 0 to n - 1, in any order; may repeat.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy: a list of 6 float32 takes 14 to 40 ns,
        without the GIL; NumPy takes 35 and more, mostly with it.
    of : str
        The name of the lists in errors.

    Returns
    -------
    content : array
        Has the dtype and inner shape of the content.
    offsets : int64 array of shape (m + 1,)

    Raises
    ------
    ColumnError
        If an array has another shape or dtype.
    OptionError
        If a list is out of range.
    CorruptStoreError
        If the offsets of these lists fall or lead out of the content.

    Examples
    --------
    >>> offsets = np.array([0, 2, 2, 3])
    >>> take_lists(np.array([5, 6, 7]), offsets, entries=np.array([2, 0]), compiled=False)
    (array([7, 5, 6]), array([0, 1, 3]))
    """
    entries = check_indices(entries, _check_lists(content, offsets), of="lists")
    if compiled:
        from memmpy.kernels.lists_numba import take_lists as take

        return take(content, offsets, entries, of=of)
    return reference.take_jagged(content, offsets, entries, of=of)


def _check_lists(content: Array, offsets: NDArray[np.int64]) -> int:
    """Return the number of lists."""
    if not content.ndim or content.dtype.hasobject or not content.flags.c_contiguous:
        message = (
            "expected contiguous content without Python objects, "
            f"not {content.dtype} of shape {content.shape} and strides {content.strides}"
        )
        raise ColumnError(message)
    if (
        offsets.dtype != np.int64
        or offsets.ndim != 1
        or not len(offsets)
        or not offsets.flags.c_contiguous
    ):
        message = (
            "expected contiguous offsets of int64, one more than lists, "
            f"not {offsets.dtype} of shape {offsets.shape} and strides {offsets.strides}"
        )
        raise ColumnError(message)
    return len(offsets) - 1
