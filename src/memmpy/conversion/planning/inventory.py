"""Finds which columns a conversion can reuse from the store."""

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from memmpy.conversion.planning.recipe import Recipe, metadata_recipe
from memmpy.store import ColumnRecord, Metadata, Origin, Part, SourceRecord, part_finder

__all__ = ["Inventory", "Reusable", "Target", "is_up_to_date"]

#: The fields of a recipe about padding and casting.
_PADDING_AND_CAST = {"padding", "dtype", "mask"}


@dataclass(frozen=True, slots=True)
class Target:
    """The columns of the store after a conversion, and the trees that fill them.

    Parameters
    ----------
    recipes : tuple of Recipe
        The columns.
    sources : tuple of SourceRecord
        The trees that fill them, in the order of their entries.
    """

    recipes: tuple[Recipe, ...]
    sources: tuple[SourceRecord, ...]

    @property
    def recipes_by_key(self) -> dict[str, Recipe]:
        """The recipes of the columns that are made of branches."""
        return {recipe.key: recipe for recipe in self.recipes}

    @property
    def origins(self) -> dict[str, dict[str, Any]]:
        """The recipes of all columns as JSON values, those of the metadata among them."""
        origins = {recipe.key: recipe.to_json() for recipe in self.recipes}
        for name in self.sources[0].metadata:
            origins[name] = metadata_recipe(name, self.sources)
        return origins

    def keys_of(self, keys: Collection[str]) -> list[str]:
        """Return the columns that keys and patterns name, sorted."""
        matched = {recipe.key for recipe in self.recipes}
        patterns = [key for key in keys if key not in matched]
        names = {
            name
            for source in self.sources
            for pattern in patterns
            for name in source.matches.get(pattern, ())
        }
        return sorted(matched & (names | set(keys)))

    def is_in(self, metadata: Metadata) -> bool:
        """Return whether a store holds all of it."""
        parts, recipes = part_finder(self.sources), self.recipes_by_key
        return metadata.parts == parts(()) and all(
            is_up_to_date(
                metadata.columns.get(key),
                origin,
                parts(recipes[key].branches if key in recipes else ()),
            )
            for key, origin in self.origins.items()
        )

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


@dataclass(frozen=True, slots=True)
class Reusable:
    """Entries of a column of the store that can be reused.

    Parameters
    ----------
    key : str
        The column.
    entries : range
        Its entries.
    recipe : Recipe or None
        The recipe that casts and pads them; None to copy them unchanged.
    made_by : str
        The version of memmpy that read them; empty where the store does not know it.
    clipped : tuple of int or None
        The counts of items that padding cut off, as in `Origin`; None if unknown.
    """

    key: str
    entries: range
    recipe: Recipe | None
    made_by: str
    clipped: tuple[int, ...] | None


@final
class Inventory:
    """The columns of a store that came from files, by recipe.

    Stale columns are among them: their parts stay valid.

    Parameters
    ----------
    metadata : Metadata
        The metadata of the store.
    """

    def __init__(self, metadata: Metadata) -> None:
        self._columns: dict[str, list[tuple[str, Origin]]] = {}
        for key, column in metadata.columns.items():
            if column.origin is not None and "metadata" not in column.origin.recipe:
                bare = _text(_bare(column.origin.recipe))
                self._columns.setdefault(bare, []).append((key, column.origin))
        # By the id of a tuple of parts, which most columns share.
        self._ranges: dict[int, dict[Part, tuple[range, int]]] = {}

    def find(self, recipe: Recipe, parts: Sequence[Part]) -> tuple[Reusable | None, ...]:
        """Return reusable entries for each part of a column, if possible of an equal recipe."""
        new = recipe.to_json()
        candidates = self._columns.get(_text(recipe.base), [])
        reusable: dict[Part, Reusable] = {}
        best_first = sorted(candidates, key=lambda c: (c[1].recipe != new, c[0] != recipe.key))
        for key, origin in best_first:
            can_reuse, rest = _compare_recipes(origin.recipe, new, recipe)
            if can_reuse:
                ranges = self._ranges_of(origin)
                for part in parts:
                    if part in ranges and part not in reusable:
                        entries, i = ranges[part]
                        made_by = origin.made_by[i] if origin.made_by else ""
                        clipped = origin.clipped[i] if origin.clipped else None
                        reusable[part] = Reusable(key, entries, rest, made_by, clipped)
        return tuple(reusable.get(part) for part in parts)

    def _ranges_of(self, origin: Origin) -> dict[Part, tuple[range, int]]:
        """Return for each part the entries that it fills, and its number."""
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
    """Return whether a column has a recipe and exactly these parts."""
    return (
        column is not None
        and column.origin is not None
        and column.origin.recipe == recipe
        and column.origin.parts == tuple(parts)
    )


def _bare(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recipe without padding and casts."""
    return {name: value for name, value in recipe.items() if name not in _PADDING_AND_CAST}


def _text(recipe: Mapping[str, Any]) -> str:
    return json.dumps(recipe, sort_keys=True)


def _compare_recipes(
    old: Mapping[str, Any], new: Mapping[str, Any], recipe: Recipe
) -> tuple[bool, Recipe | None]:
    """Return whether a column of one recipe can be reused for another, and the rest of the work."""
    if old == new:
        return True, None
    # A padded column does not tell how long its lists were.
    if "padding" not in old and new.get("mask"):
        return True, recipe
    if "padding" not in old and old.get("dtype") in {None, new.get("dtype")}:
        dtype = None if "dtype" in old else recipe.dtype
        return True, dataclasses.replace(recipe, dtype=dtype)
    return False, None
