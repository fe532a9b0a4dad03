"""``memmpy head``: show a few events of a store."""

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    json_option,
    keys_option,
    store_argument,
)
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result

__all__ = ["head"]


@click.command()
@store_argument
@click.option("-n", "num", type=click.IntRange(1), default=5, help="The number of events.")
@keys_option
@entry_options("cut")
@json_option
def head(*, store: str, num: int, keys: list[str], entries: EntryOptions, as_json: bool) -> None:
    """Show the first events of STORE, with a row for each key."""
    choice = find_store(store, entries)
    events = choice.open_store().head(
        num, keys=keys or None, cut=entries.cut, **choice.entries.names
    )
    print_result(events, as_json=as_json)
