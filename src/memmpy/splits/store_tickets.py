"""Tickets of the entries of a store, from its files or from the columns that name an event."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from memmpy.columns import Snapshot, why_stale
from memmpy.errors import ColumnError, LengthError, MissingKeyError, nearest
from memmpy.kernels import Words
from memmpy.order import TicketsOf, column_identities, file_identities
from memmpy.splits.ticket_rule import NamedColumns, TicketRule
from memmpy.store import Metadata, SourceRecord, locate, num_filled, tree_name
from memmpy.typing import Entries

__all__ = [
    "check_name_columns",
    "has_source_identity",
    "identities_of",
    "named_columns",
    "num_events",
    "tickets_of",
]


def tickets_of(snapshot: Snapshot, rule: TicketRule, *, num_entries: int) -> TicketsOf:
    """Return a function from entries to their tickets.

    Parameters
    ----------
    snapshot : Snapshot
        The store, with the columns of the rule open.
    rule : TicketRule
        ``"file"`` names an entry by the UUID of its file, the tree and the entry in it; in a store
        without files, by its entry alone.
    num_entries : int
        The number of all entries.

    Raises
    ------
    MissingKeyError, ColumnError
        If a column is missing or stale, or does not hold one integer per entry.
    LengthError
        If a column has another length.
    """
    check_name_columns(snapshot, rule, num_entries=num_entries)
    return partial(_tickets, snapshot=snapshot, rule=rule, num_entries=num_entries)


def identities_of(
    snapshot: Snapshot, rule: TicketRule, entries: Entries, *, num_entries: int
) -> Words:
    """Return the identity of each entry; see `tickets_of`."""
    if rule.by != "file":
        return rule.identities(named_columns(snapshot, rule.by, entries))
    sources = snapshot.metadata.sources
    if not has_source_identity(snapshot.metadata, num_entries):
        return column_identities([entries.astype(np.uint64)])
    return _file_identities(sources, entries)


def named_columns(snapshot: Snapshot, keys: Sequence[str], entries: Entries) -> NamedColumns:
    """Return the values of some entries."""
    values = {key: np.take(np.asarray(snapshot.columns[key]), entries) for key in keys}
    texts = {key: table for key in keys if (table := snapshot.texts(key)) is not None}
    return NamedColumns(values, texts, len(entries))


def has_source_identity(metadata: Metadata, num_entries: int) -> bool:
    """Return whether the files of a store fill this number of entries, and so can name them."""
    return bool(metadata.sources) and num_entries == num_filled(metadata.sources)


def num_events(metadata: Metadata) -> int:
    """Return the entries that the files fill; without files, those of the longest column."""
    if metadata.sources:
        return num_filled(metadata.sources)
    return max((column.num_entries for column in metadata.columns.values()), default=0)


def check_name_columns(snapshot: Snapshot, rule: TicketRule, *, num_entries: int) -> None:
    """Raise an error if a column of the rule is missing or does not hold one number per entry."""
    for key in rule.keys:
        if key not in snapshot.columns:
            stale = why_stale(snapshot.metadata)
            if key in stale:
                raise ColumnError(f"column {key!r}, which names events, is stale: {stale[key]}")
            message = f"no column {key!r} in {str(snapshot.path)!r} to name events"
            hint = nearest(key, snapshot.metadata.columns)
            way_out = ""
            if snapshot.metadata.sources:
                way_out = "; convert with splits=, which reads the columns that it needs"
            raise MissingKeyError(message + hint + way_out, key)
        column = snapshot.columns[key]
        kind = column.dtype.kind if isinstance(column, np.ndarray) and column.ndim == 1 else "?"
        if kind not in ("iub" if key in rule.by else "iubf"):
            message = (
                f"column {key!r} of {str(snapshot.path)!r} holds "
                f"{getattr(column, 'dtype', 'texts')} and cannot name events: use one "
                "integer per entry, because a float may round two event numbers to one; name "
                "other columns with Splits(by=...)"
            )
            raise ColumnError(message)
        if len(column) != num_entries:
            message = f"column {key!r}, which names events, has {len(column):,} entries, "
            raise LengthError(f"{message}and the data {num_entries:,}")


def _tickets(entries: Entries, *, snapshot: Snapshot, rule: TicketRule, num_entries: int) -> Words:
    columns = named_columns(snapshot, rule.keys, entries)
    if rule.by != "file":
        return rule.tickets(rule.identities(columns), columns)
    identities = identities_of(snapshot, rule, entries, num_entries=num_entries)
    return rule.tickets(identities, columns)


def _file_identities(sources: Sequence[SourceRecord], entries: Entries) -> Words:
    owners, local = locate(sources, entries)
    identities = np.empty(len(entries), np.uint64)
    for owner in np.unique(owners):
        source, here = sources[owner], owners == owner
        # Two cycles of a tree are an older and a newer state of the same events.
        identities[here] = file_identities(
            bytes.fromhex(source.uuid), tree_name(source), local[here]
        )
    return identities
