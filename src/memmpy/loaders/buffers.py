"""Memory for windows that serves again, so that the kernel need not clear new pages for each."""

import weakref
from collections import deque
from contextlib import suppress
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

    Who keeps a batch keeps its memory, and the next window has another. Any thread may take, and
    there is no lock that an interrupt, a fork or the collector could leave taken: who looks at a
    block has taken it out of the others.

    Parameters
    ----------
    num : int
        How many blocks are kept for later; more are made where they are needed, and forgotten.
    """

    def __init__(self, num: int) -> None:
        self._num = num
        self._blocks: deque[_Block] = deque()

    def take(self, num_bytes: int) -> NDArray[np.uint8]:
        """Return that many bytes, whatever they hold, aligned to 64."""
        in_use: list[_Block] = []
        block = self._next(in_use)
        while block is not None and block.size < num_bytes:  # it would stay too small
            block = self._next(in_use)
        if block is None:
            block = _Block.of(num_bytes)
        taken = block.lend(num_bytes)
        # The first serves first, so that few are used where few are needed.
        self._blocks.extendleft([block, *reversed(in_use)])
        with suppress(IndexError):
            while len(self._blocks) > self._num:
                self._blocks.pop()
        return taken

    def _next(self, in_use: list["_Block"]) -> "_Block | None":
        """Take the next block that is free out of the others, and those before it."""
        while True:
            try:
                block = self._blocks.popleft()
            except IndexError:
                return None
            if block.is_free:
                return block
            in_use.append(block)


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
