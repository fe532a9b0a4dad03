"""``memmpy verify``: compare all of a store with its checksums, and repair what can be."""

import sys
from pathlib import Path

import click

from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, printable

__all__ = ["verify"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Make damaged columns again from their sources.")
def verify(*, path: Path, repair: bool) -> None:
    """Compare every file of PATH with its checksum: a store with its cuts and skims, or a skim.

    The exit status is 1 if anything is damaged, and with --repair if anything is left of it.
    """
    from memmpy.dataset import repair_problems
    from memmpy.dataset import verify as find_problems
    from memmpy.skims import is_skim, list_skims
    from memmpy.store import read_metadata

    problems = find_problems(path)
    if repair and problems:
        left = repair_problems(path, problems)
        repaired = dict.fromkeys(p.key for p in problems if p.file not in {q.file for q in left})
        for key in repaired:
            click.echo(printable(f"repaired: {key}"))
        problems = left
    if problems:
        for problem in problems:
            click.echo(printable(f"{problem.key}: {problem.file}: {problem.message}"))
        if is_skim(path):
            click.echo("a damaged skim is made again with recreate=True, or once it is removed")
        elif not repair:
            click.echo(printable(f"repair with: memmpy verify --repair {path}"))
        sys.exit(FAILED)
    if is_skim(path):
        click.echo(printable(f"the skim {path} is as it was written"))
        return
    what = format_count(len(read_metadata(path).columns), "column")
    if skims := list_skims(path)[0]:
        what += f" and {format_count(len(skims), 'skim')}"
    click.echo(printable(f"{what} of {path}: all is as it was written"))
