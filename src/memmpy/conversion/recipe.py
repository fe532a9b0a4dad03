"""How the entries of one column are made from the branches of a tree."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmpy.columns import Jagged, check_fill, check_keys
from memmpy.cuts import (
    LANGUAGE,
    Key,
    Program,
    compute_column,
    keys_of,
    normal,
    parse,
    substitute,
    to_program,
)
from memmpy.errors import OptionError, warn_of
from memmpy.inputs.types import BranchType, type_of_values
from memmpy.store import SourceRecord
from memmpy.typing import Array

__all__ = [
    "Padding",
    "Recipe",
    "branches_of",
    "check_names",
    "make_recipes",
    "metadata_recipe",
    "names_in",
]

_BRANCH = re.compile(r"[A-Za-z_][\w.:]*")


@dataclass(frozen=True, slots=True)
class Padding:
    """Entries cut or filled up to `length` items."""

    length: int
    fill: Any


@dataclass(frozen=True, slots=True)
class Recipe:
    """One column: a branch as it is, or an expression of branches; padded or not.

    Parameters
    ----------
    key : str
        The column.
    branches : tuple of str
        What must be read for it.
    program : Program or None
        The expression; None where the one branch is taken as it is.
    padding : Padding or None
        None to keep the entries' lengths.
    """

    key: str
    branches: tuple[str, ...]
    program: Program | None = None
    padding: Padding | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what the store keeps of it: equal for equal columns."""
        source = (
            {"branch": self.branches[0]}
            if self.program is None
            else {"expression": normal(self.program.node), "language": LANGUAGE}
        )
        if self.padding is None:
            return source
        return {**source, "padding": [self.padding.length, repr(self.padding.fill)]}

    def type(self, types: Mapping[str, BranchType]) -> BranchType:
        """Return the type of the column from those of its branches.

        Raises
        ------
        OptionError
            If entries cannot be padded, or not with that value.
        CutError
            If the expression cannot be computed from such branches.
        """
        result = types[self.branches[0]] if self.program is None else self._computed_type(types)
        if self.padding is None:
            return result
        if result.kind not in {"vector", "jagged"} or (result.kind, result.shape) == ("vector", ()):
            message = f"cannot pad {self.key!r}: its entries are {result}, not lists of numbers"
            raise OptionError(message)
        assert result.dtype is not None
        try:
            check_fill(self.padding.fill, result.dtype)
        except OptionError as error:
            raise OptionError(f"cannot pad {self.key!r}: {error}") from None
        inner = result.shape[1:] if result.kind == "vector" else result.shape
        return BranchType("vector", result.dtype, (self.padding.length, *inner))

    def entries(self, branches: Mapping[str, Any]) -> Any:
        """Return the entries of the column, for branches as `TreeFile.iterate` gives them."""
        if self.program is None:
            values = branches[self.branches[0]]
        else:
            values = _computed(self.program, {name: branches[name] for name in self.branches})
        if self.padding is None:
            return values
        if not isinstance(values, Jagged):
            values = _as_jagged(values)
        return values.pad(self.padding.length, self.padding.fill)

    def _computed_type(self, types: Mapping[str, BranchType]) -> BranchType:
        assert self.program is not None
        empty = {}
        for name in self.branches:
            if types[name].dtype is None:
                message = (
                    f"the alias {self.key!r} cannot compute with {name!r}: it is {types[name]}"
                )
                raise OptionError(message)
            content = np.empty((0, *types[name].shape), types[name].dtype)
            is_jagged = types[name].kind == "jagged"
            empty[name] = Jagged(content, np.zeros(1, np.int64)) if is_jagged else content
        return type_of_values(_computed(self.program, empty))


def make_recipes(
    keys: Collection[str],
    *,
    keys_padded: Mapping[str, tuple[int, Any]],
    aliases: Mapping[str, str],
    reserved: Iterable[str],
) -> list[Recipe]:
    """Return the recipes of all columns wanted, in a stable order.

    Raises
    ------
    OptionError
        If a key is asked for in two ways, or a length to pad to makes no sense.
    CutError
        If an alias cannot be understood.
    """
    check_names(keys, keys_padded=keys_padded, aliases=aliases, reserved=reserved)
    paddings = {key: _padding(key, given) for key, given in keys_padded.items()}
    recipes = [_recipe(key, aliases, None) for key in sorted(set(keys))]
    return recipes + [_recipe(key, aliases, padding) for key, padding in paddings.items()]


