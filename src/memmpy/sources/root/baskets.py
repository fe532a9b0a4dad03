"""Decodes baskets of plain numbers, lists of numbers and texts, each basket once.

uproot finds the baskets, their entries and the encoding of their numbers. This module decompresses
them without the GIL into one array, which is several times as fast in many threads. uproot decodes
all other branches. Tests check that both agree.
"""

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.jagged import Jagged
from memmpy.kernels import BYTES_MOVED, is_worth_compiling, offsets_of, strip_headers
from memmpy.sources.root.compression import decompress
from memmpy.sources.root.truncated import Truncation, fixed_shape, truncation_of
from memmpy.typing import Array

__all__ = [
    "Encoding",
    "NotDecodedError",
    "NotPlainError",
    "check_owner",
    "decode_baskets",
    "embedded_bytes",
    "encoding_of",
    "open_basket",
    "ranges_of",
]

#: The key of a basket: bytes of it all, version, bytes decompressed, time, bytes of the key, cycle.
_KEY = struct.Struct(">ihiIhh")
#: Its end: version, size of a buffer, size of an entry, number of entries, end of the data.
_KEY_END = struct.Struct(">hiiii")
#: Keys of later versions have places of 8 bytes, not 4.
_LARGE_KEY = 1000

#: Type number of `fBits` in a TLeafElement (arrays have 20 more), and the bit of an object with
#: references: two more bytes follow then, which uproot would read as items.
_BITS, _ARRAY, _IS_REFERENCED = 15, 20, 1 << 4


class NotPlainError(Exception):
    """Only uproot can read this basket."""


class NotDecodedError(Exception):
    """A branch cannot be decoded. The message continues a sentence about the branch."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of numbers in a basket.

    Parameters
    ----------
    dtype : np.dtype
        The dtype in the file, big endian.
    shape : tuple of int
        Shape of an entry, or of an item of a list.
    header : int or None
        Bytes before the items of each list; None if entries are no lists.
    is_text : bool
        Whether each list begins with its length: in one byte, or in four after the byte 255.
    truncation : Truncation or None
        The encoding of `Double32_t` and `Float16_t`; None for other types.
    is_bits : bool
        Whether the numbers are the bits of objects, `TObject.fBits`.
    """

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    header: int | None
    is_text: bool = False
    truncation: Truncation | None = None
    is_bits: bool = False

    @property
    def row_bytes(self) -> int:
        """Bytes of an entry, or of an item of a list."""
        return int(self.dtype.itemsize * np.prod(self.shape, dtype=np.int64))


def encoding_of(branch: Any) -> Encoding | None:
    """Return the encoding of an uproot branch of plain numbers, or None for other branches.

    Raises
    ------
    ValueError
        If the encoding of truncated numbers cannot be known.
    """
    import uproot

    truncation = truncation_of(branch)
    if truncation is not None:  # uproot misreads many of these
        [leaf] = branch.member("fLeaves")
        header = None if leaf.member("fLeafCount") is None else 0
        dtype, shape = truncation.stored
        return Encoding(dtype, fixed_shape(branch) + shape, header, truncation=truncation)
    interpretation, header = branch.interpretation, None
    if type(interpretation) is uproot.AsStrings and interpretation.length_bytes == "1-5":
        return Encoding(np.dtype(np.uint8), (), interpretation.header_bytes, is_text=True)
    if type(interpretation) is uproot.AsJagged:
        interpretation, header = interpretation.content, interpretation.header_bytes
    if type(interpretation) is not uproot.AsDtype:
        return None
    dtype, shape = np.dtype(interpretation.from_dtype).base, interpretation.inner_shape
    if dtype.names is not None or dtype.newbyteorder("=") != interpretation.to_dtype.base:
        return None
    kinds = {leaf.member("fType", none_if_missing=True) for leaf in branch.member("fLeaves")}
    return Encoding(dtype, tuple(shape), header, is_bits=kinds <= {_BITS, _BITS + _ARRAY})


def embedded_bytes(branch: Any) -> int:
    """Return the bytes of the baskets of an uproot branch that are embedded in its tree.

    The sizes that ROOT writes for a branch do not count them. 0 if uproot cannot find them.
    """
    try:
        return sum(len(basket.data) for basket in branch.embedded_baskets)
    except Exception:  # noqa: BLE001 - uproot raises many kinds; `type_of` raises them as ours
        return 0


