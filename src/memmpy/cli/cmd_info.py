"""``memmpy info``: show what is in a store."""

import json
from pathlib import Path

import click

from memmpy.cli.options import json_option

__all__ = ["info"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--weight", metavar="EXPR", help="Sum this weight for each process.")
@click.option(
    "--check-files/--no-check-files",
    default=None,
    help="Compare all files with their conversion, or none.  [default: for 0.25 s]",
)
@json_option
def info(*, store: Path, weight: str | None, check_files: bool | None, as_json: bool) -> None:
    """Show the processes, files, columns, skims and cuts of STORE.

    Without --weight, it sums the weight that the training sets of STORE name.
    """
    from rich.console import Console

    from memmpy.dataset import Store

    info = Store(store).info(weight=weight, check_files=check_files)
    if as_json:
        click.echo(json.dumps(info.to_dict(), indent=2))
    else:
        Console().print(info)