def branches_of(recipes: Iterable[Recipe]) -> tuple[str, ...]:
    """Return the branches that recipes need, each once."""
    return tuple(dict.fromkeys(branch for recipe in recipes for branch in recipe.branches))


def metadata_recipe(name: str, sources: Iterable[SourceRecord]) -> dict[str, Any]:
    """Return the recipe of a column of what the user said of the files."""
    return {"metadata": [source.metadata[name] for source in sources]}


def names_in(alias: str) -> frozenset[str]:
    """Return the names that an alias uses; it may be a name itself, of a branch or an alias."""
    name = _as_name(alias)
    return keys_of(parse(alias)) if name is None else frozenset({name})


def check_names(
    keys: Collection[str],
    *,
    keys_padded: Mapping[str, Any],
    aliases: Mapping[str, str],
    reserved: Iterable[str],
) -> None:
    """Raise an `OptionError` unless each key is a name, is asked for once, and is free."""
    check_keys(keys)
    for name, given in (("keys_padded", keys_padded), ("aliases", aliases)):
        if not isinstance(given, Mapping):
            raise OptionError(f"{name} is a dict, got {given!r}")
    names: list[object] = [*keys, *keys_padded]
    if not names:
        raise OptionError("no keys were given; name branches in keys or keys_padded")
    for key in [*names, *aliases]:
        if not isinstance(key, str) or not key or key == "_index":
            raise OptionError(f"a key is a text other than '_index', got {key!r}")
    for key in sorted(set(keys) & set(keys_padded)):
        raise OptionError(f"{key!r} is in keys and in keys_padded; take it from one of them")
    for key in sorted((set(keys) | set(keys_padded) | set(aliases)) & set(reserved)):
        what = "an alias" if key in aliases else "a key"
        message = f"{key!r} is both {what} and a name of the metadata; rename one of them"
        raise OptionError(message)
    texts: Iterable[tuple[str, object]] = aliases.items()
    for name, text in texts:
        if not isinstance(text, str):
            message = f"the alias {name!r} is the name of a branch or an expression, got {text!r}"
            raise OptionError(message)


def _padding(key: str, given: Any) -> Padding:
    try:
        length, fill = given
        length = int(length) if length == int(length) else -1
    except (TypeError, ValueError, OverflowError):
        length, fill = -1, None
    if length < 0:
        message = f"keys_padded takes {{key: (length, fill value)}}, got {key!r}: {given!r}"
        raise OptionError(message)
    return Padding(length, fill.item() if isinstance(fill, np.generic) else fill)


def _recipe(key: str, aliases: Mapping[str, str], padding: Padding | None) -> Recipe:
    # An alias that is a name is a branch, or another alias.
    name, followed = key, {key}
    while name in aliases and (other := _as_name(aliases[name])) is not None:
        name = other
        if name in followed:
            raise OptionError(f"the alias {name!r} refers to itself")
        followed.add(name)
    if name not in aliases:
        return Recipe(key, (name,), None, padding)
    node = substitute(parse(name), aliases=aliases)
    branches = tuple(sorted(keys_of(node)))
    if not branches:
        raise OptionError(f"the alias {name!r} is a constant: {aliases[name]!r} names no branch")
    return Recipe(key, branches, to_program(node), padding)


def _as_name(alias: str) -> str | None:
    """Return the name that an alias is, plain or in backquotes; None where it is an expression."""
    if _BRANCH.fullmatch(alias):
        return alias
    node = parse(alias)
    return node.name if isinstance(node, Key) else None


def _computed(program: Program, branches: Mapping[str, Any]) -> Array | Jagged:
    num_entries = len(next(iter(branches.values())))
    values, notes = compute_column(program, branches, num_entries=num_entries)
    warn_of(notes)
    return values


def _as_jagged(values: Array) -> Jagged:
    num, length, *inner = values.shape
    offsets = np.arange(num + 1, dtype=np.int64) * length
    return Jagged.trusted(values.reshape(num * length, *inner), offsets)
