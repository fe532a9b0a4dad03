"""What padding cuts off, file by file: counted once, and kept with the column.

The counts of a file hold as long as its part of the column does. So a conversion that reads nothing
still says what the column lacks, and one that adds a file has the counts of the others.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence

from memmpy.conversion.planning.plan import NewColumn
from memmpy.conversion.planning.recipe import Recipe
from memmpy.conversion.running.assembly import Built
from memmpy.jagged import Clipping
from memmpy.store import ColumnRecord, Origin, SourceRecord

__all__ = ["clipped_by_part", "clipping_notes", "clippings_of", "total_clipping"]


def clipped_by_part(
    column: NewColumn, built: Built, sources: Sequence[SourceRecord]
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


def clipping_notes(clippings: Mapping[str, tuple[Clipping, int]]) -> list[str]:
    """Return a note for each key of which padding cuts off more than 1 %."""
    return [c.warning(key, length) for key, (c, length) in clippings.items() if c.is_large]


def _to_origin(clipping: Clipping) -> tuple[int, ...]:
    return (
        clipping.num_items,
        clipping.num_clipped_items,
        clipping.num_clipped_entries,
        clipping.max_items,
    )


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
