"""Decompresses blocks of ROOT files to at most the number of bytes in their headers."""

import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import cramjam
import numpy as np
import xxhash
from numpy.typing import NDArray

try:
    from isal.isal_zlib import decompressobj
except ImportError:  # isal has no wheel for this processor
    from zlib import decompressobj  # type: ignore[assignment]  # its attributes are the same

__all__ = ["PackedBlock", "decompress", "decompress_blocks", "split_blocks"]

#: Before each block: algorithm, method, bytes compressed and decompressed (3 each, little endian).
_HEADER = 9
#: Bytes of the XXH64 in front of an LZ4 block.
_LZ4_CHECKSUM = 8
#: Memory limit of LZMA. The highest level of ROOT needs 65 MiB.
_LZMA_BYTES = 128 << 20

Octets: TypeAlias = NDArray[np.uint8]


class PackedBlock(NamedTuple):
    """A compressed block: its algorithm, its content, and its size after decompression."""

    algorithm: bytes
    content: memoryview
    num_bytes: int


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
    return decompress_blocks(split_blocks(packed, size))


def decompress_blocks(blocks: Sequence[PackedBlock]) -> Octets:
    """Return the decompressed bytes of the result of `split_blocks`; see `decompress`."""
    if len(blocks) == 1:
        return _decompressed(*blocks[0])
    out = np.empty(sum(block.num_bytes for block in blocks), np.uint8)
    start = 0
    for block in blocks:
        out[start : start + block.num_bytes] = _decompressed(*block)
        start += block.num_bytes
    return out


def split_blocks(packed: memoryview, size: int) -> list[PackedBlock]:
    """Return the blocks, after a check of their size by their headers; see `decompress`."""
    blocks: list[PackedBlock] = []
    at = total = 0
    while total < size:
        header = packed[at : at + _HEADER]
        stop = at + _HEADER + int.from_bytes(header[3:6], "little")
        num_bytes = int.from_bytes(header[6:9], "little")
        if len(header) < _HEADER or stop > len(packed):
            raise ValueError(f"it has only {total} of {size} bytes")
        blocks.append(PackedBlock(bytes(header[:2]), packed[at + _HEADER : stop], num_bytes))
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
