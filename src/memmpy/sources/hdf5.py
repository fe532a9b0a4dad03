"""Reads HDF5 files: a group of datasets, or a dataset of records, is a table.

HDF5 itself decompresses the datasets. hdf5plugin, if installed, adds filters such as LZ4.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError, MissingKeyError, require
from memmpy.jagged import Jagged
from memmpy.kernels import offsets_of
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import in_parentheses, missing_branch_error, reader_errors
from memmpy.sources.access.file_identity import former_uuid_of, uuid_of
from memmpy.sources.access.streams import stream_of
from memmpy.sources.event_file import FileObject
from memmpy.sources.hdf5_layout import (
    DatasetColumn,
    format_dtype,
    objects_in,
    only_table,
    table_of,
)
from memmpy.typing import Array

__all__ = ["HdfTable", "hdf_objects"]

#: Distance of boundaries in a file without chunks: entries, and about their bytes.
_STEP_SIZE = 1 << 16
_STEP_BYTES = 16 << 20

#: Number of entries that serve to estimate the size of lists and texts.
_NUM_SAMPLED = 256


@final
class HdfTable:
    """A table of an open HDF5 file: an `EventFile`.

    A table is either a group of datasets whose first axis counts the entries, or a dataset of
    records (of a compound dtype) whose fields are the branches; ``(num_entries, 40)`` records have
    vectors of shape (40,). In a group, the fields of a dataset of records are the branches
    ``dataset.field``, and the items of a block of pandas are branches of their own names. Scalars,
    external links and nested groups are no branches. All branches of a table have one length.

    Parameters
    ----------
    source : ByteSource
        The file; it is closed with the table.
    tree : str or None
        Path of the group or of the dataset of records; ``/`` is the root. The path of any other
        dataset means all datasets of its group that have its length. None means the root if it has
        datasets of plain numbers or texts, else the only table of the file.

    Raises
    ------
    InputFileError
        If the file is not an HDF5 file or is broken, or has no such table.
    OptionError
        If h5py is not installed.
    """

    def __init__(self, source: ByteSource, tree: str | None) -> None:
        path = source.path
        self.path: str = path
        self._bytes = source
        self._types: dict[str, ColumnType] = {}
        with ExitStack() as stack:
            stack.callback(source.close)
            h5py = _import_h5py(path)
            stream = stack.enter_context(stream_of(source))
            with reader_errors(path, "cannot be opened as HDF5"):
                self._file = stack.enter_context(h5py.File(stream, "r"))
            with reader_errors(path, "is damaged"):
                name = only_table(self._file, path) if tree is None else tree.strip("/")
                table = table_of(self._file, name, path)
                self._tree, self._columns, self._num_entries = table
            self._stack = stack.pop_all()

    @property
    def uuid(self) -> str:
        """The identity of the file, a hash of its content: 32 hexadecimal digits."""
        return uuid_of(self._bytes)

    @property
    def former_uuid(self) -> str:
        """The identity that memmpy 0.2 and older gave the file."""
        return former_uuid_of(self._bytes)

    @property
    def tree(self) -> str:
        """Path of the group or dataset in the file; ``/`` for its root."""
        return self._tree or "/"

    @property
    def num_entries(self) -> int:
        """Length of the first axis of the columns of the table."""
        return self._num_entries

    @property
    def where(self) -> str:
        """File and table, for messages."""
        return f"{self.path}:{self.tree}"

    def branches(self) -> list[str]:
        """Return the names of all columns, except blocks whose items have names."""
        return [name for name, column in self._columns.items() if not column.is_hidden]

    def has_branch(self, name: str) -> bool:
        """Return whether there is such a branch."""
        return name in self._columns

    def type_of(self, branch: str) -> ColumnType:
        """Return the type of the column that holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such dataset or field.
        InputFileError
            If no column can hold its values, or this machine cannot read it.
        """
        if branch not in self._types:
            column = self._column(branch)
            if column.num_entries != self._num_entries:
                message = (
                    f"branch {branch!r} of {self.where!r} has {column.num_entries:,} entries, and "
                    f"the table {self._num_entries:,}; tree={column.dataset.name.strip('/')!r} is "
                    "the table of the datasets beside it that have its length"
                )
                raise InputFileError(message)
            with reader_errors(self.where, "is damaged"):
                _check_readable(column.dataset, branch=branch, where=self.where)
                column_type = _column_type(column)
            if column_type is None:
                shape = f" of shape {column.shape} an entry" if column.shape else ""
                message = (
                    f"branch {branch!r} of {self.where!r} holds {format_dtype(column.base)}"
                    f"{shape}, which no column can hold; give branches of numbers, or of one list "
                    "of numbers or one text an entry"
                )
                raise InputFileError(message)
            self._types[branch] = column_type
        return self._types[branch]

    def try_decoding(self, branch: str) -> None:
        """Do nothing: the type of a branch shows whether it can be decoded."""

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in the file, and about those after decoding.

        Lists and texts are in a heap of the file. Their size is estimated from the first entries.
        """
        column, kind = self._column(branch), self.type_of(branch).kind
        with reader_errors(self.where, "is damaged"):
            record_bytes = max(1, column.dataset.dtype.itemsize)
            stored = column.dataset.id.get_storage_size() * column.dtype.itemsize // record_bytes
            if column.item is not None:
                stored //= column.dataset.shape[1]
            decoded = self._num_entries * column.bytes_per_entry
            if kind != "vector" and self._num_entries:
                num_sampled = min(_NUM_SAMPLED, self._num_entries)
                sample: Jagged = dict(self.read([branch], 0, num_sampled))[branch]
                decoded = sample.nbytes * self._num_entries // num_sampled
                if column.base.kind == "O":
                    stored += decoded
        return int(stored), int(decoded)

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of all branches in the file, and about those after decoding.

        Branches that cannot be read count only in the file.
        """
        datasets = {c.dataset.name: c.dataset for c in self._columns.values()}.values()
        stored, decoded = sum(int(d.id.get_storage_size()) for d in datasets), 0
        for branch in self.branches():
            with suppress(InputFileError):
                decoded += self.sizes_of(branch)[1]
        return stored, decoded

    def stored_type(self, branch: str) -> str:
        """Return the dtype of a branch, such as ``>f4``, or what it holds in words."""
        with reader_errors(self.where, "is damaged"):
            return format_dtype(self._column(branch).base)

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the entries at which reads should begin and end, so that little is decoded twice.

        These are edges that the chunks of all branches share. If these are too far apart, they are
        the edges of the longest chunks, and shorter chunks across them are decoded twice. Without
        chunks, any entry will do.
        """
        columns = [self._column(branch) for branch in branches]
        chunks = [c.dataset.chunks[0] for c in columns if c.dataset.chunks is not None]
        bytes_per_entry = sum(column.bytes_per_entry for column in columns)
        most = max(1, min(_STEP_SIZE, _STEP_BYTES // max(1, bytes_per_entry)))
        unit = math.lcm(*chunks)
        if unit > most:
            unit = max(chunks)
        step = max(1, most // unit) * unit
        edges = np.arange(0, self._num_entries, step, dtype=np.int64)
        return np.append(edges, np.int64(self._num_entries))

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`."""
        types = {branch: self.type_of(branch) for branch in branches}
        waiting: dict[str, Array] = {}
        for i, branch in enumerate(branches):
            with reader_errors(self.where, "is damaged"):
                if branch not in waiting:
                    waiting.update(self._read_dataset(branches[i:], start, stop))
                values = _converted(waiting.pop(branch), types[branch])
            yield branch, values

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _column(self, name: str) -> DatasetColumn:
        if name not in self._columns:
            with reader_errors(self.where, "is damaged"):
                hint = self._hint(name)
            error = missing_branch_error(name, self.where, self._columns)
            raise MissingKeyError(f"{error}{hint}", name)
        return self._columns[name]

    def _hint(self, name: str) -> str:
        """Return a hint to another object of the file with such a name, or an empty text."""
        item = self._file.get(f"{self._tree}/{name}") or self._file.get(name)
        if item is None:
            return ""
        if getattr(item, "dtype", None) is None:
            return f"; it is a group: tree={item.name.strip('/')!r}"
        if not item.shape:
            return "; it is a single value, without entries"
        return f"; it is in another group: tree={item.parent.name.strip('/') or '/'!r}"

    def _read_dataset(self, branches: Sequence[str], start: int, stop: int) -> dict[str, Array]:
        """Read the first branch, and all others in the same records or block."""
        first = self._columns[branches[0]]
        if first.field is None and first.item is None:
            return {branches[0]: first.dataset[start:stop]}
        name = first.dataset.name
        columns = {b: c for b in branches if (c := self._columns[b]).dataset.name == name}
        if first.item is not None:
            block = first.dataset[start:stop]
            return {b: block[:, c.item] for b, c in columns.items() if c.item is not None}
        fields = {b: c.field for b, c in columns.items() if c.field}
        records = first.dataset.fields(list(fields.values()))[start:stop]
        return {branch: records[field] for branch, field in fields.items()}


def hdf_objects(source: ByteSource) -> list[FileObject]:
    """Return the tables of an HDF5 file, and its single values.

    Raises
    ------
    InputFileError
        If the file is not an HDF5 file or is broken.
    OptionError
        If h5py is not installed.
    """
    h5py = _import_h5py(source.path)
    with (
        stream_of(source) as stream,
        reader_errors(source.path, "cannot be opened as HDF5"),
        h5py.File(stream, "r") as file,
    ):
        return objects_in(file)


def _import_h5py(path: str) -> Any:
    h5py = require("h5py", what=f"reading {path!r}", extra="hdf5")
    with suppress(ImportError):
        import hdf5plugin  # noqa: F401  (its import adds filters such as LZ4 to HDF5)
    return h5py


def _check_readable(dataset: Any, *, branch: str, where: str) -> None:
    """Raise an `InputFileError` if HDF5 would read zeros or raise an obscure error."""
    import h5py

    files = {source.file_name for source in dataset.virtual_sources()} if dataset.is_virtual else {}
    others = sorted({*files, *(name for name, *_ in dataset.external or ())} - {"."})
    if others:
        message = (
            f"branch {branch!r} of {where!r} is in other files{in_parentheses(others)}, whose "
            "changes memmpy would not notice; give these files"
        )
        raise InputFileError(message)
    properties = dataset.id.get_create_plist()
    for i in range(properties.get_nfilters()):
        code, _, _, name = properties.get_filter(i)
        if not h5py.h5z.filter_avail(code):
            filter_name = f" ({name.decode(errors='replace')})" if name else ""
            message = (
                f"branch {branch!r} of {where!r} is compressed by filter {code}{filter_name}, "
                "which this HDF5 lacks; hdf5plugin has more filters: pip install hdf5plugin"
            )
            raise InputFileError(message)


def _column_type(column: DatasetColumn) -> ColumnType | None:
    """Return the type of the column for a dataset, or None if no column can hold it."""
    import h5py

    base, shape = column.base, column.shape
    if h5py.check_string_dtype(base) is not None:
        return ColumnType("text") if not shape else None
    items = h5py.check_vlen_dtype(base)
    if items is not None:
        native = _native(np.dtype(items))
        # h5py does not swap lists of the other byte order, though their dtype says so.
        is_read = native is not None and np.dtype(items).isnative
        return ColumnType("jagged", native) if is_read and not shape else None
    native = _native(base)
    return None if native is None else ColumnType("vector", native, shape)


def _native(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """Return a dtype of numbers in the byte order of this machine, or None for other dtypes."""
    most = {"b": 1, "i": 8, "u": 8, "f": 8, "c": 16, "m": 8, "M": 8}
    if dtype.itemsize > most.get(dtype.kind, 0):
        return None
    # By its string, to drop the metadata of h5py.
    native: np.dtype[Any] = np.dtype(dtype.str).newbyteorder("=")
    return native


def _converted(values: Array, column_type: ColumnType) -> Array | Jagged:
    """Return an array of h5py as values for a column."""
    if column_type.kind == "vector":
        # A field is a view of all records, which a copy lets go.
        return np.array(values, column_type.dtype, copy=True if values.base is not None else None)
    if column_type.kind == "jagged":
        return Jagged.from_arrays(list(values), dtype=column_type.dtype)
    if values.dtype.kind == "S":
        return _encoded(values)
    content = np.frombuffer(b"".join(values.tolist()), np.uint8)
    return Jagged.trusted(content, offsets_of(np.array([len(v) for v in values], np.int64)))


def _encoded(texts: Array) -> Jagged:
    """Return the bytes of texts of a fixed length, without their trailing zeros."""
    size = texts.dtype.itemsize
    counts = np.strings.str_len(texts).astype(np.int64)
    characters = np.ascontiguousarray(texts).view(np.uint8).reshape(len(texts), size)
    return Jagged.trusted(characters[np.arange(size) < counts[:, None]], offsets_of(counts))
