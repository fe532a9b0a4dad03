"""The columns that cuts take from a store, read in steps of bounded memory on threads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from memmpy.columns import (
    ReadJagged,
    ReadNested,
    ReadShaped,
    Snapshot,
    StoredColumn,
    nested_member,
    resolve_key,
)
from memmpy.cuts.evaluation import ColumnLike, HashedText, ListSlice
from memmpy.cuts.language import Node, keys_in, keys_of
from memmpy.errors import LengthError
from memmpy.jagged import Jagged
from memmpy.parallel import keep_freed_memory, prefetch
from memmpy.typing import Entries

__all__ = ["STEP_SIZE", "Inputs", "in_order", "inputs_of", "open_inputs"]

T = TypeVar("T")

#: Entries evaluated at a time, as measured: fewer would wait for Python, more for memory.
STEP_SIZE = 1 << 19
#: Elements of one list or array evaluated at a time, unless one entry has more.
MAX_ITEMS = 1 << 21
#: Entries of nested data that are read at a time.
_NESTED_STEP = 1 << 14


@dataclass(frozen=True, slots=True)
class Inputs:
    """Columns of equal length, on which programs are evaluated.

    Attributes
    ----------
    columns : mapping of str to column
        By their names in the programs.
    texts : mapping of str to mapping of int to str
        From hash to text, for the columns of hashes; None for the others.
    num_entries : int
        The length of all columns.
    """

    columns: Mapping[str, StoredColumn]
    texts: Mapping[str, Mapping[int, str] | None]
    num_entries: int

    @property
    def num_items(self) -> int:
        """Elements of all jagged columns together."""
        jagged = (c for c in self.columns.values() if isinstance(c, ReadJagged))
        return sum(column.content.size for column in jagged)

    def slices(self, start: int, stop: int) -> dict[str, ColumnLike]:
        """Return a range of entries of each column, as a program takes them, without a copy."""
        return {key: self.values(key, start, stop) for key in self.columns}

    def take(self, entries: Entries) -> dict[str, ColumnLike]:
        """Return some entries, ascending, of each column; without a copy if they are a range."""
        if not len(entries):
            return self.slices(0, 0)
        start, stop = int(entries[0]), int(entries[-1]) + 1
        if stop - start == len(entries):
            return self.slices(start, stop)
        return {key: self._taken(key, entries) for key in self.columns}

    def map(
        self, work: Callable[[int, int], T], *, step_size: int, num_threads: int
    ) -> Iterator[T]:
        """Yield ``work(start, stop)`` for each range of entries, in order; threads work ahead."""
        tasks = (partial(work, start, stop) for start, stop in self.ranges(step_size))
        if self.num_entries <= step_size:
            num_threads = 0
        return in_order(tasks, num_threads=num_threads)

    def ranges(self, step_size: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of entries, at most `step_size` each, and fewer if they have many items."""
        columns = self.columns.values()
        offsets = [_lists_of(c).offsets for c in columns if isinstance(c, ReadJagged | ReadShaped)]
        rows = [c[:1].size for c in columns if isinstance(c, np.ndarray)]
        step_size = min(step_size, max(1, MAX_ITEMS // max([1, *rows])))
        if any(isinstance(c, ReadNested) for c in columns):
            step_size = min(step_size, _NESTED_STEP)
        start = 0
        while start < self.num_entries:
            stop = min(start + step_size, self.num_entries)
            for bounds in offsets:
                last = int(bounds[start]) + MAX_ITEMS
                if bounds[stop] > last:
                    fitting = int(np.searchsorted(bounds[start : stop + 1], last, side="right"))
                    stop = start + max(1, fitting - 1)
            yield start, stop
            start = stop

    def values(self, key: str, start: int, stop: int) -> ColumnLike:
        """Return a range of entries of one column; see `slices`."""
        column, texts = self.columns[key], self.texts[key]
        if isinstance(column, ReadJagged | ReadShaped):
            lists = _lists_of(column)
            offsets = lists.offsets_between(start, stop)
            return ListSlice(lists.content[offsets[0] : offsets[-1]], offsets)
        values: Any = column[start:stop]
        if not isinstance(column, np.ndarray):
            return values  # type: ignore[no-any-return]
        return np.asarray(values) if texts is None else HashedText(np.asarray(values), texts)

    def _taken(self, key: str, entries: Entries) -> ColumnLike:
        column, texts = self.columns[key], self.texts[key]
        if not isinstance(column, np.ndarray):
            taken: Any = column[entries]
            return taken  # type: ignore[no-any-return]
        # Entries are in range, so nothing wraps; this is the fastest mode.
        values = np.take(np.asarray(column), entries, axis=0, mode="wrap")
        return values if texts is None else HashedText(values, texts)


def in_order(tasks: Iterable[Callable[[], T]], *, num_threads: int) -> Iterator[T]:
    """Yield the results of tasks in their order; threads work ahead."""
    if num_threads:
        keep_freed_memory()
    return prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1)


def inputs_of(
    snapshot: Snapshot,
    nodes: Sequence[Node],
    stored_as: Mapping[str, str],
    *,
    keys: Iterable[str] = (),
) -> Inputs:
    """Return the columns that cuts use.

    Parameters
    ----------
    snapshot : Snapshot
        The columns of the cuts are open in it.
    nodes : sequence of Node
        The cuts.
    stored_as : mapping of str to str
        Keys of the cuts whose columns have another name in the store.
    keys : iterable of str
        More columns, of any kind.

    Raises
    ------
    CutError
        If a column of the cuts is of a kind that cuts cannot use.
    LengthError
        If the columns differ in length.
    """
    inputs = open_inputs(snapshot, frozenset(keys).union(*map(keys_of, nodes)), stored_as)
    for node in nodes:
        _check_kinds(node, inputs.columns)
    return inputs


def open_inputs(snapshot: Snapshot, keys: Iterable[str], stored_as: Mapping[str, str]) -> Inputs:
    """Return the columns of some keys, of any kind; see `inputs_of`."""
    stored = {key: stored_as.get(key, key) for key in sorted(keys)}
    columns = {key: _column(snapshot, name) for key, name in stored.items()}
    # A cut without a key takes the length of all columns.
    num_entries = _num_entries(snapshot.path, columns or snapshot.columns)
    texts = {
        key: snapshot.texts(name) if name in snapshot.columns else None
        for key, name in stored.items()
    }
    return Inputs(columns, texts, num_entries)


def _lists_of(column: ReadJagged | ReadShaped) -> ReadJagged | Jagged:
    """Return lists, or arrays of any shape as lists."""
    return column.flat if isinstance(column, ReadShaped) else column


def _column(snapshot: Snapshot, name: str) -> StoredColumn:
    """Return a column, or a member of a nested one where it holds numbers."""
    if name in snapshot.columns:
        return snapshot.columns[name]
    key = resolve_key(name, snapshot.metadata.columns)
    column = snapshot.columns[key]
    assert isinstance(column, ReadNested)
    member = nested_member(column, name, key=key)
    return column if member is None else member


def _check_kinds(cut: Node, columns: Mapping[str, StoredColumn]) -> None:
    for key in keys_in(cut):
        column = columns[key.name]
        if isinstance(column, ReadNested | ReadShaped):
            kind = "nested" if isinstance(column, ReadNested) else "shaped"
            hint = "cuts take vectors, jagged columns of one level, and text"
            raise key.span.error(f"a cut cannot use the {kind} column {key.name!r}", hint)


def _num_entries(path: Path, columns: Mapping[str, StoredColumn]) -> int:
    lengths = {key: len(column) for key, column in columns.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lengths.__getitem__), max(lengths, key=lengths.__getitem__)
        message = (
            f"columns of {str(path)!r} differ in length: {short!r} has "
            f"{lengths[short]} entries, {long!r} has {lengths[long]}"
        )
        raise LengthError(message)
    return next(iter(lengths.values()), 0)
