"""Memory for windows that serves again, so that the kernel need not clear new pages for each."""

import sys
import threading
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Buffers", "in_lines"]

#: References to memory that no array looks into: the list's, the name's, and getrefcount's own.
_NUM_OWN = 3
#: Memory begins at a multiple of it: a line of the cache, and the widest of vectors.
_ALIGNMENT = 64


def in_lines(num_bytes: int) -> int:
    """Return how many bytes so many take where all that is moved begins at a line of the cache."""
    return -(-num_bytes // _ALIGNMENT) * _ALIGNMENT


@final
class Buffers:
    """Blocks of memory, each taken again once no array looks into it.

    Who keeps a batch keeps its memory, and the next window has another. Any thread may take.

    Parameters
    ----------
    num : int
        How many blocks are kept for later; more are made where they are needed, and forgotten.
    """

    def __init__(self, num: int) -> None:
        self._num = num
        self._blocks: list[NDArray[np.uint8]] = []
        self._lock = threading.Lock()

    def take(self, num_bytes: int) -> NDArray[np.uint8]:
        """Return that many bytes, whatever they hold, aligned to 64."""
        with self._lock:
            small = None
            for i in range(len(self._blocks)):  # enumerate would hold a reference of its own
                block = self._blocks[i]
                if sys.getrefcount(block) == _NUM_OWN:
                    if len(block) >= num_bytes + _ALIGNMENT:
                        return _aligned(block, num_bytes)
                    small = i
            block = np.empty(num_bytes + _ALIGNMENT, np.uint8)
            if small is not None and len(self._blocks) >= self._num:  # it would stay too small
                del self._blocks[small]
            if len(self._blocks) < self._num:
                self._blocks.append(block)
            return _aligned(block, num_bytes)


def _aligned(block: NDArray[np.uint8], num_bytes: int) -> NDArray[np.uint8]:
    start = -block.ctypes.data % _ALIGNMENT
    return block[start : start + num_bytes]
