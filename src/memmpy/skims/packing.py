"""Entries of columns to rows and lists: block by block, so that rows are filled in the cache."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Jagged, ReadJagged, StoredColumn, as_lists, cast
from memmpy.errors import ColumnError
from memmpy.gather import offsets_of, take_jagged
from memmpy.skims.asking import Padding
from memmpy.skims.layout import Field, Layout, List
from memmpy.typing import Array, Entries

__all__ = ["Packed", "joined", "pack", "rows_taken", "taken"]

#: Bytes of rows that are filled at a time, column by column.
_BLOCK_BYTES = 1 << 18
_MIN_BLOCK = 64
#: Bytes of rows that are put in order at a time.
_TAKEN_BYTES = 1 << 22
#: Items of lists that are put in order at a time.
_MAX_ITEMS = 1 << 20


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows and lists of some entries.

    Parameters
    ----------
    rows : structured array of shape (n,)
        As `Layout.row` has it.
    lists : tuple of Jagged
        As `Layout.lists` has them, n entries each.
    num_lost : mapping of (group, key) to int
        Values that the dtype of a group does not hold.
    """

    rows: Array
    lists: tuple[Jagged, ...]
    num_lost: Mapping[tuple[str, str], int]


def pack(
    layout: Layout, columns: Mapping[str, StoredColumn], entries: Entries, rows: Array
) -> Packed:
    """Fill rows with entries of columns, which must ascend, and return them with their lists."""
    lists: list[list[Jagged]] = [[] for _ in layout.lists]
    num_lost: Counter[tuple[str, str]] = Counter()
    size = max(_MIN_BLOCK, _BLOCK_BYTES // rows.dtype.itemsize)
    for start in range(0, len(entries), size):
        block = entries[start : start + size]
        values = {key: _entries_of(columns[key], block) for key in layout.keys}
        for field in layout.fields:
            out = rows[field.name][start : start + size]
            _fill(field, out, values, block, num_lost)
        for made, output in zip(lists, layout.lists, strict=True):
            made.append(_list_of(output, values, block, num_lost))
    return Packed(
        rows,
        tuple(joined(made, output) for made, output in zip(lists, layout.lists, strict=True)),
        num_lost,
    )


def joined(parts: Sequence[Jagged], output: List) -> Jagged:
    """Return lists that follow each other."""
    nothing = np.empty((0, *output.shape), output.dtype)
    content = np.concatenate([nothing, *(part.content for part in parts)])
    counts = [np.empty(0, np.int64), *(part.counts for part in parts)]
    return Jagged.trusted(content, offsets_of(np.concatenate(counts)))


def rows_taken(rows: Array, order: NDArray[np.int64]) -> Iterator[Array]:
    """Yield rows in another order, with the bytes between their fields, some at a time.

    Each is good until the next one is asked for: they share memory, which stays in the cache.
    """
    # As bytes: of a structured dtype numpy copies the fields alone.
    plain = rows.view(np.dtype((np.void, rows.dtype.itemsize)))
    size = max(_MIN_BLOCK, _TAKEN_BYTES // rows.dtype.itemsize)
    buffer = np.empty(min(size, len(order)), plain.dtype)
    for start in range(0, len(order), size):
        block = order[start : start + size]
        # Entries are in range, and with this mode nothing is copied twice.
        np.take(plain, block, out=buffer[: len(block)], mode="clip")
        yield buffer[: len(block)]


def taken(lists: Jagged, order: NDArray[np.int64]) -> Jagged:
    """Return lists in another order; what it needs besides is little, however long they are."""
    offsets = offsets_of(lists.counts[order])
    content = np.empty((offsets[-1], *lists.content.shape[1:]), lists.dtype)
    start = 0
    while start < len(order):
        stop = int(np.searchsorted(offsets, offsets[start] + _MAX_ITEMS, side="right")) - 1
        stop = min(max(stop, start + 1), len(order))
        part, _ = take_jagged(lists.content, lists.offsets, order[start:stop])
        content[offsets[start] : offsets[stop]] = part
        start = stop
    return Jagged.trusted(content, offsets)


def _entries_of(column: StoredColumn, entries: Entries) -> Array | Jagged:
    is_run = int(entries[-1]) - int(entries[0]) + 1 == len(entries)
    run = slice(int(entries[0]), int(entries[-1]) + 1)
    if isinstance(column, ReadJagged):
        return column[run] if is_run else column[entries]
    values = np.asarray(column)
    # Entries are in range, and where nothing wraps this mode is the fastest.
    return values[run] if is_run else np.take(values, entries, axis=0, mode="wrap")


def _fill(
    field: Field,
    out: Array,
    values: Mapping[str, Any],  # Array or Jagged, by the layout
    entries: Entries,
    num_lost: Counter[tuple[str, str]],
) -> None:
    match field.means:
        case "entry":
            out[...] = entries
        case "values":
            out[...] = values[field.keys[0]]
        case "mask":
            counts = _lists(values[field.keys[0]]).counts
            np.less(np.arange(field.shape[0]), counts[:, np.newaxis], out=out)
        case "padded":
            out[...] = _padded(field, values, field.keys[0])
        case "group":
            _check_counts(
                field, [key for key in field.keys if _is_padded(field, key)], values, entries
            )
            for i, key in enumerate(field.keys):
                given = _padded(field, values, key)
                out[..., i], lost = cast(given, field.dtype, key=key)
                num_lost[field.name, key] += lost


def _padding(field: Field, key: str) -> Padding | None:
    return None if field.padding is None else field.padding.get(key)


def _is_padded(field: Field, key: str) -> bool:
    return _padding(field, key) is not None


def _padded(field: Field, values: Mapping[str, Any], key: str) -> Array:
    padding = _padding(field, key)
    if padding is not None:
        return _lists(values[key]).pad(padding.length, padding.fill)
    given: Array = values[key]
    return given


def _lists(values: Array | Jagged) -> Jagged:
    """Return lists, also of what is an array because all have one length."""
    return values if isinstance(values, Jagged) else as_lists(values)


def _list_of(
    output: List,
    values: Mapping[str, Any],  # Jagged, by the layout
    entries: Entries,
    num_lost: Counter[tuple[str, str]],
) -> Jagged:
    first: Jagged = values[output.keys[0]]
    if not output.is_group:
        return first
    _check_counts(output, output.keys, values, entries)
    content = np.empty((len(first.content), *output.shape), output.dtype)
    for i, key in enumerate(output.keys):
        content[:, i], lost = cast(values[key].content, output.dtype, key=key)
        num_lost[output.name, key] += lost
    return Jagged.trusted(content, first.offsets)


def _check_counts(
    output: Field | List, keys: Sequence[str], values: Mapping[str, Any], entries: Entries
) -> None:
    """Raise a `ColumnError` where the lists of a group differ in length."""
    for key in keys[1:]:
        first, other = _lists(values[keys[0]]), _lists(values[key])
        if not np.array_equal(first.offsets, other.offsets):
            at = int(np.flatnonzero(first.counts != other.counts)[0])
            message = (
                f"the lists of the group {output.name!r} differ in length: entry {entries[at]:,} "
                f"has {first.counts[at]} items of {keys[0]!r} and {other.counts[at]} of {key!r}"
            )
            raise ColumnError(message)
