"""``memmpy clean``: remove the leftovers of killed processes in a store."""

import sys
from pathlib import Path

import click

from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, format_size, printable

__all__ = ["clean"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Remove the leftovers; the default is to list them.")
def clean(*, store: Path, remove: bool) -> None:
    """List or remove the leftovers of killed processes in STORE.

    Columns, skims and cached cuts stay. The exit status is 1 if a leftover cannot be removed.
    """
    from memmpy.dataset import clean as find_leftovers

    leftovers = find_leftovers(store, dry_run=not remove)
    if not leftovers:
        click.echo("no leftovers")
        return
    for leftover in leftovers:
        name = leftover.path.relative_to(store)
        click.echo(printable(f"{name}  {format_size(leftover.num_bytes)}  {leftover.why}"))
    size = format_size(sum(leftover.num_bytes for leftover in leftovers))
    total = f"{format_count(len(leftovers), 'leftover')}, {size}"
    if not remove:
        click.echo(printable(f"{total}; remove with: memmpy clean --remove {store}"))
        return
    click.echo(f"{total} removed")
    rest = [leftover.path.relative_to(store) for leftover in find_leftovers(store)]
    for name in rest:
        click.echo(printable(f"not removed: {name}: it holds other files, or you lack permission"))
    if rest:
        sys.exit(FAILED)
