"""How the entries of one column are made from the branches of a tree."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
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
from memmpy.errors import ColumnError, OptionError, nearest
from memmpy.inputs import BranchType, type_of_values
from memmpy.store import SourceRecord
from memmpy.typing import Array

__all__ = [
    "Made",
    "Padding",
    "Recipe",
    "Recipes",
    "branches_of",
    "check_names",
    "is_pattern",
    "make_recipes",
    "match",
    "metadata_recipe",
    "names_in",
    "renamed",
]

_BRANCH = re.compile(r"[A-Za-z_][\w.:]*")
#: From what kind of dtype to what: an integer is never made of a float unasked.
_CASTS = {"ff", "ii", "iu", "ui", "uu", "if", "uf", "bi", "bu", "bf", "bb"}


@dataclass(frozen=True, slots=True)
class Padding:
    """Entries cut or filled up to `length` items."""

    length: int
    fill: Any


@dataclass(frozen=True, slots=True)
class Made:
    """Entries of a column, as they are stored.

    Parameters
    ----------
    values : np.ndarray, Jagged or ak.Array
        By the kind of the column.
    num_lost : int
        Values that another dtype could not hold: too large, or rounded integers.
    notes : frozenset of str
        What to warn of.
    """

    values: Any
    num_lost: int = 0
    notes: frozenset[str] = frozenset()


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
    dtype : np.dtype or None
        Of what is stored; None for what the branch or the expression has.
    """

    key: str
    branches: tuple[str, ...]
    program: Program | None = None
    padding: Padding | None = None
    dtype: np.dtype[Any] | None = None

    @property
    def base(self) -> dict[str, Any]:
        """What the entries are before they are padded and cast, as JSON values."""
        if self.program is None:
            return {"branch": self.branches[0]}
        return {"expression": normal(self.program.node), "language": LANGUAGE}

    def to_json(self) -> dict[str, Any]:
        """Return what the store keeps of it: equal for equal columns."""
        recipe = self.base
        if self.dtype is not None:
            recipe["dtype"] = self.dtype.str
        if self.padding is not None:
            recipe["padding"] = [self.padding.length, repr(self.padding.fill)]
        return recipe

    def type(self, types: Mapping[str, BranchType]) -> BranchType:
        """Return the type of the column from those of its branches.

        Raises
        ------
        OptionError
            If entries cannot be padded, or not with that value.
        CutError
            If the expression cannot be computed from such branches.
        """
        if self.program is None:
            return self.finish_type(types[self.branches[0]])
        return self.finish_type(self._computed_type(types))

    def finish_type(self, result: BranchType) -> BranchType:
        """Return the type of entries once they are cast and padded: see `finish`."""
        if self.dtype is not None:
            result = self._cast_type(result, self.dtype)
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

    def make(self, branches: Mapping[str, Any]) -> Made:
        """Return entries of the column, of those of its branches as an `EventFile` gives them."""
        if self.program is None:
            return self.finish(branches[self.branches[0]])
        inputs = {name: branches[name] for name in self.branches}
        num_entries = len(next(iter(inputs.values())))
        values, notes = compute_column(self.program, inputs, num_entries=num_entries)
        made = self.finish(values)
        return Made(made.values, made.num_lost, frozenset(notes))

    def finish(self, values: Any) -> Made:
        """Return entries cast and padded."""
        num_lost = 0
        if self.dtype is not None:
            values, num_lost = _cast(values, self.dtype, key=self.key)
        if self.padding is None:
            return Made(values, num_lost)
        if not isinstance(values, Jagged):
            values = _as_jagged(values)
        return Made(values.pad(self.padding.length, self.padding.fill), num_lost)

    def _cast_type(self, found: BranchType, dtype: np.dtype[Any]) -> BranchType:
        message = f"cannot store {self.key!r} as {dtype}: "
        if found.dtype is None:
            raise OptionError(f"{message}its entries are {found}, not numbers")
        if f"{found.dtype.kind}{dtype.kind}" not in _CASTS:
            message += f"it is {found.dtype}; say how in an alias, such as 'x > 0' or 'int(x)'"
            raise OptionError(message)
        return BranchType(found.kind, dtype, found.shape)

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
        return type_of_values(compute_column(self.program, empty, num_entries=0)[0])


@dataclass(frozen=True, slots=True)
class Recipes:
    """The columns that were asked for: some by name, and some by patterns of names.

    Parameters
    ----------
    named : tuple of Recipe
        Those with a name.
    patterns : tuple of str
        Such as ``"Jet_*"``; what they match depends on the files.
    dtypes : mapping of str to np.dtype
        How columns are stored.
    reserved : tuple of str
        Names that no column may have.
    """

    named: tuple[Recipe, ...]
    patterns: tuple[str, ...] = ()
    dtypes: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    reserved: tuple[str, ...] = ()

    def with_matches(self, matches: Mapping[str, Iterable[str]]) -> list[Recipe]:
        """Return the recipes of all columns, for the branches that patterns match.

        Raises
        ------
        OptionError
            If a pattern matches a name of the metadata.
        """
        named = {recipe.key for recipe in self.named}
        found = {name for pattern in self.patterns for name in matches.get(pattern, ())}
        for name in sorted(found.intersection(self.reserved)):
            message = f"{name!r} is both a branch that a pattern matches and a name of the metadata"
            raise OptionError(f"{message}; rename the latter")
        matched = sorted(found - named)
        return [*self.named, *(Recipe(k, (k,), None, None, self.dtypes.get(k)) for k in matched)]


