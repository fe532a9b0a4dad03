"""Hands out all entries, in order, in batches."""

from collections.abc import Iterator
from functools import partial
from typing import Any, final

from memmpy.checks import check_flag, check_integer
from memmpy.display import facts_html, format_count
from memmpy.errors import argument_hints
from memmpy.loaders.check_data import check_data, check_sendable
from memmpy.loaders.epoch import chunks_of_columns, load_batches
from memmpy.order import EveryEntry, num_batches
from memmpy.parallel import check_threads
from memmpy.typing import Batch, Data

__all__ = ["SimpleLoader"]


@argument_hints
@final
class SimpleLoader:
    """Iterate over all entries in batches, without shuffling.

    A batch is a dict with the values of each key, and ``"_index"``: its int64 entries. Arrays of a
    batch are writable and independent of the data.

    Parameters
    ----------
    data : mapping of str to column
        Arrays, memory maps, or columns that memmpy opens, all of one length.
    batch_size : int
        Entries in a batch.
    drop_last : bool
        Leave out the last batch if it is short.
    num_threads : int
        Threads that gather batches ahead. The thread of the caller helps when it would wait, and
        does all work if the number is 0.

    Examples
    --------
    >>> import numpy as np
    >>> for batch in SimpleLoader({"x": np.array([0.5, 1.5, 2.5])}, batch_size=2):
    ...     print(batch["x"], batch["_index"])
    [0.5 1.5] [0 1]
    [2.5] [2]
    """

    def __init__(
        self, data: Data, batch_size: int = 32, *, drop_last: bool = False, num_threads: int = 1
    ) -> None:
        columns, num_entries = check_data(data)
        self.num_entries: int = num_entries
        self._data = data
        self.batch_size: int = check_integer("batch_size", batch_size, minimum=1)
        self.drop_last: bool = check_flag("drop_last", drop_last)
        self.num_threads: int = check_threads(num_threads)
        members = EveryEntry(self.num_entries)
        self._chunks = chunks_of_columns(
            columns, members, is_shuffled=False, num_threads=self.num_threads
        )

    def __reduce__(self) -> tuple[Any, ...]:
        check_sendable(self._data)
        again = partial(SimpleLoader, drop_last=self.drop_last, num_threads=self.num_threads)
        return again, (self._data, self.batch_size)

    def __len__(self) -> int:
        return num_batches(self.num_entries, self.batch_size, drop_last=self.drop_last)

    def __iter__(self) -> Iterator[Batch]:
        return load_batches(
            self._chunks,
            seed=0,  # there is one order
            epoch=0,
            batch_size=self.batch_size,
            drop_last=self.drop_last,
            num_threads=self.num_threads,
            position=0,
        )

    def __repr__(self) -> str:
        return f"SimpleLoader({self._size})"

    def _repr_html_(self) -> str:
        return facts_html("SimpleLoader", {"keys": ", ".join(self._data), "epoch": self._size})

    @property
    def _size(self) -> str:
        entries = format_count(self.num_entries, "entry", "entries")
        return f"{entries}, {format_count(len(self), 'batch', 'batches')} of {self.batch_size:,}"
