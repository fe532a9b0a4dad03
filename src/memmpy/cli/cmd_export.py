"""``memmpy export``: write columns of a store to a Parquet, HDF5 or ROOT file."""

import json
from pathlib import Path

import click

from memmpy.cli.options import json_option, keys_option, name_options
from memmpy.cli.parsing import split_at_commas
from memmpy.cuts import Constant

__all__ = ["export"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="The file; its suffix is .parquet, .pq, .h5, .hdf5 or .root.",
)
@keys_option
@click.option("--cut", help="The entries to write, such as 'nJets >= 6'.")
@name_options
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@click.option("--quiet", "-q", is_flag=True, help="Print only errors.")
@json_option
def export(
    *,
    store: Path,
    out: Path,
    keys: tuple[str, ...],
    cut: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write columns of STORE to a Parquet, HDF5 or ROOT file.

    It writes all columns by default, and all entries. Names of the metadata become texts.

    \b
      memmpy export data.mmpy -o out.parquet --keys 'met,jet_*' --cut 'nJets >= 6'
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.dataset import Store

    aliases, constants = names
    file = Store(store).export(
        out,
        keys=split_at_commas(keys) if keys else None,
        cut=cut,
        aliases=aliases,
        constants=constants,
        overwrite=overwrite,
        progress=False if quiet else None,
    )
    if as_json:
        facts = {"path": str(file.path), "keys": file.keys, "num_entries": file.num_entries}
        click.echo(json.dumps(facts, indent=2))
    elif not quiet:
        click.echo(file)
