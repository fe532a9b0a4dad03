"""``memmpy clean``: remove what killed processes left in a store."""

from pathlib import Path

import click

from memmpy.printing import num_in_words, size_in_words

__all__ = ["clean"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Remove it; without this, it is only listed.")
def clean(*, store: Path, remove: bool) -> None:
    """List what killed processes left in STORE. Columns, skims and cached cuts stay."""
    from memmpy.upkeep import clean as find_leftovers

    leftovers = find_leftovers(store, dry_run=not remove)
    for one in leftovers:
        name = one.path.relative_to(store)
        click.echo(f"{name}  {size_in_words(one.num_bytes)}  {one.why}")
    if not leftovers:
        click.echo("no leftovers")
        return
    num_bytes = sum(one.num_bytes for one in leftovers)
    what = f"{num_in_words(len(leftovers), 'leftover')}, {size_in_words(num_bytes)}"
    click.echo(f"{what}, removed" if remove else f"{what}; remove with: memmpy clean --remove")
