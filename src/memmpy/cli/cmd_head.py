"""``memmpy head``: show a few events of a store."""

import json
from pathlib import Path

import click

from memmpy.cli.options import json_option, keys_option, name_options
from memmpy.cuts import Constant

__all__ = ["head"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("-n", "num", type=click.IntRange(1), default=5, help="The number of events.")
@keys_option
@click.option("--cut", help="A cut that the events pass.")
@name_options
@json_option
def head(
    *,
    store: Path,
    num: int,
    keys: tuple[str, ...],
    cut: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    as_json: bool,
) -> None:
    """Show the first events of STORE, with a row for each key."""
    from rich.console import Console

    from memmpy.cli.parsing import split_at_commas
    from memmpy.dataset import Store

    aliases, constants = names
    selected = split_at_commas(keys) or None
    events = Store(store).head(num, keys=selected, cut=cut, aliases=aliases, constants=constants)
    if as_json:
        click.echo(json.dumps(events.to_dict(), indent=2))
    else:
        Console().print(events)
