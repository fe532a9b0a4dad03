"""Specs of columns from the options of a conversion: keys, patterns, aliases and dtypes."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memmpy.checks import check_key, is_pattern, nearest_dtype
from memmpy.columns import check_keys
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.cuts import Key, keys_of, parse, substitute, to_program
from memmpy.errors import OptionError, nearest
from memmpy.jagged import Padding, check_padding, mask_of
from memmpy.sources import Fill, NullRules, match

__all__ = [
    "ColumnSpecs",
    "check_aliases",
    "check_names",
    "check_one_key",
    "check_some_key",
    "make_specs",
    "names_in",
    "split_renames",
]

_BRANCH = re.compile(r"[A-Za-z_][\w.:]*")


@dataclass(frozen=True, slots=True)
class ColumnSpecs:
    """The specs of columns that are given by name, and patterns of names.

    Parameters
    ----------
    named : tuple of ColumnSpec
        The columns that are given by name.
    patterns : tuple of str
        Patterns such as ``"Jet_*"``; they match branches of the files.
    dtypes : mapping of str to np.dtype
        The dtypes of stored columns.
    reserved : tuple of str
        Names that no column may have.
    missing : mapping of str to Fill
        By branch, the fill for missing values.
    optional : frozenset of str
        Keys that are left out if they are only names of numbers.
    aliases : tuple of str
        All aliases: an unknown key may be the typo of one.
    """

    named: tuple[ColumnSpec, ...]
    patterns: tuple[str, ...] = ()
    dtypes: Mapping[str, np.dtype[Any]] = field(default_factory=dict)
    reserved: tuple[str, ...] = ()
    missing: Mapping[str, Fill] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()

    def without_numbers(self, numbers: Collection[str]) -> "ColumnSpecs":
        """Return the specs without optional keys that are only names of numbers."""
        left_out = self.optional.intersection(numbers)
        return replace(self, named=tuple(one for one in self.named if one.key not in left_out))

    def with_matches(self, matches: Mapping[str, Iterable[str]]) -> list[ColumnSpec]:
        """Return the specs of all columns, for the branches that patterns match.

        Raises
        ------
        OptionError
            If a pattern matches a name of the metadata.
        """
        named = {spec.key for spec in self.named}
        names = {name for pattern in self.patterns for name in matches.get(pattern, ())}
        for name in sorted(names.intersection(self.reserved)):
            message = f"{name!r} is both a branch that a pattern matches and a name of the metadata"
            raise OptionError(f"{message}; rename the latter")
        matched = sorted(names - named)
        specs = (ColumnSpec(key, (key,), None, None, self.dtypes.get(key)) for key in matched)
        return [*self.named, *(_with_missing(spec, self.missing) for spec in specs)]


def make_specs(
    keys: Collection[str] | Mapping[str, str],
    *,
    keys_padded: Mapping[str, tuple[int, Any]],
    aliases: Mapping[str, str],
    dtypes: Mapping[str, Any],
    reserved: Iterable[str],
    names: Collection[str],
    missing: Mapping[str, Fill],
) -> ColumnSpecs:
    """Return the specs of all columns, in a stable order.

    `names` are keys that are no patterns even where they look like one.

    Raises
    ------
    OptionError
        If a key is given twice, or a length to pad to makes no sense.
    CutError
        If an alias cannot be understood.
    """
    keys, aliases = split_renames(keys, aliases)
    check_names(keys, keys_padded=keys_padded, aliases=aliases, reserved=reserved)
    check_one_key([key for key in keys_padded if key not in aliases], "padded")
    paddings = {key: check_padding(key, padding) for key, padding in keys_padded.items()}
    known = {*aliases, *names, *map(mask_of, paddings)}
    patterns = sorted({key for key in keys if is_pattern(key) and key not in known})
    types = _dtypes(dtypes, known={*keys, *keys_padded}, patterns=patterns)
    padding_of: dict[str, Padding | None] = dict.fromkeys(sorted(set(keys) - {*patterns}))
    padding_of |= paddings
    masks = {mask_of(key): key for key in paddings if mask_of(key) not in aliases}
    named = [
        _spec(key, aliases, padding_of[key], types.get(key))
        if key not in masks or key in paddings
        else _mask(_spec(masks[key], aliases, paddings[masks[key]], None), types.get(key))
        for key in padding_of
    ]
    with_missing = tuple(_with_missing(spec, missing) for spec in named)
    return ColumnSpecs(
        with_missing, tuple(patterns), types, tuple(reserved), missing, aliases=tuple(aliases)
    )


def split_renames(
    keys: Collection[str] | Mapping[str, str], aliases: Mapping[str, str]
) -> tuple[Collection[str], Mapping[str, str]]:
    """Return keys as a collection, with the aliases that a mapping of keys to branches gives.

    Raises
    ------
    OptionError
        If a key has an alias, too.
    """
    if not isinstance(keys, Mapping):
        return keys, aliases
    for key in sorted(keys.keys() & aliases):
        raise OptionError(f"{key!r} is renamed in keys and in aliases; rename it once")
    for key, branch in keys.items():
        if not isinstance(branch, str) or not branch or "`" in branch:
            raise OptionError(f"keys maps a key to the name of a branch, got {key!r}: {branch!r}")
    # The quotes make it the name of a branch, whatever it contains.
    others = {key: f"`{branch}`" for key, branch in keys.items() if key != branch}
    return list(keys), {**aliases, **others}


def check_one_key(keys: Iterable[object], use: str) -> None:
    """Raise an `OptionError` for a pattern where one key is expected.

    Brackets are part of a name here: ROOT calls members that are arrays ``hit.p[3]``.
    """
    for key in keys:
        if isinstance(key, str) and ("*" in key or "?" in key):
            message = f"a pattern cannot be {use}, got {key!r}; name each key"
            raise OptionError(f"{message}, or give a branch of exactly this name an alias")


def names_in(alias: str) -> frozenset[str]:
    """Return the names that an alias uses; it may itself be the name of a branch or an alias."""
    name = _as_name(alias)
    return keys_of(parse(alias)) if name is None else frozenset({name})


def check_aliases(aliases: Mapping[str, str], used: Iterable[str]) -> None:
    """Raise an `OptionError` for an alias that is neither used as a key nor by another alias."""
    for name in sorted(aliases.keys() - {*used}.union(*map(names_in, aliases.values()))):
        message = f"nothing uses the alias {name!r}; add it to keys= or keys_padded="
        raise OptionError(message)


def check_some_key(keys: Collection[str], keys_padded: Collection[str]) -> None:
    """Raise an `OptionError` if there are no keys at all."""
    if not [*keys, *keys_padded]:
        raise OptionError("no keys were given; name branches in keys or keys_padded")


def check_names(
    keys: Collection[str],
    *,
    keys_padded: Mapping[str, Any],
    aliases: Mapping[str, str],
    reserved: Iterable[str],
) -> None:
    """Raise an `OptionError` unless each key is a name, is given once, and is not reserved."""
    check_keys(keys)
    names: list[object] = [*keys, *keys_padded]
    for key in [*names, *aliases]:
        if not isinstance(key, str) or not key or key == "_index":
            raise OptionError(f"a key is a text other than '_index', got {key!r}")
    for key in sorted(set(keys) & set(keys_padded)):
        second = f"{key}_padded"
        message = (
            f"{key!r} is in keys and in keys_padded; leave it out of one, or load it a second "
            f"time under another name: keys_padded={{{second!r}: ...}}, "
            f"aliases={{{second!r}: {key!r}}}"
        )
        raise OptionError(message)
    for key in sorted((set(keys) | set(keys_padded) | set(aliases)) & set(reserved)):
        what = "an alias" if key in aliases else "a key"
        message = f"{key!r} is both {what} and a name of the metadata"
        if key in keys and key not in aliases:
            message += f"; every batch has the metadata already: leave {key!r} out of keys"
            raise OptionError(f"{message}, or rename them if you mean a branch")
        raise OptionError(f"{message}; rename one of them")
    texts: Iterable[tuple[str, object]] = aliases.items()
    for name, text in texts:
        if not isinstance(text, str):
            message = f"the alias {name!r} is the name of a branch or an expression, got {text!r}"
            raise OptionError(message)


def _dtypes(
    dtypes: Mapping[str, Any], *, known: Collection[str], patterns: Iterable[str]
) -> dict[str, Any]:
    """Return the dtypes to store keys as: `known` keys, or those that patterns may bring."""
    checked = {}
    for key, option in dtypes.items():
        check_key(key, name="a name in dtype")
        if key not in known and not any(match(pattern, [key]) for pattern in patterns):
            raise OptionError(f"dtype names {key!r}, which is no key{nearest(key, known)}")
        if option is None:  # no dtype, and NumPy would take it for float64
            continue
        try:
            dtype = np.dtype(option).newbyteorder("<")
        except TypeError:
            dtype = np.dtype(object)
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            message = f"dtype[{key!r}] is a dtype of numbers, got {option!r}"
            raise OptionError(message + nearest_dtype(option))
        checked[key] = dtype
    return checked


def _spec(
    key: str,
    aliases: Mapping[str, str],
    padding: Padding | None,
    dtype: np.dtype[Any] | None,
) -> ColumnSpec:
    # An alias that is a name is a branch, or another alias.
    name, followed = key, {key}
    while name in aliases and (other := _as_name(aliases[name])) is not None:
        name = other
        if name in followed:
            raise OptionError(f"the alias {name!r} refers to itself")
        followed.add(name)
    if name not in aliases:
        return ColumnSpec(key, (name,), None, padding, dtype)
    node = substitute(parse(name), aliases=aliases)
    branches = tuple(sorted(keys_of(node)))
    if not branches:
        raise OptionError(f"the alias {name!r} is a constant: {aliases[name]!r} names no branch")
    return ColumnSpec(key, branches, to_program(node), padding, dtype)


def _with_missing(spec: ColumnSpec, missing: Mapping[str, Fill]) -> ColumnSpec:
    """Return a spec with the fills of its branches."""
    own = {branch: missing[branch] for branch in spec.branches if branch in missing}
    return replace(spec, nulls=NullRules(own)) if own else spec


def _mask(padded: ColumnSpec, dtype: np.dtype[Any] | None) -> ColumnSpec:
    """Return the spec of the mask of a padded key."""
    return replace(padded, key=mask_of(padded.key), dtype=dtype, is_mask=True)


def _as_name(alias: str) -> str | None:
    """Return an alias that is a name, plain or in backquotes; None for an expression."""
    if _BRANCH.fullmatch(alias):
        return alias
    node = parse(alias)
    return node.name if isinstance(node, Key) else None
