"""``memmpy skim``: copy what a training needs of a store into packed rows."""

from pathlib import Path

import click

from memmpy.cli.options import name_options, pad_option, splits_options, work_options

__all__ = ["skim"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--keys", "-k", multiple=True, help="Columns that batches hold, joined by commas.")
@pad_option
@click.option(
    "--group",
    multiple=True,
    metavar="NAME=KEYS",
    help="An input of a network, such as jets=jet_pt,jet_eta.",
)
@click.option("--cut", help="Which entries, such as 'nJets >= 6'.")
@name_options
@click.option(
    "--dtype",
    multiple=True,
    metavar="GROUP=DTYPE",
    help="The dtype of a group whose keys differ in theirs, such as event=float32.",
)
@splits_options
@click.option("--recreate", is_flag=True, help="Make it again.")
@work_options
def skim(
    *,
    store: Path,
    keys: tuple[str, ...],
    pad: tuple[str, ...],
    group: tuple[str, ...],
    cut: str | None,
    alias: tuple[str, ...],
    constant: tuple[str, ...],
    dtype: tuple[str, ...],
    by: tuple[str, ...],
    num_folds: int | None,
    val: float | None,
    split_seed: int | None,
    recreate: bool,
    workers: int | None,
    dask: str | None,
    quiet: bool,
) -> None:
    """Copy what a training needs of STORE into packed rows, in random order.

    It is kept in the store and used again until something changes that it depends on.

    \b
      memmpy skim data.mmpy --keys weight --pad jet_pt:22:nan,jet_eta:22:nan \\
          --group jets=jet_pt,jet_eta --group event=met,HT --cut 'nJets >= 6'
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.cli.cluster import open_executor
    from memmpy.cli.parsing import aliases_of, constants_of, pads_of, pairs_of, splits_of, words_of
    from memmpy.skims import skim as make_skim

    if not (keys or pad or group):
        what = "--keys met, --pad jet_pt:22:nan or --group event=met,HT"
        raise click.UsageError(f"say what the skim holds: {what}")
    groups = pairs_of(group, option="--group", example="jets=jet_pt,jet_eta")
    padded, renamed = pads_of(pad)
    if renamed:
        raise click.UsageError("a skim renames no columns: --pad takes key:length:fill")
    with open_executor(num_processes=workers, address=dask) as executor:
        made = make_skim(
            store,
            keys=words_of(keys),
            keys_padded=padded,
            groups={name: words_of([text]) for name, text in groups.items()},
            cut=cut,
            aliases=aliases_of(alias),
            constants=constants_of(constant),
            dtype=pairs_of(dtype, option="--dtype", example="event=float32") or None,
            splits=splits_of(by, num_folds=num_folds, val=val, seed=split_seed),
            executor=executor,
            recreate=recreate,
            progress=False if quiet else None,
        )
    if not quiet:
        click.echo(made)
