"""Members of nested columns by name, such as ``p.x`` of a column ``p`` of records."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import numpy as np

from memmpy.columns.jagged_column import ReadJagged
from memmpy.columns.nested import ReadNested
from memmpy.store import ColumnRecord
from memmpy.typing import Array

__all__ = ["member_of", "resolve_key"]


def resolve_key(name: str, columns: Mapping[str, ColumnRecord]) -> str:
    """Return the column that a name means: that of the name, or the nested one with such a member.

    The name itself where there is neither.
    """
    if name not in columns:
        for key, names in _divided(name):
            column = columns.get(key)
            if column is None or column.kind != "nested":
                continue
            if _has_member(column.details.get("form"), names):
                return key
    return name


def member_of(
    column: ReadNested, name: str, *, key: str
) -> np.memmap[Any, Any] | ReadJagged | None:
    """Return a member of a nested column, over the mapped memory.

    Parameters
    ----------
    column : ReadNested
        The column.
    name : str
        As it is in cuts, such as ``p.x``.
    key : str
        The name of the column, such as ``p``.

    Returns
    -------
    np.memmap, ReadJagged or None
        Numbers, one or a fixed array of them an entry; lists of numbers; None for all else.
    """
    import awkward as ak

    member = column.to_awkward()[tuple(name[len(key) + 1 :].split("."))]
    with suppress(ValueError, TypeError):  # entries of different lengths, or missing ones
        values: Array = ak.to_numpy(member, allow_missing=False)
        if values.dtype.kind in "biuf":
            return values.view(np.memmap)
    layout = member.layout
    if isinstance(layout, ak.contents.ListOffsetArray) and not layout.parameters:
        with suppress(ValueError, TypeError):
            content: Array = ak.to_numpy(layout.content, allow_missing=False)
            if content.dtype.kind in "biuf":
                offsets = np.asarray(layout.offsets.data, np.int64)
                arrays = {"content": content, "offsets": offsets}
                maps = {role: array.view(np.memmap) for role, array in arrays.items()}
                return ReadJagged.over(maps, f"member {name!r}")
    return None


def _divided(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield the columns that a name may be a member of, the longest first, each with the path."""
    words = name.split(".")
    for num in range(len(words) - 1, 0, -1):
        yield ".".join(words[:num]), words[num:]


def _has_member(form: Any, names: list[str]) -> bool:
    for name in names:
        while isinstance(form, Mapping) and "content" in form:
            form = form["content"]
        fields = form.get("fields") if isinstance(form, Mapping) else None
        if not fields or name not in fields:
            return False
        form = form["contents"][fields.index(name)]
    return True
