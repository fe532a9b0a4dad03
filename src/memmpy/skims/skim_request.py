"""The request of a skim: its options, checked as far as possible without a store."""

import json
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from memmpy.checks import check_mapping, nearest_dtype
from memmpy.columns import check_keys, resolve_key
from memmpy.cuts import LANGUAGE, Constant, Node, columns_used, normal_form, read_cut
from memmpy.errors import OptionError, nearest
from memmpy.jagged import Padding, check_padding, mask_of
from memmpy.skims.derived_columns import Derived
from memmpy.splits import TicketRule
from memmpy.store import Metadata, hash64, hash_text

__all__ = [
    "INDEX",
    "SkimRequest",
    "check_groups",
    "check_request",
    "request_of",
]

#: The field of a row that holds its entry.
INDEX = "_index"


@dataclass(frozen=True, slots=True)
class SkimRequest:
    """The content of a skim, as the user asked for it.

    Parameters
    ----------
    keys : tuple of str
        Columns that stay unchanged.
    padded : mapping of key to Padding
        Columns of lists that are truncated or filled up, on their own or in groups.
    groups : mapping of name to tuple of keys
        Columns that are stacked along the last axis.
    dtypes : mapping of group to dtype
        The dtypes of groups, where the user gives one.
    cut : Node or None
        The cut, as `read_cut` returns it; None for all entries.
    rule : TicketRule or None
        The rule of the tickets, which give the order of the rows; None until it is known.
    derived : mapping of name to Derived
        Columns that the skim computes. The keys, padded keys and groups name them as they name
        columns of the store; a name that is here is no column of the store.
    user_cut : tuple of Node, or None
        The cut of the user, if `cut` has other conditions, too; empty if the user gave none.
        Warnings are about it. None if it is `cut`.
    """

    keys: tuple[str, ...]
    padded: Mapping[str, Padding]
    groups: Mapping[str, tuple[str, ...]]
    dtypes: Mapping[str, np.dtype[Any]]
    cut: Node | None
    rule: TicketRule | None = None
    derived: Mapping[str, Derived] = field(default_factory=dict)
    user_cut: tuple[Node, ...] | None = None

    @property
    def padded_alone(self) -> list[str]:
        """Padded keys that are handed out on their own: those in no group."""
        grouped = {key for keys in self.groups.values() for key in keys}
        return [key for key in self.padded if key not in grouped]

    @property
    def names(self) -> list[str]:
        """The columns whose values the skim holds, each once; derived ones by their names."""
        grouped = (key for keys in self.groups.values() for key in keys)
        return list(dict.fromkeys([*self.keys, *self.padded, *grouped]))

    @property
    def plain_keys(self) -> list[str]:
        """The columns of the store among the names, which are stored as they are."""
        return [name for name in self.names if name not in self.derived]

    def stored_keys(self, metadata: Metadata) -> list[str]:
        """Return the columns of the store that the values of the skim come from, each once."""
        under = sorted(frozenset[str]().union(*(one.keys for one in self.derived.values())))
        resolved = (resolve_key(key, metadata.columns) for key in under)
        return list(dict.fromkeys([*self.plain_keys, *resolved]))

    def required_keys(self, metadata: Metadata) -> list[str]:
        """Return the columns that must be there: those stored, of the cut and of the tickets.

        If there are none, as for a number alone, it is a column that has the number of entries.
        """
        in_cut = () if self.cut is None else columns_used(self.cut, metadata)
        naming = () if self.rule is None else self.rule.keys
        required = list(dict.fromkeys([*self.stored_keys(metadata), *in_cut, *naming]))
        return required or metadata.current_keys()[:1]

    def to_json(self) -> dict[str, Any]:
        """Return the request as JSON values: equal for equal skims."""
        request: dict[str, Any] = {
            "keys": list(self.keys),
            "keys_padded": [[k, p.length, repr(p.fill)] for k, p in self.padded.items()],
            "groups": [[name, list(keys)] for name, keys in self.groups.items()],
            "dtypes": {name: dtype.str for name, dtype in self.dtypes.items()},
            "cut": None if self.cut is None else normal_form(self.cut),
            "language": None if self.cut is None and not self.derived else LANGUAGE,
        }
        if self.derived:
            request["derived"] = {name: one.to_json() for name, one in sorted(self.derived.items())}
        assert self.rule is not None
        return request | self.rule.to_json()

    @property
    def name(self) -> str:
        """The name of the skim's folder: 16 hexadecimal digits, a hash of the request."""
        return hash_text(hash64(json.dumps(self.to_json(), sort_keys=True)))


def check_request(
    *,
    keys: Collection[str],
    keys_padded: Mapping[str, tuple[int, Any]],
    groups: Mapping[str, Sequence[str]],
    cut: str | None,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
    dtype: Any,
) -> SkimRequest:
    """Return the arguments of `skim` as a request, checked.

    Raises
    ------
    OptionError, CutError
        If the arguments contradict each other.
    """
    aliases, constants = check_mapping("aliases", aliases), check_mapping("constants", constants)
    checked = check_groups(groups)
    return request_of(
        keys=_keys(keys),
        padded={
            _name(key, what="a key"): check_padding(key, given)
            for key, given in keys_padded.items()
        },
        groups=checked,
        dtypes=_dtypes(dtype, checked),
        derived={},
        cut=None if cut is None else read_cut(cut, aliases=aliases, constants=constants),
    )


