"""Reads Parquet files: the columns of their Arrow schema, one row group at a time."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.display import format_count
from memmpy.errors import InputFileError, require
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import missing_branch_error, reader_errors
from memmpy.sources.access.file_identity import former_uuid_of, uuid_of
from memmpy.sources.access.streams import stream_of
from memmpy.sources.arrow_types import has_decimal, has_extension, number_dtype, whole_table
from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form
from memmpy.sources.missing_values import (
    NO_FILL,
    MissingValuesError,
    NullRules,
    UntypedError,
    check_fill_suits,
    has_unknown,
    plain_layout,
    with_type,
)
from memmpy.sources.parquet_layout import ParquetBranch, branches_of
from memmpy.typing import Array

__all__ = ["ParquetTable"]

#: Bytes of a decoded value; of text, those of its offset.
_DECODED_BYTES = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}

#: The last bytes of a file.
_MAGIC = b"PAR1"

#: Limit of the branches that an error names.
_MAX_NAMES = 10


@final
class ParquetTable:
    """The columns of an open Parquet file: an `EventFile`.

    Members of records are branches, too, such as ``jets.pt`` in lists of records.

    Parameters
    ----------
    source : ByteSource
        The file; it is closed with the table.
    tree : str or None
        A Parquet file has no trees: None or empty.
    nulls : NullRules
        The rules for missing values.

    Raises
    ------
    InputFileError
        If the file is no Parquet file or is broken, or if a tree is given.
    OptionError
        If pyarrow is not installed.

    Notes
    -----
    Many writers declare all values as nullable. So the type of a branch does not depend on whether
    values are missing; `plain_layout` replaces these.
    """

    def __init__(self, source: ByteSource, tree: str | None, nulls: NullRules) -> None:
        path = source.path
        self.path: str = path
        self._bytes = source
        self._types: dict[str, ColumnType] = {}
        self._nulls = nulls
        self._lock = threading.Lock()  # the stream has one position
        with ExitStack() as stack:
            stack.callback(source.close)
            parquet = _import_parquet(path)
            if tree:
                message = f"no tree {tree!r} in {path!r}: a Parquet file is one table; give no tree"
                raise InputFileError(message)
            stream = stack.enter_context(stream_of(source))
            with reader_errors(path, "cannot be opened as Parquet"):
                _check_end(source)
                self._file = parquet.ParquetFile(stream, page_checksum_verification=True)
                stack.callback(self._file.close)
                self._metadata = self._file.metadata
                self._schema = self._file.schema_arrow
                leaves = self._file.schema
                self._leaves = [leaves.column(i) for i in range(self._metadata.num_columns)]
                self._branches = branches_of(self._schema, self._metadata.num_columns, path)
                groups = range(self._metadata.num_row_groups)
                rows = [self._metadata.row_group(i).num_rows for i in groups]
            self._edges = np.cumsum([0, *rows], dtype=np.int64)
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
        """Empty: a Parquet file is one table."""
        return ""

    @property
    def num_entries(self) -> int:
        """Rows of the file."""
        return int(self._edges[-1])

    @property
    def where(self) -> str:
        """The file, for messages."""
        return self.path

    def branches(self) -> list[str]:
        """Return the names of all columns, each followed by the members of its records.

        An index of pandas without a name is left out, though it can be read.
        """
        return [name for name, branch in self._branches.items() if not branch.is_hidden]

    def has_branch(self, name: str) -> bool:
        """Return whether there is such a branch."""
        return name in self._branches

    def type_of(self, branch: str) -> ColumnType:
        """Return the type of the column that holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such column.
        InputFileError
            If no column can hold its values.
        UntypedError
            If all its values are missing, and no other file gives the type.
        OptionError
            If a fill does not suit the branch.
        """
        if branch not in self._types:
            self._types[branch] = self._find_type(branch)
        return self._types[branch]

    def try_decoding(self, branch: str) -> None:
        """Do nothing: the type of a branch shows whether it can be decoded."""

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch in the file, and about those after decoding."""
        parquet_branch = self._branch(branch)
        return self._sizes(parquet_branch.own_leaves)

    def sizes(self) -> tuple[int, int]:
        """Return the bytes of all branches in the file, and about those after decoding."""
        return self._sizes(range(len(self._leaves)))

    def stored_type(self, branch: str) -> str:
        """Return the Arrow type of a branch, such as ``list<element: float>``."""
        column, *members = self._branch(branch).path
        return str(self._schema.field(column).type) if not members else ""

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return the boundaries of the row groups, which are the same for all branches."""
        for branch in branches:
            self._branch(branch)
        return np.unique(self._edges)

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`.

        Row groups are always decoded as a whole.
        """
        types = {branch: self.type_of(branch) for branch in branches}
        if not types:
            return
        groups = self._groups(start, stop)
        first = int(self._edges[groups[0]]) if groups else start
        entries = slice(start - first, stop - first)
        with reader_errors(self.where, "is damaged"):
            table = self._decode(types, groups)
        for branch in branches:
            with reader_errors(self.where, "is damaged"):
                values = self._numbers(branch, table)
                if values is None:
                    try:
                        values = self._array(branch, table)
                    except MissingValuesError:
                        raise self._missing(branches, table) from None
                    values = from_awkward(values[entries], types[branch].kind)
                else:
                    values = values[entries]
            yield branch, values

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _find_type(self, name: str) -> ColumnType:
        """Return the type of the column that holds a branch: see `type_of`."""
        import pyarrow as pa

        branch = self._branch(name)
        if branch.is_ambiguous:
            message = f"{self.where!r} has several columns of the name {name!r}; "
            raise InputFileError(f"{message}rename them before the file is written")
        column, *members = branch.path
        field, fill = self._schema.field(column), self._nulls.fill_of(name)
        dtype = number_dtype(field.type)
        if dtype is not None and fill is NO_FILL:
            return ColumnType("vector", dtype)
        if has_decimal(field.type, members):
            raise _unsupported_error(name, self.where, field.type)
        try:
            if members or has_extension(field.type):  # Arrow may read only a part of it
                empty = self._decode([name], [])
            else:
                empty = pa.schema([field], self._schema.metadata).empty_table()
            form = self._array(name, empty).layout.form
            column_type = type_of_form(form)
        except Exception as error:
            raise _unsupported_error(name, self.where, field.type) from error
        if has_unknown(form):
            message = (
                f"branch {name!r} of {self.where!r} is of the type {field.type}: all its "
                "values are missing, so no column can hold it; leave it out, or convert the "
                "file together with one that has values"
            )
            raise UntypedError(message, name)
        if column_type is None:
            raise _unsupported_error(name, self.where, field.type)
        if fill is not NO_FILL:
            check_fill_suits(form, fill, branch=name, where=self.where)
        return column_type

    def _branch(self, name: str) -> ParquetBranch:
        if name not in self._branches:
            raise missing_branch_error(name, self.where, self._branches)
        return self._branches[name]

    def _sizes(self, leaves: Sequence[int]) -> tuple[int, int]:
        """Return the bytes of Parquet columns in the file, and about those after decoding."""
        compressed = decoded = 0
        with reader_errors(self.where, "is damaged"):
            for chunk in self._chunks(leaves):
                compressed += chunk.total_compressed_size
                # Repeated values are stored once: the pages are smaller than the decoded values.
                values = chunk.num_values * _DECODED_BYTES.get(chunk.physical_type, 8)
                decoded += max(chunk.total_uncompressed_size, values)
        return compressed, decoded

    def _chunks(self, leaves: Sequence[int]) -> Iterator[Any]:
        for i in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(i)
            for leaf in leaves:
                chunk, column = group.column(leaf), self._leaves[leaf]
                if chunk.physical_type != column.physical_type:
                    # Arrow would crash when it reads the statistics.
                    message = f"{chunk.path_in_schema!r} is of two types"
                    raise InputFileError(f"{self.where!r} is damaged: {message}")
                yield chunk

    def _groups(self, start: int, stop: int) -> list[int]:
        """Return the row groups that hold a range of entries."""
        if stop <= start:
            return []
        first = int(np.searchsorted(self._edges, start, "right")) - 1
        last = int(np.searchsorted(self._edges, stop, "left"))
        return [i for i in range(first, last) if self._edges[i] < self._edges[i + 1]]

    def _decode(self, branches: Iterable[str], groups: Sequence[int]) -> Any:
        """Return an Arrow table of branches, for some row groups."""
        import pyarrow as pa

        leaves = sorted({leaf for branch in branches for leaf in self._branch(branch).leaves})
        names = [self._leaves[leaf].path for leaf in leaves]
        with self._lock:
            try:
                return self._file.read_row_groups(list(groups), columns=names)
            except pa.ArrowNotImplementedError:  # dictionaries in lists, in several groups
                if len(groups) < 2:
                    raise
                tables = [self._file.read_row_groups([i], columns=names) for i in groups]
                return pa.concat_tables(tables)

    def _numbers(self, name: str, table: Any) -> Array | None:
        """Return a branch of plain numbers without missing values; None for any other branch."""
        column, *members = self._branch(name).path
        values = table.column(column)
        if members or number_dtype(values.type) is None or values.null_count:
            return None
        return np.asarray(values.to_numpy())

    def _array(self, name: str, table: Any) -> Any:
        """Return a branch of a table as an awkward array of its final type."""
        import awkward as ak

        column, *members = self._branch(name).path
        array = ak.from_arrow(whole_table(table.select([column])))[column]
        if members:
            array = array[tuple(members)]
        layout = array.layout
        if name in self._nulls.types:
            layout = with_type(layout, form_of_type(self._nulls.types[name]))
        return ak.Array(plain_layout(layout, self._nulls.fill_of(name)))

    def _error_of(self, branch: str, table: Any) -> MissingValuesError | None:
        try:
            self._array(branch, table)
        except MissingValuesError as error:
            return error
        return None

    def _missing(self, branches: Iterable[str], table: Any) -> InputFileError:
        """Return the error for all branches with missing values and no fill."""
        errors = {b: error for b in branches if (error := self._error_of(b, table)) is not None}
        (first, error), *others = errors.items()
        names = [repr(branch) for branch, _ in others[:_MAX_NAMES]]
        more = f" and {len(others) - _MAX_NAMES} more" if len(others) > _MAX_NAMES else ""
        also = f" (as have {', '.join(names)}{more})" if others else ""
        message = (
            f"branch {first!r} of {self.where!r} has {format_count(error.num, 'missing value')}, "
            f"which {self.type_of(first)} cannot hold{also}; give a fill: "
            f"RFileConfig(..., missing={{{first!r}: {error.example}}})"
        )
        return InputFileError(message)


def _check_end(source: ByteSource) -> None:
    """Raise an `InputFileError` for a file without the last bytes of every Parquet file."""
    end = source.read(max(0, source.size - len(_MAGIC)), source.size)
    if end != _MAGIC or source.size == len(end):
        message = f"{source.path!r} is truncated or incomplete: it has no footer"
        raise InputFileError(f"{message}; write or copy it again")


def _import_parquet(path: str) -> Any:
    return require("pyarrow.parquet", what=f"reading {path!r}", extra="parquet")


def _unsupported_error(branch: str, where: str, arrow_type: Any) -> InputFileError:
    """Return the error for a branch that no column can hold."""
    way_out = "give branches of numbers, lists, records or texts"
    if "decimal" in str(arrow_type):
        way_out = "cast it to float64 or an integer before the file is written"
    message = (
        f"branch {branch!r} of {where!r} is of the type {arrow_type}, which no column can hold"
    )
    return InputFileError(f"{message}; {way_out}")
