"""``memmpy plot inputs``, ``correlations``, ``balance``, ``folds``, ``scores``: of a recipe."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from memmpy.cli.options import figure_option, store_option
from memmpy.cli.recipes import need_recipe
from memmpy.cli.results import print_written

if TYPE_CHECKING:
    from memmpy.training import TrainingSet

__all__ = ["TRAINING_PLOTS"]

_F = TypeVar("_F", bound=Callable[..., Any])


def _recipe_options(draw: Callable[..., object]) -> Callable[..., None]:
    """Add the recipe, the file of the figure, and the store in place of that of the recipe.

    The function gets the training set of the recipe, and the file.
    """

    @wraps(draw)
    def call(*, recipe: str, out: str, store: Path | None, **options: Any) -> None:
        from memmpy.figures import check_figure_path
        from memmpy.parallel import Work

        path = check_figure_path(out)
        draw(need_recipe(recipe).training_set(store, work=Work(), progress=None), path, **options)
        print_written(path)

    return click.argument("recipe")(figure_option(store_option(call)))


def _row_options(command: _F) -> _F:
    """Add the options that choose events and inputs."""
    split = click.option("--split", default="train", help="train, val, test or all.")
    inputs = click.option(
        "--input",
        "inputs",
        metavar="NAME",
        multiple=True,
        help="An input or a key to draw; repeatable. By default all.",
    )
    return split(_fold_option(inputs(command)))


_fold_option = click.option("--fold", type=int, help="The fold; by default the first one.")


@click.command()
@_recipe_options
@_row_options
@click.option("--bins", default=40, help="The number of bins.")
@click.option("--log", is_flag=True, help="Draw logarithmic vertical axes.")
def inputs(
    data: "TrainingSet",
    path: Path,
    *,
    split: str,
    fold: int | None,
    inputs: tuple[str, ...],
    bins: int,
    log: bool,
) -> None:
    """Draw the inputs of RECIPE by class.

    Each key has a panel, and one below it after scaling. RECIPE is a file such as data.toml; memmpy
    makes its training set if necessary.
    """
    histograms = data.histograms(split, fold=fold, inputs=inputs or None, bins=bins)
    histograms.plot(path, log=log)


@click.command()
@_recipe_options
@_row_options
@click.option("--by-class/--all-classes", default=True, help="A matrix for each class, or one.")
def correlations(
    data: "TrainingSet",
    path: Path,
    *,
    split: str,
    fold: int | None,
    inputs: tuple[str, ...],
    by_class: bool,
) -> None:
    """Draw the correlations of the inputs of RECIPE, in percent."""
    data.correlations(split, fold=fold, inputs=inputs or None, by_class=by_class).plot(path)


@click.command()
@_recipe_options
@_fold_option
def balance(data: "TrainingSet", path: Path, *, fold: int | None) -> None:
    """Draw the balance of classes of RECIPE.

    The bars are the events, the sums of weights and the effective events of each class and split.
    """
    data.balance(fold=fold).plot(path)


@click.command()
@_recipe_options
def folds(data: "TrainingSet", path: Path) -> None:
    """Draw the splits of each fold of RECIPE."""
    data.splits.plot(path)


@click.command()
@_recipe_options
@click.argument("friends", type=click.Path(path_type=Path))
@click.option("--signal", metavar="CLASS", help="The class to draw; by default the last one.")
@click.option("--bins", default=40, help="The number of bins.")
@click.option("--log", is_flag=True, help="Draw logarithmic densities.")
@click.option("--rejection", is_flag=True, help="Draw the background rejection.")
def scores(
    data: "TrainingSet",
    path: Path,
    *,
    friends: Path,
    signal: str | None,
    bins: int,
    log: bool,
    rejection: bool,
) -> None:
    """Draw the scores of RECIPE by class.

    FRIENDS is the directory of friend trees that scores.write_friend wrote. The ROC curve stands
    beside the scores.
    """
    collected = data.scores()
    collected.read_friend(friends)
    collected.plot(path, signal=signal, bins=bins, log=log, rejection=rejection)


#: The pictures of a training set.
TRAINING_PLOTS = (inputs, correlations, balance, folds, scores)
