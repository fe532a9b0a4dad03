"""The command ``memmpy``: finds the verb, and says errors in one line."""

import io
import sys
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import click

import memmpy
from memmpy.cli.cmd_bench import bench
from memmpy.cli.cmd_check import check
from memmpy.cli.cmd_clean import clean
from memmpy.cli.cmd_convert import convert
from memmpy.cli.cmd_cutflow import cutflow
from memmpy.cli.cmd_demo import demo
from memmpy.cli.cmd_skim import skim
from memmpy.cli.cmd_skims import skims
from memmpy.cli.cmd_verify import verify
from memmpy.cli.statuses import FAILED, INTERRUPTED, MISUSED
from memmpy.display import printable
from memmpy.errors import MemmpyError, MemmpyWarning, OptionError

__all__ = ["main"]


class _Verbs(click.Group):
    """Verbs whose errors are for users: no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal may know fewer characters than ±
                stream.reconfigure(errors="replace")
        with warnings.catch_warnings():
            warnings.simplefilter("always", MemmpyWarning)
            warnings.showwarning = partial(_show, warnings.showwarning)
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MemmpyError as error:
            click.echo(printable(f"memmpy: {error}"), err=True)
            sys.exit(MISUSED if isinstance(error, OptionError) else FAILED)
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            sys.exit(INTERRUPTED)


def _show(
    others: Callable[..., None], message: Warning | str, category: type[Warning], *place: Any
) -> None:
    """Print what memmpy warns of without a line of Python."""
    if issubclass(category, MemmpyWarning):
        click.echo(printable(f"memmpy: warning: {message}"), err=True)
    else:
        others(message, category, *place)


@click.group(
    cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(memmpy.__version__, prog_name="memmpy")
def main() -> None:
    """Turn ROOT files into memory-mapped columns, and feed shuffled batches to training."""


main.add_command(bench)
main.add_command(check)
main.add_command(clean)
main.add_command(convert)
main.add_command(cutflow)
main.add_command(demo)
main.add_command(skim)
main.add_command(skims)
main.add_command(verify)
