"""Options that several verbs share. A group of options becomes one argument of the verb."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from inspect import cleandoc, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import click

from memmpy.cli.parsing import parse_names, parse_splits, split_at_commas

if TYPE_CHECKING:
    from memmpy.cuts import Constant

__all__ = [
    "EntryOptions",
    "WorkFlags",
    "entry_options",
    "figure_option",
    "join_options",
    "json_option",
    "keys_option",
    "pad_option",
    "path_argument",
    "quiet_option",
    "signal_option",
    "splits_options",
    "store_argument",
    "store_option",
    "work_options",
]

_Verb: TypeAlias = Callable[..., Any]
_Decorator: TypeAlias = Callable[[_Verb], _Verb]
_AnyVerb = TypeVar("_AnyVerb", bound=Callable[..., Any])


class _Option(Protocol):
    """Adds an option to a verb, and returns the verb."""

    def __call__(self, verb: _AnyVerb, /) -> _AnyVerb: ...


def join_options(
    name: str, make: Callable[..., object], *options: _Decorator, without: Collection[str] = ()
) -> _Decorator:
    """Return a decorator that adds options to a verb, and passes their values as one argument.

    Parameters
    ----------
    name : str
        The name of the argument.
    make : callable
        Returns the argument. Its parameters have the names of the options.
    *options : decorator
        The options, in the order of the help.
    without : collection of str
        The parameters that keep their defaults.
    """
    parameters = [one for one in signature(make).parameters if one not in without]

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


def _complete_keys(context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Return the keys of the argument STORE that a shell may put in place of an incomplete word."""
    from memmpy.errors import MemmpyError
    from memmpy.store import read_metadata

    before, comma, key = incomplete.rpartition(",")
    # While the value of an option is incomplete, click has not named the arguments yet.
    path = next(filter(None, [context.params.get("store"), *context.args]), "")
    try:
        if path.lower().endswith(".toml"):
            from memmpy.pipeline import read_recipe

            path = read_recipe(path).store_path()
        keys = read_metadata(path).columns
    except MemmpyError:  # there is no store
        return []
    return [f"{before}{comma}{name}" for name in sorted(keys) if name.startswith(key)]


@dataclass(frozen=True, slots=True)
class EntryOptions:
    """The options that choose, group and weigh the entries of a store.

    Parameters
    ----------
    by : list of str or None
        The columns to group by.
    cut, weight : str or None
        The cut that the entries pass, and their weight.
    aliases, constants : mapping
        Names for expressions and values.
    """

    by: list[str] | None = None
    cut: str | None = None
    weight: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    constants: "Mapping[str, Constant]" = field(default_factory=dict)

    @property
    def names(self) -> dict[str, Any]:
        """The aliases and constants, as arguments."""
        return {"aliases": self.aliases, "constants": self.constants}


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


def store_argument(verb: _AnyVerb, *, name: str = "store") -> _AnyVerb:
    """Add the argument `store`, which `find_store` reads."""
    recipe = "may also be a recipe, a file in TOML, which names the store, aliases and constants."
    verb.__doc__ = f"{cleandoc(verb.__doc__ or '')}\n\n{name.upper()} {recipe}"
    return click.argument(name, type=click.Path())(verb)


def path_argument(verb: _AnyVerb) -> _AnyVerb:
    """Add the argument `path`, a store or a skim, which `find_store` reads."""
    return store_argument(verb, name="path")


#: Adds ``--keys``: the argument `keys`, a list.
keys_option: _Option = click.option(
    "--keys",
    "-k",
    multiple=True,
    callback=lambda _context, _option, keys: split_at_commas(keys),
    shell_complete=_complete_keys,
    help="Only these keys, by name or pattern, such as 'jet_*'; join them by commas.",
)

#: Adds ``--store``, in place of the store of a recipe.
store_option: _Option = click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="The store, created if missing; by default that of the recipe.",
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

#: Adds ``--quiet``: the argument `quiet`.
quiet_option: _Option = click.option("--quiet", "-q", is_flag=True, help="Print only errors.")

#: Adds ``--signal``: the argument `signal`, a tuple of groups.
signal_option: _Option = click.option(
    "--signal", multiple=True, help="A group that is signal, for S/B; repeatable."
)

_ENTRY_OPTIONS: dict[str, _Option] = {
    "by": click.option(
        "--by",
        multiple=True,
        metavar="KEYS",
        shell_complete=_complete_keys,
        help="Columns to group by, such as process; join them by commas.",
    ),
    "cut": click.option(
        "--cut", metavar="EXPR", help="The cut that entries pass, such as 'nJets >= 6'."
    ),
    "weight": click.option(
        "--weight",
        metavar="EXPR",
        shell_complete=_complete_keys,
        help="The weight of an entry, such as weight or 'weight * 0.5'.",
    ),
    "alias": click.option(
        "--alias",
        multiple=True,
        metavar="NAME=EXPR",
        help="A name for an expression, such as 'is_hard=met > 100'.",
    ),
    "constant": click.option(
        "--constant",
        multiple=True,
        metavar="NAME=VALUE",
        help="A name for a number, a text, true or false, such as limit=6.",
    ),
}


def entry_options(*names: str) -> _Decorator:
    """Add the options of these names, ``--alias`` and ``--constant``: the argument `entries`."""
    shown = [*names, "alias", "constant"]
    options = (_ENTRY_OPTIONS[name] for name in shown)
    return join_options("entries", _parse_entries, *options, without=_ENTRY_OPTIONS.keys() - shown)


def _parse_entries(
    alias: Iterable[str],
    constant: Iterable[str],
    by: Iterable[str] = (),
    cut: str | None = None,
    weight: str | None = None,
) -> EntryOptions:
    return EntryOptions(split_at_commas(by) or None, cut, weight, *parse_names(alias, constant))


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
    quiet_option,
)
