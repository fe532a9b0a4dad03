"""``memmpy cut``: select the entries that pass a cut, or list the selections that a store keeps."""

import json
import sys
from pathlib import Path

import click

from memmpy.cli.options import json_option, name_options
from memmpy.cuts import Constant

__all__ = ["cut"]


@click.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.argument("text", metavar="[CUT]", required=False)
@name_options
@click.option("--entries", "show_entries", is_flag=True, help="Print the numbers of the entries.")
@json_option
def cut(
    *,
    store: Path,
    text: str | None,
    names: tuple[dict[str, str], dict[str, Constant]],
    show_entries: bool,
    as_json: bool,
) -> None:
    """Select the entries of STORE that pass CUT, or list the kept ones.

    The store keeps the selection, and the next use of the same cut takes it from there. memmpy
    cutflow counts what each condition of a cut leaves.

    \b
      memmpy cut data.mmpy 'nJets >= 6 && process == "ttH"'
      memmpy cut data.mmpy                     # the selections that the store keeps
    """  # noqa: D301 - click keeps the lines of a paragraph that begins with \b
    from rich.console import Console

    from memmpy.cuts import keys_of, read_cut
    from memmpy.dataset import Store
    from memmpy.display import format_count, format_share, printable

    opened = Store(store)
    if text is None:
        if show_entries or any(names):
            raise click.UsageError("name a CUT, such as 'njets > 2 && met > 50'")
        if as_json:
            click.echo(json.dumps(opened.cuts.to_dict(), indent=2))
        else:
            Console().print(opened.cuts)
        return
    aliases, constants = names
    entries = opened.cut(text, aliases=aliases, constants=constants)
    if show_entries and not as_json:
        for entry in entries.tolist():
            sys.stdout.write(f"{entry}\n")
        return
    keys = keys_of(read_cut(text, aliases=aliases, constants=constants)) or set(opened)
    num_entries = len(opened[min(keys)])
    if as_json:
        facts = {"cut": text, "num_passing": len(entries), "num_entries": num_entries}
        more = {"entries": entries.tolist()} if show_entries else {}
        click.echo(json.dumps(facts | more, indent=2))
        return
    share = f": {format_share(len(entries), num_entries)}" if num_entries else ""
    of_all = format_count(num_entries, "entry", "entries")
    click.echo(printable(f"{len(entries):,} of {of_all} pass {text}{share}"))
