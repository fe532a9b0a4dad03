"""``memmpy plot hist``: draw histograms of keys by group."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from memmpy.cli.options import figure_option, join_options
from memmpy.cli.parsing import parse_bins, parse_names, path_of_key, split_at_commas
from memmpy.cuts import GroupOptions

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


def _parse_groups(
    by: Iterable[str],
    cut: str | None,
    weight: str | None,
    alias: Iterable[str],
    constant: Iterable[str],
) -> GroupOptions:
    return GroupOptions(split_at_commas(by), cut, weight, *parse_names(alias, constant))


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("keys", metavar="KEY...", nargs=-1, required=True)
@figure_option
@join_options(
    "groups",
    _parse_groups,
    click.option("--by", multiple=True, help="A column to group by, such as process; repeatable."),
    click.option("--cut", metavar="EXPR", help="The events that count."),
    click.option("--weight", metavar="EXPR", help="The weight of an event, such as weight."),
    click.option("--alias", multiple=True, metavar="NAME=EXPR", help="A name for an expression."),
    click.option("--constant", multiple=True, metavar="NAME=VALUE", help="A name for a value."),
)
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
    store: Path,
    keys: tuple[str, ...],
    out: str,
    groups: GroupOptions,
    bins: str,
    flags: _PlotFlags,
) -> None:
    """Draw the histogram of each KEY of STORE.

    KEY is a key or an expression; each element of a list counts. For several keys, the file name
    has {key}: -o 'plots/{key}.png'.

    Put expressions in single quotes, because the shell interprets characters such as $ ! > < & |.
    """
    from memmpy.dataset import Store
    from memmpy.display import printable
    from memmpy.figures import check_figure_path

    paths = {key: check_figure_path(path_of_key(out, key, num_keys=len(keys))) for key in keys}
    opened, edges = Store(store), parse_bins(bins)
    for key, path in paths.items():
        opened.hist(key, bins=edges, **asdict(groups)).plot(path, **asdict(flags))
        click.echo(printable(f"wrote {path}"))
