"""Options that several verbs have, spelled once."""

from collections.abc import Callable
from functools import reduce
from typing import Any, TypeAlias, TypeVar

import click

__all__ = ["name_options", "pad_option", "splits_options", "work_options"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Decorator: TypeAlias = Callable[[_Function], _Function]


def pad_option(function: _Function) -> _Function:
    """Add ``--pad``, which `pads_of` reads."""
    return click.option(
        "--pad",
        multiple=True,
        metavar="KEY:LENGTH:FILL",
        help="A key of lists to cut or fill up to a length, such as jet_pt:22:nan.",
    )(function)


def name_options(function: _Function) -> _Function:
    """Add ``--alias`` and ``--constant``, which `aliases_of` and `constants_of` read."""
    return _all_of(
        function,
        click.option(
            "--alias",
            multiple=True,
            metavar="NAME=EXPR",
            help="A name for an expression in the cut, such as 'is_hard=met > 100'.",
        ),
        click.option(
            "--constant",
            multiple=True,
            metavar="NAME=VALUE",
            help="A name for a number, a text, true or false in the cut, such as limit=6.",
        ),
    )


def splits_options(function: _Function) -> _Function:
    """Add the options of splits, which `splits_of` reads."""
    return _all_of(
        function,
        click.option(
            "--by",
            multiple=True,
            metavar="KEYS",
            help="Columns that name an event, such as run,event; or file. Recorded in the store.",
        ),
        click.option("--num-folds", type=int, help="The number of folds."),
        click.option("--val", type=float, help="The share of the rest on which a fold validates."),
        click.option("--split-seed", type=int, help="Another seed deals the events otherwise."),
    )


def work_options(function: _Function) -> _Function:
    """Add ``--workers`` and ``--dask``, which `open_executor` takes, and ``--quiet``."""
    return _all_of(
        function,
        click.option(
            "--workers", type=click.IntRange(1), help="Work in so many processes, not threads."
        ),
        click.option(
            "--dask", metavar="ADDRESS", help="Work on the Dask cluster of that scheduler."
        ),
        click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
    )


def _all_of(function: _Function, *options: _Decorator[_Function]) -> _Function:
    """Return a function with options, which are listed in that order."""
    return reduce(lambda decorated, option: option(decorated), reversed(options), function)
