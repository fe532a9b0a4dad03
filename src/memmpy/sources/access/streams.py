"""Turns a `ByteSource` into a seekable stream, for libraries such as pyarrow and h5py."""

import io
import os
from functools import lru_cache, partial
from typing import TYPE_CHECKING, BinaryIO, final

from memmpy.errors import InputFileError
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.urls import is_url

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

__all__ = ["stream_of"]

#: Size of a block of read-ahead behind a URL, and the number of blocks to keep.
BLOCK = 4 << 20
NUM_BLOCKS = 8


def stream_of(source: ByteSource) -> BinaryIO:
    """Return a file as a seekable stream of bytes, for one thread at a time.

    Behind a URL, small reads come from blocks that are read ahead; the last 32 MiB are kept. The
    source may have several streams, and stays open when they are closed.
    """
    return io.BufferedReader(_Stream(source))


@final
class _Stream(io.RawIOBase):
    """A source with a position."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._position = 0
        self._reads_ahead = is_url(source.path)
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
            message = f"cannot seek to {offset} with whence={whence}"
            raise InputFileError(f"{self._source.path!r} is damaged: {message}")
        self._position = starts[whence] + offset
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        start, stop = self._position, min(self._position + len(view), self._source.size)
        if start >= stop:
            return 0
        content: bytes | memoryview
        if self._reads_ahead and stop - start < BLOCK:
            number, at = divmod(start, BLOCK)
            content = self._block(number)[at : at + stop - start]
        else:
            [content] = self._source.read_many([(start, stop)])
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def readall(self) -> bytes:
        content = self._source.read(min(self._position, self._source.size), self._source.size)
        self._position += len(content)
        return content

    def close(self) -> None:
        self._block.cache_clear()
        super().close()


def _read_block(source: ByteSource, number: int) -> bytes:
    start = number * BLOCK
    return source.read(start, min(start + BLOCK, source.size))
