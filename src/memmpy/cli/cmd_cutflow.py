"""``memmpy cutflow``: how many entries of a store each step of a cut leaves."""

import json
from pathlib import Path

import click

from memmpy.cli.options import name_options
from memmpy.cuts import Constant
from memmpy.cuts import cutflow as count

__all__ = ["cutflow"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("cuts", metavar="CUT...", nargs=-1, required=True)
@click.option("--by", multiple=True, help="Column to group by, such as process; may be repeated.")
@click.option("--weight", help="What an entry counts, such as weight or 'weight * 0.5'.")
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

    An entry passes a step if it passes that CUT and all before it. A single CUT is split where &&
    joins its conditions.

    Put cuts in single quotes: the shell takes $ and ! for itself. Write -- before a cut that begins
    with a minus.
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
