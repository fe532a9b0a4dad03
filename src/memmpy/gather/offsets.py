"""Offsets of lists: where each begins in the content, and one more."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError

__all__ = ["offsets_of", "wrong_offsets"]


def offsets_of(counts: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    """Return the n+1 offsets, starting at 0, of n counts."""
    offsets = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    return offsets


def wrong_offsets() -> CorruptStoreError:
    """Return the error for offsets that no lists of a content can have."""
    return CorruptStoreError("offsets fall or lead out of the content: verify the store")
