"""Files as seekable streams, for readers such as pyarrow and h5py."""

import io
import os
from functools import lru_cache, partial
from typing import TYPE_CHECKING, BinaryIO, final

from memmpy.errors import OptionError
from memmpy.inputs.bytes import ByteSource, opened
from memmpy.inputs.locations import describe
from memmpy.inputs.urls import is_url

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["open_binary"]

#: What is read ahead for small reads of a file behind a URL, and how many such blocks are kept.
BLOCK = 4 << 20
NUM_BLOCKS = 8


def open_binary(path: str) -> BinaryIO:
    """Return a file as a seekable stream of bytes, for one thread at a time.

    Small reads behind a URL are served from blocks that are read ahead; the last ones are kept,
    32 MiB in all. Reads are made again where the network fails.

    Raises
    ------
    MissingFileError, UnreadableError, InputFileError
        As `describe` does.
    """
    if is_url(path):
        return io.BufferedReader(_Stream(ByteSource(path)))
    return io.BufferedReader(opened(describe(path).path))


@final
class _Stream(io.RawIOBase):
    """A source read from a position on."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0
        self._block = lru_cache(NUM_BLOCKS)(partial(_read_block, source))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._source.size}
        if whence not in starts or starts[whence] + offset < 0:
            raise OptionError(f"cannot seek to {offset} with whence={whence}")
        self._position = starts[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        start, stop = self._position, min(self._position + len(view), self._source.size)
        if start >= stop:
            return 0
        if stop - start >= BLOCK:
            content = self._source.read(start, stop)
        else:
            number, at = divmod(start, BLOCK)
            content = self._block(number)[at : at + stop - start]
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def readall(self) -> bytes:
        content = self._source.read(min(self._position, self._source.size), self._source.size)
        self._position += len(content)
        return content

    def close(self) -> None:
        if not self.closed:
            self._block.cache_clear()
            self._source.close()
        super().close()


def _read_block(source: ByteSource, number: int) -> bytes:
    start = number * BLOCK
    return source.read(start, min(start + BLOCK, source.size))
