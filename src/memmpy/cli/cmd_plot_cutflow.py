"""``memmpy plot cutflow``: draw the entries that each step of a cut leaves."""

from pathlib import Path

import click

from memmpy.cli.options import figure_option, name_options
from memmpy.cuts import Constant
from memmpy.cuts import cutflow as count

__all__ = ["cutflow"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("cuts", metavar="CUT...", nargs=-1, required=True)
@figure_option
@click.option("--by", multiple=True, help="A column to group by, such as process; repeatable.")
@click.option("--weight", metavar="EXPR", help="The weight of an event, such as weight.")
@click.option("--signal", multiple=True, help="A group that is signal: also draw S/√B; repeatable.")
@name_options
@click.option("--log/--linear", default=True, help="The scale of the vertical axis.")
def cutflow(
    *,
    store: Path,
    cuts: tuple[str, ...],
    out: str,
    by: tuple[str, ...],
    weight: str | None,
    signal: tuple[str, ...],
    names: tuple[dict[str, str], dict[str, Constant]],
    log: bool,
) -> None:
    """Draw the entries of STORE that each CUT leaves, as bars.

    The cuts are as for `memmpy cutflow`, which prints the numbers.
    """
    from memmpy.display import printable
    from memmpy.figures import check_figure_path

    aliases, constants = names
    path = check_figure_path(out)
    flow = count(
        store,
        cuts[0] if len(cuts) == 1 else cuts,
        by=by,
        weight=weight,
        signal=signal or None,
        aliases=aliases,
        constants=constants,
    )
    flow.plot(path, log=log)
    click.echo(printable(f"wrote {path}"))
