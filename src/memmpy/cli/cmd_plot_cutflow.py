"""``memmpy plot cutflow``: draw the entries that each step of a cut leaves."""

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    figure_option,
    signal_option,
    store_argument,
)
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_written

__all__ = ["cutflow"]


@click.command()
@store_argument
@click.argument("cuts", metavar="CUT...", nargs=-1)
@figure_option
@entry_options("by", "weight")
@signal_option
@click.option("--log/--linear", default=True, help="The scale of the vertical axis.")
def cutflow(
    *,
    store: str,
    cuts: tuple[str, ...],
    out: str,
    entries: EntryOptions,
    signal: tuple[str, ...],
    log: bool,
) -> None:
    """Draw the entries of STORE that each CUT leaves, as bars.

    The cuts are as for `memmpy cutflow`, which prints the numbers. --signal also draws S/√B.
    """
    from memmpy.figures import check_figure_path

    path = check_figure_path(out)
    find_store(store, entries).cutflow(cuts, signal=signal).plot(path, log=log)
    print_written(path)
