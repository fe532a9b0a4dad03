"""CRC-32 of arrays, computed at once or combined from the CRCs of parts."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from memmpy.typing import Array

try:
    from isal.isal_zlib import crc32
except ImportError:  # isal has no wheel for this processor
    from zlib import crc32

__all__ = ["bytes_of", "combine_crc", "crc_of", "crc_of_text", "crc_text"]

#: The polynomial of CRC-32, with the lowest power in the highest bit.
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
#: Bytes of one call of `crc32`.
_STEP_BYTES = 2**26  # 64 MiB


def crc_of(values: Array | bytes | memoryview, crc: int = 0) -> int:
    """Return the CRC-32 of values in C order; `crc` is that of the bytes before them."""
    data = values if isinstance(values, bytes | memoryview) else bytes_of(values)
    for start in range(0, len(data), _STEP_BYTES):
        crc = crc32(data[start : start + _STEP_BYTES], crc)
    return crc


def combine_crc(first: int, second: int, num_bytes: int) -> int:
    """Return the CRC-32 of two joined parts from their CRCs; the second part has `num_bytes`.

    A CRC is the remainder of the data as a polynomial over GF(2). Appending `num_bytes` multiplies
    the polynomial of the first part by x to the power of their number of bits.
    """
    return _times(_power(num_bytes), first) ^ second


def crc_text(crc: int) -> str:
    """Return a CRC-32 as the text of `ArrayRecord.checksum`."""
    return f"crc32:{crc:08x}"


def crc_of_text(text: str) -> int:
    """Return the CRC-32 of a text that `crc_text` wrote, or -1 for any other text."""
    try:
        crc = int(text.removeprefix("crc32:"), 16)
    except ValueError:
        return -1
    return crc if crc_text(crc) == text else -1


def bytes_of(values: Array) -> memoryview:
    """Return the bytes of an array in C order, copied only if they have another order."""
    flat: NDArray[np.uint8] = np.ascontiguousarray(values).reshape(-1).view(np.uint8)
    return flat.data


def _times(a: int, b: int) -> int:
    """Return the product of two polynomials modulo the polynomial of the CRC."""
    product, power = 0, _ONE
    while power:
        if a & power:
            product ^= b
        power >>= 1
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


@lru_cache(maxsize=4096)
def _power(num_bytes: int) -> int:
    """Return x to the power of 8 * `num_bytes`, modulo the polynomial of the CRC."""
    result, square = _ONE, 1 << 23  # x**0 and x**8
    while num_bytes:
        if num_bytes & 1:
            result = _times(square, result)
        square = _times(square, square)
        num_bytes >>= 1
    return result
