"""``memmpy demo``: train on toy events, or convert and load the files of the user."""

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
@click.option("--events", type=click.IntRange(min=100), default=50_000, help="Toy events per file.")
@click.option("--seed", type=click.IntRange(min=0), default=1, help="The seed of the toy events.")
@click.option("--batch-size", type=click.IntRange(min=1), default=512, help="Events per batch.")
def demo(
    *,
    file_options: _FileOptions,
    cut: str | None,
    out: Path,
    events: int,
    seed: int,
    batch_size: int,
) -> None:
    """Train on toy events in seconds, or load your own ROOT files.

    Without --files, memmpy writes toy collision events, converts them, applies a cut, trains a
    small network on five folds, and prints the Python that does the same. With --files, it
    converts some branches and loads batches. A second run takes all events from the cache.
    """
    from rich.console import Console

    from memmpy.demo import run_files, run_toys

    if bool(file_options.paths) != file_options.files:
        message = "name ROOT files with --files: memmpy demo --files A.root B.root --tree T"
        raise click.UsageError(message)
    if not file_options.files and (file_options.tree or file_options.keys):
        raise click.UsageError("--tree and --keys need --files")
    if not file_options.files:
        run_toys(
            out, num_events=events, seed=seed, cut=cut, batch_size=batch_size, console=Console()
        )
        return
    run_files(
        out,
        file_options.paths,
        tree=file_options.tree,
        keys=None if file_options.keys is None else split_at_commas([file_options.keys]),
        cut=cut,
        batch_size=batch_size,
        console=Console(),
    )
