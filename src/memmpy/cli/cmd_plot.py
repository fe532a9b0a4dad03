"""``memmpy plot``: draw a store, a cut-flow or a training set to a file, one verb a picture."""

import click

from memmpy.cli.cmd_plot_cutflow import cutflow
from memmpy.cli.cmd_plot_hist import hist
from memmpy.cli.cmd_plot_training import TRAINING_PLOTS

__all__ = ["plot"]


@click.group()
def plot() -> None:
    """Draw a picture to a file: .png, .pdf or .svg.

    It needs the packages of memmpy[plot], and opens no window.
    """


_picture: click.Command
for _picture in (cutflow, hist, *TRAINING_PLOTS):
    plot.add_command(_picture)
