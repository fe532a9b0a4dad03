"""A recipe on the command line, in place of files or of a store."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from memmpy.pipeline import RecipeFile

__all__ = ["find_recipe"]


def find_recipe(files: Sequence[str]) -> "RecipeFile | None":
    """Return the recipe that stands in place of files; None if there is none.

    Raises
    ------
    click.UsageError
        If there are other files beside it.
    """
    from memmpy.pipeline import is_recipe, read_recipe

    recipe = next((file for file in files if is_recipe(file)), None)
    if recipe is None:
        return None
    if len(files) > 1:
        raise click.UsageError(f"{recipe} is a recipe, which names all files: give it alone")
    return read_recipe(recipe)
