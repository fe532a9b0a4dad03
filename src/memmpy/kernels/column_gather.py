"""Gathers entries of columns, each into an array of its own: in NumPy or compiled."""

from collections.abc import Sequence

import numpy as np

from memmpy.checks import check_indices
from memmpy.errors import ColumnError, LengthError
from memmpy.typing import Array, Entries

__all__ = ["take_columns"]


def take_columns(
    columns: Sequence[Array], entries: Entries, *, out: Sequence[Array], compiled: bool
) -> None:
    """Fill ``out[i][j]`` with ``columns[i][entries[j]]``.

    Parameters
    ----------
    columns : sequence of arrays of shape (n, ...)
        All of one length; any dtype without Python objects, any strides; may be read-only.
    entries : int64 array of shape (m,)
        Each from 0 to n - 1, in any order; may repeat.
    out : sequence of arrays of shape (m, ...)
        For each column a writable, C-contiguous array of its dtype and inner shape. None may share
        memory with another or with a column.
    compiled : bool
        Whether to use Numba, which takes half as long as NumPy, and does not hold the GIL: a random
        number of a column that no cache holds takes 2.5 ns.

    Raises
    ------
    ColumnError
        If an array has another shape or dtype.
    LengthError
        If the columns differ in length, or the numbers of columns and outputs differ.
    OptionError
        If an entry is out of range. Then nothing has been written.
    """
    if not columns and not out:
        return
    if len({len(column) for column in columns}) != 1 or len(columns) != len(out):
        message = f"expected columns of one length, and an output for each: {len(columns)}"
        raise LengthError(f"{message} columns, {len(out)} outputs")
    entries = check_indices(entries, len(columns[0]), of="entries")
    for column, array in zip(columns, out, strict=True):
        _check(column, array, len(entries))
    if compiled and len(entries):
        from memmpy.kernels.column_gather_numba import take_columns as take

        plain = [_is_plain(column) for column in columns]
        pairs = list(zip(columns, out, plain, strict=True))
        take([(c, o) for c, o, is_plain in pairs if is_plain], entries)
        columns = [c for c, _, is_plain in pairs if not is_plain]
        out = [o for _, o, is_plain in pairs if not is_plain]
    for column, array in zip(columns, out, strict=True):
        if column.flags.c_contiguous:
            # Entries are in range by now, so nothing wraps, and this mode is the fastest.
            np.take(column, entries, axis=0, mode="wrap", out=array)
        else:  # np.take would copy the whole column
            array[...] = column[entries]


def _is_plain(column: Array) -> bool:
    """Return whether the bytes of an entry lie together, and entries in ascending order."""
    return bool(column.strides[0] > 0 and column[:1].flags.c_contiguous)


def _check(column: Array, array: Array, num: int) -> None:
    if column.dtype.hasobject:
        raise ColumnError(f"a column must not hold Python objects, unlike {column.dtype}")
    if array.dtype != column.dtype or array.shape != (num, *column.shape[1:]):
        message = (
            f"expected an output of {column.dtype} and shape {(num, *column.shape[1:])}, "
            f"not of {array.dtype} and shape {array.shape}"
        )
        raise ColumnError(message)
    if not (array.flags.c_contiguous and array.flags.writeable):
        raise ColumnError("an output must be C-contiguous and writable")
