"""The type of each column of a conversion, on which all its files must agree."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from memmpy.columns import ColumnLayout, ColumnType, layout_of_nested, layout_of_numbers
from memmpy.conversion.planning.inspection import FileInspection
from memmpy.conversion.planning.partition import TreeRange
from memmpy.conversion.planning.recipe import Recipe
from memmpy.errors import MissingKeyError, SchemaError
from memmpy.store import storage_dtype

__all__ = ["agreed_types", "is_exact", "layout_of", "size_of_lists", "size_of_rows"]

#: How many columns, and files of each kind, an error shows.
_MAX_COLUMNS = 20
_STORE = "the store"
_UINT8 = np.dtype(np.uint8)
#: Bytes of an offset of an entry that a TTree does not have: 8 here, 4 there.
_MORE_BYTES = 4


def agreed_types(
    inspections: Sequence[tuple[str, FileInspection | None]],
    wanted: Collection[str],
    held: Mapping[str, ColumnType],
) -> dict[str, ColumnType]:
    """Return the type of each column.

    Parameters
    ----------
    inspections : sequence of (path, FileInspection)
        What the files that were looked at say; None for others.
    wanted : collection of str
        The columns; files may tell of others, which are skipped for what another file says.
    held : mapping of key to ColumnType
        What the store has of columns of which it keeps entries.

    Raises
    ------
    MissingKeyError
        If no file has a branch.
    SchemaError
        If only some have it, or they differ in its type; says so of all columns in one table.
    """
    found: dict[str, dict[str, list[str]]] = {
        key: {str(held_type): [_STORE]} for key, held_type in held.items()
    }
    types = dict(held)
    known = [(path, facts) for path, facts in inspections if facts is not None]
    told = dict.fromkeys(key for _, facts in known for key in (*facts.types, *facts.missing))
    keys = [key for key in told if key in wanted]
    matched = {name for _, f in known for names in f.matches.values() for name in names}
    for path, facts in known:
        own = {name for names in facts.matches.values() for name in names}
        for key in keys:
            if key in facts.types:
                kind = str(facts.types[key])
                types.setdefault(key, facts.types[key])
            elif key in facts.missing or (key in matched and key not in own):
                kind = "missing"
            else:
                continue
            found.setdefault(key, {}).setdefault(kind, []).append(path)
    for key, kinds in found.items():
        if list(kinds) == ["missing"]:
            branch, message = next(f.missing[key] for _, f in known if key in f.missing)
            raise MissingKeyError(message, branch)
    differing = {key: kinds for key, kinds in found.items() if len(kinds) > 1}
    if differing:
        raise SchemaError(_table(differing))
    return types


def layout_of(found: ColumnType, *, key: str) -> ColumnLayout:
    """Return the arrays that hold entries of a type."""
    if found.kind == "nested":
        return layout_of_nested(found.type)
    if found.kind == "text":
        return layout_of_numbers("text", storage_dtype(_UINT8, key=key), ())
    assert found.dtype is not None
    return layout_of_numbers(found.kind, storage_dtype(found.dtype, key=key), found.shape)


def is_exact(layout: ColumnLayout) -> bool:
    """Say whether the size of a column follows from its number of entries."""
    return all(field.is_fixed for field in layout.fields)


def size_of_rows(layout: ColumnLayout, num_entries: int) -> int:
    """Return the bytes of a column whose entries all have one size."""
    return num_entries * sum(field.row_bytes for field in layout.fields)


def size_of_lists(
    ranges: Sequence[TreeRange], recipes: Mapping[str, Recipe], layouts: Mapping[str, ColumnLayout]
) -> dict[str, int]:
    """Return at most about how many bytes entries of different sizes take once they are read.

    Parameters
    ----------
    ranges : sequence of TreeRange
        What is read.
    recipes, layouts : mapping of key to Recipe, and to ColumnLayout
        How columns are made of it, and their arrays.

    Returns
    -------
    dict
        Bytes by key, of columns for which `is_exact` is false. What the branches of a range take
        decompressed, less those of one size, is shared evenly among the branches that are left; a
        column is thought to take what one such branch does, and its wider offsets. It will take
        less where it shares its offsets with others.
    """
    sizes: dict[str, float] = {}
    for read in ranges:
        varying = [key for key in read.keys if not is_exact(layouts[key])]
        if not varying:
            continue
        plain = {
            recipes[key].branches[0]: size_of_rows(layouts[key], read.num_entries)
            for key in read.keys
            if is_exact(layouts[key]) and _is_plain(recipes[key])
        }
        used = {branch for key in read.keys for branch in recipes[key].branches}
        left = max(0, read.unpacked - sum(plain.values()))
        share = left / max(1, len(used - plain.keys()))
        for key in varying:
            sizes[key] = sizes.get(key, 0) + share + _MORE_BYTES * read.num_entries
    return {key: round(size) for key, size in sizes.items()}


def _is_plain(recipe: Recipe) -> bool:
    return recipe.program is None and recipe.padding is None and recipe.dtype is None


def _table(differing: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Return the differences as a message: one line a column and kind."""
    if len(differing) == 1:
        key, kinds = next(iter(differing.items()))
        parts = [f"{kind} in {_where(paths)}" for kind, paths in kinds.items()]
        message = f"{key!r} is {' and '.join(parts)}"
        of_store = any(_STORE in paths for paths in kinds.values())
        again = ", or read all of it again with recreate=True" if of_store else ""
        return f"{message}; convert them into two stores, or make the files agree{again}"
    rows = [("key", "is", "in")]
    for key, kinds in list(differing.items())[:_MAX_COLUMNS]:
        for i, (kind, paths) in enumerate(kinds.items()):
            rows.append(("" if i else key, kind, _where(paths)))
    widths = [max(len(row[i]) for row in rows) for i in (0, 1)]
    lines = [f"  {a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows]
    if len(differing) > _MAX_COLUMNS:
        lines.append(f"  ... and {len(differing) - _MAX_COLUMNS} more")
    return "\n".join(
        [
            f"the files differ in {len(differing)} columns:",
            *lines,
            "name keys that all files have, or convert those that differ into stores of their own",
        ]
    )


def _where(paths: Sequence[str]) -> str:
    files = [path for path in paths if path != _STORE]
    if not files:
        return _STORE
    said = repr(files[0]) if len(files) == 1 else f"{len(files)} files, such as {files[0]!r}"
    return said if len(files) == len(paths) else f"{_STORE} and {said}"
