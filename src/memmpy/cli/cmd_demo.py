"""``memmpy demo``: convert, cut and load toy events or the files of the user."""

from dataclasses import dataclass
from pathlib import Path

import click

from memmpy.cli.options import join_options
from memmpy.cli.parsing import split_at_commas

__all__ = ["demo"]


@dataclass(frozen=True, slots=True)
class _FileOptions:
    """The options for the files of the user, as typed."""

    files: bool
    paths: tuple[str, ...]
    tree: str | None
    keys: str | None


@click.command()
@join_options(
    "file_options",
    _FileOptions,
    click.option("--files", is_flag=True, help="Use the ROOT files PATHS instead of toy events."),
    click.argument("paths", nargs=-1, type=click.Path()),
    click.option("--tree", help="The tree of PATHS; not needed if each file has only one."),
    click.option(
        "--keys", help="Branches to convert, joined by commas; numbers and lists by default."
    ),
)
@click.option("--cut", help="The events to load, such as 'nJets >= 6 & nBTags_77 >= 2'.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("memmpy_demo"),
    help="The directory of the files and the store.",
)
@click.option("--events", default=50_000, help="Toy events per file.")
@click.option("--seed", default=1, help="The seed of the toy events.")
@click.option("--batch-size", default=128, help="Events per batch.")
def demo(
    *,
    file_options: _FileOptions,
    cut: str | None,
    out: Path,
    events: int,
    seed: int,
    batch_size: int,
) -> None:
    """Convert, cut and load toy events, or your own ROOT files.

    Without --files, memmpy first writes toy collision events of two processes and two years. A
    second run takes everything from the cache.
    """
    from rich.console import Console

    from memmpy.demo import file_setup, run, toy_setup

    if bool(file_options.paths) != file_options.files:
        message = "name ROOT files with --files: memmpy demo --files A.root B.root --tree T"
        raise click.UsageError(message)
    if not file_options.files and (file_options.tree or file_options.keys):
        raise click.UsageError("--tree and --keys need --files")
    console = Console()
    if file_options.files:
        key_names = None if file_options.keys is None else split_at_commas([file_options.keys])
        setup = file_setup(out, file_options.paths, tree=file_options.tree, keys=key_names, cut=cut)
    else:
        setup = toy_setup(out, num_events=events, seed=seed, cut=cut, console=console)
    run(setup, batch_size=batch_size, console=console)
