"""``memmpy clean``: remove what killed processes left in a store."""

from pathlib import Path

import click

from memmpy.printing import num_in_words, size_in_words

__all__ = ["clean"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Remove it; without this, it is only listed.")
def clean(*, store: Path, remove: bool) -> None:
    """List what killed processes left in STORE: no column, skim or cached cut is among it."""
    from memmpy.upkeep import clean as find_leftovers

    found = find_leftovers(store, dry_run=not remove)
    for one in found:
        name = one.path.relative_to(store)
        click.echo(f"{name}  {size_in_words(one.num_bytes)}  {one.why}")
    if not found:
        click.echo("no leftovers")
        return
    what = (
        f"{num_in_words(len(found), 'leftover')}, {size_in_words(sum(o.num_bytes for o in found))}"
    )
    click.echo(f"{what}, removed" if remove else f"{what}; remove with: memmpy clean --remove")
