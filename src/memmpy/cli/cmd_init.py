"""``memmpy init``: write a draft of a recipe for files."""

import click

__all__ = ["init"]


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--tree", metavar="NAME", help="The tree; by default that with the most branches.")
def init(*, files: tuple[str, ...], tree: str | None) -> None:
    """Write a draft of a recipe for FILES to stdout.

    FILES may be patterns and URLs. Write the recipe to a file, check the lines marked EDIT, then
    make the training set:

    \b
      memmpy init 'ggH/*.root' 'DY/*.root' > data.toml
      memmpy train-set data.toml
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.pipeline import draft_recipe

    click.echo(draft_recipe(files, tree=tree), nl=False)
