"""``memmpy skim``: copy what a training needs of a store into packed rows."""

from dataclasses import dataclass
from pathlib import Path

import click

from memmpy.cli.options import (
    WorkFlags,
    as_one,
    name_options,
    pad_option,
    splits_options,
    work_options,
)
from memmpy.cli.parsing import pads_of, pairs_of, words_of
from memmpy.cuts import Constant
from memmpy.parallel import Work
from memmpy.skims import skim as do_skim
from memmpy.splits import Splits

__all__ = ["skim"]


@dataclass(frozen=True, slots=True)
class _RowWords:
    """The content of the rows, as typed."""

    keys: tuple[str, ...]
    pad: tuple[str, ...]
    group: tuple[str, ...]
    dtype: tuple[str, ...]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@as_one(
    "rows",
    _RowWords,
    click.option(
        "--keys", "-k", multiple=True, help="Columns that batches hold, joined by commas."
    ),
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
        help="The dtype of a group whose keys differ in theirs, such as event=float32.",
    ),
)
@click.option("--cut", help="Which entries, such as 'nJets >= 6'.")
@name_options
@splits_options
@click.option("--recreate", is_flag=True, help="Make it again.")
@work_options
def skim(
    *,
    store: Path,
    rows: _RowWords,
    cut: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    splits: Splits | None,
    recreate: bool,
    work: WorkFlags,
) -> None:
    """Copy what a training needs of STORE into packed rows, in random order.

    It is kept in the store and used again until something changes that it depends on.

    \b
      memmpy skim data.mmpy --keys weight --pad jet_pt:22:nan,jet_eta:22:nan \\
          --group jets=jet_pt,jet_eta --group event=met,HT --cut 'nJets >= 6'
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.cli.cluster import open_executor

    if not (rows.keys or rows.pad or rows.group):
        what = "--keys met, --pad jet_pt:22:nan or --group event=met,HT"
        raise click.UsageError(f"say what the skim holds: {what}")
    groups = pairs_of(rows.group, option="--group", example="jets=jet_pt,jet_eta")
    padded, renamed = pads_of(rows.pad)
    if renamed:
        raise click.UsageError("a skim renames no columns: --pad takes key:length:fill")
    aliases, constants = names
    with open_executor(num_processes=work.workers, address=work.dask) as executor:
        made = do_skim(
            store,
            keys=words_of(rows.keys),
            keys_padded=padded,
            groups={name: words_of([text]) for name, text in groups.items()},
            cut=cut,
            aliases=aliases,
            constants=constants,
            dtype=pairs_of(rows.dtype, option="--dtype", example="event=float32") or None,
            splits=splits,
            recreate=recreate,
            progress=work.progress,
            work=Work(executor),
        )
    if not work.quiet:
        click.echo(made)
