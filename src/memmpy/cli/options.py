"""Options of several verbs: each group of them becomes one argument."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, TypeAlias

import click

from memmpy.cli.parsing import names_of, splits_of

__all__ = ["WorkFlags", "as_one", "name_options", "pad_option", "splits_options", "work_options"]

_Verb: TypeAlias = Callable[..., Any]
_Decorator: TypeAlias = Callable[[_Verb], _Verb]


def as_one(name: str, make: Callable[..., object], *options: _Decorator) -> _Decorator:
    """Return a decorator that adds options, which a verb gets as one argument.

    Parameters
    ----------
    name : str
        The name of the argument.
    make : callable
        Returns it from the values of the options, which its parameters are named after.
    *options : decorator
        The options, in the order in which they are listed.
    """
    words = list(signature(make).parameters)

    def decorate(verb: _Verb) -> _Verb:
        @wraps(verb)
        def call(**values: Any) -> None:
            value = make(**{word: values.pop(word) for word in words})
            verb(**values, **{name: value})

        decorated: _Verb = call
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


@dataclass(frozen=True, slots=True)
class WorkFlags:
    """The values of ``--workers``, ``--dask`` and ``--quiet``.

    Parameters
    ----------
    workers : int or None
        Processes of a pool on this machine.
    dask : str or None
        The address of a Dask scheduler.
    quiet : bool
        Whether nothing but errors is printed.
    """

    workers: int | None
    dask: str | None
    quiet: bool

    @property
    def progress(self) -> bool | None:
        """Whether progress bars are shown; None for on a terminal."""
        return False if self.quiet else None


#: Adds ``--pad``, which `pads_of` reads.
pad_option = click.option(
    "--pad",
    multiple=True,
    metavar="KEY:LENGTH:FILL",
    help="A key of lists to cut or fill up to a length, such as jet_pt:22:nan.",
)

#: Adds ``--alias`` and ``--constant``: the argument `names`, a tuple of aliases and constants.
name_options = as_one(
    "names",
    names_of,
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

#: Adds the options of splits: the argument `splits`, a `Splits` or None.
splits_options = as_one(
    "splits",
    splits_of,
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

#: Adds ``--workers``, ``--dask`` and ``--quiet``: the argument `work`, a `WorkFlags`.
work_options = as_one(
    "work",
    WorkFlags,
    click.option("--workers", type=click.IntRange(1), help="Use N processes instead of threads."),
    click.option("--dask", metavar="ADDRESS", help="Work on the Dask cluster of that scheduler."),
    click.option("--quiet", "-q", is_flag=True, help="Print nothing but errors."),
)
