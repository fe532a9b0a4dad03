"""``memmpy ls``: list the trees and branches of files."""

import os
import sys
from typing import TYPE_CHECKING

import click

from memmpy.cli.options import json_option
from memmpy.cli.results import print_json
from memmpy.cli.statuses import FAILED

if TYPE_CHECKING:
    from memmpy.display import Renderable

__all__ = ["ls"]

#: Characters in a line where no terminal limits them, so that `grep` finds whole names.
_WIDE = 1000


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--tree", multiple=True, metavar="NAME", help="Only this tree; patterns in quotes ('syst_*')."
)
@click.option(
    "--like",
    "-l",
    multiple=True,
    metavar="NAMES",
    help="Only these branches, joined by commas: names, patterns in quotes ('Jet_*') or parts of "
    "names.",
)
@click.option("--all", "-a", "is_whole", is_flag=True, help="List every branch, without groups.")
@json_option
def ls(
    *,
    files: tuple[str, ...],
    tree: tuple[str, ...],
    like: tuple[str, ...],
    is_whole: bool,
    as_json: bool,
) -> None:
    """List the trees and branches of ROOT, Parquet or HDF5 FILES.

    FILES may be patterns and URLs. Of several files, the first is listed, and how the others differ
    from it. The exit status is 1 if a file cannot be read.
    """
    from memmpy.cli.parsing import split_at_commas
    from memmpy.sources import list_files

    listing = list_files(files, trees=tree, like=split_at_commas(like), is_whole=is_whole)
    if as_json:
        print_json(listing.to_dict())
    else:
        _print_pages(listing)
    if listing.num_unreadable:
        sys.exit(FAILED)


def _print_pages(result: "Renderable") -> None:
    """Print a result, page by page if it is longer than the terminal."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        has_width = os.environ.get("COLUMNS", "").isdecimal()
        Console(width=None if has_width else _WIDE).print(result)
        return
    with console.capture() as capture:
        console.print(result)
    text = capture.get()
    if text.count("\n") < console.height:
        click.echo(text, nl=False)
    else:
        click.echo_via_pager(text)
