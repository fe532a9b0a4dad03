"""Fills values into the bins of a histogram, by group and with weights, in NumPy or compiled."""

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError
from memmpy.kernels import reference
from memmpy.kernels.offsets import check_offsets
from memmpy.typing import Array, Entries

__all__ = ["fill_bins"]


def fill_bins(
    values: Array,
    edges: NDArray[np.float64],
    *,
    offsets: Entries | None,
    groups: Entries | None,
    num_groups: int,
    weights: NDArray[np.float64] | None,
    compiled: bool,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of weights, and of squared weights, of the values in each bin.

    Parameters
    ----------
    values : array of shape (m,)
        Of bool, integers or floats of up to 64 bits. They are compared as float64.
    edges : float64 array of shape (k + 1,)
        Finite and ascending. Bin i holds the values with ``edges[i] <= value < edges[i + 1]``.
    offsets : int64 array of shape (n + 1,), optional
        Entry i has the values ``values[offsets[i] - offsets[0] : offsets[i + 1] - offsets[0]]``.
        None if each entry has one value.
    groups : int64 array of shape (n,), optional
        The group of each entry, below `num_groups`; the values of an entry with -1 do not count.
        None if all are of group 0.
    num_groups : int
        The number of groups.
    weights : float64 array of shape (n,), optional
        The weight of each entry, which each of its values has. None if all are 1.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy: a fifth of the time, and mostly without
        the GIL. Counts are equal; sums of weights are added in the same order.

    Returns
    -------
    sums, squares : float64 arrays of shape (num_groups, k + 3)
        The first bin is for values below all edges, the last but one for those above, and the last
        one for NaN.

    Raises
    ------
    ColumnError
        If the values have another shape or dtype.
    CorruptStoreError
        If offsets fall or lead out of the values.

    Examples
    --------
    >>> values, edges = np.array([0.5, 2.0, 9.0]), np.array([0.0, 1.0, 3.0])
    >>> options = {"offsets": None, "groups": None, "num_groups": 1, "weights": None}
    >>> fill_bins(values, edges, **options, compiled=False)[0]
    array([[0., 1., 1., 1., 0.]])
    """
    if values.ndim != 1 or values.dtype.kind not in "biuf" or values.dtype.itemsize > 8:
        raise ColumnError(
            "expected values of bool, integers or floats of up to 64 bits, "
            f"not of {values.dtype} and shape {values.shape}"
        )
    if offsets is not None:
        check_offsets(offsets - offsets[0], len(values))
    if compiled:
        from memmpy.kernels.histogram_numba import fill_bins as fill

        return fill(values, edges, offsets, groups, num_groups, weights)
    return reference.fill_bins(values, edges, offsets, groups, num_groups, weights)
