"""``memmpy plot hist``: draw histograms of keys by group."""

from dataclasses import asdict, dataclass

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    figure_option,
    join_options,
    store_argument,
)
from memmpy.cli.parsing import parse_bins, path_of_key
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_written

__all__ = ["hist"]


@dataclass(frozen=True, slots=True)
class _PlotFlags:
    """The options of `StoreHist.plot`, as typed."""

    density: bool
    stack: bool | None
    ratio: str | None
    overflow: bool
    log: bool
    label: str | None


@click.command()
@store_argument
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@figure_option
@entry_options("by", "cut", "weight")
@click.option(
    "--bins",
    default="auto",
    metavar="BINS",
    help="A number of bins, or N,LOW,HIGH such as 50,0,500, or edges such as [0,20,50,200].",
)
@join_options(
    "flags",
    _PlotFlags,
    click.option("--density", is_flag=True, help="Normalise each group to an area of 1."),
    click.option(
        "--stack/--no-stack", default=None, help="Draw groups on top of each other, or not."
    ),
    click.option(
        "--ratio",
        metavar="A/B",
        help="Draw a ratio below: of two groups, or of one, such as data, to all others.",
    ),
    click.option("--overflow", is_flag=True, help="Draw underflow and overflow as bins."),
    click.option("--log", is_flag=True, help="Draw a logarithmic vertical axis."),
    click.option("--label", metavar="TEXT", help="An experiment, such as 'CMS Simulation'."),
)
def hist(
    *,
    store: str,
    keys: tuple[str, ...],
    out: str,
    entries: EntryOptions,
    bins: str,
    flags: _PlotFlags,
) -> None:
    """Draw the histogram of each KEY of STORE.

    KEY is a key or an expression; each element of a list counts. For several keys, the file name
    has {key}: -o 'plots/{key}.png'.

    Put expressions in single quotes, because the shell interprets characters such as $ ! > < & |.
    """
    from memmpy.figures import check_figure_path

    paths = {key: check_figure_path(path_of_key(out, key, num_keys=len(keys))) for key in keys}
    choice, edges = find_store(store, entries), parse_bins(bins)
    opened = choice.open_store()
    for key, path in paths.items():
        opened.hist(key, bins=edges, **asdict(choice.entries)).plot(path, **asdict(flags))
        print_written(path)
