"""`Objects`: lists of jets, leptons, ... as inputs, and the columns that a skim makes of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from memmpy.checks import check_integer, check_key
from memmpy.cuts import Constant, Node, Unary, check_keys, parse, read_cut
from memmpy.errors import OptionError, argument_hints
from memmpy.skims.derived_columns import Derived, Expression, expression_of, missing_of
from memmpy.skims.object_lists import ObjectColumn, ObjectLists

__all__ = ["Objects", "object_columns"]


@argument_hints
@final
@dataclass(frozen=True, slots=True)
class Objects:
    """Lists of objects such as jets, as one input: k values for each object.

    A batch holds an array of shape (B, length, k) and its mask; without `length`, a `Jagged` whose
    items have k values.

    Parameters
    ----------
    keys : list of str, or mapping of str to list of str
        Keys or expressions of lists, such as ``["jet_pt", "jet_eta"]``. The lists of one entry must
        be equally long. Or a mapping: for each name, flat keys or expressions, one for each object:
        ``{"pt": ["jpt_1", "jpt_2"], "eta": ["jeta_1", "jeta_2"]}``.
    length : int, optional
        Objects to keep of each entry: the first ones. Shorter lists are padded.
    max_length : int, optional
        Objects to keep of each entry, without padding.
    valid : str, optional
        A condition for each object, such as ``"jet_pt > 20"``. For a mapping, it uses the names:
        ``"pt > 20"``. The other objects are removed before sorting.
    sort_by : str, optional
        A value for each object, to sort the objects of an entry in ascending order; a minus sorts
        in descending order: ``"-jet_pt"``. Equal ones keep their order, and NaN comes last.

    Raises
    ------
    OptionError
        If an argument has the wrong type, `length` and `max_length` are both given, or the names of
        a mapping have different numbers of keys.
    CutError
        If memmpy cannot read an expression; shows the place.

    Notes
    -----
    A value is missing if it is NaN, or the `missing` of the training set. An object is missing if
    all its values are. So flat keys give lists of different lengths. `valid` takes the
    values as the store has them.

    All values are floats: floats keep their dtype, and integers and booleans become float64.

    Examples
    --------
    >>> Objects(["jet_pt", "jet_eta"], length=8, valid="jet_pt > 20", sort_by="-jet_pt")
    >>> Objects({"pt": ["jpt_1", "jpt_2"], "eta": ["jeta_1", "jeta_2"]}, length=2)
    """

    keys: Sequence[str] | Mapping[str, Sequence[str]]
    length: int | None = None
    max_length: int | None = None
    valid: str | None = None
    sort_by: str | None = None

    def __post_init__(self) -> None:
        keys: Any = _check_keys(self.keys)
        object.__setattr__(self, "keys", keys)
        for name in ("length", "max_length"):
            if getattr(self, name) is not None:
                checked = check_integer(name, getattr(self, name), minimum=1)
                object.__setattr__(self, name, checked)
        if self.length is not None and self.max_length is not None:
            message = "length fills lists up to it, and max_length does not: give one of them"
            raise OptionError(message)
        for name in ("valid", "sort_by"):
            if getattr(self, name) is not None:
                parse(check_key(getattr(self, name), name=name))

    def __hash__(self) -> int:
        keys = tuple(self.keys.items()) if isinstance(self.keys, Mapping) else self.keys
        return hash((keys, self.length, self.max_length, self.valid, self.sort_by))


def object_columns(
    name: str,
    objects: Objects,
    *,
    aliases: Mapping[str, str] | None,
    constants: Mapping[str, Constant] | None,
    missing: float | Mapping[str, float] | None,
) -> dict[str, Derived]:
    """Return the lists of an input, by names such as ``jets.jet_pt``: the input, then the key.

    Parameters
    ----------
    name : str
        The name of the input.
    objects : Objects
        Its lists. `Objects.length` is for the padding of the skim, with NaN.
    aliases, constants : mapping, optional
        Names for expressions and values; see `read_cut`. The names of a mapping hide aliases.
    missing : float, or mapping of str to float, optional
        The value that means "missing": of all keys, or by key as the user wrote it. In `sort_by`,
        the key is the expression without the minus.

    Raises
    ------
    CutError
        If an expression cannot be read, or uses a name that a mapping lacks.
    """
    keys = objects.keys
    is_flat = isinstance(keys, Mapping)
    names = [*keys]
    texts = keys.values() if isinstance(keys, Mapping) else [(key,) for key in keys]
    hidden = set(names) if is_flat else set()
    inner_aliases = {key: text for key, text in (aliases or {}).items() if key not in hidden}
    inner_constants = {key: one for key, one in (constants or {}).items() if key not in hidden}

    def read(text: str) -> Node:
        node = read_cut(text, aliases=inner_aliases, constants=inner_constants)
        if is_flat:
            check_keys(node, names, where=f" among the names of the object {name!r}")
        return node

    sort_by = None if objects.sort_by is None else read(objects.sort_by)
    # The minus is a direction, so that it serves conditions and large integers, too.
    is_descending = isinstance(sort_by, Unary) and sort_by.operator == "-"
    if sort_by is not None and is_descending:
        (sort_by,) = sort_by.operands
    sort_text = (objects.sort_by or "").strip().removeprefix("-").strip()
    lists = ObjectLists(
        name=name,
        names=tuple(names),
        members=tuple(
            tuple(
                expression_of(read_cut(text, aliases=aliases, constants=constants), missing=missing)
                for text in own
            )
            for own in texts
        ),
        missing=tuple(tuple(missing_of(missing, text) for text in own) for own in texts),
        is_flat=is_flat,
        valid=None if objects.valid is None else Expression(read(objects.valid)),
        sort_by=None if sort_by is None else Expression(sort_by, missing_of(missing, sort_text)),
        is_descending=is_descending,
        max_length=objects.max_length,
    )
    return {f"{name}.{key}": ObjectColumn(lists, number) for number, key in enumerate(names)}


def _check_keys(keys: object) -> tuple[str, ...] | dict[str, tuple[str, ...]]:
    """Return the keys of an object, each a text that is an expression."""
    if not isinstance(keys, Mapping):
        return _checked(keys, "keys")
    lists = {
        check_key(name, name="a name of Objects"): _checked(own, f"the keys of {name!r}")
        for name, own in keys.items()
    }
    if not lists:
        raise OptionError("Objects needs keys, got an empty mapping")
    (first, own), *others = lists.items()
    for name, other in others:
        if len(other) != len(own):
            message = f"{first!r} has {len(own)} keys and {name!r} has {len(other)}: "
            raise OptionError(message + "a mapping has one key of each name for each object")
    return lists


def _checked(keys: object, what: str) -> tuple[str, ...]:
    if not isinstance(keys, Sequence) or isinstance(keys, str | bytes) or not keys:
        raise OptionError(f"{what} must be a list of keys or expressions, got {keys!r}")
    for key in keys:
        parse(check_key(key))
    for key in keys if what == "keys" else ():
        if keys.count(key) > 1:
            raise OptionError(f"keys names {key!r} twice")
    return tuple(str.__str__(key) for key in keys)
