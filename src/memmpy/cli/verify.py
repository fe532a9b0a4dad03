"""``memmpy verify``: compare the files of a store with their checksums."""

import sys
from pathlib import Path

import click

__all__ = ["verify"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
def verify(store: Path) -> None:
    """Compare every file of STORE with its checksum."""
    from memmpy.store import read_metadata
    from memmpy.store import verify as find_problems

    problems = find_problems(store)
    for problem in problems:
        click.echo(f"{problem.key}: {problem.file}: {problem.message}")
    if problems:
        sys.exit(1)
    click.echo(
        f"all {len(read_metadata(store).columns)} columns of {store} are as they were written"
    )
