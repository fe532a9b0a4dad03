"""`EventTable`: a few events of a store, with lists and texts as a reader wants to see them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from memmpy.columns import Snapshot
from memmpy.cuts import EntryNotes, GroupOptions, plan_groups
from memmpy.display import DisplayBlock, Renderable, Table, format_count, format_value, json_value
from memmpy.typing import Entries

__all__ = ["EventTable", "events_of_store", "first_passing"]

#: Entries among which events that pass a cut are searched at a time.
_STEP = 1 << 16


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EventTable(Renderable):
    """A few events of a store; ``print`` and notebooks show a row for each key.

    Attributes
    ----------
    entries : int64 array of shape (n,)
        The entries of the store.
    columns : mapping of str to list
        For each key, the values of the events: numbers, texts, or arrays.
    title : str
        A line above the table.
    max_rows : int
        Keys to show on a terminal; 0 for all.

    Examples
    --------
    >>> print(store.head(3, keys=["process", "jet_*"]))
    """

    entries: Entries
    columns: Mapping[str, list[Any]]
    title: str
    max_rows: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the events as dicts, lists, texts and numbers, for JSON; None for NaN and inf."""
        columns = {key: [*map(_plain, values)] for key, values in self.columns.items()}
        return {"entries": self.entries.tolist(), "columns": columns}

    def _blocks(self) -> list[str | DisplayBlock]:
        if not len(self.entries):
            return [self.title]
        headings = ["key", *(f"entry {entry}" for entry in self.entries.tolist())]
        rows = [[key, *map(format_value, values)] for key, values in self.columns.items()]
        hint = "choose some, such as 'jet_*' (in a shell: --keys 'jet_*')"
        return [self.title, Table(headings, 1, [rows], max_rows=self.max_rows, hint=hint)]


def events_of_store(
    snapshot: Snapshot,
    keys: Sequence[str],
    entries: Entries,
    *,
    left_out: Sequence[str],
    max_rows: int,
) -> EventTable:
    """Return the values of some keys at some entries, which are in range.

    The title ends with the lines of `left_out`.
    """
    columns = {key: _values(snapshot, key, entries) for key in keys}
    nums = f"{format_count(len(entries), 'event')}, {format_count(len(keys), 'key')}"
    title = "; ".join([f"Store {str(snapshot.path)!r}: {nums}", *left_out])
    return EventTable(entries, columns, title, max_rows)


def first_passing(snapshot: Snapshot, options: GroupOptions, *, num: int) -> Entries:
    """Return the first entries that pass a cut; read no further than they are."""
    grouping = plan_groups(snapshot, (), keys=(), options=options)
    notes, num_entries = EntryNotes(), grouping.inputs.num_entries
    parts = [np.empty(0, np.int64)]
    for start in range(0, num_entries, _STEP):
        grouped = grouping(start, min(start + _STEP, num_entries))
        assert grouped.group_of is not None
        parts.append(np.flatnonzero(grouped.group_of == 0) + start)
        notes += grouped.notes
        if sum(map(len, parts)) >= num:
            break
    grouping.warn_of(notes)
    return np.concatenate(parts)[:num]


def _values(snapshot: Snapshot, key: str, entries: Entries) -> list[Any]:
    column, texts = snapshot.columns[key], snapshot.texts(key)
    if texts is not None:
        return [texts.get(int(column[i]), f"{int(column[i]):016x}") for i in entries.tolist()]
    if isinstance(column, np.ndarray):
        return list(np.asarray(column)[entries])
    return [column[i] for i in entries.tolist()]


def _plain(value: Any) -> Any:
    """Return a value for JSON."""
    if isinstance(value, np.ndarray) and value.ndim:
        return [*map(_plain, value)]
    if isinstance(value, np.generic | np.ndarray):
        if value.dtype.kind != "f":
            return value.item()
        # The shortest text that is this number, also of a float32.
        return float(str(value)) if math.isfinite(value) else None
    return json_value(value.to_list() if hasattr(value, "to_list") else value)
