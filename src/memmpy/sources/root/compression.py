"""Decompresses blocks of ROOT files to at most the number of bytes in their headers."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, final

import cramjam
import numpy as np
import xxhash
from numpy.typing import NDArray

try:
    from isal.isal_zlib import decompressobj
except ImportError:  # isal has no wheel for this processor
    from zlib import decompressobj  # type: ignore[assignment]  # its attributes are the same

__all__ = ["PackedBytes", "decompress", "open_packed"]

#: Before each block: algorithm, method, bytes compressed and decompressed (3 each, little endian).
_HEADER = 9
#: Bytes of the XXH64 in front of an LZ4 block.
_LZ4_CHECKSUM = 8
#: Memory limit of LZMA. The highest level of ROOT needs 65 MiB.
_LZMA_BYTES = 128 << 20

Octets: TypeAlias = NDArray[np.uint8]


class _Block(NamedTuple):
    """A compressed block: its algorithm, its content, and its size after decompression."""

    algorithm: bytes
    content: memoryview
    num_bytes: int


@final
@dataclass(frozen=True, slots=True)
class PackedBytes:
    """Bytes of a file that are still compressed, or that were written as they are.

    Parameters
    ----------
    content : memoryview or list
        The bytes, or the compressed blocks. The sizes in the headers of blocks are checked.
    """

    content: memoryview | list[_Block]

    def unpack(self) -> Octets:
        """Return the decompressed bytes. Raises a ValueError if they are damaged."""
        if isinstance(self.content, list):
            return _joined(self.content)
        # Copied to aligned memory, where NumPy swaps bytes up to four times as fast.
        return np.array(np.frombuffer(self.content, np.uint8))


def open_packed(packed: memoryview, size: int) -> PackedBytes:
    """Check the headers of bytes that decompress to `size` bytes; `unpack` does that later.

    Bytes of just this size are not compressed.

    Raises
    ------
    ValueError
        If the compressed blocks have another size by their headers.
    """
    return PackedBytes(packed if len(packed) == size else _split(packed, size))


def decompress(packed: memoryview, size: int) -> Octets:
    """Return the decompressed bytes of some blocks.

    A block has less than 16 MiB, so that a damaged size allocates no more than this in advance.

    Parameters
    ----------
    packed : memoryview
        The blocks. As in ROOT, bytes after the last block are ignored.
    size : int
        Decompressed bytes of all blocks, as in the key of the object.

    Raises
    ------
    ValueError
        If the blocks have more or fewer bytes, or are damaged.
    """
    return _joined(_split(packed, size))


def _joined(blocks: Sequence[_Block]) -> Octets:
    """Return the decompressed bytes of all blocks."""
    if len(blocks) == 1:
        return _decompressed(*blocks[0])
    out = np.empty(sum(block.num_bytes for block in blocks), np.uint8)
    start = 0
    for block in blocks:
        out[start : start + block.num_bytes] = _decompressed(*block)
        start += block.num_bytes
    return out


def _split(packed: memoryview, size: int) -> list[_Block]:
    """Return the blocks, after a check of their size by their headers; see `decompress`."""
    blocks: list[_Block] = []
    at = total = 0
    while total < size:
        header = packed[at : at + _HEADER]
        stop = at + _HEADER + int.from_bytes(header[3:6], "little")
        num_bytes = int.from_bytes(header[6:9], "little")
        if len(header) < _HEADER or stop > len(packed):
            raise ValueError(f"it has only {total} of {size} bytes")
        blocks.append(_Block(bytes(header[:2]), packed[at + _HEADER : stop], num_bytes))
        at, total = stop, total + num_bytes
    if total != size:
        raise ValueError(f"its compressed blocks hold {total} bytes, not the {size} expected")
    return blocks


def _decompressed(algorithm: bytes, content: memoryview, num_bytes: int) -> Octets:
    if algorithm not in _ALGORITHMS:
        raise ValueError(f"there is no compression algorithm {algorithm!r}")
    try:
        out = _ALGORITHMS[algorithm](content, num_bytes)
    except ValueError:
        raise
    except Exception as error:
        # Each library has its own errors.
        raise ValueError(f"{algorithm.decode()} cannot be decompressed: {error}") from error
    if len(out) != num_bytes:
        size = "more" if len(out) > num_bytes else str(len(out))
        raise ValueError(f"a compressed block holds {size} bytes, not the {num_bytes} expected")
    return out


def _zlib(content: memoryview, num_bytes: int) -> Octets:
    return _streamed(decompressobj(), content, num_bytes)


def _old_zlib(content: memoryview, num_bytes: int) -> Octets:
    """Decompress a block of ROOT 1 to 5, without header and checksum of zlib."""
    return _streamed(zlib.decompressobj(-zlib.MAX_WBITS), content, num_bytes)


def _lzma(content: memoryview, num_bytes: int) -> Octets:
    import lzma  # some builds of Python lack it

    return _streamed(lzma.LZMADecompressor(memlimit=_LZMA_BYTES), content, num_bytes)


def _streamed(decompressor: Any, content: memoryview, num_bytes: int) -> Octets:
    # One byte more detects an excess, and makes the stream check its checksum.
    out = np.frombuffer(decompressor.decompress(content, num_bytes + 1), np.uint8)
    if len(out) <= num_bytes and not decompressor.eof:
        raise ValueError("a compressed block ends too early")
    return out


def _lz4(content: memoryview, num_bytes: int) -> Octets:
    checksum, content = content[:_LZ4_CHECKSUM], content[_LZ4_CHECKSUM:]
    if xxhash.xxh64_digest(content) != bytes(checksum):
        raise ValueError("the checksum of a compressed block is not that of its bytes")
    out = np.empty(num_bytes, np.uint8)
    return out[: cramjam.lz4.decompress_block_into(content, out.data)]


def _zstd(content: memoryview, num_bytes: int) -> Octets:
    out = np.empty(num_bytes, np.uint8)
    return out[: cramjam.zstd.decompress_into(content, out.data)]


_ALGORITHMS: dict[bytes, Callable[[memoryview, int], Octets]] = {
    b"ZL": _zlib,
    b"CS": _old_zlib,
    b"XZ": _lzma,
    b"L4": _lz4,
    b"ZS": _zstd,
}