def ranges_of(branch: Any, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the ranges of the baskets of some entries in the file, as (start, stop) in bytes.

    Baskets that are embedded in the tree have no range.
    """
    baskets = _baskets_of(branch, start, stop)
    num_normal = len(branch.entry_offsets) - 1 - len(branch.embedded_baskets)
    seek, sizes = branch.member("fBasketSeek"), branch.member("fBasketBytes")
    normal = [i for i in baskets if i < num_normal]
    return [(int(seek[i]), int(seek[i]) + int(sizes[i])) for i in normal]


def decode_baskets(
    branch: Any, encoding: Encoding, fetched: Sequence[memoryview], start: int, stop: int
) -> Array | Jagged:
    """Return entries of a branch, of shape (stop - start, ...), or as lists.

    Parameters
    ----------
    branch : uproot.TBranch
        The branch.
    encoding : Encoding
        Its encoding.
    fetched : sequence of memoryview
        The bytes at the `ranges_of` its baskets.
    start, stop : int
        The range of entries.

    Raises
    ------
    NotPlainError
        If a basket does not match the encoding.
    NotDecodedError
        If neither memmpy nor uproot can decode a basket.
    """
    baskets = _baskets_of(branch, start, stop)
    decoded = [open_basket(raw) for raw in fetched]
    # The last baskets of a file that was not closed are inside of the tree.
    decoded += [_of_uproot(branch.basket(i)) for i in baskets[len(fetched) :]]
    edges = branch.entry_offsets[baskets.start : baskets.stop + 1] if baskets else [start]
    first, last = start - edges[0], stop - edges[0]
    if encoding.header is None:
        return _values(encoding, _numbers(encoding, decoded, edges)[first:last])
    bounds = _bounds(decoded, edges)[first : last + 1]
    data = [basket.data for basket in decoded]
    if encoding.is_text:
        return _texts(_joined(data, np.dtype(np.uint8)), bounds, encoding.header)
    # By the bytes of the whole branch, since other parts of it follow.
    size = branch.uncompressed_bytes
    compiled = encoding.header > 0 and is_worth_compiling(size, least=BYTES_MOVED)
    return _lists(encoding, data, bounds, encoding.header, compiled=compiled)


def _baskets_of(branch: Any, start: int, stop: int) -> range:
    """Return the baskets that hold entries from `start` to `stop`."""
    edges = branch.entry_offsets
    first = int(np.searchsorted(edges, start, side="right")) - 1
    last = int(np.searchsorted(edges, stop, side="left"))
    return range(first, max(first, last)) if start < stop else range(0)


@dataclass(frozen=True, slots=True)
class Basket:
    """The bytes of the entries of a basket, and num_entries + 1 offsets of the entries."""

    data: NDArray[np.uint8]
    offsets: NDArray[np.integer[Any]] | None


def _numbers(encoding: Encoding, baskets: Sequence[Basket], edges: Sequence[int]) -> Array:
    """Return the entries of some baskets. `edges` has their first entries and the stop."""
    spans = list(zip(baskets, edges[:-1], edges[1:], strict=True))
    # Checked before the allocation, since a damaged file may claim any number of entries.
    if any(len(b.data) != (stop - start) * encoding.row_bytes for b, start, stop in spans):
        raise NotPlainError
    out = np.empty((edges[-1] - edges[0], *encoding.shape), encoding.dtype.newbyteorder("="))
    for basket, start, stop in spans:
        values = basket.data.view(encoding.dtype)
        out[start - edges[0] : stop - edges[0]] = values.reshape(stop - start, *encoding.shape)
    return out


def _bounds(baskets: Sequence[Basket], edges: Sequence[int]) -> NDArray[np.int64]:
    """Return the offset of each entry in the bytes of all baskets, and the end of the last."""
    spans = list(zip(baskets, edges[:-1], edges[1:], strict=True))
    if any(b.offsets is None or len(b.offsets) != stop - start + 1 for b, start, stop in spans):
        raise NotPlainError
    bounds = np.zeros(edges[-1] - edges[0] + 1, np.int64)
    base = 0
    for basket, start, stop in spans:
        offsets = basket.offsets
        if offsets is None or offsets[0] != 0:
            raise NotPlainError
        np.add(offsets[1:], base, out=bounds[start - edges[0] + 1 : stop - edges[0] + 1])
        base += len(basket.data)
    if np.any(bounds[1:] < bounds[:-1]) or bounds[-1] > base:
        raise NotPlainError
    return bounds


def _joined(data: Sequence[NDArray[np.uint8]], dtype: np.dtype[Any]) -> Array:
    """Return the bytes of all baskets as numbers in native byte order."""
    if any(len(octets) % dtype.itemsize for octets in data):
        raise NotPlainError
    num = sum(len(octets) for octets in data) // dtype.itemsize
    joined = np.empty(num, dtype.newbyteorder("="))
    start = 0
    for octets in data:
        stop = start + len(octets) // dtype.itemsize
        joined[start:stop] = octets.view(dtype)
        start = stop
    return joined


def _lists(
    encoding: Encoding,
    data: Sequence[NDArray[np.uint8]],
    bounds: NDArray[np.int64],
    header: int,
    *,
    compiled: bool,
) -> Jagged:
    """Return lists of numbers, each after a header; changes `bounds`."""
    if header:
        octets = _joined(data, np.dtype(np.uint8))
        try:  # checks that each list is there
            content = strip_headers(octets, bounds, header, encoding.dtype, compiled=compiled)
        except CorruptStoreError:
            raise NotPlainError from None
        bounds -= np.arange(bounds[0], bounds[0] + header * len(bounds), header)
    else:
        first, last = bounds[[0, -1]] // encoding.dtype.itemsize
        content = _joined(data, encoding.dtype)[first:last]
        bounds -= bounds[0]
    offsets = _divided(bounds, encoding.row_bytes)
    return Jagged.trusted(_values(encoding, content.reshape(-1, *encoding.shape)), offsets)


def _values(encoding: Encoding, numbers: Array) -> Array:
    if encoding.is_bits and np.any(numbers & _IS_REFERENCED):
        message = "holds the bits of objects that others refer to, which uproot cannot decode; "
        raise NotDecodedError(message + "leave it out")
    return numbers if encoding.truncation is None else encoding.truncation.unpack(numbers)


def _divided(ends: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return `ends` divided by `size`, without remainder; may change `ends`."""
    shift = size.bit_length() - 1
    if size == 1 << shift:  # several times as fast as to divide
        if np.bitwise_or.reduce(ends) & (size - 1):
            raise NotPlainError
        ends >>= shift
        return ends
    quotients = ends // size
    if np.any(quotients * size != ends):
        raise NotPlainError
    return quotients


def _texts(octets: NDArray[np.uint8], bounds: NDArray[np.int64], header: int) -> Jagged:
    """Return the bytes of texts. For an empty text, ROOT may not even write its length."""
    starts, stops = bounds[:-1] + header, bounds[1:]
    is_there = bounds[:-1] < stops
    if np.any(starts[is_there] >= stops[is_there]):
        raise NotPlainError
    counts = np.zeros(len(starts), np.int64)
    counts[is_there] = octets[starts[is_there]]
    is_long = counts == 255
    if np.any(stops[is_long] - starts[is_long] < 5):
        raise NotPlainError
    counts[is_long] = 0
    for i in range(1, 5):
        counts[is_long] = counts[is_long] << 8 | octets[starts[is_long] + i]
    starts += np.where(is_long, 5, is_there)
    if np.any((starts + counts != stops)[is_there]):
        raise NotPlainError
    offsets = offsets_of(counts)
    places = np.repeat(starts - offsets[:-1], counts) + np.arange(offsets[-1])
    return Jagged.trusted(octets[places], offsets)


def check_owner(
    branch: Any, baskets: Iterable[memoryview], is_branch: Callable[[str], bool]
) -> None:
    """Raise a ValueError if a basket is that of another branch of the tree.

    A branch that was renamed has baskets with its former name.
    """
    for name in {_owner_of(raw) for raw in baskets} - {branch.name}:
        if is_branch(name):
            raise ValueError(f"a basket of branch {branch.name!r} is one of {name!r}")


def _owner_of(raw: memoryview) -> str:
    """Return the name of the branch in the key of a basket: after the name of the class."""
    place = 34 if _KEY.unpack_from(raw)[1] > _LARGE_KEY else 26
    place += 1 + raw[place]
    size, place = raw[place], place + 1
    if size == 255:
        size, place = int.from_bytes(raw[place : place + 4], "big"), place + 4
    return bytes(raw[place : place + size]).decode(errors="surrogateescape")


def open_basket(raw: memoryview) -> Basket:
    """Return the content of a basket.

    Raises
    ------
    ValueError, struct.error
        If the basket is damaged.
    """
    num_bytes, _, size, _, key_bytes, _ = _KEY.unpack_from(raw)
    end = _KEY_END.unpack_from(raw, key_bytes - _KEY_END.size - 1)[4]
    if num_bytes != len(raw) or not 0 <= end - key_bytes <= size:
        raise ValueError("the size of a basket differs from its key")
    packed, border = raw[key_bytes:], end - key_bytes
    is_packed = len(packed) != size
    octets = decompress(packed, size) if is_packed else np.frombuffer(packed, np.uint8)
    if border == size:
        return Basket(octets, None)
    # A count, the offset of each entry, and a last number without meaning.
    offsets = octets[border:].view(">i4")[1:] - np.int32(key_bytes)
    offsets[-1] = border
    return Basket(octets[:border], offsets)


def _of_uproot(basket: Any) -> Basket:
    return Basket(np.asarray(basket.data), basket.byte_offsets)
