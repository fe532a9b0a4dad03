"""Sums, counts and extremes of the lists of a jagged column, in NumPy or compiled.

All take the content and the offsets of the same n lists. List i is
``content[offsets[i] - offsets[0] : offsets[i + 1] - offsets[0]]``, so that a slice of a column's
offsets goes with the slice of its content.

Each has ``compiled``. True takes 2 to 8 ns for a list of 6 items, and mostly a tenth to a half of
NumPy's time, with the same results. It copies content only if it is strided, big-endian or of a
dtype without a kernel (8 and 16 bits, uint32). The first call in a process imports Numba and loads
the kernel; the first one on a machine compiles it. `is_worth_compiling` decides whether that pays,
by the items of the whole job, not of one call. Threads may call at the same time, also first.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError
from memmpy.kernels import reference
from memmpy.typing import Array, Mask

__all__ = ["count_true", "max_lists", "min_lists", "sum_lists"]


def sum_lists(content: Array, offsets: NDArray[np.int64], *, compiled: bool) -> Array:
    """Return the sum of the items of each list; 0 for an empty one.

    Parameters
    ----------
    content : array of shape (m,)
        Of bool, integers or floats of up to 64 bits; `m` is at least ``offsets[-1] - offsets[0]``.
    offsets : int64 array of shape (n + 1,)
        May start anywhere; may be a read-only memory map.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.

    Returns
    -------
    array of shape (n,)
        Floats are added in order in float64: a NaN makes its list NaN. Bool and integers are
        added in int64, and uint64 in uint64, modulo 2**64.

    Raises
    ------
    ColumnError
        If content or offsets have another shape or dtype.
    CorruptStoreError
        If offsets fall or lead out of the content.

    Examples
    --------
    >>> sum_lists(np.array([1.5, 2.0, 4.0]), np.array([0, 2, 2, 3]), compiled=False)
    array([3.5, 0. , 4. ])
    """
    _check(content, offsets)
    if compiled:
        from memmpy.kernels import reductions_numba

        return reductions_numba.sum_lists(content, offsets)
    return reference.sum_lists(content, offsets)


def count_true(mask: Mask, offsets: NDArray[np.int64], *, compiled: bool) -> NDArray[np.int64]:
    """Return how many items of each list are true.

    Any item of a list passes where the count is above 0, and all where it is ``np.diff(offsets)``.

    Parameters
    ----------
    mask : bool array of shape (m,)
        `m` is at least ``offsets[-1] - offsets[0]``.
    offsets : int64 array of shape (n + 1,)
        May start anywhere; may be a read-only memory map.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.

    Raises
    ------
    ColumnError
        If mask or offsets have another shape or dtype.
    CorruptStoreError
        If offsets fall or lead out of the mask.

    Examples
    --------
    >>> count_true(np.array([True, False, True]), np.array([0, 2, 2, 3]), compiled=False)
    array([1, 0, 1])
    """
    _check(mask, offsets)
    if mask.dtype != np.bool_:
        raise ColumnError(
            f"expected a mask of bool, not of {mask.dtype}: compare first, as in x > 0"
        )
    if compiled:
        from memmpy.kernels import reductions_numba

        return reductions_numba.count_true(mask, offsets)
    return reference.count_true(mask, offsets)


def min_lists(content: Array, offsets: NDArray[np.int64], *, compiled: bool) -> Array:
    """Return the least item of each list; 0 for an empty one.

    Parameters
    ----------
    content : array of shape (m,)
        Of bool, integers or floats of up to 64 bits; `m` is at least ``offsets[-1] - offsets[0]``.
    offsets : int64 array of shape (n + 1,)
        May start anywhere; may be a read-only memory map.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.

    Returns
    -------
    array of shape (n,)
        Has the dtype of the content, but float32 for float16. NaN is passed over, unless a list
        has nothing else. The order of 0.0 and -0.0 is not defined.

    Raises
    ------
    ColumnError
        If content or offsets have another shape or dtype.
    CorruptStoreError
        If offsets fall or lead out of the content.

    Examples
    --------
    >>> min_lists(np.array([1.5, 2.0, 4.0]), np.array([0, 2, 2, 3]), compiled=False)
    array([1.5, 0. , 4. ])
    """
    _check(content, offsets)
    if compiled:
        from memmpy.kernels import reductions_numba

        return reductions_numba.min_lists(content, offsets)
    return reference.min_lists(content, offsets)


def max_lists(content: Array, offsets: NDArray[np.int64], *, compiled: bool) -> Array:
    """Return the greatest item of each list; 0 for an empty one.

    All else is as in `min_lists`.

    Examples
    --------
    >>> max_lists(np.array([1.5, 2.0, 4.0]), np.array([0, 2, 2, 3]), compiled=False)
    array([2., 0., 4.])
    """
    _check(content, offsets)
    if compiled:
        from memmpy.kernels import reductions_numba

        return reductions_numba.max_lists(content, offsets)
    return reference.max_lists(content, offsets)


def _check(content: Array, offsets: NDArray[np.int64]) -> None:
    if content.ndim != 1 or content.dtype.kind not in "biuf" or content.dtype.itemsize > 8:
        raise ColumnError(
            "expected lists of bool, integers or floats of up to 64 bits, "
            f"not content of {content.dtype} and shape {content.shape}"
        )
    if offsets.dtype != np.int64 or offsets.ndim != 1 or not len(offsets):
        raise ColumnError(
            "expected offsets of int64, one more than lists, "
            f"not of {offsets.dtype} and shape {offsets.shape}"
        )
