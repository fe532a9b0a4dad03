"""Decodes the pages of columns of an RNTuple."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.sources.root.ntuple_records import ColumnDescription
from memmpy.typing import Array

__all__ = ["CHAR", "ColumnEncoding", "decode_page", "encoding_of_column", "page_bytes"]


@dataclass(frozen=True, slots=True)
class ColumnEncoding:
    """The encoding of the values of a column.

    Parameters
    ----------
    dtype : np.dtype
        The dtype of the values.
    is_split : bool
        Whether the first bytes of all values come first, then all second bytes, and so on.
    is_zigzag : bool
        Whether the sign is in the lowest bit.
    is_index : bool
        Whether the values are the ends of lists, counted from the begin of the cluster.
    is_delta : bool
        Whether each value of a page is the difference to the one before.
    num_bits : int
        Bits of a value, if values are packed; else 0.
    scale : (float, float, int) or None
        The range of quantised numbers and the integer of its end.
    """

    dtype: np.dtype[Any]
    is_split: bool = False
    is_zigzag: bool = False
    is_index: bool = False
    is_delta: bool = False
    num_bits: int = 0
    scale: tuple[float, float, int] | None = None


CHAR = 0x02
_BIT, _SWITCH, _TRUNCATED, _QUANTISED = 0x00, 0x10, 0x1C, 0x1D
#: Type of a column to dtype, for those that are stored as they are, and for those that are split.
_NUMBERS = ["i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "i4", "i8"]
_PLAIN = dict(zip(range(0x01, 0x10), ["u1", "u1", "i1", "u1", *_NUMBERS], strict=True))
_SPLIT = dict(zip(range(0x11, 0x1C), _NUMBERS, strict=True))
_INDICES, _DELTAS = {0x0E, 0x0F, 0x1A, 0x1B}, {0x1A, 0x1B}
#: Bits of the least and the largest packed float.
_MIN_TRUNCATED, _MAX_BITS = 10, 32


def encoding_of_column(column: ColumnDescription) -> ColumnEncoding | None:
    """Return the encoding of a column, or None if only uproot may know it."""
    kind, bits = column.kind, column.num_bits
    if kind == _BIT:
        return ColumnEncoding(np.dtype(np.bool_), num_bits=1) if bits == 1 else None
    if kind == _TRUNCATED and _MIN_TRUNCATED <= bits < _MAX_BITS:
        return ColumnEncoding(np.dtype(np.float32), num_bits=bits)
    if kind == _QUANTISED and 1 <= bits <= _MAX_BITS:
        scale = column.low, column.high, (1 << bits) - 1
        return ColumnEncoding(np.dtype(np.float32), num_bits=bits, scale=scale)
    is_split = kind in _SPLIT
    name = _SPLIT.get(kind) or _PLAIN.get(kind)
    if name is None or np.dtype(name).itemsize * 8 != bits:
        return None
    is_index = kind in _INDICES
    is_zigzag = is_split and not is_index and name[0] == "i"
    return ColumnEncoding(np.dtype(name), is_split, is_zigzag, is_index, kind in _DELTAS)


def page_bytes(encoding: ColumnEncoding, num: int) -> int:
    """Return the bytes of a page of `num` values after decompression."""
    bits = encoding.num_bits or encoding.dtype.itemsize * 8
    return (num * bits + 7) // 8


def decode_page(encoding: ColumnEncoding, octets: NDArray[np.uint8], out: Array) -> None:
    """Write the values of a page into an array of as many values."""
    dtype, num = encoding.dtype, len(out)
    if encoding.num_bits:
        out[...] = _unpacked(encoding, octets, num)
        return
    if encoding.is_split:
        _join_planes(octets.reshape(dtype.itemsize, num), out.view(f"u{dtype.itemsize}"))
    else:
        out[...] = octets.view(dtype.newbyteorder("<"))
    if encoding.is_zigzag:
        bits = out.view(f"u{dtype.itemsize}")
        signs = bits & 1
        bits >>= 1
        np.negative(signs, out=signs)
        bits ^= signs
    elif encoding.is_delta:
        np.cumsum(out, out=out)


def _join_planes(planes: NDArray[np.uint8], out: Array) -> None:
    """Join the first bytes of all words, their second bytes, and so on, to words."""
    top = len(planes) - 1
    while top and not planes[top].max(initial=0):  # of small integers, the high bytes are zero
        top -= 1
    out[...] = planes[top]
    for plane in planes[:top][::-1]:
        out <<= 8
        out |= plane


def _unpacked(encoding: ColumnEncoding, octets: NDArray[np.uint8], num: int) -> Array:
    """Return values of a few bits each, the lowest bit first."""
    width = encoding.num_bits
    if width == 1 and encoding.dtype == np.bool_:
        bits: Array = np.unpackbits(octets, count=num, bitorder="little").view(np.bool_)
        return bits
    # Each value is in the 8 bytes that begin with its first bit.
    padded = np.zeros(len(octets) + 8, np.uint8)
    padded[: len(octets)] = octets
    first = np.arange(num, dtype=np.int64) * width
    words = np.zeros(num, np.uint64)
    for i in range(5):
        words |= padded[(first >> 3) + i].astype(np.uint64) << np.uint64(8 * i)
    words >>= (first & 7).astype(np.uint64)
    values = (words & np.uint64((1 << width) - 1)).astype(np.uint32)
    if encoding.scale is None:
        values <<= np.uint32(_MAX_BITS - width)
        floats: Array = values.view(np.float32)
        return floats
    low, high, largest = encoding.scale
    return np.asarray(low + values * (high - low) / largest, np.float32)  # in the order of uproot
