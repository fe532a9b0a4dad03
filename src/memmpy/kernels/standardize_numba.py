"""Scales and fills values in place, compiled by Numba."""

import numpy as np

from memmpy.kernels.jit import kernel, run_kernel
from memmpy.typing import Array

__all__ = ["standardize_rows"]

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
