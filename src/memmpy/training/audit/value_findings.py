"""Report odd values of a key: a constant, NaN, infinities, or no values at all."""

from dataclasses import dataclass

import numpy as np

from memmpy.jagged import entries_with
from memmpy.training.audit.entry_words import ColumnSlice
from memmpy.training.audit.findings import Finding

__all__ = ["ADVICE", "KeyValues", "count_values", "findings_of_values"]

#: What each kind means, and what to do.
ADVICE = {
    "constant": "one value in all entries, of which a network learns nothing",
    "empty": "no values, or nothing but NaN, of which a network learns nothing",
    "NaN": (
        "NaN makes the loss NaN: cut such entries away, or fill them where the key is padded or "
        "an input"
    ),
    "infinite": "infinities make the loss NaN: cut such entries away with isfinite(...)",
}


@dataclass(frozen=True, slots=True)
class KeyValues:
    """What was seen of the values of a key, in some entries that follow each other.

    Parameters
    ----------
    num_entries, num_items : int
        How many there are; a nested entry counts as one item.
    num_nan_items, num_nan, num_infinite : int
        Items that are NaN; entries with a NaN; entries with an infinity.
    first_nan, first_infinite : int or None
        The first of these entries.
    word : int
        The content of the first entry, as `entry_words.read_slice` has it; 0 of no entries.
    is_constant : bool
        Whether all entries have it.
    """

    num_entries: int
    num_items: int
    num_nan_items: int
    num_nan: int
    num_infinite: int
    first_nan: int | None
    first_infinite: int | None
    word: int
    is_constant: bool

    def joined(self, after: "KeyValues") -> "KeyValues":
        """Return the values of these entries and of those after them."""
        return KeyValues(
            self.num_entries + after.num_entries,
            self.num_items + after.num_items,
            self.num_nan_items + after.num_nan_items,
            self.num_nan + after.num_nan,
            self.num_infinite + after.num_infinite,
            after.first_nan if self.first_nan is None else self.first_nan,
            after.first_infinite if self.first_infinite is None else self.first_infinite,
            self.word,
            self.is_constant and after.is_constant and self.word == after.word,
        )


def count_values(values: ColumnSlice, start: int) -> KeyValues:
    """Return what some entries hold; `start` is the first of them."""
    words, items = values.words, values.items
    num_nan_items = 0
    nan = infinite = np.empty(0, np.int64)
    if items is not None and items.dtype.kind in "fc" and not np.isfinite(items).all():
        is_nan = np.isnan(items)
        num_nan_items = int(np.count_nonzero(is_nan))
        nan = np.flatnonzero(entries_with(is_nan, values.offsets)) + start
        infinite = np.flatnonzero(entries_with(np.isinf(items), values.offsets)) + start
    return KeyValues(
        num_entries=len(words),
        num_items=len(words) if items is None else int(items.size),
        num_nan_items=num_nan_items,
        num_nan=len(nan),
        num_infinite=len(infinite),
        first_nan=int(nan[0]) if len(nan) else None,
        first_infinite=int(infinite[0]) if len(infinite) else None,
        word=int(words[0]) if len(words) else 0,
        is_constant=bool((words == words[:1]).all()),
    )


def findings_of_values(key: str, seen: KeyValues) -> list[Finding]:
    """Return what is odd in a key."""
    num = seen.num_entries
    if num == 0:
        return []
    if seen.num_items == seen.num_nan_items:
        return [_finding("empty", key, "all entries", num)]
    findings = []
    if seen.is_constant and num > 1:
        findings.append(_finding("constant", key, "all entries", num))
    if seen.num_nan:
        findings.append(_finding("NaN", key, f"first in entry {seen.first_nan}", seen.num_nan))
    if seen.num_infinite:
        where = f"first in entry {seen.first_infinite}"
        findings.append(_finding("infinite", key, where, seen.num_infinite))
    return findings


def _finding(kind: str, key: str, where: str, count: int) -> Finding:
    return Finding(kind, key, where, count, "info", ADVICE[kind])
