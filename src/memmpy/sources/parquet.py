"""Parquet files: columns of an Arrow schema, read by row groups."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import ColumnType
from memmpy.display import format_count
from memmpy.errors import InputFileError, OptionError
from memmpy.sources.arrow import has_decimal, has_extension, number_dtype, whole_table
from memmpy.sources.awkward_types import form_of_type, from_awkward, type_of_form
from memmpy.sources.byte_source import ByteSource
from memmpy.sources.failures import no_branch, said_of
from memmpy.sources.file_identity import former_uuid_of, uuid_of
from memmpy.sources.missing import (
    MissingValuesError,
    Nulls,
    UntypedError,
    check_suits,
    has_unknown,
    plain_layout,
    with_type,
)
from memmpy.sources.parquet_layout import ParquetBranch, branches_of
from memmpy.sources.streams import stream_of
from memmpy.typing import Array

__all__ = ["ParquetTable"]

#: Bytes of a value once decoded; of text, those of its offset.
_DECODED_BYTES = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}

#: What the file ends with.
_MAGIC = b"PAR1"

#: Branches that an error names, at most.
_MAX_NAMES = 10


@final
class ParquetTable:
    """The columns of an open Parquet file: an `EventFile`.

    The members of records are branches too: ``jets.pt`` of lists of records with a member ``pt``.

    Parameters
    ----------
    source : ByteSource
        The file; it is closed with the table.
    tree : str or None
        A Parquet file has no trees: None or empty.
    nulls : Nulls
        What stands for missing values.

    Raises
    ------
    InputFileError
        If the file is not a Parquet file or is broken, or a tree is asked for.
    OptionError
        If pyarrow is not installed.

    Notes
    -----
    Many writers declare all values as nullable, so the type of a branch does not depend on what is
    missing: `plain_layout` says what stands for it.
    """

    def __init__(self, source: ByteSource, tree: str | None, nulls: Nulls) -> None:
        self.path = path = source.path
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
            with said_of(path, "cannot be opened as Parquet"):
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
        """The file's identity: 32 hexadecimal digits, of its content."""
        return uuid_of(self._bytes)

    @property
    def former_uuid(self) -> str:
        """The same, as memmpy 0.2 and older gave it."""
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

        Not that of an index of pandas that has no name, though it can be read.
        """
        return [name for name, branch in self._branches.items() if not branch.is_hidden]

    def has_branch(self, name: str) -> bool:
        """Say whether there is such a branch."""
        return name in self._branches

    def type_of(self, branch: str) -> ColumnType:
        """Return what kind of column holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such column.
        InputFileError
            If no column can hold what it gives.
        UntypedError
            If all its values are missing, and no other file gave a type.
        OptionError
            If a value that is to stand for missing ones does not fit.
        """
        if branch not in self._types:
            self._types[branch] = self._find_type(branch)
        return self._types[branch]

    def try_decoding(self, branch: str) -> None:
        """Do nothing: its type tells whether a branch can be decoded."""

    def sizes_of(self, branch: str) -> tuple[int, int]:
        """Return the bytes of a branch as they lie in the file, and about those once decoded."""
        found = self._branch(branch)
        compressed = decoded = 0
        with said_of(self.where, "is damaged"):
            for chunk in self._chunks(found.own_leaves):
                compressed += chunk.total_compressed_size
                # Values that repeat are kept once: the pages say too little.
                values = chunk.num_values * _DECODED_BYTES.get(chunk.physical_type, 8)
                decoded += max(chunk.total_uncompressed_size, values)
        return compressed, decoded

    def boundaries(self, branches: Sequence[str]) -> NDArray[np.int64]:
        """Return where reading may begin and end so that nothing is decoded twice.

        Where row groups do, which is the same for all branches.
        """
        for branch in branches:
            self._branch(branch)
        return np.unique(self._edges)

    def read(self, branches: Sequence[str], start: int, stop: int) -> Iterator[tuple[str, Any]]:
        """Yield branches, each with its entries ``start`` to ``stop``: see `EventFile.read`.

        Row groups are decoded whole, whatever part of them is asked for.
        """
        types = {branch: self.type_of(branch) for branch in branches}
        if not types:
            return
        groups = self._groups(start, stop)
        first = int(self._edges[groups[0]]) if groups else start
        entries = slice(start - first, stop - first)
        with said_of(self.where, "is damaged"):
            table = self._decode(types, groups)
        for branch in branches:
            with said_of(self.where, "is damaged"):
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
        """Return what kind of column holds a branch: see `type_of`."""
        import pyarrow as pa

        branch = self._branch(name)
        if branch.is_ambiguous:
            message = f"{self.where!r} has several columns of the name {name!r}; "
            raise InputFileError(f"{message}rename them before the file is written")
        column, *members = branch.path
        field, fill = self._schema.field(column), self._nulls.fill_of(name)
        dtype = number_dtype(field.type)
        if dtype is not None and not fill:
            return ColumnType("vector", dtype)
        if has_decimal(field.type, members):
            raise _not_held(name, self.where, field.type)
        try:
            if members or has_extension(field.type):  # only a part of it may be read
                empty = self._decode([name], [])
            else:
                empty = pa.schema([field], self._schema.metadata).empty_table()
            form = self._array(name, empty).layout.form
            held = type_of_form(form)
        except Exception as error:
            raise _not_held(name, self.where, field.type) from error
        if has_unknown(form):
            message = (
                f"branch {name!r} of {self.where!r} is of the type {field.type}: all its "
                "values are missing, so no column can hold it; leave it out, or convert the "
                "file together with one that has values"
            )
            raise UntypedError(message, name)
        if held is None:
            raise _not_held(name, self.where, field.type)
        for value in fill:
            check_suits(form, value, branch=name, where=self.where)
        return held

    def _branch(self, name: str) -> ParquetBranch:
        if name not in self._branches:
            raise no_branch(name, self.where, self._branches)
        return self._branches[name]

    def _chunks(self, leaves: Sequence[int]) -> Iterator[Any]:
        for i in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(i)
            for leaf in leaves:
                chunk, column = group.column(leaf), self._leaves[leaf]
                if chunk.physical_type != column.physical_type:
                    # Asked for its statistics, Arrow would end the process.
                    message = f"{chunk.path_in_schema!r} is of two types"
                    raise InputFileError(f"{self.where!r} is damaged: {message}")
                yield chunk

    def _groups(self, start: int, stop: int) -> list[int]:
        """Return the row groups that hold some entries."""
        if stop <= start:
            return []
        first = int(np.searchsorted(self._edges, start, "right")) - 1
        last = int(np.searchsorted(self._edges, stop, "left"))
        return [i for i in range(first, last) if self._edges[i] < self._edges[i + 1]]

    def _decode(self, branches: Iterable[str], groups: Sequence[int]) -> Any:
        """Return an Arrow table of the columns of branches, of some row groups."""
        import pyarrow as pa

        leaves = sorted({leaf for branch in branches for leaf in self._branch(branch).leaves})
        names = [self._leaves[leaf].path for leaf in leaves]
        with self._lock:
            try:
                return self._file.read_row_groups(list(groups), columns=names)
            except pa.ArrowNotImplementedError:  # of dictionaries in lists, in several groups
                if len(groups) < 2:
                    raise
                tables = [self._file.read_row_groups([i], columns=names) for i in groups]
                return pa.concat_tables(tables)

    def _numbers(self, name: str, table: Any) -> Array | None:
        """Return a branch of plain numbers of which none is missing; None for any other."""
        column, *members = self._branch(name).path
        found = table.column(column)
        if members or number_dtype(found.type) is None or found.null_count:
            return None
        return np.asarray(found.to_numpy())

    def _array(self, name: str, table: Any) -> Any:
        """Return a branch in a table as an awkward array of its final type."""
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
        """Return the error for all branches with values that are missing, and no fill for them."""
        found = {b: error for b in branches if (error := self._error_of(b, table)) is not None}
        (first, error), *others = found.items()
        names = [repr(branch) for branch, _ in others[:_MAX_NAMES]]
        more = f" and {len(others) - _MAX_NAMES} more" if len(others) > _MAX_NAMES else ""
        also = f"; so have {', '.join(names)}{more}" if others else ""
        message = (
            f"branch {first!r} of {self.where!r} has {format_count(error.num, 'missing value')}, "
            f"for which {self.type_of(first)} has no place{also}; say what to put there: "
            f"RFileConfig(..., missing={{{first!r}: {error.example}}})"
        )
        return InputFileError(message)


def _check_end(source: ByteSource) -> None:
    """Raise an `InputFileError` for a file without the end that every Parquet file has."""
    end = source.read(max(0, source.size - len(_MAGIC)), source.size)
    if end != _MAGIC or source.size == len(end):
        message = f"{source.path!r} is truncated, or was not written to its end: it has no footer"
        raise InputFileError(f"{message}; write or copy it again")


def _import_parquet(path: str) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        message = f"reading {path!r} needs pyarrow: pip install 'memmpy[parquet]'"
        raise OptionError(message) from error
    return parquet


def _not_held(branch: str, where: str, arrow_type: Any) -> InputFileError:
    """Return the error for a branch that no column can hold."""
    way_out = "give branches of numbers, lists, records or texts"
    if "decimal" in str(arrow_type):
        way_out = "cast it to float64 or an integer before the file is written"
    message = (
        f"branch {branch!r} of {where!r} is of the type {arrow_type}, which no column can hold"
    )
    return InputFileError(f"{message}; {way_out}")
