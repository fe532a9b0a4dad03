"""The values that a skim packs: columns of the store and derived ones, block by block."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from memmpy.columns import ReadJagged, Snapshot, StoredColumn
from memmpy.cuts import Inputs, open_inputs
from memmpy.jagged import Jagged
from memmpy.skims.derived_columns import BlockColumns, Derived, Expression
from memmpy.typing import Array, Entries

__all__ = ["ValueReader", "reader_of"]

#: Entries for which derived columns are computed at a time: a call of a program costs some 50 us.
_PIECE = 2**15
#: Items of one jagged column, and bytes of one vector, that a piece may have, unless one entry has
#: more.
_PIECE_ITEMS = 2**20
_PIECE_BYTES = 2**23  # 8 MiB


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads the values of a skim from mapped columns.

    Parameters
    ----------
    stored : mapping of name to column
        The values that are columns of the store, unchanged.
    derived : mapping of name to Derived
        The others.
    inputs : Inputs
        The columns that these need.
    """

    stored: Mapping[str, StoredColumn]
    derived: Mapping[str, Derived]
    inputs: Inputs

    def blocks(
        self, entries: Entries, num_entries: int
    ) -> Iterator[tuple[int, int, dict[str, Array | Jagged]]]:
        """Yield the start and stop of consecutive blocks of entries, and the values by name.

        Parameters
        ----------
        entries : int64 array of shape (n,)
            Ascending.
        num_entries : int
            Entries of a block; some have fewer.
        """
        for first, last in self._pieces(entries, num_entries):
            computed = self.compute(entries[first:last])
            for start in range(first, last, num_entries):
                stop = min(start + num_entries, last)
                block = entries[start:stop]
                values = {name: _values_at(column, block) for name, column in self.stored.items()}
                values |= {k: own[start - first : stop - first] for k, own in computed.items()}
                yield start, stop, values

    def compute(self, entries: Entries) -> dict[str, Array | Jagged]:
        """Return the values of the derived columns for some entries."""
        if not self.derived:
            return {}
        columns = BlockColumns(self.inputs.take(entries))
        return {name: one.values(columns, entries) for name, one in self.derived.items()}

    def num_items(self, name: str, entries: Entries) -> int:
        """Return how many items the lists of some entries have."""
        if name not in self.stored:
            column = self.inputs.take(entries)
            values = self.derived[name].values(BlockColumns(column), entries)
            assert isinstance(values, Jagged)
            return len(values.content)
        lists = self.stored[name]
        assert isinstance(lists, ReadJagged)
        return int(_counts(lists, entries).sum())

    def _pieces(self, entries: Entries, num_entries: int) -> Iterator[tuple[int, int]]:
        """Yield the (start, stop) of entries for which derived columns are computed at once."""
        if not self.derived:
            yield 0, len(entries)
            return
        columns = self.inputs.columns.values()
        widest = max((c[:1].nbytes for c in columns if isinstance(c, np.ndarray)), default=1)
        most = min(_PIECE, _PIECE_BYTES // max(1, widest)) // num_entries * num_entries
        most, jagged = max(most, num_entries), [c for c in columns if isinstance(c, ReadJagged)]
        start = 0
        while start < len(entries):
            stop = min(start + most, len(entries))
            for lists in jagged:
                num_items = np.cumsum(_counts(lists, entries[start:stop]))
                if num_items[-1] > _PIECE_ITEMS:
                    stop = start + max(1, int(np.searchsorted(num_items, _PIECE_ITEMS)))
            yield start, stop
            start = stop


def reader_of(
    snapshot: Snapshot, names: Sequence[str], derived: Mapping[str, Derived]
) -> ValueReader:
    """Return the reader of some names: derived columns, or else columns of a snapshot."""
    columns = snapshot.columns
    stored = {name: columns[name] for name in names if name not in derived}
    computed = {name: derived[name] for name in names if name in derived}
    for name, one in list(computed.items()):
        key = one.plain_key if isinstance(one, Expression) else None
        if key is not None and isinstance(columns.get(key), np.ndarray | ReadJagged):
            stored[name] = columns[key]
            del computed[name]
    keys = frozenset[str]().union(*(one.keys for one in computed.values()))
    return ValueReader(stored, computed, open_inputs(snapshot, keys, {}))


def _values_at(column: StoredColumn, entries: Entries) -> Array | Jagged:
    is_run = int(entries[-1]) - int(entries[0]) + 1 == len(entries)
    run = slice(int(entries[0]), int(entries[-1]) + 1)
    if isinstance(column, ReadJagged):
        return column[run] if is_run else column[entries]
    values = np.asarray(column)
    # Entries are in range, so nothing wraps; this is the fastest mode.
    return values[run] if is_run else np.take(values, entries, axis=0, mode="wrap")


def _counts(lists: ReadJagged, entries: Entries) -> Entries:
    """Return how many items entries have; in a damaged file, a number that is possible."""
    counts: Entries = lists.offsets[entries + 1] - lists.offsets[entries]
    # Reading the lists will raise the error.
    return np.clip(counts, 0, len(lists.content))
