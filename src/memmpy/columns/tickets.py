"""The tickets of a store's entries: from the files that fill it, or from columns the user names."""

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.loading import Snapshot
from memmpy.columns.opening import why_stale
from memmpy.errors import ColumnError, LengthError, MissingKeyError, OptionError, nearest
from memmpy.order import TicketsOf, column_identities, file_identities, tickets
from memmpy.store import SourceRecord, locate, num_filled, tree_name
from memmpy.typing import Array, Entries

__all__ = ["check_split_by", "tickets_of"]


def tickets_of(
    snapshot: Snapshot, *, split_by: Sequence[str] | None, split_seed: int, num_entries: int
) -> TicketsOf | None:
    """Return what gives the tickets of entries.

    Parameters
    ----------
    snapshot : Snapshot
        With the columns of `split_by` among those that are open.
    split_by : sequence of str or None
        Integer columns that name an event for ever, such as ``("runNumber", "eventNumber")``;
        None to name it by the file's UUID, the tree and the entry in it.
    split_seed : int
        Another seed gives other tickets.
    num_entries : int
        How many entries there are to name.

    Returns
    -------
    callable or None
        None where nothing names the entries: no files fill the store, or not as many entries.

    Raises
    ------
    ColumnError
        If a column does not hold one integer an entry.
    """
    if split_by is None:
        sources = snapshot.metadata.sources
        is_named = bool(sources) and num_entries == num_filled(sources)
        named = partial(_file_tickets, sources=sources, split_seed=split_seed)
        return named if is_named else None
    columns = []
    for key in check_split_by(split_by):
        if key not in snapshot.columns:
            stale = why_stale(snapshot.metadata)
            if key in stale:
                raise ColumnError(f"column {key!r} to split by is stale: {stale[key]}")
            message = f"no column {key!r} to split by{nearest(key, snapshot.columns)}"
            raise MissingKeyError(message, key)
        column = snapshot.columns[key]
        if not isinstance(column, np.ndarray) or column.ndim != 1 or column.dtype.kind not in "iub":
            message = (
                f"split_by takes columns of one integer an entry; {key!r} of "
                f"{str(snapshot.path)!r} is not: floats and lists do not name an event"
            )
            raise ColumnError(message)
        if len(column) != num_entries:
            message = f"{key!r} has {len(column)} entries, the data to split {num_entries}"
            raise LengthError(message)
        columns.append(np.asarray(column))
    return partial(_column_tickets, columns=columns, split_seed=split_seed)


def check_split_by(split_by: Sequence[str]) -> list[str]:
    """Return the names of columns that name an event, if that is what they are."""
    given: object = split_by
    if isinstance(given, str) or not isinstance(given, Collection) or not given:
        message = f'split_by takes names of columns, ("runNumber", "eventNumber"), got {split_by!r}'
        raise OptionError(message)
    return list(split_by)


def _file_tickets(
    entries: Entries, *, sources: Sequence[SourceRecord], split_seed: int
) -> NDArray[np.uint64]:
    """Return tickets by file and entry."""
    owners, local = locate(sources, entries)
    identities = np.empty(len(entries), np.uint64)
    for owner in np.unique(owners):
        source, here = sources[owner], owners == owner
        # Two cycles of a tree are an older and a newer state of the same events.
        identities[here] = file_identities(
            bytes.fromhex(source.uuid), tree_name(source), local[here]
        )
    return tickets(identities, split_seed)


def _column_tickets(
    entries: Entries, *, columns: Sequence[Array], split_seed: int
) -> NDArray[np.uint64]:
    """Return tickets by what columns say."""
    values = [np.take(column, entries) for column in columns]
    return tickets(column_identities(values), split_seed)
