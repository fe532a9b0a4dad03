"""``memmpy report``: write a page on a store or a training set."""

from pathlib import Path

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    join_options,
    keys_option,
    quiet_option,
    signal_option,
    store_argument,
)
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_written

__all__ = ["report"]


def _flow_options(
    cut: tuple[str, ...], signal: tuple[str, ...]
) -> tuple[str | tuple[str, ...] | None, tuple[str, ...] | None]:
    """Return the steps and the signal of a cut-flow; a single cut is split at its &&."""
    return (cut[0] if len(cut) == 1 else cut or None), signal or None


@click.command()
@store_argument
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    help="The page; it is replaced.",
)
@keys_option
@join_options(
    "flow",
    _flow_options,
    click.option("--cut", multiple=True, metavar="EXPR", help="A step of a cut-flow; repeatable."),
    signal_option,
)
@entry_options("weight")
@click.option("--check/--no-check", default=True, help="Look for data that spoil a training.")
@quiet_option
def report(
    *,
    store: str,
    out: Path,
    keys: list[str],
    flow: tuple[str | tuple[str, ...] | None, tuple[str, ...] | None],
    entries: EntryOptions,
    check: bool,
    quiet: bool,
) -> None:
    """Write a page that shows what is in STORE.

    The page has histograms of all keys, processes, weights, findings, cut-flow and sources. It is
    one file for any browser, and needs no network.

    Of a recipe with [training.inputs], it shows the training set, too.
    """
    from memmpy.report import check_report_path, write_report

    check_report_path(out)
    (cut, signal), progress = flow, False if quiet else None
    choice = find_store(store, entries)
    page = write_report(
        choice.open_data(progress=progress),
        out,
        keys=keys or None,
        cut=cut,
        weight=entries.weight,
        signal=signal,
        **choice.entries.names,
        check=check,
        progress=progress,
    )
    if not quiet:
        print_written(page)
