"""A recipe on the command line, in place of files or of a store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memmpy.cli.options import EntryOptions
from memmpy.errors import nearest

if TYPE_CHECKING:
    from memmpy.cuts import CutFlow
    from memmpy.dataset import Store
    from memmpy.pipeline import RecipeFile
    from memmpy.training import TrainingSet

__all__ = ["StoreChoice", "find_recipe", "find_store", "need_recipe"]


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """What the argument STORE of a verb stands for.

    Parameters
    ----------
    path : Path
        The store.
    entries : EntryOptions
        The options of the verb, with the aliases and constants of the recipe.
    recipe : RecipeFile or None
        The recipe that names the store, if any.
    """

    path: Path
    entries: EntryOptions
    recipe: "RecipeFile | None"

    def cutflow(self, cuts: Sequence[str], *, signal: Sequence[str]) -> "CutFlow":
        """Return the cut-flow of steps, or of a single cut; by default of that of the recipe."""
        from memmpy.cuts import cutflow

        training = None if self.recipe is None else self.recipe.training
        if not cuts and training is not None and training.cut is not None:
            cuts = [training.cut]
        if not cuts:
            raise click.UsageError("name a CUT, such as 'njets > 2 && met > 50'")
        return cutflow(
            self.path,
            cuts[0] if len(cuts) == 1 else cuts,
            by=self.entries.by,
            weight=self.entries.weight,
            signal=signal or None,
            **self.entries.names,
        )

    def open_store(self) -> "Store":
        """Return the store, open."""
        from memmpy.dataset import Store

        return Store(self.path)

    def open_data(self, *, progress: bool | None) -> "Store | TrainingSet":
        """Return the training set of the recipe, or the store if there is none."""
        from memmpy.parallel import Work

        if self.recipe is None or self.recipe.training is None:
            return self.open_store()
        return self.recipe.training_set(None, work=Work(), progress=progress)


def find_store(store: str, entries: EntryOptions | None = None) -> StoreChoice:
    """Return the store at a path, or that of a recipe."""
    recipe, entries = find_recipe([store]), entries or EntryOptions()
    if recipe is None:
        return StoreChoice(Path(store), entries, None)
    if training := recipe.training:
        entries = replace(
            entries,
            aliases={**(training.aliases or {}), **entries.aliases},
            constants={**(training.constants or {}), **entries.constants},
        )
    return StoreChoice(recipe.store_path(), entries, recipe)


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


def need_recipe(path: str) -> "RecipeFile":
    """Return the recipe at a path.

    Raises
    ------
    click.UsageError
        If the path is not that of a recipe.
    """
    recipe = find_recipe([path])
    if recipe is None:
        known = [file.name for file in Path(path).parent.glob("*.toml")]
        message = f"a recipe is a file that ends in .toml, got {path!r}"
        raise click.UsageError(f"{message}{nearest(Path(path).name, known)}")
    return recipe