def make_recipes(
    keys: Collection[str] | Mapping[str, str],
    *,
    keys_padded: Mapping[str, tuple[int, Any]],
    aliases: Mapping[str, str],
    dtypes: Mapping[str, Any],
    reserved: Iterable[str],
) -> Recipes:
    """Return the recipes of all columns wanted, in a stable order.

    Raises
    ------
    OptionError
        If a key is asked for in two ways, or a length to pad to makes no sense.
    CutError
        If an alias cannot be understood.
    """
    keys, aliases = renamed(keys, aliases)
    check_names(keys, keys_padded=keys_padded, aliases=aliases, reserved=reserved)
    patterns = sorted({key for key in keys if is_pattern(key) and key not in aliases})
    for key in filter(is_pattern, keys_padded):
        raise OptionError(f"a pattern cannot be padded, got {key!r}; name each key of keys_padded")
    paddings = {key: _padding(key, given) for key, given in keys_padded.items()}
    types = _dtypes(dtypes, known=None if patterns else {*keys, *keys_padded})
    wanted: dict[str, Padding | None] = dict.fromkeys(sorted(set(keys) - {*patterns}))
    wanted |= paddings
    named = [_recipe(key, aliases, wanted[key], types.get(key)) for key in wanted]
    return Recipes(tuple(named), tuple(patterns), types, tuple(reserved))


def renamed(
    keys: Collection[str] | Mapping[str, str], aliases: Mapping[str, str]
) -> tuple[Collection[str], Mapping[str, str]]:
    """Return keys and aliases of what may be a mapping of keys to branches or expressions.

    Raises
    ------
    OptionError
        If a key has an alias besides.
    """
    if not isinstance(keys, Mapping):
        return keys, aliases
    for key in sorted(keys.keys() & aliases):
        raise OptionError(f"{key!r} is renamed in keys and in aliases; say it once")
    others = {key: branch for key, branch in keys.items() if key != branch}
    return list(keys), {**aliases, **others}


def is_pattern(key: Any) -> bool:
    """Say whether a key stands for all branches whose names match it."""
    return isinstance(key, str) and any(sign in key for sign in "*?[")


def match(pattern: str, branches: Iterable[str]) -> list[str]:
    """Return the branches that a pattern matches, by their last name where that is their own.

    Branches of branches are known as ``parent/child``, and may be asked for as ``child``.
    """
    paths = list(branches)
    last = [path.rpartition("/")[2] for path in paths]
    return [
        name if last.count(name) == 1 else path
        for name, path in zip(last, paths, strict=True)
        if fnmatchcase(name, pattern) or fnmatchcase(path, pattern)
    ]


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


def _dtypes(dtypes: Mapping[str, Any], *, known: Collection[str] | None) -> dict[str, Any]:
    """Return the dtypes to store keys as; `known` keys, where no pattern brings others."""
    if not isinstance(dtypes, Mapping):
        raise OptionError(f"dtypes is a dict of key to dtype, got {dtypes!r}")
    checked = {}
    for key, given in dtypes.items():
        if known is not None and key not in known:
            raise OptionError(f"dtypes names {key!r}, which is no key{nearest(str(key), known)}")
        try:
            dtype = np.dtype(given).newbyteorder("<")
        except TypeError:
            dtype = np.dtype(object)
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise OptionError(f"dtypes[{key!r}] is a dtype of numbers, got {given!r}")
        checked[key] = dtype
    return checked


def _recipe(
    key: str,
    aliases: Mapping[str, str],
    padding: Padding | None,
    dtype: np.dtype[Any] | None,
) -> Recipe:
    # An alias that is a name is a branch, or another alias.
    name, followed = key, {key}
    while name in aliases and (other := _as_name(aliases[name])) is not None:
        name = other
        if name in followed:
            raise OptionError(f"the alias {name!r} refers to itself")
        followed.add(name)
    if name not in aliases:
        return Recipe(key, (name,), None, padding, dtype)
    node = substitute(parse(name), aliases=aliases)
    branches = tuple(sorted(keys_of(node)))
    if not branches:
        raise OptionError(f"the alias {name!r} is a constant: {aliases[name]!r} names no branch")
    return Recipe(key, branches, to_program(node), padding, dtype)


def _as_name(alias: str) -> str | None:
    """Return the name that an alias is, plain or in backquotes; None where it is an expression."""
    if _BRANCH.fullmatch(alias):
        return alias
    node = parse(alias)
    return node.name if isinstance(node, Key) else None


def _cast(values: Any, dtype: np.dtype[Any], *, key: str) -> tuple[Any, int]:
    """Return values of another dtype, and how many it could not hold."""
    if isinstance(values, Jagged):
        content, num_lost = _cast(values.content, dtype, key=key)
        return Jagged.trusted(content, values.offsets), num_lost
    with np.errstate(over="ignore"):
        cast = values.astype(dtype)
    if dtype.kind == "f" and values.dtype.kind == "f":
        return cast, int(np.count_nonzero(np.isinf(cast) & ~np.isinf(values)))
    if dtype.kind == "f":
        # A float that is one more than the largest integer has no way back.
        exact = np.abs(cast) < 2.0**63
        back = np.where(exact, cast, 0).astype(np.int64) if values.dtype.kind != "u" else None
        if back is None:
            exact = cast < 2.0**64
            back = np.where(exact, cast, 0).astype(np.uint64)
        return cast, int(np.count_nonzero(~exact | (back != values)))
    wrong = (cast.astype(values.dtype) != values) | ((cast < 0) != (values < 0))
    if np.any(wrong):
        found = values[wrong].flat[0]
        raise ColumnError(f"{key!r} has the value {found}, which does not fit into {dtype}")
    return cast, 0


def _as_jagged(values: Array) -> Jagged:
    num, length, *inner = values.shape
    offsets = np.arange(num + 1, dtype=np.int64) * length
    return Jagged.trusted(values.reshape(num * length, *inner), offsets)
