"""Jagged columns: entries of one dtype that differ in length."""

from collections.abc import Iterator, Sequence
from typing import Any, final, overload

import numpy as np
from numpy.typing import NDArray

from memmpy.columns.memory_maps import Arrays, MappedColumn
from memmpy.columns.writer import ColumnWriter, RowWriter
from memmpy.errors import ColumnError, argument_hints
from memmpy.jagged import Jagged
from memmpy.store import LOCK_TIMEOUT, ColumnRecord, Transaction
from memmpy.typing import Array, PathLike

__all__ = ["ReadJagged", "WriteJagged"]


@argument_hints
@final
class WriteJagged(ColumnWriter):
    """Write a column whose entries are arrays of any length.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column. When the block ends, it replaces an older column of this name.
    dtype : dtype-like, optional
        The dtype of the items; by default that of the first entry.
    shape : tuple of int, optional
        The shape of an item; ``()`` for numbers.
    transaction : Transaction, optional
        The transaction that commits this column together with others.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Raises
    ------
    ColumnError
        If values have another dtype or inner shape than the column.
    DiskError
        If the disk is full, or a write fails. The store keeps its content.

    Examples
    --------
    >>> with WriteJagged("data.mmpy", "jet_pt") as column:
    ...     column.append(np.array([50.0, 30.0]))
    ...     column.append(np.array([]))
    >>> ReadJagged("data.mmpy", "jet_pt").counts.tolist()
    [2, 0]
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        dtype: Any = None,
        shape: tuple[int, ...] | None = None,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        super().__init__(path, key, transaction=transaction, lock_timeout=lock_timeout)
        self._content = RowWriter(self, "content", dtype=dtype, shape=shape)
        self._num_items = 0

    def _start(self) -> None:
        self._offsets = self._new_array("offsets", np.dtype(np.int64), ())
        self._offsets.append(0)

    def append(self, value: Any) -> None:
        """Add one entry, an array of shape (k, ...). The cost does not depend on the length."""
        self._num_items += self._content.extend(value)
        self._offsets.append(self._num_items)

    def extend(self, values: Any) -> None:
        """Add entries: a `Jagged`, an `ak.Array` of lists, or a sequence of arrays."""
        jagged = values if isinstance(values, Jagged) else _jagged_of(values)
        if jagged is None:
            for value in values:
                self.append(value)
            return
        self._content.extend(jagged.content)
        self._offsets.extend(jagged.offsets[1:] + self._num_items)
        self._num_items += len(jagged.content)

    def _finish(self) -> ColumnRecord:
        arrays = {"content": self._content.writer.finish(), "offsets": self._offsets.finish()}
        num_entries = arrays["offsets"].shape[0] - 1
        return ColumnRecord("jagged", num_entries, arrays, self.details, self.origin)


@argument_hints
@final
class ReadJagged(MappedColumn, Sequence[Array]):
    """Open a jagged column: a sequence of arrays, read from disk when you use them.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If the column is of another kind, or stale.
    CorruptStoreError
        If its files are damaged. Opening checks sizes; each read checks that the offsets of its
        entries do not fall, and lie in the content.

    Notes
    -----
    ``column[3]`` is an array, ``column[2:5]`` and ``column[[7, 2]]`` are `Jagged`; a slice copies
    no items.
    """

    __slots__ = ("_jagged",)

    _kind = "jagged"

    def _set_arrays(self, _record: ColumnRecord | None, arrays: Arrays, name: str) -> None:
        content, offsets = np.asarray(arrays["content"]), np.asarray(arrays["offsets"])
        self._jagged = Jagged.mapped(content, offsets, name)

    @property
    def content(self) -> Array:
        """The items of all entries, read-only, of shape (number of items, ...)."""
        return self._jagged.content

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Where entries start and stop in the content, read-only, of shape (n + 1,).

        These are the offsets of the file, unchecked; `offsets_between` checks them.
        """
        return self._jagged.offsets

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of items of each entry, of shape (n,). Reads all offsets."""
        return self._jagged.counts

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of the items."""
        return self._jagged.dtype

    @property
    def buffers(self) -> tuple[Array, ...]:
        """Content and offsets, the mapped arrays that hold it."""
        return self._jagged.buffers

    def offsets_between(self, start: int, stop: int) -> NDArray[np.int64]:
        """Return where some entries lie in the content, checked as in `Jagged.offsets_between`."""
        return self._jagged.offsets_between(start, stop)

    def to_awkward(self) -> Any:
        """Return an `ak.Array` over the mapped memory. Reads all offsets."""
        return self._jagged.to_awkward()

    def __len__(self) -> int:
        return len(self._jagged)

    @overload
    def __getitem__(self, index: int | np.integer[Any]) -> Array: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int] | NDArray[Any]) -> Jagged: ...
    def __getitem__(self, index: Any) -> Array | Jagged:
        part: Array | Jagged = self._jagged[index]
        return part

    def __iter__(self) -> Iterator[Array]:
        return iter(self._jagged)

    def __repr__(self) -> str:
        items = f"{len(self.content)} items of {self.dtype}{list(self.content.shape[1:]) or ''}"
        return f"<ReadJagged of {len(self)} entries, {items}>"


def _jagged_of(values: Any) -> Jagged | None:
    """Return awkward arrays as `Jagged`, and None for other sequences."""
    if isinstance(values, ReadJagged):
        return values[:]
    if type(values).__module__.partition(".")[0] == "awkward":
        import awkward as ak

        # Lists that are all empty may have no dtype.
        is_unknown = str(ak.type(values).content) == "var * unknown"
        return None if is_unknown else Jagged.from_awkward(values)
    if isinstance(values, (str, bytes)) or not hasattr(values, "__iter__"):
        raise ColumnError(f"extend takes a sequence of arrays, got {values!r}")
    return None
