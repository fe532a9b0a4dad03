"""``memmpy check``: find data that would spoil a training."""

import json
import sys
from pathlib import Path

import click

from memmpy.cli.statuses import FAILED

__all__ = ["check"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def check(*, store: Path, as_json: bool) -> None:
    """Find repeated events, odd values and unsafe splits in STORE.

    The exit status is 1 if a finding is an error, and 0 if there are only warnings.
    """
    from rich.console import Console

    from memmpy.dataset import Store

    audit = Store(store).check()
    if as_json:
        click.echo(json.dumps(audit.to_dict(), indent=2))
    else:
        Console().print(audit)
    if audit.level == "error":
        sys.exit(FAILED)
