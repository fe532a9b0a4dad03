"""Changes values of gathered rows: scales and fills inputs, and multiplies weights."""

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

__all__ = ["multiply_weights", "standardize"]


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
        from memmpy.kernels.row_values_numba import standardize_rows

        rows = values.reshape(-1, values.shape[-1])
        standardize_rows(rows, centers, factors, np.nan if fill is None else fill)
        return
    with np.errstate(all="ignore"):
        values -= centers
        values *= factors
    fill = np.nan if fill is None else fill
    np.copyto(values, values.dtype.type(fill), where=np.isnan(values))


def multiply_weights(
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int32],
    *,
    factors: NDArray[np.float64],
    compiled: bool,
) -> NDArray[np.float32]:
    """Return each weight times its factor, ``factors[row, column]``, computed in float64.

    Parameters
    ----------
    weights : float64 array of shape (n,)
        The weights.
    rows, columns : int64 and int32 arrays of shape (n,)
        The place of the factor of each weight; -1 is the last row or column. All are in range.
    factors : float64 array of shape (r, c)
        The factors.
    compiled : bool
        Whether to use Numba: it takes a third of the time. The results are equal, bit for bit.
    """
    if compiled:
        from memmpy.kernels.row_values_numba import multiply_weights as multiply

        return multiply(weights, rows, columns, factors)
    with np.errstate(all="ignore"):
        product: NDArray[np.float64] = weights * factors[rows, columns]
        return product.astype(np.float32)
