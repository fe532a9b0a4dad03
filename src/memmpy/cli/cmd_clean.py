"""``memmpy clean``: remove the leftovers of killed processes in a store."""

import json
import sys
from pathlib import Path

import click

from memmpy.cli.options import json_option
from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, format_size, printable

__all__ = ["clean"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Remove the leftovers; the default is to list them.")
@json_option
def clean(*, store: Path, remove: bool, as_json: bool) -> None:
    """List or remove the leftovers of killed processes in STORE.

    Columns, skims and cached cuts stay. The exit status is 1 if a leftover cannot be removed.
    """
    from memmpy.dataset import clean as find_leftovers

    leftovers = find_leftovers(store, dry_run=not remove)
    rest = {leftover.path for leftover in find_leftovers(store)} if remove else set()
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
        click.echo(json.dumps({"leftovers": facts}, indent=2))
        sys.exit(FAILED if rest else 0)
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
    for name in sorted(path.relative_to(store) for path in rest):
        click.echo(printable(f"not removed: {name}: it holds other files, or you lack permission"))
    if rest:
        sys.exit(FAILED)
