"""Vector columns: entries of one dtype and one shape."""

from typing import Any, final

import numpy as np

from memmpy.columns.memory_maps import open_arrays
from memmpy.columns.writer import ColumnWriter, RowWriter
from memmpy.errors import argument_hints
from memmpy.store import LOCK_TIMEOUT, ColumnRecord, Transaction
from memmpy.typing import PathLike

__all__ = ["WriteVector", "read_vector"]


@argument_hints
@final
class WriteVector(ColumnWriter):
    """Write a column whose entries have one dtype and one shape.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column. When the block ends, it replaces an older column of this name.
    dtype : dtype-like, optional
        The dtype of the entries; by default that of the first one.
    shape : tuple of int, optional
        The shape of an entry; by default that of the first one.
    transaction : Transaction, optional
        The transaction that commits this column together with others.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Raises
    ------
    ColumnError
        If values have another dtype or shape than the column, or if nothing was written and no
        dtype was given.
    DiskError
        If the disk is full, or a write fails. The store keeps its content.
    StoreLockedError, ReadOnlyStoreError
        If the store cannot be written to.

    Examples
    --------
    >>> with WriteVector(path="data.mmpy", key="testdata") as memfile:
    ...     memfile.append(np.array([1, 2, 3]))
    ...     memfile.extend(np.array([[4, 5, 6], [7, 8, 9]]))
    >>> read_vector(path="data.mmpy", key="testdata").shape
    (3, 3)
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
        self._rows = RowWriter(self, "values", dtype=dtype, shape=shape)

    def append(self, value: Any) -> None:
        """Add one entry, an array of the column's shape. The cost does not depend on its length."""
        self._rows.append(value)

    def extend(self, values: Any) -> None:
        """Add entries: an array of shape (k, ...)."""
        self._rows.extend(values)

    def _finish(self) -> ColumnRecord:
        values = self._rows.writer.finish()
        return ColumnRecord(
            "vector", values.shape[0], {"values": values}, self.details, self.origin
        )


@argument_hints
def read_vector(path: PathLike, key: str) -> np.memmap[Any, Any]:
    """Open a vector column.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.

    Returns
    -------
    np.memmap of shape (n, ...)
        Read-only, of the dtype that was written. No values are read until you use them.

    Raises
    ------
    MissingFileError, MissingKeyError
        If there is no such store or column.
    ColumnError
        If the column is of another kind, or stale.
    CorruptStoreError
        If its file is damaged.
    """
    _, arrays = open_arrays(path, key, kind="vector")
    return arrays["values"]
