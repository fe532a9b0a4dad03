"""Opens the baskets of a branch: where they lie, what their keys say, and their bytes.

uproot or the index of a tree finds the baskets and their entries. Baskets are decompressed without
the GIL, which is several times as fast in many threads.
"""

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from memmpy.sources.root.compression import PackedBytes, open_packed

__all__ = [
    "Basket",
    "PackedBasket",
    "baskets_of",
    "check_baskets",
    "check_owner",
    "embedded_bytes",
    "open_basket",
    "open_embedded",
    "ranges_of",
]

#: The key of a basket: bytes of it all, version, bytes decompressed, time, bytes of the key, cycle.
_KEY = struct.Struct(">ihiIhh")
#: Its end: version, size of a buffer, size of an entry, number of entries, end of the data.
_KEY_END = struct.Struct(">hiiii")
#: Keys of later versions have places of 8 bytes, not 4.
_LARGE_KEY = 1000


class Basket(NamedTuple):
    """The bytes of the entries of a basket, and num_entries + 1 offsets of the entries."""

    octets: NDArray[np.uint8]
    offsets: NDArray[np.integer[Any]] | None


@dataclass(frozen=True, slots=True)
class PackedBasket:
    """A basket that is still compressed. Its key and the headers of its blocks are checked.

    Parameters
    ----------
    num_bytes : int
        Bytes of its entries after decompression.
    unpack : callable
        Decompresses it. Raises a ValueError if it is damaged.
    """

    num_bytes: int
    unpack: Callable[[], Basket]


def embedded_bytes(branch: Any) -> int:
    """Return the bytes of the baskets of an uproot branch that are embedded in its tree.

    The sizes that ROOT writes for a branch do not count them. 0 if uproot cannot find them.
    """
    try:
        return sum(len(basket.data) for basket in branch.embedded_baskets)
    except Exception:  # noqa: BLE001 - uproot raises many kinds; `type_of` raises them as ours
        return 0


def baskets_of(branch: Any, start: int, stop: int) -> range:
    """Return the baskets that hold entries from `start` to `stop`."""
    edges = branch.entry_offsets
    first, last = bisect_right(edges, start) - 1, bisect_left(edges, stop)
    return range(first, max(first, last)) if start < stop else range(0)


def ranges_of(branch: Any, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the ranges of the baskets of some entries in the file, as (start, stop) in bytes.

    Baskets that are embedded in the tree have no range.
    """
    baskets = baskets_of(branch, start, stop)
    num_normal = len(branch.entry_offsets) - 1 - len(branch.embedded_baskets)
    seek, sizes = branch.member("fBasketSeek"), branch.member("fBasketBytes")
    normal = [i for i in baskets if i < num_normal]
    return [(int(seek[i]), int(seek[i]) + int(sizes[i])) for i in normal]


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


def open_basket(raw: memoryview) -> PackedBasket:
    """Check the key of a basket and the headers of its blocks; `unpack` decompresses it later.

    Raises
    ------
    ValueError, struct.error
        If the basket is damaged.
    """
    num_bytes, _, size, _, key_bytes, _ = _KEY.unpack_from(raw)
    end = _KEY_END.unpack_from(raw, key_bytes - _KEY_END.size - 1)[4]
    if num_bytes != len(raw) or not 0 <= end - key_bytes <= size:
        raise ValueError("the size of a basket differs from its key")
    # Checked now: the caller allocates memory by `num_bytes` before it decompresses.
    packed, border = open_packed(raw[key_bytes:], size), end - key_bytes
    return PackedBasket(border, partial(_unpack, packed, border, key_bytes))


def check_baskets(baskets: Iterable[memoryview]) -> None:
    """Raise a ValueError or a struct.error if one of several baskets is damaged."""
    for raw in baskets:
        open_basket(raw).unpack()


def open_embedded(basket: Any) -> PackedBasket:
    """Return a basket that uproot, or the index of a tree, holds decompressed."""
    octets = np.asarray(basket.data)
    return PackedBasket(len(octets), partial(Basket, octets, basket.byte_offsets))


def _unpack(packed: PackedBytes, border: int, key_bytes: int) -> Basket:
    octets = packed.unpack()
    if border == len(octets):
        return Basket(octets, None)
    # A count, the offset of each entry, and a last number without meaning.
    offsets = octets[border:].copy().view(">i4")[1:] - np.int32(key_bytes)
    offsets[-1] = border
    return Basket(octets[:border], offsets)
