"""Nested columns: entries of any awkward type, stored as a form and buffers."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, final

import numpy as np

from memmpy.columns.awkward_buffers import form_of
from memmpy.columns.column_layout import (
    ENTRIES,
    ColumnArray,
    ColumnLayout,
    empty_of_type,
    layout_of_array,
    shift,
)
from memmpy.columns.memory_maps import Arrays, MappedColumn
from memmpy.columns.nested_checks import check_ends, check_nested
from memmpy.columns.writer import ColumnWriter
from memmpy.errors import ColumnError, CorruptStoreError, argument_hints, damaged
from memmpy.jagged import resolve
from memmpy.store import LOCK_TIMEOUT, ArrayWriter, ColumnRecord, Transaction
from memmpy.typing import Array, PathLike

__all__ = ["ReadNested", "WriteNested"]


@argument_hints
@final
class WriteNested(ColumnWriter):
    """Write a column of an awkward type: lists of lists, records, strings in lists, options.

    Parameters
    ----------
    path : path-like
        The store, created if it is missing.
    key : str
        Name of the column. When the block ends, it replaces an older column of this name.
    type : str, optional
        The type of an entry, as awkward writes it (``"var * var * float32"``); by default that of
        the first chunk. A column that may stay empty needs it.
    transaction : Transaction, optional
        The transaction that commits this column together with others.
    lock_timeout : float
        Seconds to wait for another process that writes to the store. If negative, without limit.

    Raises
    ------
    ColumnError
        If chunks differ in type, or hold unions or Python objects.
    """

    def __init__(
        self,
        path: PathLike,
        key: str,
        *,
        type: str | None = None,
        transaction: Transaction | None = None,
        lock_timeout: float = LOCK_TIMEOUT,
    ) -> None:
        super().__init__(path, key, transaction=transaction, lock_timeout=lock_timeout)
        self._type = type
        self._form: dict[str, Any] | None = None
        self._layout: ColumnLayout | None = None
        self._buffers: dict[str, ArrayWriter] = {}
        self._lengths: dict[str, int] = {}

    def _start(self) -> None:
        if self._type is not None:
            self.extend(empty_of_type(self._type))

    def extend(self, values: Any) -> None:
        """Add the entries of an `ak.Array`; all chunks must have one type."""
        import awkward as ak

        self._check_open()
        try:
            array = ak.to_packed(ak.Array(values))
        except (TypeError, ValueError) as error:
            message = f"column {self.key!r} takes awkward arrays, got {values!r}"
            raise ColumnError(message) from error
        try:
            form = form_of(array)
        except ColumnError as error:
            raise ColumnError(f"column {self.key!r} {error}") from None
        if self._form is None:
            self._form, self._type = form, str(array.type.content)
        elif form != self._form:
            message = f"column {self.key!r} has entries of type {self._type}, "
            raise ColumnError(f"{message}got {array.type.content}")
        if self._layout is None:
            self._layout = layout_of_array(array, form)
        chunk = self._layout.chunk_of(array)
        for field in self._layout.fields:
            self._append(field, chunk.arrays[field.role])
        for node, length in chunk.lengths.items():
            self._lengths[node] = self._lengths.get(node, 0) + length

    def _append(self, field: ColumnArray, values: Array) -> None:
        if field.role not in self._buffers:
            self._buffers[field.role] = self._new_array(field.role, field.dtype, ())
            if field.kind == "offsets":
                self._buffers[field.role].append(0)
        base = 0 if field.points_into is None else self._lengths.get(field.points_into, 0)
        self._buffers[field.role].extend(shift(field, values, base))

    def _finish(self) -> ColumnRecord:
        if self._form is None:
            message = (
                f"nothing was written to column {self.key!r}; extend it once, if by an empty array"
            )
            raise ColumnError(message)
        arrays = {role: writer.finish() for role, writer in self._buffers.items()}
        details = {**self.details, "form": self._form}
        return ColumnRecord("nested", self._lengths[ENTRIES], arrays, details, self.origin)


@argument_hints
@final
class ReadNested(MappedColumn):
    """Open a nested column, whose entries are awkward arrays over mapped memory.

    The first access to an entry reads and checks all offsets.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.
    """

    __slots__ = ("_array", "_arrays", "_form", "_is_checked", "_name")

    _kind = "nested"

    def _set_arrays(self, record: ColumnRecord | None, arrays: Arrays, name: str) -> None:
        import awkward as ak

        assert record is not None
        self._arrays = {role: np.asarray(array) for role, array in arrays.items()}
        self._name, self._is_checked = name, False
        try:
            self._form: Mapping[str, Any] = record.details["form"]
            form = ak.forms.from_json(json.dumps(self._form))
            check_ends(self._form, self._arrays, record.num_entries, of=name)
            self._array = ak.from_buffers(form, record.num_entries, self._arrays)
        except CorruptStoreError:
            raise
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise damaged(name, str(error)) from error

    @property
    def buffers(self) -> tuple[Array, ...]:
        """The mapped arrays that hold it, one for each buffer of its form."""
        return tuple(self._arrays.values())

    def to_awkward(self) -> Any:
        """Return the whole column as an `ak.Array` over the mapped memory.

        Raises
        ------
        CorruptStoreError
            If offsets fall or lead out of the content, at any depth.
        """
        if not self._is_checked:
            check_nested(self._form, self._arrays, of=self._name)
            self._is_checked = True
        return self._array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> Any:
        """Return one entry, or an `ak.Array` of entries."""
        return self.to_awkward()[resolve(index, len(self))]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.to_awkward())

    def __repr__(self) -> str:
        return f"<ReadNested of type {self._array.type}>"
