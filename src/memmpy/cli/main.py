"""The command ``memmpy``: its verbs by topic, each imported when a user calls it."""

import io
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

import memmpy
from memmpy.cli.messages import errors_in_a_line, warn_of_redirect, warnings_in_a_line

__all__ = ["main"]

#: The verbs in the order of the help, with their summaries. The verb `train-set` is the function
#: `train_set` of `cmd_train_set.py`, which Python imports when a user calls the verb.
TOPICS = {
    "Look": {
        "ls": "List the trees and branches of ROOT, Parquet or HDF5 FILES.",
        "info": "Show the processes, files, columns, skims and cuts of STORE.",
        "keys": "List the keys of STORE, with type, length, size and origin.",
        "head": "Show the first events of STORE, with a row for each key.",
        "describe": "Show mean, width, extremes and distribution of the keys of STORE.",
        "plot": "Draw a picture to a file: .png, .pdf or .svg.",
        "report": "Write a page that shows what is in STORE.",
        "demo": "Train on toy events in seconds, or load your own ROOT files.",
    },
    "Convert and cut": {
        "init": "Write a draft of a recipe for FILES to stdout.",
        "convert": "Convert ROOT, Parquet or HDF5 FILES into columns.",
        "cutflow": "Count the entries of STORE that each CUT leaves.",
    },
    "Train": {
        "train-set": "Make the training set of RECIPE, such as data.toml.",
        "skim": "Copy columns of STORE into packed rows in random order.",
        "bench": "Measure how fast a store or a skim at PATH loads.",
    },
    "Care": {
        "export": "Write columns of STORE to a Parquet, HDF5 or ROOT file.",
        "check": "Find repeated events, odd values and unsafe splits in STORE.",
        "verify": "Compare the files of a store or skim with their checksums.",
        "skims": "List or remove the skims of STORE.",
        "clean": "List or remove the leftovers of killed processes in STORE.",
        "completion": "Print the script that completes commands and options in SHELL.",
    },
}


class _VerbGroup(click.Group):
    """The verbs. Prints errors and warnings of memmpy without a traceback.

    Parameters
    ----------
    topics : mapping
        The verbs of each topic, and the summary of each verb.
    **options
        The options of a `click.Group`.
    """

    def __init__(self, *, topics: Mapping[str, Mapping[str, str]], **options: Any) -> None:
        super().__init__(**options)
        self.topics = topics

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of the verbs, in the order of the help."""
        return [verb for verbs in self.topics.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a verb; None for an unknown one."""
        if cmd_name not in self.list_commands(ctx):
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"memmpy.cli.cmd_{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs of each topic, without an import."""
        width = max(map(len, self.list_commands(ctx)))
        for topic, verbs in self.topics.items():
            with formatter.section(topic):
                formatter.write_dl([(verb.ljust(width), text) for verb, text in verbs.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the verbs that begin with a text, without an import, and the options."""
        summaries = [item for verbs in self.topics.values() for item in verbs.items()]
        verbs = [CompletionItem(v, help=text) for v, text in summaries if v.startswith(incomplete)]
        return [*verbs, *click.Command.shell_complete(self, ctx, incomplete)]

    def make_context(self, *words: Any, **options: Any) -> click.Context:
        """Parse the options that stand before the verb."""
        with errors_in_a_line():
            return super().make_context(*words, **options)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a verb."""
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal may lack characters such as ±
                stream.reconfigure(errors="replace")
        with warnings_in_a_line(), errors_in_a_line():
            warn_of_redirect()
            return super().invoke(ctx)


@click.group(
    cls=_VerbGroup,
    topics=TOPICS,
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    epilog="Exit status: 0 success, 1 an error or a finding, 2 wrong usage, 130 Ctrl-C.",
)
@click.version_option(memmpy.__version__, prog_name="memmpy")
@click.pass_context
def main(context: click.Context) -> None:
    """Convert ROOT files into memory-mapped columns, and load shuffled batches for training."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
