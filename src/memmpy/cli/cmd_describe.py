"""``memmpy describe``: show the mean, width, extremes and distribution of columns."""

import json
from pathlib import Path

import click

from memmpy.cli.options import json_option, keys_option, name_options
from memmpy.cuts import Constant

__all__ = ["describe"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@keys_option
@click.option("--by", multiple=True, help="A column to group by, such as process; repeatable.")
@click.option("--cut", help="A cut that the entries pass.")
@click.option("--weight", metavar="EXPR", help="The weight of an entry.")
@name_options
@json_option
def describe(
    *,
    store: Path,
    keys: tuple[str, ...],
    by: tuple[str, ...],
    cut: str | None,
    weight: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    as_json: bool,
) -> None:
    """Show mean, width, extremes and distribution of the keys of STORE.

    The values of a list are those of all its items. The mean, the width and the extremes leave out
    NaN and infinity.
    """
    from rich.console import Console

    from memmpy.cli.parsing import split_at_commas
    from memmpy.dataset import Store

    aliases, constants = names
    description = Store(store).describe(
        split_at_commas(keys) or None,
        by=(by[0] if len(by) == 1 else by) or None,
        cut=cut,
        weight=weight,
        aliases=aliases,
        constants=constants,
    )
    if as_json:
        click.echo(json.dumps(description.to_dict(), indent=2))
    else:
        Console().print(description)
