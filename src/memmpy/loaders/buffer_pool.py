"""A pool of buffers for chunks, so that the OS need not clear new pages for each chunk."""

import weakref
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["BufferPool"]

#: Buffers begin at a multiple of it: a cache line, and the widest vector.
_ALIGNMENT = 64


@final
class BufferPool:
    """Buffers, each reused once no array looks into it.

    A batch that is kept alive keeps its buffer, and the next chunk gets another one. Any thread may
    take. There is no lock that an interrupt, a fork or the garbage collector could leave locked: a
    thread that looks at a buffer has taken it out of the pool.

    Parameters
    ----------
    num : int
        Number of buffers that are kept. More are made if needed, and not kept.
    """

    def __init__(self, num: int) -> None:
        self._num = num
        self._buffers: deque[_Buffer] = deque()

    def take(self, num_bytes: int) -> NDArray[np.uint8]:
        """Return an uninitialised array of that many bytes, aligned to 64."""
        in_use: list[_Buffer] = []
        buffer = self._next(in_use)
        while buffer is not None and buffer.size < num_bytes:  # it would stay too small
            buffer = self._next(in_use)
        if buffer is None:
            buffer = _Buffer.of(num_bytes)
        array = buffer.lend(num_bytes)
        # The first is reused first, so that few are used if few are needed.
        self._buffers.extendleft([buffer, *reversed(in_use)])
        with suppress(IndexError):
            while len(self._buffers) > self._num:
                self._buffers.pop()
        return array

    def take_parts(self, sizes: Iterable[int]) -> tuple[NDArray[np.uint8], list[int]]:
        """Return a buffer for parts of these numbers of bytes, and where each starts, aligned."""
        starts, stop = [], 0
        for size in sizes:
            starts.append(stop)
            stop += -(-size // _ALIGNMENT) * _ALIGNMENT
        return self.take(stop), starts

    def _next(self, in_use: list["_Buffer"]) -> "_Buffer | None":
        """Take the next free buffer out of the pool, and those before it, which are in use."""
        while True:
            try:
                buffer = self._buffers.popleft()
            except IndexError:
                return None
            if buffer.is_free:
                return buffer
            in_use.append(buffer)


@dataclass(slots=True, eq=False)
class _Buffer:
    """Aligned memory, and the array over it that was handed out last.

    The base of that array is no array, but a `memoryview`. So NumPy makes the array itself the
    base of all views of it, and it lives as long as one of them does.
    """

    memory: memoryview
    size: int
    lent: "weakref.ref[Any] | None" = None

    @classmethod
    def of(cls, num_bytes: int) -> "_Buffer":
        array = np.empty(num_bytes + _ALIGNMENT, np.uint8)
        return cls(array[-array.ctypes.data % _ALIGNMENT :].data, num_bytes)

    @property
    def is_free(self) -> bool:
        return self.lent is None or self.lent() is None

    def lend(self, num_bytes: int) -> NDArray[np.uint8]:
        array: NDArray[np.uint8] = np.frombuffer(self.memory, np.uint8, num_bytes)
        self.lent = weakref.ref(array)
        return array
