"""The columns of a Parquet file and the members of their records, and where they lie."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from memmpy.errors import InputFileError
from memmpy.sources.arrow import has_extension, leaf_paths

__all__ = ["ParquetBranch", "branches_of"]

#: Columns in which pandas keeps an index that has no name.
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True, slots=True)
class ParquetBranch:
    """A column of the file, or a member of the records in it.

    `path` are the names that lead to it, `leaves` the Parquet columns that are read for it (all
    those of the column, where its type cannot be read in part) and `own_leaves` those it is of.
    `is_hidden` says that no pattern matches it, `is_ambiguous` that several columns have its name.
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
        If the schema is not that of the Parquet columns.
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
            if full in counts:  # a column of that very name comes first
                continue
            own = tuple(
                leaf
                for leaf, names in zip(leaves, paths, strict=True)
                if names[: len(member)] == member
            )
            # Arrow cannot read a part of a type that another library gave a name.
            read = tuple(leaves) if has_extension(field.type) else own
            branches[full] = ParquetBranch((field.name, *member), read, own)
    if first != num_leaves:
        message = f"its schema has {first} columns of {num_leaves}"
        raise InputFileError(f"{path!r} cannot be read: {message}")
    return branches
