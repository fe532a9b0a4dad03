"""CRC-32 of values, in one go or joined from those of their pieces."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

try:
    from isal.isal_zlib import crc32
except ImportError:  # no wheel for this processor
    from zlib import crc32

__all__ = ["bytes_of", "crc_of", "crc_of_text", "crc_text", "joined_crc"]

#: The polynomial of CRC-32, lowest power first in the highest bit.
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
#: Bytes that are added to a checksum at a time.
_PIECE_BYTES = 2**26  # 64 MiB


def crc_of(values: Array | bytes | memoryview, crc: int = 0) -> int:
    """Return the CRC-32 of values in C order, going on from that of what stands before them."""
    data = values if isinstance(values, bytes | memoryview) else bytes_of(values)
    for start in range(0, len(data), _PIECE_BYTES):
        crc = crc32(data[start : start + _PIECE_BYTES], crc)
    return crc


def joined_crc(first: int, second: int, num_bytes: int) -> int:
    """Return the CRC-32 of two pieces joined, of which the second has `num_bytes`.

    A CRC is the remainder of the data, taken as a polynomial over GF(2). To put `num_bytes` behind
    the first piece multiplies it by x to the power of their bits.
    """
    return _times(_power(num_bytes), first) ^ second


def crc_text(crc: int) -> str:
    """Return a checksum as an `ArrayRecord` has it."""
    return f"crc32:{crc:08x}"


def crc_of_text(text: str) -> int:
    """Return the CRC-32 that `crc_text` wrote; less than 0, as none is, for any other text."""
    try:
        crc = int(text.removeprefix("crc32:"), 16)
    except ValueError:
        return -1
    return crc if crc_text(crc) == text else -1


def bytes_of(values: Array) -> memoryview:
    """Return the bytes of an array in C order, without a copy where they lie so."""
    flat: NDArray[np.uint8] = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return flat.data


def _times(a: int, b: int) -> int:
    """Return the product of two polynomials modulo that of the CRC."""
    product, power = 0, _ONE
    while power:
        if a & power:
            product ^= b
        power >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


@lru_cache(maxsize=4096)
def _power(num_bytes: int) -> int:
    """Return x to the power of the bits of `num_bytes`, modulo the polynomial of the CRC."""
    result, square = _ONE, 1 << 23  # x**0 and x**8
    while num_bytes:
        if num_bytes & 1:
            result = _times(square, result)
        square = _times(square, square)
        num_bytes >>= 1
    return result
