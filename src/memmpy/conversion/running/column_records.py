"""The records of finished columns, and the counts of items that padding cuts off, file by file.

The counts of a file stay valid as long as its part of the column does. So a conversion that reads
nothing can still report clipped items, and one that adds a file knows the counts of the others.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from pathlib import Path

from memmpy._version import __version__
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.plan import ConversionPlan, NewColumn
from memmpy.conversion.running.assembly import FinishedColumn
from memmpy.jagged import Clipping
from memmpy.store import (
    ArrayRecord,
    ColumnRecord,
    Origin,
    SourceRecord,
    Transaction,
    part_finder,
)

__all__ = ["clippings_of", "put_columns", "total_clipping"]


def put_columns(
    transaction: Transaction, plan: ConversionPlan, finished: Mapping[str, FinishedColumn]
) -> dict[str, ColumnRecord]:
    """Move finished columns into the store, which the commit makes visible, and return them."""
    parts, specs = part_finder(plan.target.sources), plan.target.specs_by_key
    taken: dict[str, ArrayRecord] = {}  # by file, which columns may share
    columns = {}
    for column in plan.columns:
        arrays = {}
        for role, record in finished[column.key].arrays.items():
            name = column.key if role in {"values", "content"} else f"{column.key}:{role}"
            file = finished[column.key].files[role]
            if file not in taken:
                taken[file] = transaction.take_array(name, Path(file), record, key=column.key)
            arrays[role] = taken[file]
        clipped = _clipped_by_part(column, finished[column.key], plan.target.sources)
        branches = specs[column.key].branches if column.key in specs else ()
        origin_parts = parts(branches)
        is_of_friends = origin_parts != parts(())
        origin = Origin(
            column.spec,
            origin_parts,
            tuple(__version__ if one is None else one.made_by for one in column.reusable),
            clipped,
            branches if is_of_friends else (),
        )
        columns[column.key] = _record(column, plan.num_entries, arrays, origin)
        transaction.put(column.key, columns[column.key])
    for key, new_record in plan.new_records.items():
        transaction.put(key, new_record)
    transaction.change(plan.target.name_sources)
    return columns


def clippings_of(
    columns: Mapping[str, ColumnRecord], specs: Sequence[ColumnSpec]
) -> dict[str, tuple[Clipping, int]]:
    """Return for each padded key the counts of items that padding cuts off, and its length."""
    return {
        spec.key: (total_clipping(origin), spec.padding.length)
        for spec in specs
        if spec.padding is not None
        and not spec.is_mask
        and spec.key in columns
        and (origin := columns[spec.key].origin) is not None
    }


def total_clipping(origin: Origin) -> Clipping:
    """Return the counts of items that padding cuts off, summed over parts with known counts."""
    total = Clipping()
    for (_, num_entries), counts in zip(origin.parts, origin.clipped, strict=False):
        if counts is not None:
            num_items, *others = counts
            total += Clipping(num_items, num_entries, *others)
    return total


def _record(
    column: NewColumn, num_entries: int, arrays: Mapping[str, ArrayRecord], origin: Origin
) -> ColumnRecord:
    details = dict(column.layout.details)
    if "metadata" in column.spec:
        details["hashed"] = True
    return ColumnRecord(column.layout.kind, num_entries, arrays, details, origin)


def _clipped_by_part(
    column: NewColumn, finished: FinishedColumn, sources: Sequence[SourceRecord]
) -> tuple[tuple[int, ...] | None, ...]:
    """Return the counts of cut off items by source, as in `Origin`; empty for other columns."""
    if "padding" not in column.spec or "mask" in column.spec:
        return ()
    clipped = []
    entries = [entry for entry, _ in finished.clippings]  # ascending
    for reusable, source in zip(column.reusable, sources, strict=True):
        if reusable is not None and reusable.spec is None:
            clipped.append(reusable.clipped)
            continue
        start, stop = (bisect_left(entries, e) for e in (source.entry_start, source.entry_stop))
        parts = [clipping for _, clipping in finished.clippings[start:stop]]
        clipped.append(_to_origin(sum(filter(None, parts), Clipping())) if all(parts) else None)
    return tuple(clipped)


def _to_origin(clipping: Clipping) -> tuple[int, ...]:
    num_items, _, *others = astuple(clipping)  # without the entries, which the part has
    return num_items, *others
