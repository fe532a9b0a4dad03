"""The command ``memmpy``: run a verb, and print errors without a traceback."""

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
from memmpy.cli.cmd_plot import plot
from memmpy.cli.cmd_skim import skim
from memmpy.cli.cmd_skims import skims
from memmpy.cli.cmd_verify import verify
from memmpy.cli.statuses import FAILED, INTERRUPTED, USAGE_ERROR
from memmpy.display import printable
from memmpy.errors import MemmpyError, MemmpyWarning, OptionError

__all__ = ["main"]


class _VerbGroup(click.Group):
    """The verbs. Prints errors and warnings of memmpy without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal may lack characters such as ±
                stream.reconfigure(errors="replace")
        with warnings.catch_warnings():
            warnings.simplefilter("always", MemmpyWarning)
            warnings.showwarning = partial(_show_warning, warnings.showwarning)
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except MemmpyError as error:
            click.echo(printable(f"memmpy: {error}"), err=True)
            sys.exit(USAGE_ERROR if isinstance(error, OptionError) else FAILED)
        except KeyboardInterrupt:
            click.echo("\nAborted!", err=True)
            sys.exit(INTERRUPTED)


def _show_warning(
    show_other: Callable[..., None], message: Warning | str, category: type[Warning], *place: Any
) -> None:
    """Print a warning of memmpy without a line of Python code."""
    if issubclass(category, MemmpyWarning):
        click.echo(printable(f"memmpy: warning: {message}"), err=True)
    else:
        show_other(message, category, *place)


@click.group(
    cls=_VerbGroup, context_settings={"help_option_names": ["-h", "--help"], "show_default": True}
)
@click.version_option(memmpy.__version__, prog_name="memmpy")
def main() -> None:
    """Convert ROOT files into memory-mapped columns, and load shuffled batches for training."""


for verb in (bench, check, clean, convert, cutflow, demo, plot, skim, skims, verify):
    main.add_command(verb)
