"""Scales and fills inputs in place, and multiplies weights, compiled by Numba."""

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Array

__all__ = ["multiply_weights", "standardize_rows"]

#: Rows whose values are one run of memory: a multiple of the numbers in the widest vector.
_NUM_TOGETHER = 16


def standardize_rows(values: Array, centers: Array, factors: Array, fill: float) -> None:
    """Scale rows of shape (n, k) in place, and fill NaN: see `memmpy.kernels.standardize`."""
    num, size = values.shape
    num_together = max(1, min(num, _NUM_TOGETHER))
    whole = num - num % num_together
    run_kernel(
        _standardize,
        values[:whole].reshape(-1, num_together * size),
        np.tile(centers, num_together),
        np.tile(factors, num_together),
        values.dtype.type(fill),
    )
    if whole < num:
        run_kernel(_standardize, values[whole:], centers, factors, values.dtype.type(fill))


@kernel
def _standardize(values: Array, centers: Array, factors: Array, fill: float) -> None:
    for row in range(values.shape[0]):
        for i in range(values.shape[1]):
            value = (values[row, i] - centers[i]) * factors[i]
            values[row, i] = value if value == value else fill  # noqa: PLR0124 - NaN


def multiply_weights(
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int32],
    factors: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return each weight times its factor: see `memmpy.kernels.multiply_weights`."""
    out = np.empty(len(weights), np.float32)
    run_kernel(_multiply, weights, rows, columns, factors, out)
    return out


@kernel
def _multiply(
    weights: NDArray[np.float64],
    rows: NDArray[np.int64],
    columns: NDArray[np.int32],
    factors: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    for i in range(len(weights)):
        out[i] = weights[i] * factors[rows[i], columns[i]]
