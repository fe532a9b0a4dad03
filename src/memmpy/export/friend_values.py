"""Checks the values of the branches of a friend tree, and finds their fill values."""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import ReadJagged
from memmpy.errors import ColumnError, OptionError, nearest
from memmpy.export.alignment import FriendTree, RowAlignment, RowsAndEntries
from memmpy.jagged import Jagged, check_fill
from memmpy.kernels import offsets_of
from memmpy.typing import Array

__all__ = ["BranchValues", "FillOption", "branch_type", "check_branches", "find_fills", "take_step"]

#: Numbers or arrays of one shape, or lists that differ in length.
BranchValues: TypeAlias = Array | Jagged | ReadJagged
FillOption: TypeAlias = float | Mapping[str, float] | None

_BRANCH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: Dtypes that a branch of a TTree can hold.
_DTYPES = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"}


def check_branches(branches: Mapping[str, Any]) -> dict[str, BranchValues]:
    """Return the values to write.

    Raises
    ------
    OptionError
        If a branch cannot have that name.
    ColumnError
        If a TTree cannot hold the values.
    """
    mapping: object = branches
    if not isinstance(mapping, Mapping) or not mapping:
        expected = 'a mapping of names to arrays, such as {"score": scores}'
        raise OptionError(f"branches must be {expected}, got {branches!r}")
    values = {}
    for name, column in branches.items():
        text: object = name
        if not isinstance(text, str) or not _BRANCH.fullmatch(text):
            message = f"the name of a branch must have only letters, digits and _, got {name!r}"
            raise OptionError(message)
        values[name] = _as_values(name, column)
    for name, column in values.items():
        if not isinstance(column, np.ndarray) and f"n{name}" in values:
            message = f"the lengths of the lists {name!r} need the name 'n{name}'; rename one"
            raise OptionError(message)
    return values


def find_fills(
    values: Mapping[str, BranchValues],
    fill: FillOption,
    trees: Sequence[FriendTree],
    rows: RowAlignment,
) -> dict[str, Any]:
    """Return the fill for entries without a row, for each branch except those of lists.

    Raises
    ------
    OptionError
        If a dtype cannot hold its fill, or integers need a fill and the user gave none.
    """
    fill_of = fill if isinstance(fill, Mapping) else dict.fromkeys(values, fill)
    for name in fill_of:
        if name not in values:
            raise OptionError(f"fill names {name!r}, no branch{nearest(str(name), values)}")
        if isinstance(fill, Mapping) and not isinstance(values[name], np.ndarray):
            raise OptionError(
                f"branch {name!r} has lists, which are empty for entries without a row"
            )
    missing = [tree for tree in trees if tree.num_with_row(rows) < tree.num_entries]
    fills: dict[str, Any] = {}
    for name, column in values.items():
        if not isinstance(column, np.ndarray):
            continue
        fills[name] = fill_of.get(name)
        if fills[name] is not None:
            try:
                check_fill(fills[name], column.dtype)
            except OptionError as error:
                raise OptionError(f"branch {name!r}: {error}") from None
        elif column.dtype.kind == "f":
            fills[name] = np.nan
        elif missing:
            tree = missing[0]
            message = (
                f"{tree.num_entries - tree.num_with_row(rows)} of the {tree.num_entries} entries "
                f"of {tree.tree!r} of {tree.source!r} have no row, and {column.dtype} has no NaN "
                f"to fill branch {name!r} with; give a value: fill={{{name!r}: ...}}"
            )
            raise OptionError(message)
        else:
            fills[name] = 0
    return fills


def branch_type(values: BranchValues) -> Any:
    """Return the type of a branch as uproot takes it."""
    if isinstance(values, np.ndarray):
        return np.dtype((values.dtype, values.shape[1:]))
    return f"var * {values.dtype.name}"


def take_step(
    values: Mapping[str, BranchValues],
    places: Sequence[RowsAndEntries],
    *,
    num_entries: int,
    fills: Mapping[str, Any],
) -> dict[str, Any]:
    """Return some entries of each branch, as uproot takes them."""
    return {
        name: _array(column, places, num_entries, fills[name])
        if isinstance(column, np.ndarray)
        else _lists(column, places, num_entries)
        for name, column in values.items()
    }


def _as_values(name: str, column: Any) -> BranchValues:
    """Return the values of one branch, copied only if they are no array yet."""
    values: BranchValues
    if isinstance(column, Jagged | ReadJagged):
        values = column
    elif type(column).__module__.partition(".")[0] == "awkward":
        values = _of_awkward(name, column)
    else:
        try:
            values = np.asarray(column)
        except ValueError as error:  # lists that differ in length
            raise ColumnError(f"branch {name!r}: {error}; give lists as a Jagged") from None
    if values.dtype.str[1:] not in _DTYPES:
        message = (
            f"branch {name!r} has dtype {values.dtype}, and a TTree holds bool, integers, float32 "
            "and float64; convert it with .astype"
        )
        raise ColumnError(message)
    if isinstance(values, np.ndarray):
        if not values.ndim or 0 in values.shape[1:]:
            message = f"branch {name!r} needs at least one value per row, got shape {values.shape}"
            raise ColumnError(message)
    elif values.content.ndim > 1:
        raise ColumnError(f"branch {name!r} has lists of arrays; a TTree holds lists of numbers")
    return values


def _of_awkward(name: str, column: Any) -> BranchValues:
    import awkward as ak

    with suppress(ValueError, TypeError):
        values: Array = ak.to_numpy(column, allow_missing=False)
        return values
    try:
        return Jagged.from_awkward(column)
    except ColumnError as error:
        raise ColumnError(f"branch {name!r}: {error}") from None


def _array(values: Array, places: Sequence[RowsAndEntries], num_entries: int, fill: Any) -> Array:
    step = np.full((num_entries, *values.shape[1:]), fill, values.dtype)
    for rows, positions in places:
        step[positions] = values[rows]
    return step


def _lists(values: Jagged | ReadJagged, places: Sequence[RowsAndEntries], num_entries: int) -> Any:
    """Return lists as an awkward array, empty for entries without a row."""
    counts = np.zeros(num_entries, np.int64)
    contents = [np.empty(0, values.dtype)]
    for rows, positions in places:  # ascending, as the parts of a tree
        part = values[rows]
        counts[positions] = part.counts
        contents.append(part.content)
    return Jagged.trusted(np.concatenate(contents), offsets_of(counts)).to_awkward()
