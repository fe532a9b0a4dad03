"""The base of all column writers: a ``with`` block, a transaction, and checks of values."""

import dataclasses
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import TracebackType
from typing import Any, TypeVar

import numpy as np

from memmpy.checks import check_key, check_path, check_timeout, nearest_dtype
from memmpy.errors import ColumnError, OptionError, argument_hints
from memmpy.jagged import fits
from memmpy.store import (
    LOCK_TIMEOUT,
    ArrayWriter,
    ColumnRecord,
    Metadata,
    Origin,
    Transaction,
    events_of,
    num_filled,
    storage_dtype,
)
from memmpy.typing import Array, PathLike

__all__ = ["ColumnWriter", "RowWriter"]

_Writer = TypeVar("_Writer", bound="ColumnWriter")


@argument_hints
class ColumnWriter(ABC):
    """Writes a column inside a ``with`` block; the store has it when the block ends.

    An exception inside the block leaves the store as it was. A column of the same key is
    replaced; a program that has it open keeps the old one. In a store that was converted from
    files, a column of one value for each event belongs to the events of these files. It is stale
    once the store is converted from other files.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column.
    transaction : Transaction, optional
        To commit together with other columns; `path` must be that of the transaction.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        check_key(key)
        if transaction is not None and transaction.directory != check_path(path):
            there = str(transaction.directory)
            raise OptionError(f"the transaction writes to {there!r}, not to {os.fspath(path)!r}")
        self.key = key
        #: Where the values come from, for columns made of files.
        self.origin: Origin | None = None
        #: JSON values to store with the column.
        self.details: Mapping[str, Any] = {}
        own = Transaction(check_path(path), lock_timeout=check_timeout(lock_timeout))
        self._own = own if transaction is None else None
        self._transaction = transaction
        self._is_open = self._was_open = False

    def __enter__(self: _Writer) -> _Writer:
        if self._was_open:
            message = f"column {self.key!r} was written: make another {type(self).__name__}"
            raise OptionError(message)
        if self._own is not None:
            self._transaction = self._own.__enter__()
        assert self._transaction is not None
        self._transaction.check_open()
        self._is_open = self._was_open = True
        try:
            self._start()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._transaction is not None
        try:
            # A forked child that leaves the block writes nothing: the parent does.
            if kind is None and not self._transaction.is_inherited:
                column = _checked(self.key, self._finish())
                column = _with_events(column, self._transaction.metadata)
                self._transaction.put(self.key, column)
        except BaseException as failure:
            if self._own is not None:
                self._own.__exit__(type(failure), failure, failure.__traceback__)
            raise
        finally:
            self._is_open = False
        if self._own is not None:
            self._own.__exit__(kind, error, traceback)

    def _start(self) -> None:  # noqa: B027
        """Create the arrays whose dtypes are known."""

    @abstractmethod
    def _finish(self) -> ColumnRecord:
        """Finish the arrays, and return the record of the column."""

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


def _checked(key: str, column: ColumnRecord) -> ColumnRecord:
    """Return a column; raise a `ColumnError` unless it has as many entries as its origin."""
    if column.origin is not None:
        expected = sum(num for _, num in column.origin.parts)
        if column.num_entries != expected:
            message = f"column {key!r} has {column.num_entries} of the {expected} entries it should"
            raise ColumnError(message)
    return column


def _with_events(column: ColumnRecord, metadata: Metadata) -> ColumnRecord:
    """Return a column with the events of the files, if the user wrote one value for each event."""
    sources, is_own = metadata.sources, column.origin is None and column.computed is None
    if is_own and sources and column.num_entries == num_filled(sources):
        return dataclasses.replace(column, events=events_of(sources))
    return column


class RowWriter:
    """Writes rows of one dtype and shape, which the first row decides where they are not given.

    Parameters
    ----------
    column : ColumnWriter
        The column of the rows.
    role : str
        The role of the array in the column.
    dtype : dtype-like or None
        The dtype of the rows.
    shape : tuple of int or None
        The shape of one row.
    """

    def __init__(
        self, column: ColumnWriter, role: str, *, dtype: Any, shape: tuple[int, ...] | None
    ) -> None:
        self._column, self._role = column, role
        self._dtype = None if dtype is None else _dtype_of(dtype, key=column.key)
        self._shape = None if shape is None else tuple(shape)
        self._array: ArrayWriter | None = None

    def append(self, row: Any) -> None:
        """Add one row."""
        if (
            self._array is None
            or not self._column._is_open
            or type(row) is not np.ndarray
            or row.dtype != self._dtype
            or row.shape != self._shape
        ):
            row = self._checked(row, num_axes=0)
        self.writer.append(row)

    def extend(self, rows: Any) -> int:
        """Add rows along the first axis, and return how many."""
        array = self._checked(rows, num_axes=1)
        # An empty list of Python has neither dtype nor shape.
        if len(array) or hasattr(rows, "dtype"):
            self.writer.extend(array)
        return len(array)

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
        """Return rows as an array of the dtype of the column, which the first rows decide."""
        self._column._check_open()
        name = f"column {self._column.key!r}"
        # Numbers of Python have no dtype: they may take that of the column.
        has_dtype = hasattr(rows, "dtype")
        try:
            array = np.asarray(rows)
        except ValueError as error:
            message = f"{name} takes arrays of one shape, got lists that differ in length; "
            raise ColumnError(message + "use WriteJagged or WriteNested for them") from error
        if array.ndim < num_axes:
            raise ColumnError(f"{name} takes several values at a time, got {rows!r}")
        if array.size == 0 and not has_dtype and array.ndim <= num_axes:
            return array
        is_known = self._dtype is not None and array.dtype == self._dtype
        dtype = array.dtype if is_known else storage_dtype(array.dtype, key=self._column.key)
        shape = array.shape[num_axes:]
        expected = shape if self._shape is None else self._shape
        if shape != expected:
            raise ColumnError(f"{name} has entries of shape {expected}, got {shape}")
        if self._dtype is not None and dtype != self._dtype:
            if has_dtype or not _may_take(array, self._dtype):
                message = f"{name} holds {self._dtype}, got {dtype}; "
                raise ColumnError(f"{message}cast on purpose with .astype({self._dtype.name!r})")
            array = array.astype(self._dtype)
        self._dtype, self._shape = self._dtype or dtype, expected
        return array


def _dtype_of(given: Any, *, key: str) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(given)
    except (TypeError, ValueError, SyntaxError) as error:
        message = f"column {key!r} cannot have the dtype {given!r}{nearest_dtype(given)}"
        raise ColumnError(message) from error
    return storage_dtype(dtype, key=key)


def _may_take(array: Array, dtype: np.dtype[Any]) -> bool:
    return fits(array, dtype) and (dtype.kind == "b") == (array.dtype.kind == "b")
