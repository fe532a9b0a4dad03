"""``memmpy clean``: remove the leftovers of killed processes in a store."""

import sys

import click

from memmpy.cli.options import json_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_json
from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, format_size, printable

__all__ = ["clean"]


@click.command()
@store_argument
@click.option("--remove", is_flag=True, help="Remove the leftovers; the default is to list them.")
@json_option
def clean(*, store: str, remove: bool, as_json: bool) -> None:
    """List or remove the leftovers of killed processes in STORE.

    Columns, skims and cached cuts stay. The exit status is 1 if a leftover cannot be removed.
    """
    from memmpy.dataset import clean as find_leftovers

    path = find_store(store).path
    leftovers = find_leftovers(path, dry_run=not remove)
    rest = {leftover.path for leftover in find_leftovers(path)} if remove else set()
    if as_json:
        facts = [
            {
                "path": str(leftover.path),
                "num_bytes": leftover.num_bytes,
                "why": leftover.why,
                "is_removed": remove and leftover.path not in rest,
            }
            for leftover in leftovers
        ]
        print_json({"leftovers": facts})
        sys.exit(FAILED if rest else 0)
    if not leftovers:
        click.echo("no leftovers")
        return
    for leftover in leftovers:
        name = leftover.path.relative_to(path)
        click.echo(printable(f"{name}  {format_size(leftover.num_bytes)}  {leftover.why}"))
    size = format_size(sum(leftover.num_bytes for leftover in leftovers))
    total = f"{format_count(len(leftovers), 'leftover')}, {size}"
    if not remove:
        click.echo(printable(f"{total}; remove with: memmpy clean --remove {store}"))
        return
    click.echo(f"{total} removed")
    for name in sorted(leftover.relative_to(path) for leftover in rest):
        click.echo(printable(f"not removed: {name}: it holds other files, or you lack permission"))
    if rest:
        sys.exit(FAILED)
