"""The schema of a conversion: types that all files agree on, layouts, and sizes on disk."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from memmpy.columns import ColumnLayout, ColumnType, layout_of_nested, layout_of_numbers
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.inspection import FileInspection
from memmpy.conversion.planning.partition import TreeRange
from memmpy.errors import MissingKeyError, SchemaError
from memmpy.store import storage_dtype

__all__ = ["agreed_types", "is_exact", "layout_of", "size_of_lists", "size_of_rows"]

#: Columns that an error shows, at most.
_MAX_COLUMNS = 20
_STORE = "the store"
_UINT8 = np.dtype(np.uint8)
#: Bytes by which an offset here (8 bytes) is longer than in a TTree (4 bytes).
_MORE_BYTES = 4


def agreed_types(
    inspections: Sequence[tuple[str, FileInspection | None]],
    columns: Collection[str],
    stored: Mapping[str, ColumnType],
) -> dict[str, ColumnType]:
    """Return the type of each column.

    Parameters
    ----------
    inspections : sequence of (path, FileInspection)
        The inspection of each file; None for files that were not inspected.
    columns : collection of str
        The columns. Files may have others that are skipped because of another file.
    stored : mapping of key to ColumnType
        The types of the columns of which the store keeps entries.

    Raises
    ------
    MissingKeyError
        If no file has a branch.
    SchemaError
        If only some files have a branch, or they differ in its type; one table shows all columns.
    """
    paths_by_type: dict[str, dict[str, list[str]]] = {
        key: {str(type_): [_STORE]} for key, type_ in stored.items()
    }
    types = dict(stored)
    files = [(path, file) for path, file in inspections if file is not None]
    known = dict.fromkeys(key for _, file in files for key in (*file.types, *file.missing))
    keys = [key for key in known if key in columns]
    matched = {name for _, file in files for names in file.matches.values() for name in names}
    for path, file in files:
        own = {name for names in file.matches.values() for name in names}
        for key in keys:
            if key in file.types:
                kind = str(file.types[key])
                types.setdefault(key, file.types[key])
            elif key in file.missing or (key in matched and key not in own):
                kind = "missing"
            else:
                continue
            paths_by_type.setdefault(key, {}).setdefault(kind, []).append(path)
    for key, kinds in paths_by_type.items():
        if list(kinds) == ["missing"]:
            branch, message = next(file.missing[key] for _, file in files if key in file.missing)
            raise MissingKeyError(message, branch)
    differing = {key: kinds for key, kinds in paths_by_type.items() if len(kinds) > 1}
    if differing:
        raise SchemaError(_table(differing))
    return types


def layout_of(entries: ColumnType, *, key: str) -> ColumnLayout:
    """Return the layout of a column of a type."""
    if entries.kind == "nested":
        return layout_of_nested(entries.type)
    if entries.kind == "text":
        return layout_of_numbers("text", storage_dtype(_UINT8, key=key), ())
    assert entries.dtype is not None
    return layout_of_numbers(entries.kind, storage_dtype(entries.dtype, key=key), entries.shape)


def is_exact(layout: ColumnLayout) -> bool:
    """Return whether the size of a column follows from its number of entries."""
    return all(field.is_fixed for field in layout.fields)


def size_of_rows(layout: ColumnLayout, num_entries: int) -> int:
    """Return the bytes of a column of entries of one size."""
    return num_entries * sum(field.row_bytes for field in layout.fields)


def size_of_lists(
    ranges: Sequence[TreeRange],
    specs: Mapping[str, ColumnSpec],
    layouts: Mapping[str, ColumnLayout],
) -> dict[str, int]:
    """Return about the maximum of bytes that columns of lists take once they are read.

    Parameters
    ----------
    ranges : sequence of TreeRange
        The entries to read.
    specs, layouts : mapping of key to ColumnSpec, and to ColumnLayout
        The specs and the layouts of the columns.

    Returns
    -------
    dict
        Bytes by key, of columns for which `is_exact` is false. The decompressed bytes of a range,
        less those of branches of fixed size, are shared evenly among the other branches. A column
        is taken to be as large as one of these, plus its wider offsets; it is smaller where it
        shares its offsets.
    """
    sizes: dict[str, float] = {}
    for read in ranges:
        varying = [key for key in read.keys if not is_exact(layouts[key])]
        if not varying:
            continue
        plain = {
            specs[key].branches[0]: size_of_rows(layouts[key], read.num_entries)
            for key in read.keys
            if is_exact(layouts[key]) and _is_plain(specs[key])
        }
        used = {branch for key in read.keys for branch in specs[key].branches}
        left = max(0, read.unpacked - sum(plain.values()))
        share = left / max(1, len(used - plain.keys()))
        for key in varying:
            sizes[key] = sizes.get(key, 0) + share + _MORE_BYTES * read.num_entries
    return {key: round(size) for key, size in sizes.items()}


def _is_plain(spec: ColumnSpec) -> bool:
    return spec.program is None and spec.padding is None and spec.dtype is None


def _table(differing: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
    """Return the differences as a message, with a line for each column and type."""
    if len(differing) == 1:
        key, kinds = next(iter(differing.items()))
        parts = [f"{kind} in {_where(paths)}" for kind, paths in kinds.items()]
        message = f"{key!r} is {' and '.join(parts)}"
        is_in_store = any(_STORE in paths for paths in kinds.values())
        way_out = ", or read all of it again with recreate=True" if is_in_store else ""
        return f"{message}; convert them into two stores, or make the files agree{way_out}"
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
    named = repr(files[0]) if len(files) == 1 else f"{len(files)} files, such as {files[0]!r}"
    return named if len(files) == len(paths) else f"{_STORE} and {named}"
