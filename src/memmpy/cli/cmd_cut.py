"""``memmpy cut``: select the entries that pass a cut, or list the selections that a store keeps."""

import sys

import click

from memmpy.cli.options import EntryOptions, entry_options, json_option, store_argument
from memmpy.cli.recipes import find_store
from memmpy.cli.results import print_json, print_result

__all__ = ["cut"]


@click.command()
@store_argument
@click.argument("text", metavar="[CUT]", required=False)
@entry_options()
@click.option("--entries", "show_entries", is_flag=True, help="Print the numbers of the entries.")
@json_option
def cut(
    *,
    store: str,
    text: str | None,
    entries: EntryOptions,
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
    from memmpy.cuts import keys_of, read_cut
    from memmpy.display import format_count, format_share, printable

    choice = find_store(store, entries)
    opened, names = choice.open_store(), choice.entries.names
    if text is None:
        if show_entries or entries != EntryOptions():
            raise click.UsageError("name a CUT, such as 'njets > 2 && met > 50'")
        print_result(opened.cuts, as_json=as_json)
        return
    selection = opened.cut(text, **names)
    if show_entries and not as_json:
        for entry in selection.tolist():
            sys.stdout.write(f"{entry}\n")
        return
    keys = keys_of(read_cut(text, **names)) or set(opened)
    num_entries = len(opened[min(keys)])
    if as_json:
        facts = {"cut": text, "num_passing": len(selection), "num_entries": num_entries}
        more = {"entries": selection.tolist()} if show_entries else {}
        print_json(facts | more)
        return
    share = f": {format_share(len(selection), num_entries)}" if num_entries else ""
    of_all = format_count(num_entries, "entry", "entries")
    click.echo(printable(f"{len(selection):,} of {of_all} pass {text}{share}"))
