"""The tickets of a store's entries: from the files that fill it, or from columns the user names."""

import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.loading import open_columns
from memmpy.errors import ColumnError, OptionError
from memmpy.order import column_identities, file_identities, tickets
from memmpy.store import SourceRecord, read_metadata
from memmpy.typing import Array, Entries, PathLike

__all__ = ["Tickets", "open_tickets"]

#: From int64 entries to their uint64 tickets.
Tickets: TypeAlias = Callable[[Entries], NDArray[np.uint64]]


def open_tickets(
    path: PathLike, *, split_by: Sequence[str] | None, split_seed: int
) -> Tickets | None:
    """Return what gives the tickets of a store's entries.

    Parameters
    ----------
    path : path-like
        The store.
    split_by : sequence of str or None
        Integer columns that name an event for ever, such as ``("runNumber", "eventNumber")``;
        None to name it by the file's UUID, the tree and the entry in it.
    split_seed : int
        Another seed gives other tickets.

    Returns
    -------
    callable or None
        None where nothing names the entries: the store was not converted from files.

    Raises
    ------
    ColumnError
        If a column does not hold one integer an entry.
    """
    if split_by is None:
        sources = read_metadata(path).sources
        return _FileTickets(sources, split_seed) if sources else None
    if isinstance(split_by, str) or not split_by:
        message = f'split_by takes names of columns, ("runNumber", "eventNumber"), got {split_by!r}'
        raise OptionError(message)
    columns = []
    for key, column in open_columns(path, split_by)[1].items():
        if not isinstance(column, np.ndarray) or column.ndim != 1 or column.dtype.kind not in "iub":
            message = (
                f"split_by takes columns of one integer an entry; {key!r} of {os.fspath(path)!r} "
                "is not: floats and lists do not name an event"
            )
            raise ColumnError(message)
        columns.append(np.asarray(column))
    return _ColumnTickets(columns, split_seed)


class _FileTickets:
    """Tickets by file and entry."""

    def __init__(self, sources: Sequence[SourceRecord], split_seed: int) -> None:
        self._sources = sources
        self._starts = np.array([source.entry_start for source in sources], np.int64)
        self._split_seed = split_seed

    def __call__(self, entries: Entries) -> NDArray[np.uint64]:
        # Sources without entries start where the next one does: the last of them has the entry.
        owners = np.searchsorted(self._starts, entries, side="right") - 1
        identities = np.empty(len(entries), np.uint64)
        for owner in np.unique(owners):
            source, here = self._sources[owner], owners == owner
            local = entries[here] - source.entry_start
            identities[here] = file_identities(bytes.fromhex(source.uuid), source.tree, local)
        return tickets(identities, self._split_seed)


class _ColumnTickets:
    """Tickets by what columns say."""

    def __init__(self, columns: Sequence[Array], split_seed: int) -> None:
        self._columns, self._split_seed = columns, split_seed

    def __call__(self, entries: Entries) -> NDArray[np.uint64]:
        values = [np.take(column, entries) for column in self._columns]
        return tickets(column_identities(values), self._split_seed)
