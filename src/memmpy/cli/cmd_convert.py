"""``memmpy convert``: make columns of files, or print what would be done."""

import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import click

from memmpy.cli.options import WorkFlags, as_one, pad_option, splits_options, work_options
from memmpy.cli.parsing import configs_of, joined, keys_of, pads_of, pairs_of
from memmpy.cli.statuses import INTERRUPTED
from memmpy.conversion import Plan, RFileConfig, plan_conversion
from memmpy.conversion import convert as do_convert
from memmpy.parallel import Work
from memmpy.splits import Splits
from memmpy.store import Unfinished

__all__ = ["convert"]


@dataclass(frozen=True, slots=True)
class _ColumnWords:
    """The columns to convert, as typed."""

    keys: tuple[str, ...]
    pad: tuple[str, ...]
    alias: tuple[str, ...]
    dtype: tuple[str, ...]


@click.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path), help="The store; made if missing."
)
@as_one(
    "columns",
    _ColumnWords,
    click.option(
        "--keys",
        "-k",
        multiple=True,
        help="Branches, joined by commas; patterns in quotes ('Jet_*'); new=branch renames.",
    ),
    pad_option,
    click.option(
        "--alias",
        multiple=True,
        metavar="NAME=EXPR",
        help="A name for an expression, such as 'met_gev=met*0.001'; ask for it with --keys or "
        "--pad.",
    ),
    click.option(
        "--dtype",
        multiple=True,
        metavar="KEY=DTYPE",
        help="How to store a key, such as met=float16.",
    ),
)
@as_one(
    "configs",
    configs_of,
    click.argument("files", nargs=-1, metavar="[FILES]..."),
    click.option("--tree", help="The tree of the files; not needed where each has one only."),
    click.option(
        "--metadata",
        multiple=True,
        metavar="NAME=TEXT",
        help="What belongs to all events of FILES, such as process=ttH.",
    ),
    click.option(
        "--missing",
        multiple=True,
        metavar="BRANCH=VALUE",
        help="What stands for a missing value of a branch, such as run=-1; [] for an empty list.",
    ),
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="A JSON list of groups of files, each with path, tree and so on, instead of FILES.",
    ),
    click.option("--entry-start", default=0, help="The first entry to take of each file."),
    click.option(
        "--entry-stop", type=int, help="One more than the last entry to take of each file."
    ),
)
@splits_options
@click.option("--recreate", is_flag=True, help="Read everything again.")
@click.option("--dry-run", "-n", is_flag=True, help="Print what would be done and why; do nothing.")
@click.option(
    "--step-bytes", type=int, help="Decompressed bytes that a worker has in memory at a time."
)
@work_options
def convert(
    *,
    out: Path,
    columns: _ColumnWords,
    configs: list[RFileConfig],
    splits: Splits | None,
    recreate: bool,
    dry_run: bool,
    step_bytes: int | None,
    work: WorkFlags,
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

    if not (columns.keys or columns.pad):
        raise click.UsageError("say what to convert: --keys met,'jet_*' or --pad jet_pt:22:nan")
    wanted, renamed = keys_of(columns.keys)
    padded, more = pads_of(columns.pad)
    named = pairs_of(columns.alias, option="--alias", example="met_gev=met*0.001")
    limits = Work() if step_bytes is None else Work(step_bytes=step_bytes)
    run = partial(
        plan_conversion if dry_run else partial(do_convert, progress=work.progress),
        configs,
        out,
        keys=wanted,
        keys_padded=padded,
        aliases=joined(named, [renamed, more], keys=[*wanted, *padded]),
        dtype=pairs_of(columns.dtype, option="--dtype", example="met=float16"),
        splits=splits,
        recreate=recreate,
    )
    start = time.perf_counter()
    try:
        with open_executor(num_processes=work.workers, address=work.dask) as executor:
            done = run(work=replace(limits, executor=executor))
    except KeyboardInterrupt:
        click.echo(f"memmpy: interrupted; {_kept(out)}", err=True)
        sys.exit(INTERRUPTED)
    if not work.quiet:
        is_plan = isinstance(done, Plan)
        Console().print(done if is_plan else done.report(seconds=time.perf_counter() - start))


def _kept(store: Path) -> str:
    """Say what is left of a conversion that was interrupted."""
    unfinished = Unfinished(store)
    if unfinished.is_empty():
        return f"{str(store)!r} is as it was"
    return f"what was read is kept in {str(unfinished.directory)!r}: run the same again to go on"
