"""The records of finished columns, and what padding cuts off of them, file by file.

The counts of a file hold as long as its part of the column does. So a conversion that reads nothing
still says what the column lacks, and one that adds a file has the counts of the others.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path

from memmpy._version import __version__
from memmpy.conversion.planning.plan import NewColumn, Plan
from memmpy.conversion.planning.recipe import Recipe
from memmpy.conversion.running.assembly import FinishedColumn
from memmpy.jagged import Clipping
from memmpy.store import (
    ArrayRecord,
    ColumnRecord,
    Origin,
    Part,
    SourceRecord,
    Transaction,
    parts_of,
)

__all__ = ["clippings_of", "put_columns", "total_clipping"]


def put_columns(
    transaction: Transaction, plan: Plan, built: Mapping[str, FinishedColumn]
) -> dict[str, ColumnRecord]:
    """Move finished columns into the store, for the moment when it commits, and return them."""
    parts = parts_of(plan.wanted.sources)
    taken: dict[str, ArrayRecord] = {}  # columns may share one
    columns = {}
    for column in plan.columns:
        arrays = {}
        for role, record in built[column.key].arrays.items():
            name = column.key if role in {"values", "content"} else f"{column.key}:{role}"
            file = built[column.key].files[role]
            if file not in taken:
                taken[file] = transaction.take_array(name, Path(file), record, key=column.key)
            arrays[role] = taken[file]
        clipped = _clipped_by_part(column, built[column.key], plan.wanted.sources)
        columns[column.key] = _record(column, plan, arrays, parts, clipped)
        transaction.put(column.key, columns[column.key])
    transaction.change(plan.wanted.name_sources)
    return columns


def clippings_of(
    columns: Mapping[str, ColumnRecord], recipes: Sequence[Recipe]
) -> dict[str, tuple[Clipping, int]]:
    """Return what padding cuts off of each padded key, all files together, and its length."""
    return {
        recipe.key: (total_clipping(origin), recipe.padding.length)
        for recipe in recipes
        if recipe.padding is not None
        and not recipe.is_mask
        and recipe.key in columns
        and (origin := columns[recipe.key].origin) is not None
    }


def total_clipping(origin: Origin) -> Clipping:
    """Return what padding cuts off of a column: the sum over the parts of which it is known."""
    total = Clipping()
    for (_, num_entries), counts in zip(origin.parts, origin.clipped, strict=False):
        if counts is not None:
            num_items, num_clipped_items, num_clipped_entries, max_items = counts
            total += Clipping(
                num_items, num_entries, num_clipped_items, num_clipped_entries, max_items
            )
    return total


def _record(
    column: NewColumn,
    plan: Plan,
    arrays: Mapping[str, ArrayRecord],
    parts: tuple[Part, ...],
    clipped: tuple[tuple[int, ...] | None, ...],
) -> ColumnRecord:
    made_by = tuple(__version__ if held is None else held.made_by for held in column.held)
    details = dict(column.layout.details)
    if "metadata" in column.recipe:
        details["hashed"] = True
    origin = Origin(column.recipe, parts, made_by, clipped)
    return ColumnRecord(column.layout.kind, plan.num_entries, arrays, details, origin)


def _clipped_by_part(
    column: NewColumn, built: FinishedColumn, sources: Sequence[SourceRecord]
) -> tuple[tuple[int, ...] | None, ...]:
    """Return what padding cuts off of each source, as `Origin` has it; empty for other columns."""
    if "padding" not in column.recipe or "mask" in column.recipe:
        return ()
    clipped = []
    entries = [entry for entry, _ in built.clippings]  # ascending
    for held, source in zip(column.held, sources, strict=True):
        if held is not None and held.finish is None:
            clipped.append(held.clipped)
            continue
        start, stop = (bisect_left(entries, e) for e in (source.entry_start, source.entry_stop))
        found = [clipping for _, clipping in built.clippings[start:stop]]
        clipped.append(_to_origin(sum(filter(None, found), Clipping())) if all(found) else None)
    return tuple(clipped)


def _to_origin(clipping: Clipping) -> tuple[int, ...]:
    return (
        clipping.num_items,
        clipping.num_clipped_items,
        clipping.num_clipped_entries,
        clipping.max_items,
    )
