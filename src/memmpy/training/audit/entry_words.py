"""A 64-bit hash of each entry of a column: equal entries have equal hashes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ReadJagged, ReadNested, ReadShaped, ReadText, StoredColumn
from memmpy.jagged import Jagged
from memmpy.kernels import GOLDEN, Words, absorb, derive_key
from memmpy.typing import Array, Entries

__all__ = ["ColumnSlice", "has_plain_words", "hash_rows", "read_slice"]

#: The hash of a row without columns.
_START = derive_key(purpose="content of an entry")
_ONE = np.uint64(1)


@dataclass(frozen=True, slots=True)
class ColumnSlice:
    """Some entries of a column.

    Parameters
    ----------
    words : uint64 array of shape (n,)
        A word for each entry: its bits if it is one number of 8 bytes at most, else a hash of its
        bits, of the lengths of its lists, and of its shape.
    items : array or None
        The numbers of all entries; None where they are nested.
    offsets : int64 array of shape (n + 1,), or None
        Where the items of an entry start and stop; None if each has one item along the first axis.
    """

    words: Words
    items: Array | None
    offsets: NDArray[np.int64] | None


def read_slice(column: StoredColumn, entries: slice | Entries) -> ColumnSlice:
    """Read some entries of a column.

    Raises
    ------
    CorruptStoreError
        If its offsets fall, or lead out of the content.
    """
    if isinstance(column, ReadJagged):
        return _of_lists(column[entries])
    if isinstance(column, ReadText):
        return _of_lists(column.encoded[entries])
    if isinstance(column, ReadShaped):
        lists, shapes = _of_lists(column.flat[entries]), _of_lists(column.shapes[entries])
        return ColumnSlice(absorb(lists.words, shapes.words), lists.items, lists.offsets)
    if isinstance(column, ReadNested):
        return ColumnSlice(_words_of_layout(column[entries].layout), None, None)
    items = np.asarray(column[entries])
    return ColumnSlice(_words_of_items(items), items, None)


def has_plain_words(column: StoredColumn) -> bool:
    """Return whether the words of a column are the bits of one number of 8 bytes."""
    return isinstance(column, np.ndarray) and column.ndim == 1 and column.dtype.itemsize == 8


def hash_rows(columns: list[Words], num: int) -> Words:
    """Return a hash of each row, from the words of its columns."""
    hashes: Words = np.full(num, _START, np.uint64)
    for words in columns:
        hashes = absorb(hashes, words)
    return hashes


def _of_lists(lists: Jagged) -> ColumnSlice:
    words = _words_of_lists(_words_of_items(lists.content), lists.offsets)
    return ColumnSlice(words, lists.content, lists.offsets)


def _words_of_items(items: Array) -> Words:
    """Return a word for each item along the first axis."""
    num = len(items)
    num_bytes = items.dtype.itemsize * int(np.prod(items.shape[1:], dtype=np.int64))
    if num == 0 or num_bytes == 0:
        return np.zeros(num, np.uint64)
    plain = np.ascontiguousarray(items).reshape(num, -1).view(np.uint8)
    size = next(size for size in (8, 4, 2, 1) if num_bytes % size == 0)
    parts = plain.view(f"<u{size}").astype(np.uint64)
    if parts.shape[1] == 1:
        return parts[:, 0]
    return absorb(num_bytes, _mixed(parts, np.arange(parts.shape[1])).sum(axis=1, dtype=np.uint64))


def _words_of_lists(items: Words, offsets: NDArray[np.int64]) -> Words:
    """Return a word for each list, from those of its items."""
    counts = np.diff(offsets)
    places = np.arange(len(items)) - np.repeat(offsets[:-1], counts)
    # Sums wrap at 2**64: the difference of two running sums is the sum of a list.
    sums = np.zeros(len(items) + 1, np.uint64)
    np.cumsum(_mixed(items, places), out=sums[1:])
    return absorb(sums[offsets[1:]] - sums[offsets[:-1]], counts.astype(np.uint64))


def _mixed(words: Words, places: NDArray[np.int64]) -> Words:
    """Return words mixed with their places, so that their order matters in a sum."""
    mixed: Words = absorb((places.astype(np.uint64) + _ONE) * GOLDEN, words)
    return mixed


def _words_of_layout(layout: Any) -> Words:
    """Return a word for each entry of an awkward array; `layout` is its content."""
    if layout.is_indexed and not layout.is_option:
        return _words_of_layout(layout.project())
    if layout.is_option:
        is_valid = layout.mask_as_bool(valid_when=True)
        words = np.zeros(len(layout), np.uint64)
        words[is_valid] = absorb(1, _words_of_layout(layout.project()))
        return words
    if layout.is_list:
        lists = layout.to_ListOffsetArray64(True)
        offsets = np.asarray(lists.offsets)
        return _words_of_lists(_words_of_layout(lists.content[: offsets[-1]]), offsets)
    if layout.is_record:
        fields = [_words_of_layout(layout.content(name)) for name in layout.fields]
        return hash_rows(fields, len(layout))
    return _words_of_items(np.asarray(layout.data) if layout.is_numpy else np.empty(len(layout)))
