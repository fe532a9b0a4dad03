"""Parquet files: columns of an Arrow schema, read by row groups."""

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.errors import InputFileError, OptionError
from memmpy.formats.arrow import (
    MissingValuesError,
    has_extension,
    leaf_paths,
    plain_layout,
    whole_table,
)
from memmpy.inputs import (
    BranchType,
    ByteSource,
    former_uuid_of,
    from_awkward,
    no_branch,
    said_of,
    stream_of,
    type_of_form,
    uuid_of,
)

__all__ = ["ParquetTable"]

#: Columns in which pandas keeps an index that has no name.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")

#: Bytes of a value once decoded; of text, those of its offset.
_DECODED_BYTES = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4}


@dataclass(frozen=True, slots=True)
class _Branch:
    """A column of the file, or a member of the records in it.

    `path` are the names that lead to it, `leaves` the Parquet columns that are read for it (all
    those of the column, where its type cannot be read in part) and `own_leaves` those it is of.
    """

    path: tuple[str, ...]
    leaves: tuple[int, ...]
    own_leaves: tuple[int, ...]


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

    Raises
    ------
    InputFileError
        If the file is not a Parquet file or is broken, or a tree is asked for.
    OptionError
        If pyarrow is not installed.

    Notes
    -----
    Many writers declare all values as nullable. What has no missing values is as plain as if it
    had been declared so. Plain numbers or texts of which some are missing, by the statistics of
    the file, are nested entries of an option type. So are lists with missing items that awkward
    wrote. Otherwise the statistics do not tell: a missing value is an error when it is read.
    """

    def __init__(self, source: ByteSource, tree: str | None) -> None:
        self.path = path = source.path
        self._bytes = source
        self._types: dict[str, BranchType] = {}
        self._options: dict[str, bool] = {}
        self._lock = threading.Lock()  # the stream has one position
        with ExitStack() as stack:
            stack.callback(source.close)
            parquet = _import_parquet(path)
            if tree:
                message = f"no tree {tree!r} in {path!r}: a Parquet file is one table; give no tree"
                raise InputFileError(message)
            stream = stack.enter_context(stream_of(source))
            with said_of(path, "cannot be opened as Parquet"):
                self._file = parquet.ParquetFile(stream, page_checksum_verification=True)
                stack.callback(self._file.close)
                self._metadata = self._file.metadata
                self._branches = self._find_branches()
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
        """Return the names of all columns, each followed by the members of its records."""
        return list(self._branches)

    def has_branch(self, name: str) -> bool:
        """Say whether there is such a branch."""
        return name in self._branches

    def type_of(self, branch: str) -> BranchType:
        """Return what kind of column holds a branch.

        Raises
        ------
        MissingKeyError
            If there is no such column.
        InputFileError
            If no column can hold what it gives.
        """
        if branch not in self._types:
            found = self._branch(branch)
            reason: Exception | None = None
            try:
                array = self._array(branch, self._decode([branch], None), None)
                held = type_of_form(array.layout.form)
            except InputFileError:
                raise
            except Exception as error:  # noqa: BLE001 - pyarrow and awkward say in many ways
                held, reason = None, error
            if held is None:
                arrow_type = self._file.schema_arrow.field(found.path[0]).type
                message = (
                    f"branch {branch!r} of {self.where!r} is of the type {arrow_type}, which no "
                    "column can hold; give branches of numbers, lists, records or texts"
                )
                raise InputFileError(message) from reason
            self._types[branch] = held
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
        import awkward as ak

        types = {branch: self.type_of(branch) for branch in branches}
        if not types:
            return
        groups = self._groups(start, stop)
        with said_of(self.where, "is damaged"):
            tables = [self._decode(types, group) for group in groups]
        for branch in branches:
            with said_of(self.where, "is damaged"):
                parts = []
                for group, table in zip(groups, tables, strict=True):
                    first = 0 if group is None else int(self._edges[group])
                    entries = slice(max(start - first, 0), max(stop - first, 0))
                    parts.append(self._array(branch, table, group)[entries])
                array = parts[0] if len(parts) == 1 else ak.concatenate(parts)
                values = from_awkward(array, types[branch].kind)
            yield branch, values

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def _find_branches(self) -> dict[str, _Branch]:
        schema = self._file.schema_arrow
        found: dict[str, _Branch] = {}
        members: dict[str, list[_Branch]] = {}
        first = 0
        for field in schema:
            paths = list(leaf_paths(field.type))
            leaves = range(first, first + len(paths))
            first += len(paths)
            if _PANDAS_INDEX.fullmatch(field.name):
                continue
            if field.name in found:
                raise InputFileError(f"{self.path!r} has two columns of the name {field.name!r}")
            found[field.name] = _Branch((field.name,), tuple(leaves), tuple(leaves))
            members[field.name] = []
            for member in dict.fromkeys(
                path[:i] for path in paths for i in range(1, len(path) + 1)
            ):
                own = tuple(
                    leaf
                    for leaf, path in zip(leaves, paths, strict=True)
                    if path[: len(member)] == member
                )
                # Arrow cannot read a part of a type that another library gave a name.
                read = tuple(leaves) if has_extension(field.type) else own
                members[field.name].append(_Branch((field.name, *member), read, own))
        if first != self._metadata.num_columns:
            message = f"its schema has {first} columns of {self._metadata.num_columns}"
            raise InputFileError(f"{self.path!r} cannot be read: {message}")
        ordered: dict[str, _Branch] = {}
        for name, branch in found.items():
            ordered[name] = branch
            for member_branch in members[name]:
                full = ".".join(member_branch.path)
                if full not in found:
                    ordered[full] = member_branch
        return ordered

    def _branch(self, name: str) -> _Branch:
        if name not in self._branches:
            raise no_branch(name, self.where, self._branches)
        return self._branches[name]

    def _chunks(self, leaves: Sequence[int]) -> Iterator[Any]:
        for i in range(self._metadata.num_row_groups):
            group = self._metadata.row_group(i)
            for leaf in leaves:
                chunk, column = group.column(leaf), self._file.schema.column(leaf)
                if chunk.physical_type != column.physical_type:
                    # Asked for its statistics, Arrow would end the process.
                    message = f"{chunk.path_in_schema!r} is of two types"
                    raise InputFileError(f"{self.where!r} is damaged: {message}")
                yield chunk

    def _groups(self, start: int, stop: int) -> list[int] | list[None]:
        """Return the row groups that hold some entries; None stands for one without rows."""
        if stop <= start:
            return [None]
        first = int(np.searchsorted(self._edges, start, "right")) - 1
        last = int(np.searchsorted(self._edges, stop, "left"))
        return [i for i in range(first, last) if self._edges[i] < self._edges[i + 1]]

    def _decode(self, branches: Iterable[str], group: int | None) -> Any:
        """Return an Arrow table of the columns of branches, of a row group or of none."""
        leaves = sorted({leaf for branch in branches for leaf in self._branch(branch).leaves})
        names = [self._file.schema.column(leaf).path for leaf in leaves]
        with self._lock:
            return self._file.read_row_groups([] if group is None else [group], columns=names)

    def _array(self, name: str, table: Any, group: int | None) -> Any:
        """Return a branch in a table as an awkward array of its final type."""
        import awkward as ak

        column, *members = self._branch(name).path
        array = ak.from_arrow(whole_table(table.select([column])))[column]
        if members:
            array = array[tuple(members)]
        try:
            return ak.Array(plain_layout(array.layout, keep_options=self._has_options(name)))
        except MissingValuesError as error:
            message = (
                f"branch {name!r} of {self.where!r} has missing values ({error} in row group "
                f"{group}), and its column is to hold none; fill them before the file is "
                "written (ak.fill_none, or fillna of pandas)"
            )
            raise InputFileError(message) from None

    def _has_options(self, name: str) -> bool:
        """Say whether missing values belong to the type of a branch."""
        if name not in self._options:
            self._options[name] = self._statistics_show_options(self._branch(name))
        return self._options[name]

    def _statistics_show_options(self, branch: _Branch) -> bool:
        leaves = [self._file.schema.column(leaf) for leaf in branch.own_leaves]
        if all(leaf.max_definition_level == leaf.max_repetition_level for leaf in leaves):
            return False  # nothing is nullable
        num_missing = [_num_missing(chunk) for chunk in self._chunks(branch.own_leaves)]
        if not any(num != 0 for num in num_missing):
            return False
        if b"ak:parameters" in (self._metadata.metadata or {}):
            return True  # awkward declares as nullable only what is an option
        # An empty list counts like a missing one.
        is_exact = all(leaf.max_repetition_level == 0 for leaf in leaves)
        return is_exact and any(num_missing)


def _import_parquet(path: str) -> Any:
    try:
        from pyarrow import parquet
    except ImportError as error:
        message = f"reading {path!r} needs pyarrow: pip install 'memmpy[parquet]'"
        raise OptionError(message) from error
    return parquet


def _num_missing(chunk: Any) -> int | None:
    statistics = chunk.statistics
    if statistics is None or not statistics.has_null_count:
        return None
    return int(statistics.null_count)
