"""Decodes baskets of plain numbers, lists of numbers and texts, each basket once.

uproot tells the encoding of the numbers in a branch, and decodes all branches that memmpy does not.
Tests check that both agree.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias, final

import numpy as np
import xxhash
from numpy.typing import NDArray

from memmpy.errors import CorruptStoreError
from memmpy.jagged import Jagged
from memmpy.kernels import BYTES_MOVED, is_worth_compiling, offsets_of, strip_headers
from memmpy.sources.root.packed_baskets import (
    Basket,
    PackedBasket,
    baskets_of,
    open_basket,
    open_embedded,
)
from memmpy.sources.root.truncated import Truncation, fixed_shape, truncation_of
from memmpy.typing import Array

__all__ = ["BasketDecoder", "Encoding", "NotDecodedError", "NotPlainError", "encoding_of"]

#: Type number of `fBits` in a TLeafElement (arrays have 20 more), and the bit of an object with
#: references: two more bytes follow then, which uproot would read as items.
_BITS, _ARRAY, _IS_REFERENCED = 15, 20, 1 << 4

#: The offsets of the entries in each of several baskets, in bytes.
_ByteOffsets: TypeAlias = list[NDArray[np.integer[Any]]]


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
        return self.dtype.itemsize * math.prod(self.shape)


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


@final
class BasketDecoder:
    """Decodes the entries `start` to `stop` of branches of a tree.

    Branches whose lists have the same lengths, as those of a collection, share one array of offsets
    if the range begins and ends where baskets do.

    Parameters
    ----------
    start, stop : int
        The range of entries.
    """

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        # By the bytes of a header and of an item, and the edges and hashes of baskets.
        self._known: dict[tuple[object, ...], list[tuple[_ByteOffsets, NDArray[np.int64]]]] = {}

    def decode(
        self, branch: Any, encoding: Encoding, fetched: Sequence[memoryview]
    ) -> Array | Jagged:
        """Return the entries of a branch, of shape (stop - start, ...), or as lists.

        Parameters
        ----------
        branch : uproot.TBranch
            The branch.
        encoding : Encoding
            Its encoding.
        fetched : sequence of memoryview
            The bytes at the `ranges_of` its baskets.

        Raises
        ------
        NotPlainError
            If a basket does not match the encoding.
        NotDecodedError
            If neither memmpy nor uproot can decode a basket.
        """
        indices = baskets_of(branch, self.start, self.stop)
        # The last baskets of a file that was not closed are inside of the tree.
        embedded = [branch.basket(i) for i in indices[len(fetched) :]]
        baskets = [*map(open_basket, fetched), *map(open_embedded, embedded)]
        ends = branch.entry_offsets[indices.start : indices.stop + 1] if indices else [self.start]
        edges = [int(edge) for edge in ends]
        if encoding.header is None:
            numbers = _numbers(encoding, baskets, edges)
            return _values(encoding, numbers[self.start - edges[0] : self.stop - edges[0]])
        if encoding.is_text:
            as_bytes = Encoding(np.dtype(np.uint8), (), 0)
            octets, bounds = self._lists(as_bytes, baskets, edges, compiled=False)
            return _texts(octets, bounds, encoding.header)
        # By the bytes of the whole branch, since other parts of it follow.
        size = branch.uncompressed_bytes
        compiled = encoding.header > 0 and is_worth_compiling(size, least=BYTES_MOVED)
        content, offsets = self._lists(encoding, baskets, edges, compiled=compiled)
        content = _values(encoding, content.reshape(-1, *encoding.shape))
        return Jagged.trusted(content, offsets)

    def _lists(
        self,
        encoding: Encoding,
        baskets: Sequence[PackedBasket],
        edges: Sequence[int],
        *,
        compiled: bool,
    ) -> tuple[Array, NDArray[np.int64]]:
        """Return the numbers of all lists, and the offsets of the lists in items."""
        dtype, header = encoding.dtype, encoding.header or 0
        counts = [stop - start for start, stop in pairwise(edges)]
        sizes = [b.num_bytes - header * num for b, num in zip(baskets, counts, strict=True)]
        # Checked before the allocation, since a damaged file may claim any number of entries.
        if any(not 0 <= size <= b.num_bytes for b, size in zip(baskets, sizes, strict=True)):
            raise NotPlainError
        numbers = np.empty(sum(sizes) // dtype.itemsize, dtype.newbyteorder("="))
        at, byte_offsets = 0, []
        for packed, count in zip(baskets, counts, strict=True):
            basket = packed.unpack()
            offsets_of_basket = _offsets_in(basket, count)
            items = _items(basket.octets, offsets_of_basket, header, dtype, compiled=compiled)
            numbers[at : at + len(items)] = items
            at += len(items)
            byte_offsets.append(offsets_of_basket)
        offsets = self._shared_offsets(byte_offsets, edges, header, encoding.row_bytes)
        # The entries asked for, counted from the first one in these baskets.
        first, last = self.start - edges[0], self.stop - edges[0]
        if (first, last) != (0, len(offsets) - 1):
            offsets = offsets[first : last + 1]
            per_item = encoding.row_bytes // dtype.itemsize
            # Copied, since the rest of large baskets would stay in memory.
            numbers = numbers[per_item * offsets[0] : per_item * offsets[-1]].copy()
            offsets = offsets - offsets[0]
        return numbers, offsets

    def _shared_offsets(
        self, byte_offsets: _ByteOffsets, edges: Sequence[int], header: int, item_bytes: int
    ) -> NDArray[np.int64]:
        """Return the offsets of all lists in items; for equal byte offsets the same array again."""
        # Without the hashes, each branch would be compared with all before it.
        hashes = [xxhash.xxh3_64_intdigest(own.data) for own in byte_offsets]
        known = self._known.setdefault((header, item_bytes, *edges, *hashes), [])
        for former, offsets in known:
            if all(map(np.array_equal, former, byte_offsets)):
                return offsets
        offsets, at = np.zeros(edges[-1] - edges[0] + 1, np.int64), 0
        for own in byte_offsets:
            ends = own - header * np.arange(len(own), dtype=np.int32) if header else own
            items = _divided(ends, item_bytes)
            if np.any(items[1:] < items[:-1]):
                raise NotPlainError
            stop = at + len(items)
            np.add(items[1:], offsets[at], out=offsets[at + 1 : stop])
            at = stop - 1
        known.append((byte_offsets, offsets))
        return offsets


def _numbers(encoding: Encoding, baskets: Sequence[PackedBasket], edges: Sequence[int]) -> Array:
    """Return the entries of some baskets. `edges` has their first entries and the stop."""
    spans = list(zip(baskets, edges[:-1], edges[1:], strict=True))
    # Checked before the allocation, since a damaged file may claim any number of entries.
    if any(b.num_bytes != (stop - start) * encoding.row_bytes for b, start, stop in spans):
        raise NotPlainError
    out = np.empty((edges[-1] - edges[0], *encoding.shape), encoding.dtype.newbyteorder("="))
    for basket, start, stop in spans:
        values = basket.unpack().octets.view(encoding.dtype)
        out[start - edges[0] : stop - edges[0]] = values.reshape(stop - start, *encoding.shape)
    return out


def _offsets_in(basket: Basket, num_entries: int) -> NDArray[np.integer[Any]]:
    """Return the offsets of the entries in a basket."""
    octets, offsets = basket
    if offsets is None or len(offsets) != num_entries + 1:
        raise NotPlainError
    if offsets[0] != 0 or offsets[-1] != len(octets):
        raise NotPlainError
    return offsets


def _items(
    octets: NDArray[np.uint8],
    offsets: NDArray[np.integer[Any]],
    header: int,
    dtype: np.dtype[Any],
    *,
    compiled: bool,
) -> Array:
    """Return the items of lists that each begin with a header."""
    if header:
        try:
            return strip_headers(octets, offsets, header, dtype, compiled=compiled)
        except CorruptStoreError:
            raise NotPlainError from None
    if len(octets) % dtype.itemsize:
        raise NotPlainError
    return octets.view(dtype)


def _values(encoding: Encoding, numbers: Array) -> Array:
    """Return numbers as the column holds them, truncated ones unpacked."""
    if encoding.is_bits and np.any(numbers & _IS_REFERENCED):
        message = "holds the bits of objects that others refer to, which uproot cannot decode; "
        raise NotDecodedError(message + "leave it out")
    return numbers if encoding.truncation is None else encoding.truncation.unpack(numbers)


def _divided(ends: NDArray[np.integer[Any]], size: int) -> NDArray[np.integer[Any]]:
    """Return `ends` divided by `size`, without remainder."""
    shift = size.bit_length() - 1
    if size == 1 << shift:  # several times as fast as to divide
        if np.bitwise_or.reduce(ends) & (size - 1):
            raise NotPlainError
        return ends >> shift
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
