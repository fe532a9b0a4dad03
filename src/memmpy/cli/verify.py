"""``memmpy verify``: compare the files of a store and of its skims with their checksums."""

import sys
from pathlib import Path

import click

from memmpy.cli.statuses import FAILED
from memmpy.printing import num_in_words, printable

__all__ = ["verify"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def verify(path: Path) -> None:
    """Compare every file of PATH with its checksum: a store with its skims, or a skim."""
    from memmpy.skims import is_skim, verify_skims
    from memmpy.store import read_metadata
    from memmpy.store import verify as find_problems

    problems = [] if is_skim(path) else find_problems(path)
    lines = [f"{problem.key}: {problem.file}: {problem.message}" for problem in problems]
    skims = verify_skims(path)
    for name, found in skims.items():
        lines += [f"skim {name}: {one.key}: {one.file}: {one.message}" for one in found]
    if any(skims.values()):
        lines.append("a damaged skim is made again with recreate=True, or once its folder is gone")
    if lines:
        click.echo(printable("\n".join(lines)))
        sys.exit(FAILED)
    if is_skim(path):
        click.echo(printable(f"the skim {path} is as it was written"))
        return
    what = num_in_words(len(read_metadata(path).columns), "column")
    if skims:
        what += f" and {num_in_words(len(skims), 'skim')}"
    click.echo(printable(f"{what} of {path}: all is as it was written"))
