"""``memmpy verify``: compare the files of a store with their checksums, and repair columns."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from memmpy.cli.options import json_option
from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, printable

__all__ = ["verify"]


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Rebuild damaged columns from their source files.")
@json_option
def verify(*, path: Path, repair: bool, as_json: bool) -> None:
    """Compare the files of a store or skim with their checksums.

    A store includes its cached cuts and skims. The exit status is 1 if a file at PATH is damaged,
    or, with --repair, if one stays damaged.
    """
    from memmpy.dataset import repair_problems
    from memmpy.dataset import verify as find_problems
    from memmpy.skims import is_skim, list_skims
    from memmpy.store import read_metadata

    problems, repaired = find_problems(path), list[str]()
    if repair and problems:
        rest = repair_problems(path, problems)
        rest_files = {problem.file for problem in rest}
        repaired = [*dict.fromkeys(p.key for p in problems if p.file not in rest_files)]
        problems = rest
    if as_json:
        facts = {"problems": [asdict(problem) for problem in problems], "repaired": repaired}
        click.echo(json.dumps(facts, indent=2))
        sys.exit(FAILED if problems else 0)
    for key in repaired:
        click.echo(printable(f"repaired: {key}"))
    if problems:
        for problem in problems:
            click.echo(printable(f"{problem.key}: {problem.file}: {problem.message}"))
        if is_skim(path):
            store = path.absolute().parent.parent
            remove = f"memmpy skims {store} --remove {path.absolute().name}"
            click.echo(printable(f"remove the skim, and make it again: {remove}"))
        elif not repair:
            click.echo(printable(f"repair with: memmpy verify --repair {path}"))
        sys.exit(FAILED)
    if is_skim(path):
        click.echo(printable(f"the skim {path}: all checksums match"))
        return
    content = format_count(len(read_metadata(path).columns), "column")
    if skims := list_skims(path)[0]:
        content += f" and {format_count(len(skims), 'skim')}"
    click.echo(printable(f"{content} of {path}: all checksums match"))
