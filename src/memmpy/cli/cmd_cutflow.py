"""``memmpy cutflow``: count the entries that each step of a cut leaves."""

import json
from pathlib import Path

import click

from memmpy.cli.options import complete_keys, json_option, name_options
from memmpy.cli.recipes import find_recipe
from memmpy.cuts import Constant
from memmpy.cuts import cutflow as count

__all__ = ["cutflow"]


@click.command()
@click.argument("store")
@click.argument("cuts", metavar="CUT...", nargs=-1)
@click.option(
    "--by",
    multiple=True,
    shell_complete=complete_keys,
    help="A column to group by, such as process; repeatable.",
)
@click.option(
    "--weight",
    shell_complete=complete_keys,
    help="The weight of an entry, such as weight or 'weight * 0.5'.",
)
@click.option("--signal", multiple=True, help="A group that is signal: show S/B; repeatable.")
@name_options
@click.option("--latex", is_flag=True, help="Print a table for LaTeX, with rules of booktabs.")
@json_option
def cutflow(
    *,
    store: str,
    cuts: tuple[str, ...],
    by: tuple[str, ...],
    weight: str | None,
    signal: tuple[str, ...],
    names: tuple[dict[str, str], dict[str, Constant]],
    latex: bool,
    as_json: bool,
) -> None:
    """Count the entries of STORE that each CUT leaves.

    An entry passes a step if it passes this CUT and all CUTs before it. A single CUT is split at
    its &&: each condition is a step.

    Put cuts in single quotes, because the shell interprets characters such as $ ! > < & |. Write --
    before a cut that begins with a minus.

    Of a recipe, a file in TOML, it takes the store and the names of the training set; without a
    CUT, the cut of the training set.
    """
    from rich.console import Console

    aliases, constants = names
    path = Path(store)
    if recipe := find_recipe([store]):
        path, training = recipe.store_path(), recipe.training
        if training is not None:
            aliases = {**(training.aliases or {}), **aliases}
            constants = {**(training.constants or {}), **constants}
            cuts = cuts or (() if training.cut is None else (training.cut,))
    if not cuts:
        raise click.UsageError("name a CUT, such as 'njets > 2 && met > 50'")
    flow = count(
        path,
        cuts[0] if len(cuts) == 1 else cuts,
        by=by,
        weight=weight,
        signal=signal or None,
        aliases=aliases,
        constants=constants,
    )
    if as_json:
        click.echo(json.dumps(flow.to_dict(), indent=2))
    elif latex:
        click.echo(flow.to_latex(), nl=False)
    else:
        Console().print(flow)
