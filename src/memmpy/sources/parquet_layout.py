"""Finds the branches of a Parquet file: its columns, and the members of their records."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from memmpy.errors import InputFileError
from memmpy.sources.arrow_types import has_extension, leaf_paths

__all__ = ["ParquetBranch", "branches_of"]

#: Columns in which pandas stores an index without a name.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class ParquetBranch:
    """A column of the file, or a member of the records in it.

    `path` has the names that lead to it. `own_leaves` are its Parquet columns, and `leaves` those
    to read for it: all of the column, if Arrow cannot read a part of it. `is_hidden` means that no
    pattern matches the branch, `is_ambiguous` that several columns have its name.
    """

    path: tuple[str, ...]
    leaves: tuple[int, ...]
    own_leaves: tuple[int, ...]
    is_hidden: bool = False
    is_ambiguous: bool = False


def branches_of(schema: Any, num_leaves: int, path: str) -> dict[str, ParquetBranch]:
    """Return the columns of an Arrow schema, each followed by the members of its records.

    Raises
    ------
    InputFileError
        If the schema does not match the Parquet columns.
    """
    counts = Counter(field.name for field in schema)
    branches: dict[str, ParquetBranch] = {}
    first = 0
    for field in schema:
        paths = list(leaf_paths(field.type))
        leaves = range(first, first + len(paths))
        first += len(paths)
        is_index = _PANDAS_INDEX.fullmatch(field.name) is not None
        is_ambiguous = counts[field.name] > 1
        branches[field.name] = ParquetBranch(
            (field.name,), tuple(leaves), tuple(leaves), is_index, is_ambiguous
        )
        if is_ambiguous:
            continue
        for member in dict.fromkeys(names[:i] for names in paths for i in range(1, len(names) + 1)):
            full = ".".join((field.name, *member))
            if full in counts:  # a column of the same name comes first
                continue
            own = tuple(
                leaf
                for leaf, names in zip(leaves, paths, strict=True)
                if names[: len(member)] == member
            )
            # Arrow cannot read a part of an extension type.
            read = tuple(leaves) if has_extension(field.type) else own
            branches[full] = ParquetBranch((field.name, *member), read, own)
    if first != num_leaves:
        message = f"its schema has {first} columns of {num_leaves}"
        raise InputFileError(f"{path!r} cannot be read: {message}")
    return branches
