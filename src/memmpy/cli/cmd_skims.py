"""``memmpy skims``: list or remove the skims of a store."""

import click

from memmpy.cli.options import json_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_json, print_result
from memmpy.display import format_count, format_size, printable

__all__ = ["skims"]


@click.command()
@store_argument
@click.option(
    "--remove", multiple=True, metavar="NAME", help="Remove these skims; join names by commas."
)
@click.option("--remove-outdated", is_flag=True, help="Remove all outdated skims.")
@json_option
def skims(*, store: str, remove: tuple[str, ...], remove_outdated: bool, as_json: bool) -> None:
    """List or remove the skims of STORE.

    A skim is outdated if one of its columns has changed. A removed skim stays usable for processes
    that have it open, and the next request rebuilds it.
    """
    from memmpy.cli.parsing import split_at_commas
    from memmpy.dataset import Store
    from memmpy.errors import MissingFileError, nearest
    from memmpy.skims import SKIMS, remove_skim

    path = find_store(store).path
    skims = Store(path).skims
    if not (remove or remove_outdated):
        if as_json or skims or skims.damaged:
            print_result(skims, as_json=as_json)
        else:
            click.echo(printable(f"no skims in {path}"))
        return
    sizes = {skim.path.name: skim.nbytes for skim in skims} | dict.fromkeys(skims.damaged, 0)
    names = dict.fromkeys(split_at_commas(remove))
    for name in names:
        if name not in sizes:
            hint = nearest(name, sizes) or f"; it has {format_count(len(sizes), 'skim')}"
            raise MissingFileError(f"no skim {name!r} in {str(path)!r}{hint}")
    if remove_outdated:
        names |= dict.fromkeys(skim.path.name for skim in skims.outdated)
    for name in names:
        remove_skim(path.absolute() / SKIMS / name, timeout=-1)
    if as_json:
        print_json({"removed": [*names]})
        return
    size = format_size(sum(sizes[name] for name in names))
    click.echo(printable(f"removed {format_count(len(names), 'skim')} of {path}, {size}"))
