"""What all column writers share: a ``with`` block, a transaction, values checked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from memmpy.errors import ColumnError, OptionError
from memmpy.store import (
    LOCK_TIMEOUT,
    ArrayWriter,
    ColumnRecord,
    Origin,
    Transaction,
    storage_dtype,
)
from memmpy.typing import Array, PathLike

__all__ = ["ColumnWriter", "RowWriter"]

_Writer = TypeVar("_Writer", bound="ColumnWriter")


class ColumnWriter(ABC):
    """A column that grows inside a ``with`` block and is in the store when the block ends.

    An exception inside the block leaves the store as it was. A column of the same key is
    replaced; who has it open keeps the old one.

    Parameters
    ----------
    path : path-like
        The store; made where it is missing.
    key : str
        Name of the column.
    transaction : Transaction, optional
        To commit together with other columns; `path` is then the transaction's.
    lock_timeout : float
        Seconds to wait for another process that writes; below zero, for ever.
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        if not key:
            raise OptionError("a key must not be empty")
        self.key = key
        #: Where the values come from, for columns that are made of other files.
        self.origin: Origin | None = None
        #: JSON values that are kept beside the column.
        self.details: Mapping[str, Any] = {}
        self._own = Transaction(path, lock_timeout=lock_timeout) if transaction is None else None
        self._transaction = transaction
        self._is_open = False

    def __enter__(self: _Writer) -> _Writer:
        if self._own is not None:
            self._transaction = self._own.__enter__()
        self._is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                assert self._transaction is not None
                self._transaction.put(self.key, self._finish())
        except BaseException as failure:
            if self._own is not None:
                self._own.__exit__(type(failure), failure, failure.__traceback__)
            raise
        finally:
            self._is_open = False
        if self._own is not None:
            self._own.__exit__(kind, error, traceback)

    @abstractmethod
    def _finish(self) -> ColumnRecord:
        """Finish the arrays and return what the store must know of the column."""

    def _new_array(self, role: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> ArrayWriter:
        self._check_open()
        assert self._transaction is not None
        name = self.key if role in {"values", "content"} else f"{self.key}:{role}"
        return self._transaction.new_array(name, dtype, shape, key=self.key)

    def _check_open(self) -> None:
        if not self._is_open:
            name = type(self).__name__
            raise OptionError(
                f"{name} writes inside a with block: with {name}(path, key) as f: ..."
            )


class RowWriter:
    """Rows of one dtype and shape, both taken from the first row where they were not given.

    Parameters
    ----------
    column : ColumnWriter
        Whom the rows belong to.
    role : str
        What the array is to the column.
    dtype : dtype-like or None
        Of the rows.
    shape : tuple of int or None
        Of one row.
    """

    def __init__(
        self, column: ColumnWriter, role: str, *, dtype: Any, shape: tuple[int, ...] | None
    ) -> None:
        self._column, self._role = column, role
        self._dtype = None if dtype is None else storage_dtype(np.dtype(dtype), key=column.key)
        self._shape = None if shape is None else tuple(shape)
        self._array: ArrayWriter | None = None

    @property
    def is_typed(self) -> bool:
        """Whether the dtype is known."""
        return self._dtype is not None

    def append(self, row: Any) -> None:
        """Add one row."""
        if (
            self._array is None
            or type(row) is not np.ndarray
            or row.dtype != self._dtype
            or row.shape != self._shape
        ):
            row = self._checked(row, num_axes=0)
        self.writer.append(row)

    def extend(self, rows: Any) -> int:
        """Add rows along the first axis, and return how many."""
        rows = self._checked(rows, num_axes=1)
        self.writer.extend(rows)
        return len(rows)

    @property
    def writer(self) -> ArrayWriter:
        """The array on disk, once dtype and shape are known."""
        if self._array is None:
            if self._dtype is None:
                message = (
                    f"nothing was written to column {self._column.key!r}, so its dtype is not "
                    "known; give dtype= (and shape=) for a column that may stay empty"
                )
                raise ColumnError(message)
            shape = () if self._shape is None else self._shape
            self._array = self._column._new_array(self._role, self._dtype, shape)
        return self._array

    def _checked(self, rows: Any, *, num_axes: int) -> Array:
        self._column._check_open()
        array = np.asarray(rows)
        if array.ndim < num_axes:
            message = f"column {self._column.key!r}: extend takes an array of rows, got {rows!r}"
            raise ColumnError(message)
        if self._shape is None:
            self._shape = array.shape[num_axes:]
        if array.shape[num_axes:] != self._shape:
            message = (
                f"column {self._column.key!r} has entries of shape {self._shape}, "
                f"got {array.shape[num_axes:]}"
            )
            raise ColumnError(message)
        dtype = storage_dtype(array.dtype, key=self._column.key)
        if self._dtype is None:
            self._dtype = dtype
        if dtype == self._dtype:
            return array
        # Python's numbers have no dtype of their own: they may take the column's.
        if hasattr(rows, "dtype") or not _fits(array, self._dtype):
            message = (
                f"column {self._column.key!r} holds {self._dtype}, got {dtype}; "
                f"cast on purpose with .astype({self._dtype.name!r})"
            )
            raise ColumnError(message)
        return array.astype(self._dtype)


def _fits(array: Array, dtype: np.dtype[Any]) -> bool:
    if array.size == 0:
        return True
    if array.dtype.kind not in "biufc" or dtype.kind not in "biufc":
        return False
    with np.errstate(all="ignore"):
        cast = array.astype(dtype)
    if dtype.kind in "fc" and array.dtype.kind in "fc":
        return bool(np.all(np.isfinite(cast) | ~np.isfinite(array)))
    return bool(np.all(cast == array)) and (dtype.kind == "b") == (array.dtype.kind == "b")
