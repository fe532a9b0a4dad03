"""``memmpy report``: write a page on a store or a training set."""

from pathlib import Path

import click

from memmpy.cli.options import join_options, name_options
from memmpy.cli.recipes import find_recipe
from memmpy.cuts import Constant

__all__ = ["report"]


def _flow_options(
    cut: tuple[str, ...], signal: tuple[str, ...]
) -> tuple[str | tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return the steps and the signal of a cut-flow; a single cut is split at its &&."""
    return (cut[0] if len(cut) == 1 else cut or None), signal or None


@click.command()
@click.argument("store")
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    help="The page; it is replaced.",
)
@click.option("--keys", multiple=True, help="Keys to draw, or patterns such as 'jet_*'.")
@join_options(
    "flow",
    _flow_options,
    click.option("--cut", multiple=True, help="A step of a cut-flow; repeatable."),
    click.option("--signal", multiple=True, help="A process that is signal, for S/B; repeatable."),
)
@click.option("--weight", help="The weight of an entry, such as weight or 'weight * 0.5'.")
@name_options
@click.option("--check/--no-check", default=True, help="Look for data that spoil a training.")
@click.option("--quiet", "-q", is_flag=True, help="Print only errors.")
def report(
    *,
    store: str,
    out: Path,
    keys: tuple[str, ...],
    flow: tuple[str | tuple[str, ...] | None, tuple[str, ...] | None],
    weight: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    check: bool,
    quiet: bool,
) -> None:
    """Write a page that shows what is in STORE.

    The page has histograms of all keys, processes, weights, findings, cut-flow and sources. It is
    one file for any browser, and needs no network.

    Of a recipe, a file in TOML with [training.inputs], it shows the training set, too.
    """
    from memmpy.cli.parsing import split_at_commas
    from memmpy.dataset import Store
    from memmpy.parallel import Work
    from memmpy.report import write_report
    from memmpy.training import TrainingSet

    (aliases, constants), (cut, signal) = names, flow
    progress = False if quiet else None
    recipe = find_recipe([store])
    data: Store | TrainingSet
    if recipe is None or recipe.training is None:
        data = Store(Path(store) if recipe is None else recipe.store_path())
    else:
        data = recipe.training_set(None, work=Work(), progress=progress)
    page = write_report(
        data,
        out,
        keys=split_at_commas(keys) or None,
        cut=cut,
        weight=weight,
        signal=signal,
        aliases=aliases,
        constants=constants,
        check=check,
        progress=progress,
    )
    if not quiet:
        click.echo(f"Wrote {page}")
