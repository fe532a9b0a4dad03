"""``memmpy verify``: compare the files of a store with their checksums, and repair columns."""

import sys
from dataclasses import asdict

import click

from memmpy.cli.options import json_option, path_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_json
from memmpy.cli.statuses import FAILED
from memmpy.display import format_count, printable

__all__ = ["verify"]


@click.command()
@path_argument
@click.option("--repair", is_flag=True, help="Rebuild damaged columns from their source files.")
@json_option
def verify(*, path: str, repair: bool, as_json: bool) -> None:
    """Compare the files of a store or skim with their checksums.

    A store includes its cached cuts and skims. The exit status is 1 if a file at PATH is damaged,
    or, with --repair, if one stays damaged.
    """
    from memmpy.dataset import repair_problems
    from memmpy.dataset import verify as find_problems
    from memmpy.skims import is_skim, list_skims
    from memmpy.store import read_metadata

    store = find_store(path).path
    problems, repaired = find_problems(store), list[str]()
    if repair and problems:
        rest = repair_problems(store, problems)
        rest_files = {problem.file for problem in rest}
        repaired = [*dict.fromkeys(p.key for p in problems if p.file not in rest_files)]
        problems = rest
    if as_json:
        facts = {"problems": [asdict(problem) for problem in problems], "repaired": repaired}
        print_json(facts)
        sys.exit(FAILED if problems else 0)
    for key in repaired:
        click.echo(printable(f"repaired: {key}"))
    if problems:
        for problem in problems:
            click.echo(printable(f"{problem.key}: {problem.file}: {problem.message}"))
        if is_skim(store):
            skim = store.absolute()
            remove = f"memmpy skims {skim.parent.parent} --remove {skim.name}"
            click.echo(printable(f"remove the skim, and make it again: {remove}"))
        elif not repair:
            click.echo(printable(f"repair with: memmpy verify --repair {store}"))
        sys.exit(FAILED)
    if is_skim(store):
        click.echo(printable(f"the skim {store}: all checksums match"))
        return
    content = format_count(len(read_metadata(store).columns), "column")
    if skims := list_skims(store)[0]:
        content += f" and {format_count(len(skims), 'skim')}"
    click.echo(printable(f"{content} of {store}: all checksums match"))
