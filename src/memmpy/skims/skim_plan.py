"""The plan of a skim: the request checked against the store, before any row is read."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from memmpy.columns import (
    ColumnType,
    ReadNested,
    Snapshot,
    open_columns,
    type_of_column,
    type_of_values,
)
from memmpy.cuts import Key, check_stored, find_mistakes, keys_of, open_inputs
from memmpy.errors import (
    ColumnError,
    CorruptStoreError,
    LengthError,
    MissingFileError,
    OptionError,
)
from memmpy.skims.derived_columns import Expression, nodes_of
from memmpy.skims.row_layout import SkimLayout, lay_out
from memmpy.skims.skim_document import dependencies
from memmpy.skims.skim_reader import Skim, matches
from memmpy.skims.skim_request import SkimRequest
from memmpy.splits import (
    Splits,
    TicketRule,
    agree_on_splits,
    default_rule,
    has_source_identity,
    num_events,
    open_event_columns,
    recorded_splits,
    tickets_of,
)
from memmpy.store import read_metadata

__all__ = ["SkimPlan", "plan_skim", "stored_skim", "ticket_rule_of"]


@dataclass(frozen=True, slots=True)
class SkimPlan:
    """The content of a skim, and the columns that it is made of.

    Parameters
    ----------
    request : SkimRequest
        The content of the skim.
    snapshot : Snapshot
        The columns that it uses, as one commit left them.
    layout : SkimLayout
        The fields of its rows, and its lists.
    num_entries : int
        Number of entries of the store.
    made_of : mapping
        The columns and files that it depends on.
    notes : frozenset of str
        Warnings of likely mistakes in the expressions of derived columns.
    """

    request: SkimRequest
    snapshot: Snapshot
    layout: SkimLayout
    num_entries: int
    made_of: Mapping[str, Any]
    notes: frozenset[str]

    @property
    def cut_text(self) -> str | None:
        """The cut as the user wrote it."""
        return None if self.request.cut is None else self.request.cut.span.text


def ticket_rule_of(store: Path, request: SkimRequest, splits: Splits | None) -> TicketRule:
    """Return the rule of the tickets: that of the splits of the store, or of the usual columns.

    The store records `splits`.
    """
    metadata = read_metadata(store)
    known = recorded_splits(metadata)
    if splits is None and known is not None:
        return known.ticket_rule
    snapshot = open_event_columns(store, metadata, splits)
    if splits is not None:

        def check(final_splits: Splits) -> None:
            plan_skim(store, replace(request, rule=final_splits.ticket_rule))

        num_entries = num_events(metadata)
        return agree_on_splits(snapshot, splits, num_entries=num_entries, check=check).ticket_rule
    required = request.required_keys(metadata)
    first = metadata.columns.get(required[0]) if required else None
    return default_rule(snapshot, num_entries=0 if first is None else first.num_entries)


def plan_skim(store: Path, request: SkimRequest) -> SkimPlan:
    """Return the plan of a skim, and check that the store has its columns."""
    metadata = read_metadata(store)
    nodes = nodes_of(request.derived.values())
    for node in nodes if request.cut is None else [request.cut, *nodes]:
        check_stored(node, metadata.current_keys(), path=store, metadata=metadata)
    required = request.required_keys(metadata)
    snapshot = open_columns(store, required)
    lengths = {key: len(column) for key, column in snapshot.columns.items()}
    if not required:
        raise OptionError(f"{str(store)!r} has no columns, so no entries to skim")
    first, *others = required
    for key in others:
        if lengths[key] != lengths[first]:
            message = f"columns {first!r} and {key!r} have {lengths[first]:,} and {lengths[key]:,} "
            raise LengthError(f"{message}entries: all columns of a skim must have the same number")
    layout = lay_out(request, _types_of(snapshot, request))
    _check_no_texts(snapshot, request, layout)
    assert request.rule is not None
    tickets_of(snapshot, request.rule, num_entries=lengths[first])  # checks what names an event
    made_of = dependencies(
        snapshot.metadata,
        required,
        num_entries=lengths[first],
        by_file=request.rule.by == "file"
        and has_source_identity(snapshot.metadata, lengths[first]),
    )
    no_entries = open_inputs(snapshot, frozenset().union(*map(keys_of, nodes)), {}).slices(0, 0)
    notes = frozenset[str]().union(*(find_mistakes(node, no_entries) for node in nodes))
    return SkimPlan(request, snapshot, layout, lengths[first], made_of, notes)


def _types_of(snapshot: Snapshot, request: SkimRequest) -> dict[str, ColumnType]:
    """Return the types of the columns that the values of a skim come from."""
    records = snapshot.metadata.columns
    keys = frozenset(request.plain_keys).union(*(one.keys for one in request.derived.values()))
    types = {key: type_of_column(records[key]) for key in keys & records.keys()}
    for key, member in open_inputs(snapshot, keys - records.keys(), {}).columns.items():
        # A member of a nested column is numbers or lists of them, or else nested itself.
        empty: Any = member[:0]
        is_nested = isinstance(member, ReadNested)
        types[key] = ColumnType("nested") if is_nested else type_of_values(empty)
    return types


def _check_no_texts(snapshot: Snapshot, request: SkimRequest, layout: SkimLayout) -> None:
    """Raise a `ColumnError` if hashes of texts would be taken for numbers."""
    members = {
        key: f"{name!r} takes numbers"
        for name, keys in request.groups.items()
        for key in keys
        if layout.dtype_of(name).kind == "f"
    }
    uses = [(key, use) for key, use in members.items() if key not in request.derived]
    for name, one in request.derived.items():
        if name in members or not isinstance(one, Expression):
            nodes = (node for node in nodes_of([one]) if isinstance(node, Key))
            uses += [(node.name, members.get(name, "a number is needed")) for node in nodes]
    for key, use in uses:
        if key in snapshot.columns and snapshot.texts(key) is not None:
            message = f"{key!r} holds texts, and {use}; take a condition, such as {key} == 'ttH'"
            raise ColumnError(message)


def stored_skim(folder: Path, plan: SkimPlan) -> Skim | None:
    """Return the skim if it exists, undamaged and up to date; else None."""
    try:
        skim = Skim(folder)
    except (MissingFileError, CorruptStoreError):
        return None
    is_right = matches(
        skim, request=plan.request.to_json(), made_of=plan.made_of, layout=plan.layout
    )
    return skim if is_right else None
