"""``memmpy demo``: the main job, on toy events or on the user's own files."""

from dataclasses import dataclass
from pathlib import Path

import click

from memmpy.cli.options import as_one
from memmpy.cli.parsing import words_of

__all__ = ["demo"]


@dataclass(frozen=True, slots=True)
class _OwnFiles:
    """The files of the user, as typed."""

    files: bool
    paths: tuple[str, ...]
    tree: str | None
    keys: str | None


@click.command()
@as_one(
    "own",
    _OwnFiles,
    click.option("--files", is_flag=True, help="Use the ROOT files PATHS, not toy events."),
    click.argument("paths", nargs=-1, type=click.Path()),
    click.option("--tree", help="The tree of those files; not needed where each has one only."),
    click.option(
        "--keys", help="Branches to convert, joined by commas; numbers and lists by default."
    ),
)
@click.option("--cut", help="Which events to load, such as 'nJets >= 6 & nBTags_77 >= 2'.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("memmpy_demo"),
    help="Where files and store are kept.",
)
@click.option("--events", default=50_000, help="Toy events of each file.")
@click.option("--seed", default=1, help="Seed of the toy events.")
@click.option("--batch-size", default=128, help="Events of a batch.")
def demo(
    *,
    own: _OwnFiles,
    cut: str | None,
    out: Path,
    events: int,
    seed: int,
    batch_size: int,
) -> None:
    """Convert ROOT files, cut, and load shuffled batches.

    Without --files it first writes toy collision events of two processes and two years. A second
    run takes everything from the cache.
    """
    from rich.console import Console

    from memmpy.demo import file_setup, run, toy_setup

    if bool(own.paths) != own.files:
        message = "name ROOT files with --files: memmpy demo --files A.root B.root --tree T"
        raise click.UsageError(message)
    if not own.files and (own.tree or own.keys):
        raise click.UsageError("--tree and --keys go with --files")
    console = Console()
    if own.files:
        key_names = None if own.keys is None else words_of([own.keys])
        setup = file_setup(out, own.paths, tree=own.tree, keys=key_names, cut=cut)
    else:
        setup = toy_setup(out, num_events=events, seed=seed, cut=cut, console=console)
    run(setup, batch_size=batch_size, console=console)
