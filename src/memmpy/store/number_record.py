"""Numbers and totals of a file in the metadata of a store, and the columns that use them."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import msgspec

from memmpy.store.json_types import JsonObject

__all__ = ["NumberRecord", "has_current_numbers"]

_Spec: TypeAlias = Mapping[str, Any]


class NumberRecord(JsonObject, frozen=True):
    """The numbers of one tree of one file.

    Parameters
    ----------
    values : dict of str to bool, int or float
        The numbers that the user gave for the file.
    totals : dict of str to str
        By name, the definitions of totals that the user gave for the file.
    sums : dict of str to float
        Totals of the file alone, by a text that contains the definition and all else that the sum
        depends on.
    branches : dict of str to str or None
        For each name of a number or total of the store, the dtype of the branch of this name in the
        tree: empty if it is not one number for each entry, None if there is no such branch.
    """

    values: dict[str, bool | int | float] = msgspec.field(default_factory=dict)
    totals: dict[str, str] = msgspec.field(default_factory=dict)
    sums: dict[str, float] = msgspec.field(default_factory=dict)
    branches: dict[str, str | None] = msgspec.field(default_factory=dict)


def has_current_numbers(spec: _Spec, specs: Mapping[str, _Spec]) -> bool:
    """Return whether a column was made with the numbers that the store has now.

    Parameters
    ----------
    spec : mapping
        The spec of the column.
    specs : mapping of str to mapping
        The specs of all converted columns. Each number and total has a column of its own,
        which every conversion that gives it brings up to date.
    """
    return all(
        "numbers" not in specs.get(name, {}) or specs[name]["numbers"].get(name) == column
        for name, column in spec.get("numbers", {}).items()
    )
