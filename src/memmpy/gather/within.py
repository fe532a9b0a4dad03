"""Blocks and places, checked to lie within what kernels may read and write."""

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import ColumnError, CorruptStoreError, LengthError, OptionError
from memmpy.typing import Array, Entries

__all__ = ["check_blocks", "check_places", "wrong_offsets"]


def wrong_offsets() -> CorruptStoreError:
    """Return the error for offsets that no lists of a content can have."""
    return CorruptStoreError("offsets fall or lead out of the content: verify the store")


def check_blocks(
    starts: Entries, counts: NDArray[np.int64], num: int
) -> tuple[Entries, NDArray[np.int64]]:
    """Return the starts and counts of blocks of the rows 0..num-1, as contiguous arrays."""
    starts = _plain("starts", starts, np.dtype(np.int64))
    counts = _plain("counts", counts, np.dtype(np.int64))
    if len(starts) != len(counts):
        message = f"expected as many starts as counts, not {len(starts)} and {len(counts)}"
        raise LengthError(message)
    # Differences of what lies in 0..num never overflow.
    if len(starts) and not (
        starts.min() >= 0
        and starts.max() <= num
        and counts.min() >= 0
        and (counts <= num - starts).all()
    ):
        message = f"a block is out of range: there are {num:,} rows, from 0 on"
        raise OptionError(message)
    return starts, counts


def check_places(places: NDArray[np.uint32], counts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return uint32 places, as many as the sum of the counts and each below it."""
    places = _plain("places", places, np.dtype(np.uint32))
    num = sum(counts.tolist())  # of Python, which does not overflow
    if len(places) != num:
        message = f"expected a place for each row of the blocks: {num:,}, not {len(places):,}"
        raise LengthError(message)
    if num and places.max() >= num:
        message = f"{places.max()} is out of range: there are {num:,} places, from 0 on"
        raise OptionError(message)
    return places


def _plain(name: str, array: Array, dtype: np.dtype[np.int64] | np.dtype[np.uint32]) -> Array:
    if array.dtype != dtype or array.ndim != 1:
        message = f"expected {name} of {dtype} in one dimension, not {array.dtype} {array.shape}"
        raise ColumnError(message)
    return np.ascontiguousarray(array)