def request_of(
    *,
    keys: Sequence[str],
    padded: Mapping[str, Padding],
    groups: Mapping[str, Sequence[str]],
    dtypes: Mapping[str, np.dtype[Any]],
    derived: Mapping[str, Derived],
    cut: Node | None,
) -> SkimRequest:
    """Return a request for a skim with derived columns; see `SkimRequest`.

    A derived column that no key and no group names is left out.

    Raises
    ------
    OptionError
        If two things of a batch would have one name, or the skim would be empty.
    """
    ordered = {name: tuple(members) for name, members in groups.items()}
    request = SkimRequest(tuple(keys), dict(padded), ordered, dict(dtypes), cut)
    _check_names(request)
    used = {name: derived[name] for name in request.names if name in derived}
    return replace(request, derived=used)


def check_groups(groups: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    """Return the keys of each group, if they are lists of different keys."""
    return {
        _name(name, what="the name of a group"): _group(name, members)
        for name, members in groups.items()
    }


def _name(given: object, *, what: str) -> str:
    """Return a name as a text of Python: a header with one of NumPy cannot be read."""
    if not isinstance(given, str) or not given:
        raise OptionError(f"{what} is a text other than {INDEX!r}, got {given!r}")
    return str.__str__(given)


def _keys(keys: Collection[str]) -> tuple[str, ...]:
    check_keys(keys)
    names = [_name(key, what="a key") for key in keys]
    for key in sorted({key for key in names if names.count(key) > 1}):
        raise OptionError(f"keys names {key!r} twice")
    # A set has no order of its own, and that of its hashes is another one in each process.
    return tuple(sorted(names) if isinstance(keys, AbstractSet) else names)


def _group(name: str, keys: Sequence[str]) -> tuple[str, ...]:
    given: object = keys
    if not isinstance(given, Sequence) or isinstance(given, str | bytes) or not given:
        message = f"the group {name!r} is a list of keys, in the order of its values; got {keys!r}"
        raise OptionError(message)
    names = [_name(key, what="a key") for key in keys]
    for key in sorted({key for key in names if names.count(key) > 1}):
        raise OptionError(f"the group {name!r} has the key {key!r} twice")
    return tuple(names)


def _dtypes(dtype: Any, groups: Collection[str]) -> dict[str, np.dtype[Any]]:
    if dtype is None:
        return {}
    if not isinstance(dtype, Mapping):
        if not groups:
            raise OptionError("dtype is for groups, and there are none: keys keep their dtype")
        dtype = dict.fromkeys(groups, dtype)
    for name in dtype:
        if name not in groups:
            raise OptionError(f"dtype names no group {name!r}{nearest(str(name), groups)}")
    # None is no dtype, and NumPy would take it for float64.
    return {name: _dtype(name, dtype[name]) for name in groups if dtype.get(name) is not None}


def _dtype(name: str, given: Any) -> np.dtype[Any]:
    try:
        dtype: np.dtype[Any] = np.dtype(given).newbyteorder("<")
    except (TypeError, ValueError, LookupError, SyntaxError) as error:
        message = f"the group {name!r} cannot have the dtype {given!r}{nearest_dtype(given)}"
        raise OptionError(message) from error
    if dtype.kind not in "biuf":
        raise OptionError(f"the group {name!r} holds numbers, it cannot have the dtype {dtype}")
    return dtype


def _check_names(request: SkimRequest) -> None:
    """Raise an `OptionError` if two things of a batch would have one name."""
    named = [
        *((key, "a key") for key in request.keys),
        *((key, "a padded key") for key in request.padded_alone),
        *((name, "a group") for name in request.groups),
    ]
    if not named:
        raise OptionError("a skim needs content: give keys, keys_padded or groups")
    padded = request.padded.keys()
    masks = [n for n, keys in request.groups.items() if padded & set(keys)]
    named += [(mask_of(name), f"the mask of the group {name!r}") for name in masks]
    named += [(mask_of(key), f"the mask of the padded key {key!r}") for key in request.padded_alone]
    taken: dict[str, str] = {INDEX: "reserved for the entries of a batch"}
    for name, what in named:
        if name in taken:
            message = f"the name {name!r} of {what} is {taken[name]}; "
            raise OptionError(message + _way_out(request, name))
        taken[name] = f"that of {what}, too"


def _way_out(request: SkimRequest, name: str) -> str:
    """Return the way out for a name that is taken: only groups can have any name."""
    if name in request.groups or any(mask_of(group) == name for group in request.groups):
        return "take another one for the group"
    other = f"{name.strip('_')}_2"
    return f"memmpy.open(...).add({other!r}, {name!r}) makes a second column of another name"
