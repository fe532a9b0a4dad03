"""Nested columns: any awkward type, kept as its form and its buffers."""

import json
from collections.abc import Iterator
from typing import Any, final

import numpy as np

from memmpy.columns.indexing import resolve
from memmpy.columns.opening import Arrays, open_arrays
from memmpy.columns.writing import ColumnWriter
from memmpy.errors import ColumnError, CorruptStoreError
from memmpy.store import LOCK_TIMEOUT, ArrayWriter, ColumnRecord, Transaction
from memmpy.typing import PathLike

__all__ = ["ReadNested", "WriteNested"]


@final
class WriteNested(ColumnWriter):
    """Write a column of an awkward type: lists of lists, records, strings in lists, options.

    Parameters
    ----------
    path : path-like
        The store; made where it is missing.
    key : str
        Name of the column. One of the same key is replaced when the block ends.
    type : str, optional
        Of an entry, as awkward writes it (``"var * var * float32"``); needed for a column that may
        stay empty, else taken from the first piece.
    transaction : Transaction, optional
        To commit together with other columns.
    lock_timeout : float
        Seconds to wait for another process that writes; below zero, for ever.

    Raises
    ------
    ColumnError
        If pieces differ in type, or hold unions or Python objects.
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
        self._buffers: dict[str, ArrayWriter] = {}
        self._lengths: dict[str, int] = {}

    def _start(self) -> None:
        if self._type is not None:
            self.extend(_empty(self._type))

    def extend(self, values: Any) -> None:
        """Add the entries of an `ak.Array`; all pieces must have one type."""
        import awkward as ak

        self._check_open()
        try:
            array = ak.to_packed(ak.Array(values))
        except (TypeError, ValueError) as error:
            message = f"column {self.key!r} takes awkward arrays, got {values!r}"
            raise ColumnError(message) from error
        form = self._form_of(array.layout, "node0")
        if self._form is None:
            self._form, self._type = form, str(array.type.content)
        elif form != self._form:
            message = f"column {self.key!r} has entries of type {self._type}, "
            raise ColumnError(f"{message}got {array.type.content}")
        self._append(array.layout, "node0")

    def _finish(self) -> ColumnRecord:
        if self._form is None:
            message = (
                f"nothing was written to column {self.key!r}; extend it once, if by an empty array"
            )
            raise ColumnError(message)
        arrays = {role: writer.finish() for role, writer in self._buffers.items()}
        details = {**self.details, "form": self._form}
        return ColumnRecord("nested", self._lengths["node0"], arrays, details, self.origin)

    def _form_of(self, layout: Any, name: str) -> dict[str, Any]:
        """Return the form that the buffers of `layout` will have, with `name` as its key."""
        import awkward as ak

        contents = ak.contents
        layout = _plain(layout)
        form = {"form_key": name, "parameters": dict(layout.parameters)}
        if isinstance(layout, contents.NumpyArray):
            primitive = layout.form.primitive
            return {**form, "class": "NumpyArray", "primitive": primitive, "inner_shape": []}
        if isinstance(layout, contents.RecordArray):
            inner = [self._form_of(c, f"{name}.{i}") for i, c in enumerate(layout.contents)]
            fields = None if layout.is_tuple else layout.fields
            return {**form, "class": "RecordArray", "fields": fields, "contents": inner}
        if isinstance(layout, contents.UnionArray | contents.EmptyArray):
            message = f"column {self.key!r} cannot hold the type {layout.form.type}: "
            raise ColumnError(message + "unions and unknown types have no fixed dtype")
        if layout.is_option:
            content = self._form_of(layout.content, f"{name}.0")
            return {**form, "class": "IndexedOptionArray", "index": "i64", "content": content}
        content = self._form_of(layout.content, f"{name}.0")
        if isinstance(layout, contents.RegularArray):
            return {**form, "class": "RegularArray", "size": layout.size, "content": content}
        return {**form, "class": "ListOffsetArray", "offsets": "i64", "content": content}

    def _append(self, layout: Any, name: str) -> None:
        import awkward as ak

        contents = ak.contents
        layout = _plain(layout)
        self._lengths[name] = self._lengths.get(name, 0) + len(layout)
        if isinstance(layout, contents.NumpyArray):
            data = np.asarray(layout.data)
            self._buffer(f"{name}-data", data.dtype).extend(data)
        elif isinstance(layout, contents.RecordArray):
            for i, content in enumerate(layout.contents):
                self._append(content[: len(layout)], f"{name}.{i}")
        elif layout.is_option:
            index = np.asarray(layout.index.data)
            shifted = np.where(index < 0, -1, index + self._lengths.get(f"{name}.0", 0))
            self._buffer(f"{name}-index", np.dtype(np.int64)).extend(shifted)
            self._append(layout.content, f"{name}.0")
        elif isinstance(layout, contents.RegularArray):
            self._append(layout.content[: len(layout) * layout.size], f"{name}.0")
        else:
            offsets = np.asarray(layout.offsets.data).astype(np.int64)
            buffer = self._buffer(f"{name}-offsets", np.dtype(np.int64))
            if buffer.num_rows == 0:
                buffer.append(0)
            buffer.extend(offsets[1:] - offsets[0] + self._lengths.get(f"{name}.0", 0))
            self._append(layout.content[offsets[0] : offsets[-1]], f"{name}.0")

    def _buffer(self, role: str, dtype: np.dtype[Any]) -> ArrayWriter:
        if role not in self._buffers:
            self._buffers[role] = self._new_array(role, dtype, ())
        return self._buffers[role]


@final
class ReadNested:
    """Open a nested column; what it gives are awkward arrays over mapped memory.

    Parameters
    ----------
    path : path-like
        The store.
    key : str
        Name of the column.
    """

    __slots__ = ("_array", "_nbytes")

    def __init__(self, path: PathLike, key: str) -> None:
        self._map(*open_arrays(path, key, kind="nested"))

    @classmethod
    def over(cls, column: ColumnRecord, arrays: Arrays) -> "ReadNested":
        """Return the column that mapped arrays hold."""
        self = object.__new__(cls)
        self._map(column, arrays)
        return self

    def _map(self, column: ColumnRecord, arrays: Arrays) -> None:
        import awkward as ak

        plain = {role: np.asarray(array) for role, array in arrays.items()}
        try:
            form = ak.forms.from_json(json.dumps(column.details["form"]))
            self._array = ak.from_buffers(form, column.num_entries, plain)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise CorruptStoreError(f"a nested column is damaged: {error}") from error
        self._nbytes = sum(array.nbytes for array in plain.values())

    @property
    def nbytes(self) -> int:
        """Bytes on disk."""
        return self._nbytes

    def to_awkward(self) -> Any:
        """Return the whole column as an `ak.Array` over the mapped memory."""
        return self._array

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> Any:
        """Return one entry, or an `ak.Array` of entries."""
        return self._array[resolve(index, len(self))]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._array)

    def __repr__(self) -> str:
        return f"<ReadNested of type {self._array.type}>"


def _plain(layout: Any) -> Any:
    """Return a layout of one of the few classes that are stored."""
    import awkward as ak

    if isinstance(layout, ak.contents.IndexedArray):
        return _plain(layout.project().to_packed())
    if isinstance(layout, ak.contents.NumpyArray):
        return layout.to_RegularArray() if layout.data.ndim > 1 else layout
    return layout.to_IndexedOptionArray64() if layout.is_option else layout


def _empty(type_of_entry: str) -> Any:
    """Return an array without entries, of a type."""
    import awkward as ak

    try:
        form = ak.forms.from_type(ak.types.from_datashape(type_of_entry, highlevel=False))
    except Exception as error:  # awkward does not export those of its parser
        message = f"awkward knows no type {type_of_entry!r}; write it as in 'var * var * float32'"
        raise ColumnError(message) from error
    return ak.Array(form.length_zero_array(highlevel=False))
