"""``memmpy skims``: list the skims of a store, and remove some."""

from pathlib import Path

import click

from memmpy.display import format_count, format_size, printable

__all__ = ["skims"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--remove", multiple=True, metavar="NAME", help="Remove these, joined by commas or repeated."
)
@click.option("--remove-outdated", is_flag=True, help="Remove those that are outdated.")
def skims(*, store: Path, remove: tuple[str, ...], remove_outdated: bool) -> None:
    """List the skims of STORE, or remove some.

    One is outdated if it would not be made so now: something was changed of what it is made of.
    What is removed is made again when it is asked for; who has it open keeps it.
    """
    from rich.console import Console

    from memmpy.cli.parsing import words_of
    from memmpy.dataset import Store
    from memmpy.errors import MissingFileError, nearest
    from memmpy.skims.folder import SKIMS
    from memmpy.skims.folder import remove as remove_skim

    found = Store(store).skims
    if not (remove or remove_outdated):
        if found or found.damaged:
            Console().print(found)
        else:
            click.echo(printable(f"no skims in {store}"))
        return
    sizes = {skim.path.name: skim.nbytes for skim in found} | dict.fromkeys(found.damaged, 0)
    names = dict.fromkeys(words_of(remove))
    for name in names:
        if name not in sizes:
            there = nearest(name, sizes) or f"; it has {format_count(len(sizes), 'skim')}"
            raise MissingFileError(f"no skim {name!r} in {str(store)!r}{there}")
    if remove_outdated:
        names |= dict.fromkeys(skim.path.name for skim in found.outdated)
    for name in names:
        remove_skim(store.absolute() / SKIMS / name, timeout=-1)
    size = format_size(sum(sizes[name] for name in names))
    click.echo(printable(f"removed {format_count(len(names), 'skim')} of {store}, {size}"))
