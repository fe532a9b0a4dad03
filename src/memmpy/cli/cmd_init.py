"""``memmpy init``: write a draft of a recipe for files."""

import sys

import click

from memmpy.cli.statuses import FAILED

__all__ = ["init"]


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--tree", metavar="NAME", help="The tree; by default that with the most branches.")
def init(*, files: tuple[str, ...], tree: str | None) -> None:
    """Write a draft of a recipe for FILES to stdout.

    FILES may be patterns and URLs. A file that cannot be read is named on stderr and in the recipe,
    and the exit status is 1. Write the recipe to a file, check the lines marked EDIT, then
    make the training set:

    \b
      memmpy init 'ggH/*.root' 'DY/*.root' > data.toml
      memmpy train-set data.toml
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.display import printable
    from memmpy.pipeline import draft_recipe

    text, errors = draft_recipe(files, tree=tree)
    click.echo(text, nl=False)
    for error in errors:
        click.echo(printable(f"memmpy: {error}"), err=True)
    if errors:
        sys.exit(FAILED)
