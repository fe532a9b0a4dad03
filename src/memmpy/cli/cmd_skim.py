"""``memmpy skim``: copy the inputs of a training into packed rows."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memmpy.cli.options import (
    EntryOptions,
    WorkFlags,
    entry_options,
    join_options,
    json_option,
    keys_option,
    pad_option,
    splits_options,
    work_options,
)
from memmpy.cli.parsing import parse_pads, parse_pairs, split_at_commas
from memmpy.cli.recipes import find_recipe
from memmpy.cli.results import print_json

if TYPE_CHECKING:
    from memmpy.skims import Skim
    from memmpy.splits import Splits

__all__ = ["skim"]


@dataclass(frozen=True, slots=True)
class _RowOptions:
    """The options that define the rows, as typed."""

    keys: list[str]
    pad: tuple[str, ...]
    group: tuple[str, ...]
    dtype: tuple[str, ...]


@click.command()
@click.argument("store", type=click.Path())
@join_options(
    "rows",
    _RowOptions,
    keys_option,
    pad_option,
    click.option(
        "--group",
        multiple=True,
        metavar="NAME=KEYS",
        help="An input of a network, such as jets=jet_pt,jet_eta.",
    ),
    click.option(
        "--dtype",
        multiple=True,
        metavar="GROUP=DTYPE",
        help="The dtype of a group whose keys have several dtypes, such as event=float32.",
    ),
)
@entry_options("cut")
@splits_options
@click.option("--recreate", is_flag=True, help="Rebuild a skim that is up to date.")
@work_options
@json_option
def skim(
    *,
    store: str,
    rows: _RowOptions,
    entries: EntryOptions,
    splits: "Splits | None",
    recreate: bool,
    work: WorkFlags,
    as_json: bool,
) -> None:
    """Copy columns of STORE into packed rows in random order.

    The store keeps this skim. The next run of the command rebuilds it only if one of its columns
    has changed.

    \b
      memmpy skim data.mmpy --keys weight --pad jet_pt:22:nan,jet_eta:22:nan \\
          --group jets=jet_pt,jet_eta --group event=met,HT --cut 'nJets >= 6'

    Or name a recipe, a file in TOML: its files are converted, and the skim is that of its training
    set. --cut, --alias, --constant and the options of splits override it.

    \b
      memmpy skim data.toml
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.cli.cluster import open_executor
    from memmpy.dataset import Store
    from memmpy.display import quiet
    from memmpy.parallel import Work
    from memmpy.skims import skim as do_skim

    if recipe := find_recipe([store]):
        if rows != _RowOptions([], (), (), ()) or recreate:
            message = "a recipe has the content of its skim in [training]: give no --keys, --pad, "
            raise click.UsageError(f"{message}--group, --dtype or --recreate")
        recipe = recipe.changed(splits=splits, cut=entries.cut, **entries.names)
        with quiet(when=work.quiet), open_executor(work) as executor:
            data = recipe.training_set(None, work=Work(executor), progress=work.progress)
        _show(data.skim, work, as_json=as_json)
        return
    if not (rows.keys or rows.pad or rows.group):
        options = "--keys met, --pad jet_pt:22:nan or --group event=met,HT"
        raise click.UsageError(f"name the content of the skim: {options}")
    groups = parse_pairs(rows.group, option="--group", example="jets=jet_pt,jet_eta")
    keys_padded, renamed = parse_pads(rows.pad)
    if renamed:
        raise click.UsageError("a skim cannot rename columns: --pad takes key:length:fill")
    path = Path(store)
    keys = [one.key for one in Store(path).columns(rows.keys)] if rows.keys else []
    with open_executor(work) as executor:
        result = do_skim(
            path,
            keys=keys,
            keys_padded=keys_padded,
            groups={name: split_at_commas([text]) for name, text in groups.items()},
            cut=entries.cut,
            **entries.names,
            dtype=parse_pairs(rows.dtype, option="--dtype", example="event=float32") or None,
            splits=splits,
            recreate=recreate,
            progress=work.progress,
            work=Work(executor),
        )
    _show(result, work, as_json=as_json)


def _show(skim: "Skim", work: WorkFlags, *, as_json: bool) -> None:
    if as_json:
        print_json(skim.to_dict())
    elif not work.quiet:
        click.echo(skim)
