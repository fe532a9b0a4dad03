"""Clipping: how many items and entries padding cuts off, in numbers and words."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memmpy.display import format_share
from memmpy.jagged.jagged_array import Jagged

__all__ = ["Clipping", "clipping_notes", "clipping_of"]

#: memmpy warns if a larger share of the items or of the entries is clipped.
_MAX_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Clipping:
    """How much padding to one length cuts off of some lists.

    Parameters
    ----------
    num_items, num_entries : int
        All items of the lists, and all lists, empty ones among them.
    num_clipped_items, num_clipped_entries : int
        Items that are cut off, and lists that lose at least one.
    max_items : int
        Items of the longest list; 0 without lists.
    """

    num_items: int = 0
    num_entries: int = 0
    num_clipped_items: int = 0
    num_clipped_entries: int = 0
    max_items: int = 0

    def __add__(self, other: "Clipping") -> "Clipping":
        return Clipping(
            self.num_items + other.num_items,
            self.num_entries + other.num_entries,
            self.num_clipped_items + other.num_clipped_items,
            self.num_clipped_entries + other.num_clipped_entries,
            max(self.max_items, other.max_items),
        )

    @property
    def is_large(self) -> bool:
        """Whether more than 1 % of the items or of the entries are clipped."""
        return (
            self.num_clipped_items > _MAX_SHARE * self.num_items
            or self.num_clipped_entries > _MAX_SHARE * self.num_entries
        )

    def in_words(self) -> str:
        """Return the shares that are clipped; empty if nothing is."""
        if not self.num_clipped_items:
            return ""
        items = format_share(self.num_clipped_items, self.num_items)
        entries = format_share(self.num_clipped_entries, self.num_entries)
        return f"{items} of the items clipped, in {entries} of the entries"

    def warning(self, key: str, length: int, *, way_out: str = "") -> str:
        """Return a warning with the numbers and the way out: by default, to pad the key to more."""
        way_out = way_out or f"keys_padded={{{key!r}: ({self.max_items}, ...)}}"
        items = format_share(self.num_clipped_items, self.num_items)
        entries = format_share(self.num_clipped_entries, self.num_entries)
        return (
            f"{key!r} is padded to {length:,} items, which cuts off "
            f"{self.num_clipped_items:,} of {self.num_items:,} items ({items}), in "
            f"{self.num_clipped_entries:,} of {self.num_entries:,} entries ({entries}); the "
            f"longest has {self.max_items:,} items: {way_out} keeps all"
        )


def clipping_of(lists: Jagged, length: int) -> Clipping:
    """Return how much padding to `length` items cuts off of lists."""
    num_items, num_entries = int(lists.offsets[-1] - lists.offsets[0]), len(lists)
    if not num_entries:
        return Clipping()
    counts = lists.offsets[1:] - lists.offsets[:-1]
    max_items = int(np.maximum.reduce(counts))
    if max_items <= length:
        return Clipping(num_items, num_entries, 0, 0, max_items)
    counts -= length
    np.maximum(counts, 0, out=counts)
    num_clipped_items = int(np.add.reduce(counts))
    return Clipping(
        num_items, num_entries, num_clipped_items, int(np.count_nonzero(counts)), max_items
    )


def clipping_notes(clippings: Mapping[str, tuple[Clipping, int]]) -> list[str]:
    """Return a warning for each key of which padding to a length cuts off more than 1 %."""
    return [c.warning(key, length) for key, (c, length) in clippings.items() if c.is_large]
