"""Options that several verbs share. A group of options becomes one argument of the verb."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import signature
from typing import Any, Protocol, TypeAlias, TypeVar

import click

from memmpy.cli.parsing import parse_names, parse_splits

__all__ = [
    "WorkFlags",
    "complete_keys",
    "figure_option",
    "join_options",
    "json_option",
    "keys_option",
    "name_options",
    "pad_option",
    "splits_options",
    "work_options",
]

_Verb: TypeAlias = Callable[..., Any]
_Decorator: TypeAlias = Callable[[_Verb], _Verb]
_AnyVerb = TypeVar("_AnyVerb", bound=Callable[..., Any])


class _Option(Protocol):
    """Adds an option to a verb, and returns the verb."""

    def __call__(self, verb: _AnyVerb, /) -> _AnyVerb: ...


def join_options(name: str, make: Callable[..., object], *options: _Decorator) -> _Decorator:
    """Return a decorator that adds options to a verb, and passes their values as one argument.

    Parameters
    ----------
    name : str
        The name of the argument.
    make : callable
        Returns the argument. Its parameters have the names of the options.
    *options : decorator
        The options, in the order of the help.
    """
    parameters = list(signature(make).parameters)

    def decorate(verb: _Verb) -> _Verb:
        @wraps(verb)
        def call(**values: Any) -> None:
            value = make(**{parameter: values.pop(parameter) for parameter in parameters})
            verb(**values, **{name: value})

        decorated: _Verb = call
        for option in reversed(options):
            decorated = option(decorated)
        return decorated

    return decorate


def complete_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the argument STORE that a shell may put in place of an incomplete word."""
    from memmpy.errors import MemmpyError
    from memmpy.store import read_metadata

    before, comma, key = incomplete.rpartition(",")
    # While the value of an option is incomplete, click has not named the arguments yet.
    paths = [context.params.get("store"), *context.args]
    try:
        keys = read_metadata(next(filter(None, paths), "")).columns
    except MemmpyError:  # there is no store
        return []
    return [f"{before}{comma}{name}" for name in sorted(keys) if name.startswith(key)]


@dataclass(frozen=True, slots=True)
class WorkFlags:
    """The values of ``--workers``, ``--dask`` and ``--quiet``.

    Parameters
    ----------
    workers : int or None
        The number of processes on this machine; None for threads.
    dask : str or None
        The address of a Dask scheduler; None for no cluster.
    quiet : bool
        Whether to print only errors.
    """

    workers: int | None
    dask: str | None
    quiet: bool

    @property
    def progress(self) -> bool | None:
        """Whether to show progress bars; None shows them on a terminal."""
        return False if self.quiet else None


#: Adds ``--keys``, which `split_at_commas` reads.
keys_option: _Option = click.option(
    "--keys",
    "-k",
    multiple=True,
    help="Only these keys, by name or pattern, such as 'jet_*'; join them by commas.",
)

#: Adds ``-o``, the file of a picture: the argument `out`.
figure_option: _Option = click.option(
    "-o", "--out", required=True, metavar="FILE", help="The file to write: .png, .pdf or .svg."
)

#: Adds ``--json``: the argument `as_json`.
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")

#: Adds ``--pad``, which `parse_pads` reads.
pad_option: _Option = click.option(
    "--pad",
    multiple=True,
    metavar="KEY:LENGTH:FILL",
    help="A key whose lists are truncated or filled up to a length, such as jet_pt:22:nan.",
)

#: Adds ``--alias`` and ``--constant``: the argument `names`, a tuple of aliases and constants.
name_options: _Decorator = join_options(
    "names",
    parse_names,
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
splits_options: _Decorator = join_options(
    "splits",
    parse_splits,
    click.option(
        "--by",
        multiple=True,
        metavar="KEYS",
        help="Columns that name an event, such as run,event; or file. The store records them.",
    ),
    click.option("--num-folds", type=int, help="The number of folds."),
    click.option("--val", type=float, help="The share of a fold's other events that validate."),
    click.option("--split-seed", type=int, help="Another seed assigns the events to other splits."),
)

#: Adds ``--workers``, ``--dask`` and ``--quiet``: the argument `work`, a `WorkFlags`.
work_options: _Decorator = join_options(
    "work",
    WorkFlags,
    click.option("--workers", type=click.IntRange(1), help="Use N processes instead of threads."),
    click.option("--dask", metavar="ADDRESS", help="Use the Dask scheduler at ADDRESS."),
    click.option("--quiet", "-q", is_flag=True, help="Print only errors."),
)
