"""What a report shows of a store: facts, processes, cut-flow, skims, source files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from memmpy.cuts import CutFlow
from memmpy.dataset import Store, StoreInfo, process_keys
from memmpy.display import (
    Table,
    format_count,
    format_measured,
    format_number,
    format_share,
    format_size,
)
from memmpy.report.chart_rows import ClassCuts
from memmpy.report.report_data import Panel, Section
from memmpy.store import tree_name

__all__ = ["StoreSummary", "cutflow_section", "skim_sections", "sources_section"]

#: Rows of the table of files at most.
_NUM_FILES = 500


@final
@dataclass(frozen=True, slots=True)
class StoreSummary:
    """A store, what is in it, and the sums of weights of its processes.

    Parameters
    ----------
    store : Store
        The store.
    info : StoreInfo
        What is in it.
    by : tuple of str
        The columns that tell the process.
    weights : CutFlow or None
        All entries, and those with a negative weight, by process; None without a weight.
    """

    store: Store
    info: StoreInfo
    by: tuple[str, ...]
    weights: CutFlow | None

    @classmethod
    def of(cls, store: Store, cuts: ClassCuts) -> "StoreSummary":
        """Return the summary of a store; without a weight, with that of its training sets."""
        info = store.info()
        by = tuple(key for key in process_keys(store.snapshot.metadata) if key in store)
        weight = info.weight if cuts.weight is None else cuts.weight
        summary = cls(store, info, by, None)
        if weight is None:
            return summary
        flow = store.cutflow(
            [f"({weight}) < 0"],
            by=by,
            weight=weight,
            aliases=cuts.aliases,
            constants=cuts.constants,
        )
        return cls(store, info, by, flow)

    @property
    def weight(self) -> str | None:
        """The weight of an entry."""
        return None if self.weights is None else self.weights.weight

    @property
    def sizes(self) -> dict[str, int]:
        """The entries of each process."""
        return {one.name: one.num_entries for one in self.info.processes}

    def cutflow(
        self, cut: str | Sequence[str], cuts: ClassCuts, signal: str | Sequence[str] | None
    ) -> CutFlow:
        """Return the cut-flow by process, with S/B if a signal is named."""
        return self.store.cutflow(
            cut,
            by=self.by,
            weight=cuts.weight,
            aliases=cuts.aliases,
            constants=cuts.constants,
            signal=signal,
        )

    def facts(self) -> list[tuple[str, str, str]]:
        """Return the most important numbers: label, value, remark."""
        info, columns = self.info, self.store.columns()
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
        if self.weights is not None:
            total = self.weights.total()
            value = format_measured(float(total.sums[0, 0]), float(total.errors[0, 0]))
            facts.append(("Sum of weights", value, self.weights.weight or ""))
        return facts

    def process_table(self) -> Table:
        """Return the processes with their entries and weights."""
        info, flow = self.info, self.weights
        names = list(dict.fromkeys(name for one in info.processes for name in one.numbers))
        headings = ["process", "entries", "share", "files"]
        caption = ""
        if flow is not None:
            headings += ["sum of weights", "effective entries", "negative weights"]
            caption = f"weight: {flow.weight}\neffective entries: (sum w)\u00b2 / sum w\u00b2"
        rows = []
        for one in info.processes:
            share = format_share(one.num_entries, info.num_entries) if info.num_entries else "-"
            row = [one.name, f"{one.num_entries:,}", share, f"{one.num_files:,}"]
            if flow is not None:
                row += _weight_cells(flow, flow.groups.index(one.name))
            rows.append([*row, *(_range(one.numbers.get(name, ())) for name in names)])
        return Table([*headings, *names], 1, [rows], caption)


def _weight_cells(flow: CutFlow, group: int) -> list[str]:
    total, error = float(flow.sums[0, group]), float(flow.errors[0, group])
    num, num_negative = int(flow.counts[0, group]), int(flow.counts[1, group])
    effective = f"{(total / error) ** 2:,.0f}" if error > 0 else "-"
    share = format_share(num_negative, num) if num_negative else "0" if num else "-"
    return [format_measured(total, error), effective, share]


def _range(values: Sequence[float]) -> str:
    if not values:
        return "-"
    first, last = format_number(values[0]), format_number(values[-1])
    return first if len(values) == 1 else f"{first} to {last}"


def cutflow_section(flow: CutFlow) -> Section:
    """Return the section of a cut-flow: steps as rows, processes as columns."""
    flows = [flow] if len(flow.groups) == 1 or flow.signal else [flow, flow.total()]
    names = [name for one in flows for name in one.groups]
    rows = []
    for i, step in enumerate(flow.steps):
        cells = [step]
        for one in flows:
            for group in range(len(one.groups)):
                share = float(one.cumulative_efficiencies[i, group])
                value = f"{one.counts[i, group]:,}"
                if flow.weight is not None:
                    value = format_measured(float(one.sums[i, group]), float(one.errors[i, group]))
                cells += [value, f"{100 * share:.3g} %" if np.isfinite(share) else "-"]
        if flow.signal:
            ratios = (float(flow.s_over_b[i]), float(flow.s_over_sqrt_b[i]))
            cells += [f"{ratio:.3g}" if np.isfinite(ratio) else "-" for ratio in ratios]
        rows.append(cells)
    headings = ["step"]
    for name in names:
        headings += [name, "left"]
    headings += ["S/B", "S/\u221aB"] if flow.signal else []
    note = "Each step counts what passes it and all steps before; left is its share of all."
    if flow.weight is not None:
        note += f" Weight: {flow.weight}."
    if flow.signal:
        note += f" Signal: {', '.join(flow.signal)}."
    return Section("cutflow", "Cut-flow", [Panel(table=Table(headings, 1, [rows]))], note)


def skim_sections(store: Store) -> Iterator[Section]:
    """Yield the section of the skims of a store, if it has any."""
    skims = store.skims
    if not skims and not skims.damaged:
        return
    outdated = {skim.path.name for skim in skims.outdated}
    rows = [
        (
            skim.path.name,
            ", ".join(key for key in (*skim.fields, *skim.lists) if key != "_index"),
            "all entries" if skim.cut is None else skim.cut,
            "outdated" if skim.path.name in outdated else "current",
            f"{len(skim):,}",
            format_size(skim.nbytes),
        )
        for skim in skims
    ]
    rows += [(name, why, "", "damaged", "-", "-") for name, why in skims.damaged.items()]
    table = Table(("skim", "holds", "cut", "state", "rows", "size"), 4, [rows])
    yield Section("skims", "Skims", [Panel(table=table)])


def sources_section(store: Store) -> Section:
    """Return the section of the files of a store."""
    splits = store.splits
    note = f"{splits}." if splits is not None else "The store has no splits yet."
    rows = []
    for source in store.sources[:_NUM_FILES]:
        names = {**source.metadata, **source.numbers.values}
        facts = ", ".join(f"{name} = {value}" for name, value in names.items())
        part = "" if source.num_entries == source.tree_entries else f" of {source.tree_entries:,}"
        rows.append(
            (
                source.path,
                tree_name(source),
                facts,
                f"{source.num_entries:,}{part}",
                format_size(source.size),
            )
        )
    num_more = len(store.sources) - len(rows)
    caption = f"and {format_count(num_more, 'more tree')}" if num_more > 0 else ""
    if not rows:
        return Section("sources", "Sources", [], f"No files fill this store. {note}")
    headings = ("file", "tree", "metadata", "entries", "size")
    return Section("sources", "Sources", [Panel(table=Table(headings, 3, [rows], caption))], note)
