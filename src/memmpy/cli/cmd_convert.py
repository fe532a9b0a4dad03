"""``memmpy convert``: make columns of files, or print what would be done."""

import sys
import time
from functools import partial
from pathlib import Path

import click

from memmpy.cli.options import pad_option, splits_options, work_options
from memmpy.cli.statuses import INTERRUPTED

__all__ = ["convert"]


@click.command()
@click.argument("files", nargs=-1, metavar="[FILES]...")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The store; made if missing."
)
@click.option(
    "--keys",
    "-k",
    multiple=True,
    help="Branches, joined by commas; patterns in quotes ('Jet_*'); new=branch renames.",
)
@pad_option
@click.option(
    "--alias",
    multiple=True,
    metavar="NAME=EXPR",
    help="A name for an expression, such as 'met_gev=met*0.001'; ask for it with --keys or --pad.",
)
@click.option(
    "--dtype", multiple=True, metavar="KEY=DTYPE", help="How to store a key, such as met=float16."
)
@click.option("--tree", help="The tree of the files; not needed where each has one only.")
@click.option(
    "--metadata",
    multiple=True,
    metavar="NAME=TEXT",
    help="What belongs to all events of FILES, such as process=ttH.",
)
@click.option(
    "--missing",
    multiple=True,
    metavar="BRANCH=VALUE",
    help="What stands for a missing value of a branch, such as run=-1; [] for an empty list.",
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="A JSON list of groups of files, each with path, tree and so on, instead of FILES.",
)
@click.option("--entry-start", default=0, help="The first entry to take of each file.")
@click.option("--entry-stop", type=int, help="One more than the last entry to take of each file.")
@splits_options
@click.option("--recreate", is_flag=True, help="Read everything again.")
@click.option("--dry-run", "-n", is_flag=True, help="Print what would be done and why; do nothing.")
@click.option(
    "--step-bytes", type=int, help="Decompressed bytes that a worker has in memory at a time."
)
@work_options
def convert(
    *,
    files: tuple[str, ...],
    out: Path,
    keys: tuple[str, ...],
    pad: tuple[str, ...],
    alias: tuple[str, ...],
    dtype: tuple[str, ...],
    tree: str | None,
    metadata: tuple[str, ...],
    missing: tuple[str, ...],
    config: Path | None,
    entry_start: int,
    entry_stop: int | None,
    by: tuple[str, ...],
    num_folds: int | None,
    val: float | None,
    split_seed: int | None,
    recreate: bool,
    dry_run: bool,
    step_bytes: int | None,
    workers: int | None,
    dask: str | None,
    quiet: bool,
) -> None:
    """Make columns of ROOT, Parquet or HDF5 FILES, and say what was done and why.

    Only what is missing or stale is read. Interrupted, the same command goes on from there.

    FILES may be patterns and URLs. What to convert may be joined by commas, or repeated:

    \b
      memmpy convert 'ttH_*.root' --out data.mmpy --tree nominal --metadata process=ttH \\
          --keys nJets,met --keys 'el_*' --pad jet_pt:22:nan --dry-run
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from rich.console import Console

    from memmpy.cli.cluster import open_executor
    from memmpy.cli.parsing import (
        fills_of,
        joined,
        keys_of,
        pads_of,
        pairs_of,
        read_groups,
        splits_of,
    )
    from memmpy.conversion import STEP_BYTES, Plan, RFileConfig, plan_conversion
    from memmpy.conversion import convert as do_convert

    if bool(files) == (config is not None):
        raise click.UsageError("name FILES, or a file that lists them with --config")
    if not (keys or pad):
        raise click.UsageError("say what to convert: --keys met,'jet_*' or --pad jet_pt:22:nan")
    texts = pairs_of(metadata, option="--metadata", example="process=ttH")
    entries, fills = (entry_start, entry_stop), fills_of(missing)
    if config is None:
        groups = [RFileConfig(file, tree, texts, *entries, fills) for file in files]
    else:
        groups = read_groups(config, tree=tree, metadata=texts, entries=entries, missing=fills)
    wanted, renamed = keys_of(keys)
    padded, more = pads_of(pad)
    named = pairs_of(alias, option="--alias", example="met_gev=met*0.001")
    run = partial(
        plan_conversion if dry_run else partial(do_convert, progress=False if quiet else None),
        groups,
        out,
        keys=wanted,
        keys_padded=padded,
        aliases=joined(named, [renamed, more], keys=[*wanted, *padded]),
        dtypes=pairs_of(dtype, option="--dtype", example="met=float16"),
        splits=splits_of(by, num_folds=num_folds, val=val, seed=split_seed),
        recreate=recreate,
        step_bytes=STEP_BYTES if step_bytes is None else step_bytes,
    )
    start = time.perf_counter()
    try:
        with open_executor(num_processes=workers, address=dask) as executor:
            done = run(executor=executor)
    except KeyboardInterrupt:
        click.echo(f"memmpy: interrupted; {_kept(out)}", err=True)
        sys.exit(INTERRUPTED)
    if not quiet:
        is_plan = isinstance(done, Plan)
        Console().print(done if is_plan else done.report(seconds=time.perf_counter() - start))


def _kept(store: Path) -> str:
    """Say what is left of a conversion that was interrupted."""
    from memmpy.store import Unfinished

    unfinished = Unfinished(store)
    if unfinished.is_empty():
        return f"{str(store)!r} is as it was"
    return f"what was read is kept in {str(unfinished.directory)!r}: run the same again to go on"
