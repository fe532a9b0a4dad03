"""``memmpy info``: show what is in a store."""

import click

from memmpy.cli.options import EntryOptions, entry_options, json_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result

__all__ = ["info"]


@click.command()
@store_argument
@entry_options("weight")
@click.option(
    "--check-files/--no-check-files",
    default=None,
    help="Compare all files with their conversion, or none.  [default: for 0.25 s]",
)
@json_option
def info(*, store: str, entries: EntryOptions, check_files: bool | None, as_json: bool) -> None:
    """Show the processes, files, columns, skims and cuts of STORE.

    It sums the weight for each process, by default the weight that the training sets of STORE name.
    """
    choice = find_store(store, entries)
    info = choice.open_store().info(
        weight=entries.weight, **choice.entries.names, check_files=check_files
    )
    print_result(info, as_json=as_json)
