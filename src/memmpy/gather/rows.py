"""Fields of packed rows, each into an array of its own: in NumPy or compiled.

`rows` is an array of bytes, of shape (n, row_bytes), mostly a read-only memory map. Outputs are
filled, and not made, so that their memory serves again: one array of shape ``(m, *field.shape)``
and the field's dtype for each field.

Both functions have ``compiled``. True takes, on one core, 25 ns a row of 104 bytes with 23 fields,
and 15 ns with 4 fields of which one has 20 floats, where copying whole rows takes 7; NumPy takes
eight to fifteen times as long. The kernels hold no GIL. The checks do, for 30 us a call and 1 us
more for each field: give ten thousand rows a call or more. The first call ever on a machine
compiles for a second or two.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError, LengthError
from memmpy.gather import reference
from memmpy.gather.fields import RowField
from memmpy.gather.within import check_blocks, check_places
from memmpy.numbering import check_numbers
from memmpy.typing import Array, Entries

__all__ = ["spread_rows", "take_rows"]


def take_rows(
    rows: NDArray[np.uint8],
    entries: Entries,
    *,
    fields: Sequence[RowField],
    out: Sequence[Array],
    compiled: bool,
) -> None:
    """Fill ``out[i][j]`` with field i of row ``entries[j]``.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        C-contiguous; `row_bytes` is a multiple of 8.
    entries : int64 array of shape (m,)
        Numbers of rows, each from 0 to n - 1, in any order; may repeat.
    fields : sequence of RowField
        May overlap, and leave bytes out.
    out : sequence of arrays
        For each field a writable, C-contiguous array of shape ``(m, *field.shape)`` and the
        field's dtype. None may share memory with another or with the rows.
    compiled : bool
        Whether to use Numba's kernel rather than NumPy.

    Raises
    ------
    ColumnError
        If an array has another shape or dtype, or a field leads out of the rows.
    LengthError
        If there are not as many outputs as fields.
    OptionError
        If a number is out of range. Nothing has been written then.
    """
    row_numbers = check_numbers(entries, len(_check_rows(rows)), of="rows")
    arrays = _check_out(rows, len(row_numbers), fields, out)
    if compiled:
        from memmpy.gather.compiled_rows import take_rows as take

        take(rows, row_numbers, tuple(fields), arrays)
    else:
        reference.take_rows(rows, row_numbers, tuple(fields), arrays)


def spread_rows(
    rows: NDArray[np.uint8],
    starts: Entries,
    *,
    counts: NDArray[np.int64],
    places: NDArray[np.uint32],
    fields: Sequence[RowField],
    out: Sequence[Array],
    compiled: bool,
) -> None:
    """Fill ``out[i][places[j]]`` with field i of the j-th row of some blocks.

    Parameters
    ----------
    rows : uint8 array of shape (n, row_bytes)
        C-contiguous; `row_bytes` is a multiple of 8.
    starts, counts : int64 arrays of shape (k,)
        Block i is the rows from ``starts[i]`` on, ``counts[i]`` of them. They are read one after
        the other, fastest where they ascend.
    places : uint32 array of shape (m,)
        Where each row that is read goes: a permutation of 0..m-1, with `m` the sum of the counts.
        If some place comes twice and another never, what lies in both is not said.
    fields : sequence of RowField
        May overlap, and leave bytes out.
    out : sequence of arrays
        For each field a writable, C-contiguous array of shape ``(m, *field.shape)`` and the
        field's dtype. None may share memory with another or with the rows.
    compiled : bool
        Whether to use Numba's kernel rather than NumPy.

    Raises
    ------
    ColumnError
        If an array has another shape or dtype, or a field leads out of the rows.
    LengthError
        If there are not as many outputs as fields, or places as rows.
    OptionError
        If a block or a place is out of range. Nothing has been written then.
    """
    starts, counts = check_blocks(starts, counts, len(_check_rows(rows)))
    places = check_places(places, counts)
    arrays = _check_out(rows, len(places), fields, out)
    if compiled:
        from memmpy.gather.compiled_rows import spread_rows as spread

        spread(rows, starts, counts, places, tuple(fields), arrays)
    else:
        reference.spread_rows(rows, starts, counts, places, tuple(fields), arrays)


def _check_rows(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] % 8 or not rows.flags.c_contiguous:
        message = (
            "expected rows of uint8, contiguous and of a multiple of 8 bytes each, "
            f"not {rows.dtype} of shape {rows.shape} and strides {rows.strides}"
        )
        raise ColumnError(message)
    return rows


def _check_out(
    rows: NDArray[np.uint8], num: int, fields: Sequence[RowField], out: Sequence[Array]
) -> tuple[Array, ...]:
    if len(fields) != len(out):
        message = f"expected an output for each field: {len(fields)}, not {len(out)}"
        raise LengthError(message)
    row_bytes = rows.shape[1]
    for field, array in zip(fields, out, strict=True):
        if field.offset + field.nbytes > row_bytes:
            message = f"{field} leads out of rows of {row_bytes} bytes"
            raise ColumnError(message)
        if array.dtype != field.dtype or array.shape != (num, *field.shape):
            message = (
                f"expected an output of {field.dtype} and shape {(num, *field.shape)}, "
                f"not of {array.dtype} and shape {array.shape}"
            )
            raise ColumnError(message)
        if not (array.flags.c_contiguous and array.flags.writeable):
            message = "an output must be C-contiguous and writable"
            raise ColumnError(message)
    return tuple(out)
