"""Scales the values of columns and fills those that are missing, in place."""

import numpy as np

from memmpy.typing import Array

__all__ = ["standardize"]


def standardize(
    values: Array, centers: Array, factors: Array, *, fill: float | None, compiled: bool
) -> None:
    """Replace each value by ``(value - center) * factor``, and NaN by `fill`.

    Parameters
    ----------
    values : float array of shape (..., k)
        C-contiguous; changed in place.
    centers, factors : array of shape (k,)
        Of the dtype of `values`.
    fill : float or None
        The value for NaN; None keeps NaN.
    compiled : bool
        Whether to use Numba, for float32 and float64: it takes a fifth of the time. The results are
        equal, bit for bit.
    """
    if not values.size:
        return
    if compiled and values.dtype.char in "fd":
        from memmpy.kernels.standardize_numba import standardize_rows

        rows = values.reshape(-1, values.shape[-1])
        standardize_rows(rows, centers, factors, np.nan if fill is None else fill)
        return
    with np.errstate(all="ignore"):
        values -= centers
        values *= factors
    if fill is not None:
        np.copyto(values, values.dtype.type(fill), where=np.isnan(values))
