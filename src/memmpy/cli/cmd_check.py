"""``memmpy check``: find data that would spoil a training."""

import sys

import click

from memmpy.cli.options import json_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_result
from memmpy.cli.statuses import FAILED

__all__ = ["check"]


@click.command()
@store_argument
@json_option
def check(*, store: str, as_json: bool) -> None:
    """Find repeated events, odd values and unsafe splits in STORE.

    Of a recipe with [training.inputs], it checks the inputs, labels and weights of the training
    set.

    The exit status is 1 if a finding is an error, and 0 if there are only warnings.
    """
    audit = find_store(store).open_data(progress=None).check()
    print_result(audit, as_json=as_json)
    if audit.level == "error":
        sys.exit(FAILED)
