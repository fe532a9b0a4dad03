"""The index of some branches of a TTree: enough to read them without the header of the tree."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.sources.root.baskets import Encoding
from memmpy.sources.root.branch_records import PlainRecord
from memmpy.sources.root.branches import Place
from memmpy.sources.root.leaves import number_of

__all__ = [
    "BranchIndex",
    "EmbeddedBasket",
    "TreeIndex",
    "index_of_branch",
    "index_of_record",
    "index_of_tree",
]

#: The titles of leaves without dimensions: ``x``, and ``x[n]`` for lists.
_TITLE = re.compile(r"[^\[\]]*(\[[A-Za-z_][\w.]*\])?")

#: Bytes of the index of a tree, at most, since a conversion has those of all files in memory.
_MAX_BYTES = 64 << 10


class EmbeddedBasket(NamedTuple):
    """The bytes of the entries of a basket inside of the tree, and the offsets of the entries."""

    data: NDArray[np.uint8]
    byte_offsets: NDArray[np.int32] | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class BranchIndex:
    """A branch that memmpy decodes, with those attributes of one of uproot that this needs.

    Parameters
    ----------
    name : str
        Its last name.
    type : ColumnType
        The type of its column.
    encoding : Encoding
        The encoding of its baskets.
    entry_offsets : array of int64
        The first entry of each basket, and the end of the last.
    seek, sizes : array of integers
        Where each basket is in the file, and its bytes.
    embedded_baskets : tuple of EmbeddedBasket
        The baskets that are inside of the tree; they come last.
    compressed_bytes, uncompressed_bytes : int
        Bytes of all other baskets in the file, and after decompression.
    """

    name: str
    type: ColumnType
    encoding: Encoding
    entry_offsets: NDArray[np.int64]
    seek: NDArray[np.int64]
    sizes: NDArray[np.int32]
    embedded_baskets: tuple[EmbeddedBasket, ...]
    compressed_bytes: int
    uncompressed_bytes: int

    @property
    def num_bytes(self) -> int:
        """Bytes of the index in memory."""
        embedded = [array for basket in self.embedded_baskets for array in basket]
        arrays = [self.entry_offsets, self.seek, self.sizes, *embedded]
        return sum(0 if array is None else array.nbytes for array in arrays)

    def basket(self, index: int) -> EmbeddedBasket:
        """Return an embedded basket, by its index among all baskets."""
        return self.embedded_baskets[index - len(self.seek)]

    def member(self, name: str) -> NDArray[np.integer[Any]]:
        """Return the places or sizes of the baskets by the name in ROOT."""
        return self.seek if name == "fBasketSeek" else self.sizes


@final
@dataclass(frozen=True, slots=True, eq=False)
class TreeIndex:
    """The index of some branches of a TTree, as a value that can be sent to any process.

    Parameters
    ----------
    tree : str
        Path of the tree in the file, with its cycle.
    num_entries : int
        Entries of the tree.
    branches : mapping of str to BranchIndex
        The branches by name.
    """

    tree: str
    num_entries: int
    branches: Mapping[str, BranchIndex]


def index_of_branch(
    place: Place, column_type: ColumnType, encoding: Encoding | None
) -> BranchIndex | None:
    """Return the index of a branch; None if only uproot reads it, or if it has several leaves."""
    branch = place.branch
    if encoding is None or place.leaves:
        return None
    embedded = tuple(
        EmbeddedBasket(np.array(basket.data), basket.byte_offsets)
        for basket in branch.embedded_baskets
    )
    offsets = np.array(branch.entry_offsets, np.int64)
    num = len(offsets) - 1 - len(embedded)
    seek, sizes = branch.member("fBasketSeek")[:num], branch.member("fBasketBytes")[:num]
    num_bytes = int(branch.compressed_bytes), int(branch.uncompressed_bytes)
    places = offsets, seek.astype(np.int64), sizes.astype(np.int32)
    return BranchIndex(branch.name, column_type, encoding, *places, embedded, *num_bytes)


def index_of_record(record: PlainRecord) -> BranchIndex | None:
    """Return the index of a branch; None if its leaf is no number or list of numbers.

    A title may also be any text. uproot knows what it means then.
    """
    leaf = record.leaf
    dtype = number_of(leaf.classname, is_unsigned=leaf.is_unsigned)
    title, is_list = _TITLE.fullmatch(leaf.title), leaf.has_counter
    if dtype is None or title is None or bool(title[1]) != is_list or leaf.length != 1:
        return None
    column_type = ColumnType("jagged" if is_list else "vector", dtype.newbyteorder("="))
    encoding = Encoding(dtype, (), 0 if is_list else None)
    places = record.entry_offsets, record.seek, record.sizes
    num_bytes = record.num_packed, record.num_unpacked
    return BranchIndex(record.name, column_type, encoding, *places, (), *num_bytes)


def index_of_tree(tree: str, num_entries: int, branches: Mapping[str, object]) -> TreeIndex | None:
    """Return the index of those branches that are a `BranchIndex`; None if it is large."""
    own = {name: one for name, one in branches.items() if isinstance(one, BranchIndex)}
    is_large = sum(one.num_bytes for one in own.values()) > _MAX_BYTES
    return None if is_large else TreeIndex(tree, num_entries, own)
