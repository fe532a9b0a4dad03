"""Packs entries of columns into rows and lists, block by block, so that rows stay in the cache."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from memmpy.columns import cast
from memmpy.jagged import Jagged, Padding, lists_of
from memmpy.skims.object_lists import check_equal_counts
from memmpy.skims.row_layout import JaggedField, SkimField, SkimLayout
from memmpy.skims.value_counts import ValueCounter
from memmpy.typing import Array, Entries

__all__ = ["Block", "BlockReader", "pack"]

#: Bytes of a block of rows, which is filled column by column.
_BLOCK_BYTES = 2**18  # 256 KiB
_MIN_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Block:
    """The lists of some entries, and the values that a cast lost.

    Parameters
    ----------
    lists : tuple of Jagged
        In the order of `SkimLayout.lists`; they own their memory.
    num_lost : mapping of (group, key) to int
        Number of values that the dtype of a group cannot hold.
    """

    lists: tuple[Jagged, ...]
    num_lost: Mapping[tuple[str, str], int]


class BlockReader(Protocol):
    """Reads the values of a skim."""

    def blocks(
        self, entries: Entries, num_entries: int
    ) -> Iterator[tuple[int, int, dict[str, Array | Jagged]]]:
        """Yield the start and stop of consecutive blocks of entries, and the values by name."""
        ...


def pack(
    layout: SkimLayout,
    reader: BlockReader,
    entries: Entries,
    *,
    rows: Array,
    counter: ValueCounter,
) -> Iterator[Block]:
    """Fill rows with entries of columns, block by block, and yield each block.

    Parameters
    ----------
    layout : SkimLayout
        The layout of the skim.
    reader : BlockReader
        Reads all columns of the layout.
    entries : int64 array of shape (n,)
        Ascending.
    rows : structured array of shape (n,)
        The rows to fill; zeros between the fields stay.
    counter : ValueCounter
        Counts the entries.
    """
    size = max(_MIN_BLOCK, _BLOCK_BYTES // rows.dtype.itemsize)
    for start, stop, values in reader.blocks(entries, size):
        num_lost: Counter[tuple[str, str]] = Counter()
        block = entries[start:stop]
        counter.add(values, len(block))
        for field in layout.fields:
            out = rows[field.name][start:stop]
            _fill(field, out, values, block, num_lost, layout.integers)
        lists = tuple(
            _list_of(one, values, block, num_lost, layout.integers) for one in layout.lists
        )
        yield Block(lists, num_lost)


def _fill(
    field: SkimField,
    out: Array,
    values: Mapping[str, Any],  # Array or Jagged, by the layout
    entries: Entries,
    num_lost: Counter[tuple[str, str]],
    integers: frozenset[str],
) -> None:
    match field.kind:
        case "entry":
            out[...] = entries
        case "values":
            out[...] = values[field.keys[0]]
        case "mask":
            counts = lists_of(values[field.keys[0]]).counts
            np.less(np.arange(field.shape[0]), counts[:, np.newaxis], out=out)
        case "padded":
            out[...] = _padded(field, values, field.keys[0])
        case "group":
            padded = (key for key in field.keys if _padding(field, key) is not None)
            _check_counts(field, padded, values, entries)
            for i, key in enumerate(field.keys):
                column = _padded(field, values, key)
                out[..., i], lost = cast(column, field.dtype, key=key, are_integers=key in integers)
                num_lost[field.name, key] += lost


def _check_counts(
    field: SkimField | JaggedField, keys: Iterable[str], values: Mapping[str, Any], entries: Entries
) -> None:
    if lists := [(key, lists_of(values[key])) for key in keys]:
        check_equal_counts(f"the group {field.name!r}", lists, entries)


def _padding(field: SkimField, key: str) -> Padding | None:
    return None if field.padding is None else field.padding.get(key)


def _padded(field: SkimField, values: Mapping[str, Any], key: str) -> Array:
    padding = _padding(field, key)
    if padding is not None:
        return lists_of(values[key]).pad(padding.length, padding.fill)
    column: Array = values[key]
    return column


def _list_of(
    output: JaggedField,
    values: Mapping[str, Any],  # Jagged, by the layout
    entries: Entries,
    num_lost: Counter[tuple[str, str]],
    integers: frozenset[str],
) -> Jagged:
    first: Jagged = values[output.keys[0]]
    if not output.is_group:
        # A copy, as a view would keep the map of the column and its pages in memory.
        return Jagged.trusted(first.content.copy(), first.offsets)
    _check_counts(output, output.keys, values, entries)
    content = np.empty((len(first.content), *output.shape), output.dtype)
    for i, key in enumerate(output.keys):
        content[:, i], lost = cast(
            values[key].content, output.dtype, key=key, are_integers=key in integers
        )
        num_lost[output.name, key] += lost
    return Jagged.trusted(content, first.offsets)
