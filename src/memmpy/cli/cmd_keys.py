"""``memmpy keys``: list the columns of a store."""

import click

from memmpy.cli.options import json_option, keys_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result

__all__ = ["keys"]


@click.command()
@store_argument
@keys_option
@json_option
def keys(*, store: str, keys: list[str], as_json: bool) -> None:
    """List the keys of STORE, with type, length, size and origin."""
    print_result(find_store(store).open_store().columns(keys or None), as_json=as_json)
