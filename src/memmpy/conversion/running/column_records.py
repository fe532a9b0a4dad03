"""Finished columns into the store: what its metadata says of them."""

from collections.abc import Mapping
from pathlib import Path

from memmpy._version import __version__
from memmpy.conversion.planning.plan import NewColumn, Plan
from memmpy.conversion.running.assembly import Built
from memmpy.conversion.running.clip_counts import clipped_by_part
from memmpy.store import ArrayRecord, ColumnRecord, Origin, Part, Transaction, parts_of

__all__ = ["put_columns"]


def put_columns(
    transaction: Transaction, plan: Plan, built: Mapping[str, Built]
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
        clipped = clipped_by_part(column, built[column.key], plan.wanted.sources)
        columns[column.key] = _record(column, plan, arrays, parts, clipped)
        transaction.put(column.key, columns[column.key])
    transaction.change(plan.wanted.name_sources)
    return columns


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
