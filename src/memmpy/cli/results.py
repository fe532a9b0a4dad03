"""Prints the result of a verb, as text or as JSON."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import click

from memmpy.display import printable

__all__ = ["Result", "print_json", "print_result", "print_written"]


class Result(Protocol):
    """What a verb reports: rich draws it, and it has JSON values."""

    def to_dict(self) -> Mapping[str, Any]:
        """Return it as JSON values."""


def print_json(values: Mapping[str, Any]) -> None:
    """Print JSON values."""
    click.echo(json.dumps(values, indent=2))


def print_result(result: Result, *, as_json: bool, quiet: bool = False) -> None:
    """Print a result: with ``--json`` its JSON values, and with ``--quiet`` nothing else."""
    if as_json:
        print_json(result.to_dict())
    elif not quiet:
        from rich.console import Console

        Console().print(result)


def print_written(path: Path | None) -> None:
    """Print the file that a verb wrote."""
    click.echo(printable(f"wrote {path}"))
