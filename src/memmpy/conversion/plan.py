"""What a conversion has to do: plain data, decided without reading any entry.

The plan says which entry ranges of which branches of which files go where, and which the store has
already. `memmpy.conversion.building` carries it out.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from memmpy.columns import Layout
from memmpy.conversion.dividing import Range
from memmpy.conversion.recipe import Padding, Recipe, metadata_recipe
from memmpy.conversion.schema import agreed_types, layout_of
from memmpy.conversion.surveying import Facts
from memmpy.errors import OptionError
from memmpy.inputs import BranchType, type_of_column
from memmpy.store import ColumnRecord, Metadata, Origin, SourceRecord, parts_of

__all__ = ["Fill", "Held", "NewColumn", "Part", "Plan", "Wanted", "make_plan"]

#: What fills a range of a column, as metadata has it: the id of a source, and a number of entries.
Part: TypeAlias = tuple[str, int]

#: The type of the column of a name of the metadata.
_HASHES = BranchType("vector", np.dtype("<u8"))


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
    """

    key: str
    entries: range
    finish: Recipe | None
    made_by: str


@dataclass(frozen=True, slots=True)
class NewColumn:
    """A column that has to be written.

    Parameters
    ----------
    key : str
        The column.
    recipe : mapping
        How its entries are made, as JSON values.
    layout : Layout
        Its arrays.
    held : tuple of Held or None
        For each source, what the store has of it; None for what must be read.
    why : str
        Why it has to be written.
    """

    key: str
    recipe: Mapping[str, Any]
    layout: Layout
    held: tuple[Held | None, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Fill:
    """Entries of a tree that are read for some columns in one go.

    Parameters
    ----------
    source : int
        Which source.
    entry : int
        The first entry of the store that they become.
    range : Range
        Which entries of the tree, for which columns.
    """

    source: int
    entry: int
    range: Range


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
    def made(self) -> dict[str, dict[str, Any]]:
        """The recipes of all columns as JSON values, also of those of the metadata."""
        recipes = {recipe.key: recipe.to_json() for recipe in self.recipes}
        for name in self.sources[0].metadata:
            recipes[name] = metadata_recipe(name, self.sources)
        return recipes

    def is_in(self, metadata: Metadata) -> bool:
        """Say whether a store holds all of it."""
        parts = parts_of(self.sources)
        return metadata.parts == parts and all(
            _is_current(metadata.columns.get(key), recipe, parts)
            for key, recipe in self.made.items()
        )

    def name_sources(self, metadata: Metadata) -> Metadata:
        """Return the metadata of a store that is filled from the sources."""
        texts = {text for source in self.sources for text in source.metadata.values()}
        return dataclasses.replace(metadata, sources=self.sources).with_texts(texts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a conversion has to do.

    Parameters
    ----------
    wanted : Wanted
        What was asked for.
    columns : tuple of NewColumn
        The columns that have to be written; empty where the store has all.
    current : tuple of str
        The columns that are right already.
    fills : tuple of Fill
        What has to be read from files.
    skipped : tuple of str
        Branches that a pattern matches and no column can hold.
    """

    wanted: Wanted
    columns: tuple[NewColumn, ...]
    current: tuple[str, ...]
    fills: tuple[Fill, ...]
    skipped: tuple[str, ...] = ()

    @property
    def num_entries(self) -> int:
        """Entries of all sources."""
        return sum(source.num_entries for source in self.wanted.sources)

    def branches_read(self) -> dict[str, tuple[str, ...]]:
        """Return the branches that are read, by file."""
        recipes = {recipe.key: recipe for recipe in self.wanted.recipes}
        read: dict[str, dict[str, None]] = {}
        for fill in self.fills:
            of_file = read.setdefault(self.wanted.sources[fill.source].path, {})
            of_file |= dict.fromkeys(b for key in fill.range.keys for b in recipes[key].branches)
        return {path: tuple(branches) for path, branches in read.items()}


def make_plan(
    wanted: Wanted,
    surveyed: Sequence[Facts | None],
    metadata: Metadata,
    *,
    recreate: bool,
) -> Plan:
    """Return what has to be done so that a store holds what is wanted.

    Parameters
    ----------
    wanted : Wanted
        What the store shall hold.
    surveyed : sequence of Facts or None
        What each source says; None for those that were not looked at.
    metadata : Metadata
        What the store holds now.
    recreate : bool
        Whether to read everything again.

    Raises
    ------
    MissingKeyError, SchemaError
        If files lack a branch, or differ in a type.
    OptionError
        If a column would replace one that the user wrote.
    """
    sources, parts = wanted.sources, parts_of(wanted.sources)
    recipes = {recipe.key: recipe for recipe in wanted.recipes}
    made = wanted.made
    held: dict[str, tuple[Held | None, ...]] = {}
    current = []
    for key, json in made.items():
        column = metadata.columns.get(key)
        if not recreate and column is not None and column.origin is None:
            _check_replaceable(key, column, json)
        if not recreate and _is_current(column, json, parts):
            current.append(key)
        elif recreate:
            held[key] = (None,) * len(sources)
        else:
            held[key] = held_parts(recipes.get(key), json, key, parts, metadata)
    types = agreed_types(
        [(source.path, facts) for source, facts in zip(sources, surveyed, strict=True)],
        {
            key: held_type
            for key in held
            if key in recipes and (held_type := _type_of_held(held[key], metadata)) is not None
        },
    )
    columns = []
    for key, pieces in held.items():
        found = types[key] if key in recipes else _HASHES
        why = _why(metadata.columns.get(key), made[key], pieces, recreate=recreate)
        layout = layout_of(found, key=key)
        columns.append(NewColumn(key, made[key], layout, pieces, why))
    fills = []
    for i, (source, facts) in enumerate(zip(sources, surveyed, strict=True)):
        for read in () if facts is None else facts.ranges:
            keys = tuple(key for key in read.keys if key in held and held[key][i] is None)
            if keys:
                entry = source.entry_start + read.start - source.tree_start
                fills.append(Fill(i, entry, dataclasses.replace(read, keys=keys)))
    skipped = dict.fromkeys(name for facts in surveyed if facts for name in facts.skipped)
    return Plan(wanted, tuple(columns), tuple(current), tuple(fills), tuple(skipped))


def held_parts(
    recipe: Recipe | None,
    json: Mapping[str, Any],
    key: str,
    parts: Sequence[Part],
    metadata: Metadata,
) -> tuple[Held | None, ...]:
    """Return, for each part of a column, what the store has of it.

    Parameters
    ----------
    recipe : Recipe or None
        How the column is made; None for the texts of metadata, which are made anew.
    json : mapping
        The same, as JSON values.
    key : str
        The column.
    parts : sequence of (source id, number of entries)
        What shall fill it.
    metadata : Metadata
        What the store holds.
    """
    found: dict[Part, Held] = {}
    if recipe is not None:
        names = [key, *(name for name in metadata.columns if name != key)]
        for name in names:
            column = metadata.columns.get(name)
            if column is None or column.origin is None:
                continue
            serves, finish = _serves(column.origin.recipe, json, recipe)
            if serves:
                for part, entries, made_by in _ranges(column.origin):
                    found.setdefault(part, Held(name, entries, finish, made_by))
    return tuple(found.get(part) for part in parts)


def _is_current(
    column: ColumnRecord | None, recipe: Mapping[str, Any], parts: Sequence[Part]
) -> bool:
    return (
        column is not None
        and column.origin is not None
        and column.origin.recipe == recipe
        and column.origin.parts == tuple(parts)
    )


def _serves(
    has: Mapping[str, Any], wants: Mapping[str, Any], recipe: Recipe
) -> tuple[bool, Recipe | None]:
    """Say whether a column of one recipe serves for another, and what is still to be done to it."""
    if has == wants:
        return True, None
    special = {"padding", "dtype"}
    bare = {name: value for name, value in has.items() if name not in special}
    if bare != recipe.base or "metadata" in has:
        return False, None
    if "padding" not in has and has.get("dtype") in {None, wants.get("dtype")}:
        dtype = None if "dtype" in has else recipe.dtype
        return True, dataclasses.replace(recipe, dtype=dtype)
    # A longer list that was filled with the same value only has to be cut.
    if "padding" in has and "padding" in wants and has.get("dtype") == wants.get("dtype"):
        (length, fill), (wanted, other) = has["padding"], wants["padding"]
        if wanted <= length and fill == other and recipe.padding is not None:
            cut = Padding(wanted, recipe.padding.fill)
            return True, dataclasses.replace(recipe, dtype=None, padding=cut)
    return False, None


def _type_of_held(held: Sequence[Held | None], metadata: Metadata) -> BranchType | None:
    for piece in held:
        if piece is not None:
            found = type_of_column(metadata.columns[piece.key])
            return found if piece.finish is None else piece.finish.finish_type(found)
    return None


def _ranges(origin: Origin) -> list[tuple[Part, range, str]]:
    """Return the entries that each part of a column fills, and who read them."""
    ranges, start = [], 0
    made_by = origin.made_by or ("",) * len(origin.parts)
    for part, version in zip(origin.parts, made_by, strict=True):
        ranges.append((part, range(start, start + part[1]), version))
        start += part[1]
    return ranges


def _why(
    column: ColumnRecord | None,
    recipe: Mapping[str, Any],
    held: Sequence[Held | None],
    *,
    recreate: bool,
) -> str:
    if recreate:
        return "recreate=True"
    num_read = sum(piece is None for piece in held)
    if column is None or column.origin is None:
        why = "new" if column is None else "replaces a computed column"
    elif "metadata" in recipe:
        return "the files or their texts changed"
    elif column.origin.recipe != recipe:
        why = f"was {_short(column.origin.recipe)}, now {_short(recipe)}"
    elif num_read == 0:
        why = "files left or changed places"
    else:
        why = f"{num_read} of {len(held)} files are new or changed"
    if num_read < len(held) and why != "files left or changed places":
        others = {piece.key for piece in held if piece is not None}
        why += f"; the rest is in the store ({', '.join(sorted(others))})"
    return why


def _short(recipe: Mapping[str, Any]) -> str:
    """Return a recipe in a few words."""
    text = str(recipe.get("branch", recipe.get("expression", "text of the files")))
    if "padding" in recipe:
        length, fill = recipe["padding"]
        text += f" padded to {length} with {fill}"
    return text + (f" as {recipe['dtype']}" if "dtype" in recipe else "")


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
