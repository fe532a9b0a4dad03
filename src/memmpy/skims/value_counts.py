"""Counts of the values of a skim: clipped items, NaN and infinities, keys of one value."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from memmpy.display import format_share
from memmpy.jagged import Clipping, Jagged, clipping_of, entries_with, lists_of
from memmpy.kernels import offsets_of
from memmpy.skims.row_layout import SkimLayout
from memmpy.store import Count, JsonObject
from memmpy.typing import Array

__all__ = ["KeyCounts", "ValueCounter"]

#: Kinds of dtypes that may hold NaN, and that are compared value by value.
_FLOATS, _COMPARED = "fc", "biufcmMSU"
#: Floats for which BLAS takes one thread.
_NUM_DOTTED = 8192


class KeyCounts(JsonObject, frozen=True):
    """Counts of one key of a skim, after the cut and before a group casts it.

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
        Entries with at least one NaN, or one infinity. Items that padding cuts off or fills in do
        not count.
    is_constant : bool
        Whether all values are equal.
    is_empty : bool
        Whether there are no values: no item at all, or only NaN.
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
        """The counts of items that padding cuts off."""
        return Clipping(
            self.num_items,
            self.num_entries,
            self.num_clipped_items,
            self.num_clipped_entries,
            self.max_items,
        )

    def in_words(self) -> str:
        """Return remarks on the key; empty without remarks."""
        shares = ((self.num_nan, "NaN"), (self.num_infinite, "infinities"))
        words = [
            self.clipping.in_words(),
            *(f"{what} in {format_share(n, self.num_entries)}" for n, what in shares if n),
            "one value" if self.is_constant else "",
            "no values" if self.is_empty else "",
        ]
        return "; ".join(word for word in words if word)


@dataclass(slots=True)
class _ValueState:
    """The state of a key: its first value, whether another differs, whether one is not NaN.

    Also the number of entries with NaN, and with infinities.
    """

    first: Any = None
    is_varied: bool = False
    has_number: bool = False
    num_nan: int = 0
    num_infinite: int = 0


@final
class ValueCounter:
    """Counts the values of all keys of a skim, block by block; one per task, joined at the end.

    Parameters
    ----------
    layout : SkimLayout
        The layout of the skim.
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

    def __init__(self, layout: SkimLayout) -> None:
        self._lengths = {key: padding.length for key, padding in layout.padding.items()}
        # The lists of a group have the same lengths, so one of its keys is enough.
        self._of_lists: dict[str, str] = {}
        for field in layout.fields:
            for key in field.padding or {}:
                self._of_lists.setdefault(key, next(iter(field.padding or {})))
        self._clippings = dict.fromkeys(self._of_lists.values(), Clipping())
        self._num_entries = 0
        self._values = {key: _ValueState() for key in sorted(layout.keys)}
        # The keys that may still have only one value, or none.
        self._unknown = set(self._values)
        # The keys of plain floats. The sum of their squares, which BLAS computes fastest, is finite
        # only if all of them are.
        self._dotted: set[str] = set()

    def add(self, values: "Mapping[str, Array | Jagged]", num_entries: int) -> None:
        """Count entries of all keys: arrays of shape (n, ...), or n lists."""
        self._num_entries += num_entries
        for key in self._clippings:
            self._clippings[key] += clipping_of(lists_of(values[key]), self._lengths[key])
        with np.errstate(all="ignore"):
            for key, own in values.items():
                # A call, or `isinstance` with an abstract class, would be as slow as the sum.
                content = own.content if type(own) is Jagged else own
                if key in self._dotted and content.size <= _NUM_DOTTED:
                    is_finite = content.dot(content) < np.inf
                else:
                    is_finite = _is_finite(content)
                if not is_finite or key in self._unknown:
                    stored = _clipped(own, self._lengths[key]) if key in self._lengths else own
                    self._count(key, stored, is_finite=is_finite)
                    if content.dtype.char in "fd" and content.ndim == 1:
                        self._dotted.add(key)

    def join(self, other: "ValueCounter") -> None:
        """Add the counts of another task."""
        self._num_entries += other._num_entries
        for key, clipping in other._clippings.items():
            self._clippings[key] += clipping
        for key, values in other._values.items():
            own = self._values[key]
            first = values.first if own.first is None else own.first
            differs = values.first is not None and bool(values.first != first)
            self._values[key] = _ValueState(
                first,
                own.is_varied or values.is_varied or differs,
                own.has_number or values.has_number,
                own.num_nan + values.num_nan,
                own.num_infinite + values.num_infinite,
            )

    def counts(self) -> dict[str, KeyCounts]:
        """Return the counts of each key."""
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

    def _count(self, key: str, stored: "Array | Jagged", *, is_finite: bool) -> None:
        """Count the values of some entries of a key, one by one."""
        state = self._values[key]
        content = stored.content if isinstance(stored, Jagged) else stored
        is_nan = np.isnan(content) if not is_finite else np.zeros((), np.bool_)
        if content.size and key in self._unknown:
            state.has_number |= not np.all(is_nan)
            if content.dtype.kind not in _COMPARED:
                state.is_varied = True
            elif not state.is_varied:
                state.first = content.flat[0] if state.first is None else state.first
                # NaN differs from each value, and from NaN.
                state.is_varied = not np.all(content == state.first)
        if state.is_varied and state.has_number:
            self._unknown.discard(key)
        if not is_finite:
            offsets = stored.offsets if isinstance(stored, Jagged) else None
            state.num_nan += int(np.count_nonzero(entries_with(is_nan, offsets)))
            state.num_infinite += int(np.count_nonzero(entries_with(np.isinf(content), offsets)))


def _is_finite(content: Array) -> bool:
    return content.dtype.kind not in _FLOATS or bool(np.isfinite(content).all())


def _clipped(values: "Array | Jagged", length: int) -> Jagged:
    """Return lists cut to a length."""
    lists = lists_of(values)
    counts = lists.counts
    is_kept = np.arange(len(lists.content)) - np.repeat(lists.offsets[:-1], counts) < length
    return Jagged.trusted(lists.content[is_kept], offsets_of(np.minimum(counts, length)))
