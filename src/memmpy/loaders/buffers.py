"""Memory for windows that serves again, so that the kernel need not clear new pages for each."""

import threading
import weakref
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Buffers", "in_lines"]

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
        self._blocks: list[_Block] = []
        self._lock = threading.Lock()

    def take(self, num_bytes: int) -> NDArray[np.uint8]:
        """Return that many bytes, whatever they hold, aligned to 64."""
        with self._lock:
            free = [block for block in self._blocks if block.is_free]
            for block in free:
                if block.size >= num_bytes:
                    return block.lend(num_bytes)
            if free and len(self._blocks) >= self._num:  # it would stay too small
                self._blocks.remove(free[-1])
            block = _Block.of(num_bytes)
            if len(self._blocks) < self._num:
                self._blocks.append(block)
            return block.lend(num_bytes)


@dataclass(slots=True, eq=False)
class _Block:
    """Aligned memory, and the array over it that was handed out last.

    The base of that array is no array, but a `memoryview`. So NumPy makes the array itself the
    base of all views of it, and it lives as long as one of them does.
    """

    memory: memoryview
    size: int
    lent: "weakref.ref[Any] | None" = None

    @classmethod
    def of(cls, num_bytes: int) -> "_Block":
        array = np.empty(num_bytes + _ALIGNMENT, np.uint8)
        return cls(array[-array.ctypes.data % _ALIGNMENT :].data, num_bytes)

    @property
    def is_free(self) -> bool:
        return self.lent is None or self.lent() is None

    def lend(self, num_bytes: int) -> NDArray[np.uint8]:
        array: NDArray[np.uint8] = np.frombuffer(self.memory, np.uint8, num_bytes)
        self.lent = weakref.ref(array)
        return array
