"""What a store has of the columns that are wanted, looked up by how they are made."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from memmpy.conversion.planning.recipe import Recipe
from memmpy.store import Metadata, Origin, Part

__all__ = ["Held", "Holdings"]


#: What a recipe says of how entries are padded and cast.
_FINISH = {"padding", "dtype", "mask"}


@dataclass(frozen=True, slots=True)
class Held:
    """Entries of a column of the store that serve again.

    Parameters
    ----------
    key : str
        The column.
    entries : range
        Which of its entries.
    finish : Recipe or None
        How they are padded and cast; None for what is taken as it is.
    made_by : str
        The version of memmpy that read them; empty where that was not kept.
    clipped : tuple of int or None
        What padding cut off of them, as `Origin` has it; None where that was not kept.
    """

    key: str
    entries: range
    finish: Recipe | None
    made_by: str
    clipped: tuple[int, ...] | None


@final
class Holdings:
    """The columns of a store that came from files, stale ones too: their parts stay right.

    Parameters
    ----------
    metadata : Metadata
        What the store holds.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._columns: dict[str, list[tuple[str, Origin]]] = {}
        for key, column in metadata.columns.items():
            if column.origin is not None and "metadata" not in column.origin.recipe:
                bare = _text(_bare(column.origin.recipe))
                self._columns.setdefault(bare, []).append((key, column.origin))
        # Most columns share their parts.
        self._ranges: dict[int, dict[Part, tuple[range, int]]] = {}

    def find(self, recipe: Recipe, parts: Sequence[Part]) -> tuple[Held | None, ...]:
        """Return, for each part of a column, what there is of it: best of all as it is wanted."""
        wants = recipe.to_json()
        candidates = self._columns.get(_text(recipe.base), [])
        found: dict[Part, Held] = {}
        best_first = sorted(candidates, key=lambda c: (c[1].recipe != wants, c[0] != recipe.key))
        for key, origin in best_first:
            serves, finish = _serves(origin.recipe, wants, recipe)
            if serves:
                ranges = self._ranges_of(origin)
                for part in parts:
                    if part in ranges and part not in found:
                        entries, i = ranges[part]
                        made_by = origin.made_by[i] if origin.made_by else ""
                        clipped = origin.clipped[i] if origin.clipped else None
                        found[part] = Held(key, entries, finish, made_by, clipped)
        return tuple(found.get(part) for part in parts)

    def _ranges_of(self, origin: Origin) -> dict[Part, tuple[range, int]]:
        """Return the entries that each part fills, and which part it is."""
        if id(origin.parts) not in self._ranges:
            ranges: dict[Part, tuple[range, int]] = {}
            start = 0
            for i, part in enumerate(origin.parts):
                ranges[part] = range(start, start + part[1]), i
                start += part[1]
            self._ranges[id(origin.parts)] = ranges
        return self._ranges[id(origin.parts)]


def _bare(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return how entries are made before they are padded and cast."""
    return {name: value for name, value in recipe.items() if name not in _FINISH}


def _text(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True)


def _serves(
    has: Mapping[str, Any], wants: Mapping[str, Any], recipe: Recipe
) -> tuple[bool, Recipe | None]:
    """Say whether a column of one recipe serves for another, and what is still to be done to it."""
    if has == wants:
        return True, None
    # What is padded does not say how long its lists were: how much a shorter length cuts off.
    if "padding" not in has and wants.get("mask"):
        return True, recipe
    if "padding" not in has and has.get("dtype") in {None, wants.get("dtype")}:
        dtype = None if "dtype" in has else recipe.dtype
        return True, dataclasses.replace(recipe, dtype=dtype)
    return False, None
