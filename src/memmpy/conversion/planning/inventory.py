"""What a store has of the columns that are wanted, looked up by how they are made."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from memmpy.conversion.planning.recipe import Recipe, metadata_recipe
from memmpy.store import ColumnRecord, Metadata, Origin, Part, SourceRecord, parts_of

__all__ = ["Inventory", "Reusable", "Target", "is_up_to_date"]

#: What a recipe says of how entries are padded and cast.
_FINISH = {"padding", "dtype", "mask"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a user asked for.

    Parameters
    ----------
    recipes : tuple of Recipe
        The columns.
    sources : tuple of SourceRecord
        What fills them, in the order of their entries.
    """

    recipes: tuple[Recipe, ...]
    sources: tuple[SourceRecord, ...]

    @property
    def recipes_by_key(self) -> dict[str, Recipe]:
        """The columns that are made of branches."""
        return {recipe.key: recipe for recipe in self.recipes}

    @property
    def origins(self) -> dict[str, dict[str, Any]]:
        """How each column is made, as JSON values; also those of the metadata."""
        origins = {recipe.key: recipe.to_json() for recipe in self.recipes}
        for name in self.sources[0].metadata:
            origins[name] = metadata_recipe(name, self.sources)
        return origins

    def keys_of(self, keys: Collection[str]) -> list[str]:
        """Return the columns that keys and patterns stand for, sorted."""
        matched = {recipe.key for recipe in self.recipes}
        patterns = [key for key in keys if key not in matched]
        found = {
            name
            for source in self.sources
            for pattern in patterns
            for name in source.matches.get(pattern, ())
        }
        return sorted(matched & (found | set(keys)))

    def is_in(self, metadata: Metadata) -> bool:
        """Say whether a store holds all of it."""
        parts = parts_of(self.sources)
        return metadata.parts == parts and all(
            is_up_to_date(metadata.columns.get(key), origin, parts)
            for key, origin in self.origins.items()
        )

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


@dataclass(frozen=True, slots=True)
class Reusable:
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
class Inventory:
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

    def find(self, recipe: Recipe, parts: Sequence[Part]) -> tuple[Reusable | None, ...]:
        """Return, for each part of a column, what there is of it: best of all as it is wanted."""
        wants = recipe.to_json()
        candidates = self._columns.get(_text(recipe.base), [])
        found: dict[Part, Reusable] = {}
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
                        found[part] = Reusable(key, entries, finish, made_by, clipped)
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


def is_up_to_date(
    column: ColumnRecord | None, recipe: Mapping[str, Any], parts: Sequence[Part]
) -> bool:
    """Say whether a column is made by a recipe, of these parts and no others."""
    return (
        column is not None
        and column.origin is not None
        and column.origin.recipe == recipe
        and column.origin.parts == tuple(parts)
    )


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
