"""``memmpy check``: find data that would spoil a training."""

import json
import sys
from pathlib import Path

import click

from memmpy.cli.options import json_option
from memmpy.cli.recipes import find_recipe
from memmpy.cli.statuses import FAILED

__all__ = ["check"]


@click.command()
@click.argument("store")
@json_option
def check(*, store: str, as_json: bool) -> None:
    """Find repeated events, odd values and unsafe splits in STORE.

    Of a recipe, a file in TOML, it checks the inputs, labels and weights of the training set.

    The exit status is 1 if a finding is an error, and 0 if there are only warnings.
    """
    from rich.console import Console

    from memmpy.dataset import Store
    from memmpy.parallel import Work

    recipe = find_recipe([store])
    if recipe is None:
        audit = Store(Path(store)).check()
    else:
        audit = recipe.training_set(None, work=Work(), progress=None).check()
    if as_json:
        click.echo(json.dumps(audit.to_dict(), indent=2))
    else:
        Console().print(audit)
    if audit.level == "error":
        sys.exit(FAILED)
