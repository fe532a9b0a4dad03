"""``memmpy convert``: convert files into columns, or print the plan."""

import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memmpy.cli.options import (
    WorkFlags,
    join_options,
    json_option,
    pad_option,
    splits_options,
    work_options,
)
from memmpy.cli.parsing import (
    FileOptions,
    join_aliases,
    parse_configs,
    parse_keys,
    parse_pads,
    parse_pairs,
)
from memmpy.cli.recipes import find_recipe
from memmpy.cli.results import print_result
from memmpy.cli.statuses import INTERRUPTED

if TYPE_CHECKING:
    from memmpy.splits import Splits

__all__ = ["convert"]


@dataclass(frozen=True, slots=True)
class _ColumnOptions:
    """The options that name the columns, as typed."""

    keys: tuple[str, ...]
    pad: tuple[str, ...]
    alias: tuple[str, ...]
    dtype: tuple[str, ...]

    def parse(self) -> dict[str, Any]:
        """Return the arguments of `convert` that the options give."""
        keys, renamed = parse_keys(self.keys)
        keys_padded, renamed_padded = parse_pads(self.pad)
        aliases = parse_pairs(self.alias, option="--alias", example="met_gev=met*0.001")
        given = {
            "keys": keys,
            "keys_padded": keys_padded,
            "aliases": join_aliases(aliases, [renamed, renamed_padded]),
            "dtype": parse_pairs(self.dtype, option="--dtype", example="met=float16"),
        }
        return {name: value for name, value in given.items() if value}


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The store, created if missing; by default that of the recipe.",
)
@join_options(
    "columns",
    _ColumnOptions,
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
        help="A name for an expression, such as 'met_gev=met*0.001'; also add it to --keys or "
        "--pad.",
    ),
    click.option(
        "--dtype",
        multiple=True,
        metavar="KEY=DTYPE",
        help="The dtype of a key in the store, such as met=float16.",
    ),
)
@join_options(
    "file_options",
    FileOptions,
    click.argument(
        "files", nargs=-1, metavar="[FILES]...", type=click.Path(readable=False)
    ),  # the shell completes paths
    click.option(
        "--tree",
        multiple=True,
        metavar="NAME",
        help="The tree; not needed if each file has only one. Patterns ('syst_*'), or the option "
        "again, take several trees of each file.",
    ),
    click.option(
        "--metadata",
        multiple=True,
        metavar="NAME=TEXT",
        help="A text for all events of FILES, such as process=ttH.",
    ),
    click.option(
        "--number",
        multiple=True,
        metavar="NAME=NUMBER",
        help="A number for all events of FILES, such as xsec=1.23.",
    ),
    click.option(
        "--total",
        multiple=True,
        metavar="NAME=TREE:EXPR",
        help="A sum over all FILES before any cut, such as sum_w=Runs:genEventSumw; or the bin of "
        "a histogram, such as 'n=cutflow[1]'.",
    ),
    click.option(
        "--missing",
        multiple=True,
        metavar="BRANCH=VALUE",
        help="A replacement for missing values of a branch, such as run=-1; [] is an empty list.",
    ),
    click.option("--entry-start", type=int, help="Start at this entry of each file."),
    click.option("--entry-stop", type=int, help="Stop before this entry of each file."),
)
@splits_options
@click.option("--recreate", is_flag=True, help="Convert everything again.")
@click.option("--dry-run", "-n", is_flag=True, help="Print the plan and convert nothing.")
@click.option(
    "--step-bytes", type=int, help="Bytes of decompressed data that each worker holds in memory."
)
@work_options
@json_option
def convert(
    *,
    out: Path | None,
    columns: _ColumnOptions,
    file_options: FileOptions,
    splits: "Splits | None",
    recreate: bool,
    dry_run: bool,
    step_bytes: int | None,
    work: WorkFlags,
    as_json: bool,
) -> None:
    """Convert ROOT, Parquet or HDF5 FILES into columns.

    memmpy reads only what is missing or stale in the store, and prints a report. After an
    interruption, run the same command again: it continues where it stopped.

    FILES may be patterns and URLs. Join several keys by commas, or repeat the option:

    \b
      memmpy convert 'ttH_*.root' --out data.mmpy --tree nominal --metadata process=ttH \\
          --keys nJets,met --keys 'el_*' --pad jet_pt:22:nan --dry-run

    Or name a recipe, a file in TOML. Options override it; those of columns replace all its columns:

    \b
      memmpy convert data.toml
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.cli.cluster import open_executor
    from memmpy.conversion import convert_request, plan_request
    from memmpy.parallel import Work
    from memmpy.pipeline import columns_request

    recipe = find_recipe(file_options.files)
    if recipe is None and out is None:
        raise click.UsageError("name the store: --out data.mmpy")
    store = out if recipe is None else recipe.store_path(out)
    assert store is not None
    names: Mapping[str, Any] = columns.parse()
    training = None
    if recipe is not None and not names:
        names, training = recipe.columns, recipe.training
    if not (names.keys() & {"keys", "keys_padded"} or training):
        raise click.UsageError("name the keys: --keys met,'jet_*' or --pad jet_pt:22:nan")
    if recipe is not None and splits is None:
        splits = recipe.splits
    configs = parse_configs(file_options, None if recipe is None else recipe.input_files())
    limits = Work() if step_bytes is None else Work(step_bytes=step_bytes)
    start = time.perf_counter()
    try:
        with (
            nullcontext() if recipe is None else recipe.document.errors_at(()),
            open_executor(work) as executor,
        ):
            request = columns_request(configs, names, training, splits)
            limits = replace(limits, executor=executor)
            if dry_run:
                report = plan_request(request, store, limits, recreate=recreate).report()
            else:
                conversion = convert_request(
                    request, store, limits, recreate=recreate, progress=work.progress, check=None
                )
                report = conversion.report(seconds=time.perf_counter() - start)
    except KeyboardInterrupt:
        click.echo(f"memmpy: interrupted; {_state_of(store)}", err=True)
        sys.exit(INTERRUPTED)
    print_result(report, as_json=as_json, quiet=work.quiet)


def _state_of(store: Path) -> str:
    """Return the state of a store after an interruption, for a message."""
    from memmpy.store import Unfinished

    unfinished = Unfinished(store)
    if unfinished.is_empty():
        return f"{str(store)!r} is unchanged"
    return f"the finished part is in {str(unfinished.directory)!r}: repeat the command to continue"
