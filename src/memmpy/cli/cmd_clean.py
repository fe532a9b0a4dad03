"""``memmpy clean``: remove what killed processes left in a store."""

import sys
from pathlib import Path

import click

from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, format_size, printable

__all__ = ["clean"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Remove it; without this, it is only listed.")
def clean(*, store: Path, remove: bool) -> None:
    """List what killed processes left in STORE. Columns, skims and cached cuts stay.

    The exit status is 1 if something could not be removed.
    """
    from memmpy.dataset import clean as find_leftovers

    leftovers = find_leftovers(store, dry_run=not remove)
    for one in leftovers:
        name = one.path.relative_to(store)
        click.echo(printable(f"{name}  {format_size(one.num_bytes)}  {one.why}"))
    size = format_size(sum(one.num_bytes for one in leftovers))
    what = f"{format_count(len(leftovers), 'leftover')}, {size}" if leftovers else "no leftovers"
    if not remove:
        way_out = f"; remove with: memmpy clean --remove {store}" if leftovers else ""
        click.echo(printable(what + way_out))
        return
    click.echo(f"{what} removed" if leftovers else what)
    left = find_leftovers(store)
    for one in left:
        name = one.path.relative_to(store)
        click.echo(printable(f"not removed: {name}: files of others are in it, or you may not"))
    if left:
        sys.exit(FAILED)
