"""``memmpy cutflow``: count the entries that each step of a cut leaves."""

import json
from pathlib import Path

import click

from memmpy.cli.options import complete_keys, name_options
from memmpy.cuts import Constant
from memmpy.cuts import cutflow as count

__all__ = ["cutflow"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("cuts", metavar="CUT...", nargs=-1, required=True)
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
@name_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def cutflow(
    *,
    store: Path,
    cuts: tuple[str, ...],
    by: tuple[str, ...],
    weight: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    as_json: bool,
) -> None:
    """Count the entries of STORE that each CUT leaves.

    An entry passes a step if it passes this CUT and all CUTs before it. A single CUT is split at
    its &&: each condition is a step.

    Put cuts in single quotes, because the shell interprets characters such as $ ! > < & |. Write --
    before a cut that begins with a minus.
    """
    from rich.console import Console

    aliases, constants = names
    flow = count(
        store,
        cuts[0] if len(cuts) == 1 else cuts,
        by=by,
        weight=weight,
        aliases=aliases,
        constants=constants,
    )
    if as_json:
        click.echo(json.dumps(flow.to_dict(), indent=2))
    else:
        Console().print(flow)
