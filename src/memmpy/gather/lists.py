"""Lists of a jagged column, in another order: in NumPy or compiled.

List i is ``content[offsets[i] : offsets[i + 1]]``, of items of any dtype and shape. Both functions
return content and offsets of their own, which begin at 0.

Both have ``compiled``. True takes 14 ns a list of 6 float32 in blocks, without the GIL, and 40 ns
where they lie anywhere; NumPy takes 35 ns and more, mostly with the GIL. The first call ever on a
machine compiles for a second.
"""

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError
from memmpy.gather import reference
from memmpy.gather.within import check_blocks, check_places
from memmpy.numbering import check_numbers
from memmpy.typing import Array, Entries

__all__ = ["spread_lists", "take_lists"]


def take_lists(
    content: Array, offsets: NDArray[np.int64], *, entries: Entries, compiled: bool
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of some lists, in the order asked for.

    Parameters
    ----------
    content : array of shape (k, ...)
        C-contiguous, without Python objects; may be a read-only memory map.
    offsets : int64 array of shape (n + 1,)
        Contiguous; may be a read-only memory map.
    entries : int64 array of shape (m,)
        Which lists, each from 0 to n - 1, in any order; may repeat.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.

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
    entries = check_numbers(entries, _check_lists(content, offsets), of="lists")
    if compiled:
        from memmpy.gather.compiled_lists import take_lists as take

        return take(content, offsets, entries)
    return reference.take_jagged(content, offsets, entries)


def spread_lists(
    content: Array,
    offsets: NDArray[np.int64],
    *,
    starts: Entries,
    counts: NDArray[np.int64],
    places: NDArray[np.uint32],
    compiled: bool,
) -> tuple[Array, NDArray[np.int64]]:
    """Return content and offsets of the lists of some blocks, each in its new place.

    Parameters
    ----------
    content : array of shape (k, ...)
        C-contiguous, without Python objects; may be a read-only memory map.
    offsets : int64 array of shape (n + 1,)
        Contiguous; may be a read-only memory map.
    starts, counts : int64 arrays
        Block i is the lists from ``starts[i]`` on, ``counts[i]`` of them.
    places : uint32 array of shape (m,)
        Where each list of the blocks, one after the other, goes: a permutation of 0..m-1, with `m`
        the sum of the counts. If some place comes twice and another never, what lies in both is
        not said.
    compiled : bool
        Whether to use Numba's kernels rather than NumPy.

    Returns
    -------
    content : array
        Has the dtype and inner shape of the content.
    offsets : int64 array of shape (m + 1,)

    Raises
    ------
    ColumnError
        If an array has another shape or dtype.
    LengthError
        If there are not as many places as lists in the blocks.
    OptionError
        If a block or a place is out of range.
    CorruptStoreError
        If the offsets of these lists fall or lead out of the content.
    """
    starts, counts = check_blocks(starts, counts, _check_lists(content, offsets))
    places = check_places(places, counts)
    if compiled:
        from memmpy.gather.compiled_lists import spread_lists as spread

        return spread(content, offsets, starts, counts, places)
    return reference.spread_lists(content, offsets, starts, counts, places)


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
