"""The type of each column of a conversion, on which all its files must agree."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from memmpy.columns import ColumnType, Layout, layout_of_nested, layout_of_numbers
from memmpy.conversion.planning.inspection import Facts
from memmpy.errors import MissingKeyError, SchemaError
from memmpy.store import storage_dtype

__all__ = ["agreed_types", "layout_of"]

#: How many columns, and files of each kind, an error shows.
_MAX_COLUMNS = 20
_STORE = "the store"
_UINT8 = np.dtype(np.uint8)


def agreed_types(
    surveyed: Sequence[tuple[str, Facts | None]],
    wanted: Collection[str],
    held: Mapping[str, ColumnType],
) -> dict[str, ColumnType]:
    """Return the type of each column.

    Parameters
    ----------
    surveyed : sequence of (path, Facts)
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
    known = [(path, facts) for path, facts in surveyed if facts is not None]
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


def layout_of(found: ColumnType, *, key: str) -> Layout:
    """Return the arrays that hold entries of a type."""
    if found.kind == "nested":
        return layout_of_nested(found.type)
    if found.kind == "text":
        return layout_of_numbers("text", storage_dtype(_UINT8, key=key), ())
    assert found.dtype is not None
    return layout_of_numbers(found.kind, storage_dtype(found.dtype, key=key), found.shape)


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
