"""What a report shows of a store: facts, cut-flow, skims, source files."""

from collections.abc import Iterator

from memmpy.cuts import CutFlow
from memmpy.dataset import Store, StoreInfo
from memmpy.display import Table, format_measured, format_size
from memmpy.report.report_data import Panel, Section
from memmpy.store import tree_name

__all__ = ["cutflow_section", "facts_of", "skim_sections", "sources_section"]


def facts_of(store: Store, info: StoreInfo) -> list[tuple[str, str, str]]:
    """Return the most important numbers: label, value, remark."""
    columns = store.columns()
    num_added = sum(column.origin.startswith("added") for column in columns)
    num_written = sum(column.origin == "written" for column in columns)
    remarks = [f"{num_added:,} computed"] if num_added else []
    remarks += [f"{num_written:,} written by hand"] if num_written else []
    num_gone = len(info.files.changed) + len(info.files.missing)
    gone = f"{num_gone:,} changed or missing now" if num_gone else ""
    facts = [
        ("Entries", f"{info.num_entries:,}", ""),
        ("Processes", f"{len(info.processes):,}", ""),
        ("Keys", f"{len(columns):,}", ", ".join(remarks)),
        ("Files", f"{info.files.num:,}", gone),
        ("Size on disk", format_size(sum(info.num_bytes.values())), ""),
    ]
    if info.weight is not None:
        total = info.total
        value = format_measured(total.sum_of_weights or 0.0, total.error or 0.0)
        facts.append(("Sum of weights", value, info.weight))
    return facts


def cutflow_section(flow: CutFlow) -> Section:
    """Return the section of a cut-flow."""
    note = f"Signal: {', '.join(flow.signal)}." if flow.signal else ""
    return Section("cutflow", "Cut-flow", [Panel(table=flow.table())], note)


def skim_sections(store: Store) -> Iterator[Section]:
    """Yield the section of the skims of a store, if it has any."""
    skims = store.skims
    if skims or skims.damaged:
        note = " ".join(f"{name}: {why}." for name, why in skims.damaged.items())
        yield Section("skims", "Skims", [Panel(table=skims.table())], note)


def sources_section(store: Store) -> Section:
    """Return the section of the files of a store."""
    splits = store.splits
    note = f"{splits}." if splits is not None else "The store has no splits yet."
    rows = []
    for source in store.sources:
        names = {**source.metadata, **source.numbers.values}
        facts = ", ".join(f"{name} = {value}" for name, value in names.items())
        part = "" if source.num_entries == source.tree_entries else f" of {source.tree_entries:,}"
        entries = f"{source.num_entries:,}{part}"
        rows.append((source.path, tree_name(source), facts, entries, format_size(source.size)))
    if not rows:
        return Section("sources", "Sources", [], f"No files fill this store. {note}")
    headings = ("file", "tree", "metadata", "entries", "size")
    return Section("sources", "Sources", [Panel(table=Table(headings, 3, [rows]))], note)
