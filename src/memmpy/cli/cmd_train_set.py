"""``memmpy train-set``: make the training set of a recipe, and print its table."""

from pathlib import Path

import click

from memmpy.cli.options import WorkFlags, json_option, store_option, work_options
from memmpy.cli.recipes import need_recipe
from memmpy.cli.results import print_json

__all__ = ["train_set"]


@click.command("train-set")
@click.argument("recipe")
@store_option
@json_option
@work_options
def train_set(*, recipe: str, store: Path | None, as_json: bool, work: WorkFlags) -> None:
    """Make the training set of RECIPE, such as data.toml.

    memmpy converts the files, packs the events that pass the cut, and fits all folds. It skips what
    is up to date. In Python, memmpy.training_set("data.toml") returns the same training set.
    """
    from rich.console import Console

    from memmpy.cli.cluster import open_executor
    from memmpy.display import quiet
    from memmpy.parallel import Work

    content = need_recipe(recipe)
    with quiet(when=work.quiet), open_executor(work) as executor:
        data = content.training_set(store, work=Work(executor), progress=work.progress)
        folds = data.splits.num_folds
        fits = [data.fit(fold) for fold in ([None] if folds is None else range(folds))]
    if as_json:
        document = {
            "store": str(data.path),
            "skim": data.skim.path.name,
            "num_events": len(data),
            "classes": data.classes,
            "inputs": data.inputs,
            "splits": data.splits.to_json(),
            "fits": [fit.to_json() for fit in fits],
        }
        print_json(document)
    elif not work.quiet:
        Console().print(data)
