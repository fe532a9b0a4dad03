"""Checks the options of `Splits`, each on its own, and normalises them."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from memmpy.checks import is_number, nearest_choice
from memmpy.cuts import keys_of, normal_form, parse
from memmpy.errors import OptionError, nearest
from memmpy.order import SPLIT_NAMES, check_fractions, split_number

__all__ = [
    "ALL",
    "DEFAULT_FRACTIONS",
    "By",
    "check_by_columns",
    "check_expression",
    "check_shares",
    "check_split",
    "check_val",
]

#: The columns that name an event; ``"file"`` for its file and entry; None to search.
By: TypeAlias = tuple[str, ...] | Literal["file"] | None
#: The split of all events.
ALL = "all"
#: The shares of the splits where none are given.
DEFAULT_FRACTIONS: Mapping[str, float] = {"train": 0.8, "val": 0.1, "test": 0.1}


def check_split(split: str | int) -> int | None:
    """Return the number of a split: 0, 1, 2 for train, val, test; None for all events.

    Raises
    ------
    OptionError
        If there is no such split; names the nearest.
    """
    if isinstance(split, str) and split == ALL:
        return None
    if isinstance(split, str) and split not in SPLIT_NAMES:
        hint = nearest(split, (*SPLIT_NAMES, ALL))
        raise OptionError(f"no split {split!r}: give 'train', 'val', 'test' or 'all'{hint}")
    return split_number(split, len(SPLIT_NAMES))


def check_by_columns(given: object) -> By:
    """Return `by`: distinct columns in their order, ``"file"`` or None."""
    if given is None:
        return None
    if isinstance(given, str) and given == "file":
        return "file"
    names: list[object] = []
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        names = [*given]
    if not names or not all(isinstance(name, str) and name for name in names):
        message = (
            "by= is a tuple of columns, in an order that matters: ('run', 'event'); "
            f"or 'file'; got {given!r}{nearest_choice(given, ('file',))}"
        )
        if isinstance(given, str) and "nearest" not in message:
            message += f"; for one column, write by=({given!r},)"
        raise OptionError(message)
    for name in names:
        if names.count(name) > 1:
            raise OptionError(f"by= names the column {name!r} twice")
    return tuple(str.__str__(name) for name in names if isinstance(name, str))


def check_shares(given: object) -> dict[str, float]:
    """Return the shares of train, val and test; a share that is left out is 0."""
    if not isinstance(given, Mapping):
        example = "{'train': 0.8, 'val': 0.1, 'test': 0.1}"
        raise OptionError(f"fractions= of splits is a dict such as {example}, got {given!r}")
    for name in given:
        if name not in SPLIT_NAMES:
            hint = nearest(str(name), SPLIT_NAMES)
            raise OptionError(f"fractions= has no split {name!r}: train, val or test{hint}")
    fractions = [given.get(name, 0) for name in SPLIT_NAMES]
    check_fractions(fractions)
    return dict(zip(SPLIT_NAMES, map(float, fractions), strict=True))


def check_val(given: object) -> float:
    """Return the share of the rest that a fold validates on."""
    if is_number(given):
        val = float(given)
        if 0 <= val < 1:
            return val
    message = f"val= is the share of the rest that validates, 0 <= val < 1, got {given!r}"
    raise OptionError(message)


def check_expression(name: str, given: object) -> str:
    """Return the canonical form of an expression that assigns events to folds or splits.

    Raises
    ------
    CutError
        If memmpy cannot read it; shows the place.
    """
    if not isinstance(given, str):
        message = f"{name}= is an expression, such as 'event % 4', got {given!r}"
        if name == "split_by":
            message += "; columns that name an event are by=('run', 'event')"
        raise OptionError(message)
    node = parse(given)
    if not keys_of(node):
        raise OptionError(f"{name}={given!r} names no column: all events would be alike")
    return normal_form(node)
