"""``memmpy cutflow``: count the entries that each step of a cut leaves."""

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    json_option,
    signal_option,
    store_argument,
)
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result

__all__ = ["cutflow"]


@click.command()
@store_argument
@click.argument("cuts", metavar="CUT...", nargs=-1)
@entry_options("by", "weight")
@signal_option
@click.option("--latex", is_flag=True, help="Print a table for LaTeX, with rules of booktabs.")
@json_option
def cutflow(
    *,
    store: str,
    cuts: tuple[str, ...],
    entries: EntryOptions,
    signal: tuple[str, ...],
    latex: bool,
    as_json: bool,
) -> None:
    """Count the entries of STORE that each CUT leaves.

    An entry passes a step if it passes this CUT and all CUTs before it. A single CUT is split at
    its &&: each condition is a step. Of a recipe, the default is the cut of its training set.

    Put cuts in single quotes, because the shell interprets characters such as $ ! > < & |. Write --
    before a cut that begins with a minus.
    """
    flow = find_store(store, entries).cutflow(cuts, signal=signal)
    if latex and not as_json:
        click.echo(flow.to_latex(), nl=False)
    else:
        print_result(flow, as_json=as_json)
