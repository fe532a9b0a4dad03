"""What must be read: plain ranges of entries, decided without touching any data."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from memmpy.errors import OptionError
from memmpy.conversion.recipe import Recipe, metadata_recipe
from memmpy.store import ColumnRecord, Metadata, Origin, SourceRecord, parts_of

__all__ = ["Pieces", "Wanted", "plan_columns"]

#: What fills a column, source by source: entries of the column as it is, or None for what must be
#: read from the source.
Pieces: TypeAlias = tuple[range | None, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user asked for.

    Parameters
    ----------
    recipes : sequence of Recipe
        The columns.
    sources : tuple of SourceRecord
        What fills them, in the order of their entries.
    """

    recipes: Sequence[Recipe]
    sources: tuple[SourceRecord, ...]

    def plan(self, metadata: Metadata, *, recreate: bool = False) -> dict[str, Pieces]:
        """Return the columns that must be written to a store, and what fills them."""
        recipes = {recipe.key: recipe.to_json() for recipe in self.recipes}
        for name in self.sources[0].metadata:
            recipes[name] = metadata_recipe(name, self.sources)
        return plan_columns(metadata, self.sources, recipes, recreate=recreate)

    def to_read(self, plan: Mapping[str, Pieces]) -> list[list[Recipe]]:
        """Return, for each source, the recipes that need it."""
        return [
            [r for r in self.recipes if r.key in plan and plan[r.key][i] is None]
            for i in range(len(self.sources))
        ]

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


def plan_columns(
    metadata: Metadata,
    sources: Sequence[SourceRecord],
    recipes: Mapping[str, Mapping[str, Any]],
    *,
    recreate: bool,
) -> dict[str, Pieces]:
    """Return the columns that must be written, and what fills them.

    Parameters
    ----------
    metadata : Metadata
        What the store holds.
    sources : sequence of SourceRecord
        What it shall be filled from, in the order of the entries.
    recipes : mapping of key to recipe
        The columns wanted.
    recreate : bool
        Whether to read everything again.

    Returns
    -------
    dict of key to Pieces
        Without the columns that are already right.

    Raises
    ------
    OptionError
        If a column would replace one that the user wrote.
    """
    parts = parts_of(sources)
    plan: dict[str, Pieces] = {}
    for key, recipe in recipes.items():
        column = metadata.columns.get(key)
        if column is not None and column.origin is None and not recreate:
            _check_replaceable(key, column, recipe)
        origin = None if column is None or recreate else column.origin
        if origin is None or origin.recipe != recipe:
            plan[key] = (None,) * len(parts)
        elif origin.parts != parts:
            held = _ranges(origin)
            plan[key] = tuple(held.get(part) for part in parts)
    return plan


def _check_replaceable(key: str, column: ColumnRecord, recipe: Mapping[str, Any]) -> None:
    """Raise an `OptionError` if a column is not convert's; what was computed can be again."""
    if column.computed is None:
        message = (
            f"column {key!r} of the store was not made by convert and would be lost; "
            "take the branch under another name (aliases=), or replace it (recreate=True)"
        )
        raise OptionError(message)
    if "branch" in recipe:
        message = (
            f"column {key!r} of the store was computed by Store.add, and would be lost for a "
            f"branch of that name; to compute it from branches, give aliases={{{key!r}: "
            f"{column.computed.expression!r}}}; to use it as it is, memmpy.open(...).loader(); to "
            "take the branch, recreate=True"
        )
        raise OptionError(message)


def _ranges(origin: Origin) -> dict[tuple[str, int], range]:
    """Return the entries that each part of a column fills."""
    ranges = {}
    start = 0
    for part in origin.parts:
        ranges[part] = range(start, start + part[1])
        start += part[1]
    return ranges
