"""``memmpy export``: write columns of a store to a Parquet, HDF5 or ROOT file."""

from pathlib import Path

import click

from memmpy.cli.options import (
    EntryOptions,
    entry_options,
    json_option,
    keys_option,
    quiet_option,
    store_argument,
)
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_json

__all__ = ["export"]


@click.command()
@store_argument
@click.option(
    "--out",
    "-o",
    required=True,
    type=click.Path(path_type=Path),
    help="The file; its suffix is .parquet, .pq, .h5, .hdf5 or .root.",
)
@keys_option
@entry_options("cut")
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
@quiet_option
@json_option
def export(
    *,
    store: str,
    out: Path,
    keys: list[str],
    entries: EntryOptions,
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Write columns of STORE to a Parquet, HDF5 or ROOT file.

    It writes all columns by default, and all entries. Names of the metadata become texts.

    \b
      memmpy export data.mmpy -o out.parquet --keys 'met,jet_*' --cut 'nJets >= 6'
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from memmpy.display import printable

    choice = find_store(store, entries)
    file = choice.open_store().export(
        out,
        keys=keys or None,
        cut=entries.cut,
        **choice.entries.names,
        overwrite=overwrite,
        progress=False if quiet else None,
    )
    if as_json:
        facts = {"path": str(file.path), "keys": file.keys, "num_entries": file.num_entries}
        print_json(facts)
    elif not quiet:
        click.echo(printable(str(file)))
