"""``memmpy keys``: list the columns of a store."""

import json
from pathlib import Path

import click

from memmpy.cli.options import json_option, keys_option

__all__ = ["keys"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@keys_option
@json_option
def keys(*, store: Path, keys: tuple[str, ...], as_json: bool) -> None:
    """List the keys of STORE, with type, length, size and origin."""
    from rich.console import Console

    from memmpy.cli.parsing import split_at_commas
    from memmpy.dataset import Store

    columns = Store(store).columns(split_at_commas(keys) or None)
    if as_json:
        click.echo(json.dumps(columns.to_dict(), indent=2))
    else:
        Console().print(columns)
