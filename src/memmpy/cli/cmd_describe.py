"""``memmpy describe``: show the mean, width, extremes and distribution of columns."""

from dataclasses import asdict

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

__all__ = ["describe"]


@click.command()
@store_argument
@keys_option
@entry_options("by", "cut", "weight")
@json_option
def describe(*, store: str, keys: list[str], entries: EntryOptions, as_json: bool) -> None:
    """Show mean, width, extremes and distribution of the keys of STORE.

    The values of a list are those of all its items. The mean, the width and the extremes leave out
    NaN and infinity.
    """
    choice = find_store(store, entries)
    description = choice.open_store().describe(keys or None, **asdict(choice.entries))
    print_result(description, as_json=as_json)
