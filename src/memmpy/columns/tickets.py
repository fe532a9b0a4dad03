"""The tickets of a store's entries: from the files that fill it, or from columns the user names."""

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.loading import Snapshot
from memmpy.columns.opening import why_stale
from memmpy.errors import ColumnError, LengthError, MissingKeyError, OptionError, nearest
from memmpy.order import TicketsOf, column_identities, file_identities, tickets
from memmpy.store import Metadata, SourceRecord, locate, num_filled, tree_name
from memmpy.typing import Array, Entries

__all__ = ["are_named_by_files", "check_split_by", "tickets_of"]


def tickets_of(
    snapshot: Snapshot, *, split_by: Sequence[str] | None, split_seed: int, num_entries: int
) -> TicketsOf:
    """Return what gives the tickets of entries.

    Parameters
    ----------
    snapshot : Snapshot
        With the columns of `split_by` among those that are open.
    split_by : sequence of str or None
        Integer columns that name an event for ever, such as ``("runNumber", "eventNumber")``;
        None to name it by the file's UUID, the tree and the entry in it, or where no files fill
        the store by its entry.
    split_seed : int
        Another seed gives other tickets.
    num_entries : int
        How many entries there are to name.

    Raises
    ------
    ColumnError
        If a column does not hold one integer an entry.
    """
    if split_by is None:
        if not are_named_by_files(snapshot.metadata, num_entries):
            return partial(_entry_tickets, split_seed=split_seed)
        return partial(_file_tickets, sources=snapshot.metadata.sources, split_seed=split_seed)
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


def are_named_by_files(metadata: Metadata, num_entries: int) -> bool:
    """Say whether so many entries are those of the files that fill the store."""
    return bool(metadata.sources) and num_entries == num_filled(metadata.sources)


def check_split_by(split_by: Sequence[str]) -> tuple[str, ...]:
    """Return the names of columns that name an event, in the order that they were given.

    Raises
    ------
    OptionError
        If it is no list of different names. A set has another order in each process, and so would
        deal the events into other splits.
    """
    given: object = split_by
    is_list = isinstance(given, Sequence) and not isinstance(given, str | bytes)
    names: list[object] = [*split_by] if is_list else []
    if not names or not all(isinstance(name, str) and name for name in names):
        message = (
            "split_by is a list of columns, in an order that matters: "
            f'("runNumber", "eventNumber"); got {split_by!r}'
        )
        raise OptionError(message)
    for key in sorted({key for key in split_by if list(split_by).count(key) > 1}):
        raise OptionError(f"split_by names the column {key!r} twice")
    return tuple(split_by)


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


def _entry_tickets(entries: Entries, *, split_seed: int) -> NDArray[np.uint64]:
    """Return tickets by entry alone."""
    return tickets(column_identities([entries.astype(np.uint64)]), split_seed)


def _column_tickets(
    entries: Entries, *, columns: Sequence[Array], split_seed: int
) -> NDArray[np.uint64]:
    """Return tickets by what columns say."""
    values = [np.take(column, entries) for column in columns]
    return tickets(column_identities(values), split_seed)
