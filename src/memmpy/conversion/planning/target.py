"""What a store shall hold after a conversion."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from memmpy.conversion.planning.recipe import Recipe, metadata_recipe
from memmpy.store import ColumnRecord, Metadata, Part, SourceRecord, parts_of

__all__ = ["Wanted", "is_current"]


@dataclass(frozen=True, slots=True)
class Wanted:
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
            is_current(metadata.columns.get(key), origin, parts)
            for key, origin in self.origins.items()
        )

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


def is_current(
    column: ColumnRecord | None, recipe: Mapping[str, Any], parts: Sequence[Part]
) -> bool:
    """Say whether a column is made by a recipe, of these parts and no others."""
    return (
        column is not None
        and column.origin is not None
        and column.origin.recipe == recipe
        and column.origin.parts == tuple(parts)
    )
