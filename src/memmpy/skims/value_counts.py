"""What a skim counts of its values: clipped items, NaN and infinities, keys of one value."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from memmpy.jagged import Clipping, Jagged, clipping_of, lists_of, share_in_words
from memmpy.kernels import offsets_of
from memmpy.skims.row_layout import Layout
from memmpy.store import Count, JsonObject
from memmpy.typing import Array

__all__ = ["KeyCounts", "Tally"]

#: Kinds of dtypes that may hold NaN, and that are compared value by value.
_FLOATS, _COMPARED = "fc", "biufcmMSU"
#: Floats for which BLAS takes one thread.
_NUM_DOTTED = 8192


class KeyCounts(JsonObject, frozen=True):
    """What a skim counted of one of its keys, after the cut, before a group casts it.

    Parameters
    ----------
    num_entries : int
        Entries of the skim.
    num_items : int
        Items of its lists in the store; for a key that has no lists, its entries.
    num_clipped_items, num_clipped_entries : int
        Items that padding cuts off, and entries that lose at least one.
    max_items : int
        Items of the longest list in the store; 0 for a key that is not padded.
    num_nan, num_infinite : int
        Entries with at least one NaN, or one infinity, in what is stored: what padding cuts off or
        fills in does not count.
    is_constant : bool
        Whether all that is stored is one value.
    is_empty : bool
        Whether nothing is stored: no item at all, or only NaN.
    """

    num_entries: Count
    num_items: Count
    num_clipped_items: Count
    num_clipped_entries: Count
    max_items: Count
    num_nan: Count
    num_infinite: Count
    is_constant: bool
    is_empty: bool

    @property
    def clipping(self) -> Clipping:
        """What padding cuts off."""
        return Clipping(
            self.num_items,
            self.num_entries,
            self.num_clipped_items,
            self.num_clipped_entries,
            self.max_items,
        )

    def in_words(self) -> str:
        """Return what there is to say of the key; empty where all is well."""
        shares = ((self.num_nan, "NaN"), (self.num_infinite, "infinities"))
        words = [
            self.clipping.in_words(),
            *(f"{what} in {share_in_words(n, self.num_entries)}" for n, what in shares if n),
            "one value" if self.is_constant else "",
            "no values" if self.is_empty else "",
        ]
        return "; ".join(word for word in words if word)


@dataclass(slots=True)
class _Values:
    """What is known of the values of a key: the first, whether another differs, if not all are NaN.

    Entries with NaN, and with infinities, are counted.
    """

    first: Any = None
    is_varied: bool = False
    has_number: bool = False
    num_nan: int = 0
    num_infinite: int = 0


@final
class Tally:
    """Counts the keys of a skim, block by block, in one task; those of all tasks are joined.

    Parameters
    ----------
    layout : Layout
        What the skim consists of.
    """

    __slots__ = (
        "_clippings",
        "_dotted",
        "_lengths",
        "_num_entries",
        "_of_lists",
        "_unknown",
        "_values",
    )

    def __init__(self, layout: Layout) -> None:
        self._lengths = {key: padding.length for key, padding in layout.padding.items()}
        # The lists of a group have the same lengths, so those of one of its keys are looked at.
        self._of_lists: dict[str, str] = {}
        for field in layout.fields:
            for key in field.padding or {}:
                self._of_lists.setdefault(key, next(iter(field.padding or {})))
        self._clippings = dict.fromkeys(self._of_lists.values(), Clipping())
        self._num_entries = 0
        self._values = {key: _Values() for key in sorted(layout.keys)}
        # The keys that may still have one value only, or none.
        self._unknown = set(self._values)
        # The keys of plain floats: the sum of their squares, which BLAS does quicker than all else,
        # is finite only if they are.
        self._dotted: set[str] = set()

    def add(self, values: "Mapping[str, Array | Jagged]", num_entries: int) -> None:
        """Count some entries of all keys: arrays of shape (n, ...), or n lists."""
        self._num_entries += num_entries
        for key in self._clippings:
            self._clippings[key] += clipping_of(lists_of(values[key]), self._lengths[key])
        with np.errstate(all="ignore"):
            for key, given in values.items():
                # A call, or `isinstance` of an abstract class, would take as long as the sum.
                content = given.content if type(given) is Jagged else given
                if key in self._dotted and content.size <= _NUM_DOTTED:
                    is_finite = content.dot(content) < np.inf
                else:
                    is_finite = _is_finite(content)
                if not is_finite or key in self._unknown:
                    stored = _clipped(given, self._lengths[key]) if key in self._lengths else given
                    self._look(key, stored, is_finite=is_finite)
                    if content.dtype.char in "fd" and content.ndim == 1:
                        self._dotted.add(key)

    def join(self, other: "Tally") -> None:
        """Add what another task has counted."""
        self._num_entries += other._num_entries
        for key, clipping in other._clippings.items():
            self._clippings[key] += clipping
        for key, values in other._values.items():
            mine = self._values[key]
            first = values.first if mine.first is None else mine.first
            differs = values.first is not None and bool(values.first != first)
            self._values[key] = _Values(
                first,
                mine.is_varied or values.is_varied or differs,
                mine.has_number or values.has_number,
                mine.num_nan + values.num_nan,
                mine.num_infinite + values.num_infinite,
            )

    def counts(self) -> dict[str, KeyCounts]:
        """Return what was counted of each key."""
        return {key: self._counts(key) for key in self._values}

    def _counts(self, key: str) -> KeyCounts:
        values, num = self._values[key], self._num_entries
        clipping = Clipping(num, num)
        if key in self._of_lists:
            clipping = self._clippings[self._of_lists[key]]
        return KeyCounts(
            **dataclasses.asdict(clipping),
            num_nan=values.num_nan,
            num_infinite=values.num_infinite,
            is_constant=values.has_number and not values.is_varied,
            is_empty=not values.has_number,
        )

    def _look(self, key: str, stored: "Array | Jagged", *, is_finite: bool) -> None:
        """Look at each value of some entries of a key."""
        found = self._values[key]
        content = stored.content if isinstance(stored, Jagged) else stored
        is_nan = np.isnan(content) if not is_finite else np.zeros((), np.bool_)
        if content.size:
            found.has_number |= not np.all(is_nan)
            if content.dtype.kind not in _COMPARED:
                found.is_varied = True
            elif not found.is_varied:
                found.first = content.flat[0] if found.first is None else found.first
                # NaN differs from each value, and from NaN.
                found.is_varied = not np.all(content == found.first)
        if found.is_varied and found.has_number:
            self._unknown.discard(key)
        if not is_finite:
            found.num_nan += _num_entries_with(is_nan, stored)
            found.num_infinite += _num_entries_with(np.isinf(content), stored)


def _is_finite(content: Array) -> bool:
    return content.dtype.kind not in _FLOATS or bool(np.isfinite(content).all())


def _num_entries_with(is_so: Array, values: "Array | Jagged") -> int:
    """Return of how many entries at least one number is so; `is_so` has the shape of the items."""
    items = is_so.any(axis=tuple(range(1, is_so.ndim)))
    if not isinstance(values, Jagged):
        return int(np.count_nonzero(items))
    entries = np.searchsorted(values.offsets, np.flatnonzero(items), side="right")
    return len(np.unique(entries))


def _clipped(values: "Array | Jagged", length: int) -> Jagged:
    """Return lists cut to a length."""
    lists = lists_of(values)
    counts = lists.counts
    is_kept = np.arange(len(lists.content)) - np.repeat(lists.offsets[:-1], counts) < length
    return Jagged.trusted(lists.content[is_kept], offsets_of(np.minimum(counts, length)))
