"""`StoreInfo`: what is in a store: its processes, files, columns, splits, skims and problems."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

from memmpy.cuts import CutRecord
from memmpy.display import (
    Bar,
    Cell,
    Renderable,
    Table,
    format_count,
    format_measured,
    format_number,
    format_share,
    format_size,
    json_value,
)

__all__ = ["FileSummary", "ProcessSummary", "SkimSummary", "StoreInfo"]

#: Problems and cuts that are shown.
_MAX_SHOWN = 5
_EFFECTIVE = "effective: (sum w)^2 / sum w^2 entries"


@final
@dataclass(frozen=True, slots=True)
class ProcessSummary:
    """One process of a store.

    Attributes
    ----------
    name : str
        The metadata text ``process``, else all texts together.
    num_files, num_entries : int
        Its files, and its entries.
    sum_of_weights, error : float or None
        The sum of the weights of its entries, and its statistical error; None without a weight.
    num_negative : int or None
        Its entries with a negative weight; None without a weight.
    numbers : mapping of str to tuple of float
        By name, the different values of its numbers and totals.
    """

    name: str
    num_files: int
    num_entries: int
    sum_of_weights: float | None
    error: float | None
    num_negative: int | None
    numbers: Mapping[str, tuple[float, ...]]

    @property
    def num_effective(self) -> float:
        """The effective number of entries, ``sum(w)**2 / sum(w**2)``; 0 without weights."""
        return (self.sum_of_weights or 0.0) ** 2 / self.error**2 if self.error else 0.0


@final
@dataclass(frozen=True, slots=True)
class FileSummary:
    """The files of a store, and what became of them.

    Attributes
    ----------
    num, num_bytes : int
        The number of files, and their size when they were converted.
    changed, missing : tuple of str
        Files on this machine that are not as they were.
    num_unchecked : int
        Files on servers, and those that there was no time for.
    """

    num: int
    num_bytes: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    num_unchecked: int


@final
@dataclass(frozen=True, slots=True)
class SkimSummary:
    """One skim of a store.

    Attributes
    ----------
    name : str
        Its folder.
    num_rows, num_bytes : int
        Its rows, and its size.
    cut : str or None
        The cut that its entries pass.
    is_current : bool
        Whether it is up to date.
    num_classes : int
        The classes of a training set; 0 for other skims.
    weight : str or None
        The weight of a training set.
    """

    name: str
    num_rows: int
    num_bytes: int
    cut: str | None
    is_current: bool
    num_classes: int
    weight: str | None


@final
@dataclass(frozen=True, slots=True, repr=False)
class StoreInfo(Renderable):
    """What is in a store; ``print`` and notebooks show tables.

    Attributes
    ----------
    path : str
        The store.
    num_entries, num_columns : int
        Its entries, and its columns.
    kinds : mapping of str to int
        The number of columns of each kind.
    processes : tuple of ProcessSummary
        The processes.
    weight : str or None
        The weight that was summed.
    files : FileSummary
        The files.
    splits : str or None
        The splits that the store records.
    skims : tuple of SkimSummary
        Its skims; those of training sets have classes or a weight.
    cuts : tuple of CutRecord
        The selections that it caches.
    num_bytes : mapping of str to int
        Bytes on disk: of ``columns``, ``skims``, ``cuts`` and ``leftovers`` of killed processes.
    format_version, generation : int
        The version of its format, 0 for memmpy 0.1.2, and the number of its last commit.
    problems : tuple of str
        Damaged and stale columns, damaged skims.
    """

    path: str
    num_entries: int
    num_columns: int
    kinds: Mapping[str, int]
    processes: tuple[ProcessSummary, ...]
    weight: str | None
    files: FileSummary
    splits: str | None
    skims: tuple[SkimSummary, ...]
    cuts: tuple[CutRecord, ...]
    num_bytes: Mapping[str, int]
    format_version: int
    generation: int
    problems: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as dicts, lists, texts and numbers, for JSON; None for NaN and infinity."""
        values: dict[str, Any] = json_value(asdict(self))
        return values

    def _blocks(self) -> list[str | Table]:
        size = format_size(sum(self.num_bytes.values()))
        title = (
            f"Store {self.path!r}: {format_count(self.num_entries, 'entry', 'entries')}, "
            f"{format_count(self.num_columns, 'column')}, {size}"
        )
        blocks: list[str | Table] = [
            title,
            self.process_table(),
            Table(("", ""), 2, [self._facts()]),
        ]
        if self.problems:
            shown = [(problem,) for problem in self.problems[:_MAX_SHOWN]]
            if len(self.problems) > len(shown):
                shown.append((f"and {len(self.problems) - len(shown):,} more",))
            blocks.append(Table(("problems",), 1, [shown]))
        return blocks

    @property
    def total(self) -> ProcessSummary:
        """All processes together, without their numbers."""
        sums, errors = zip(*map(_sums, self.processes), strict=True)
        num_negative = sum(one.num_negative or 0 for one in self.processes)
        return ProcessSummary(
            "all",
            self.files.num,
            self.num_entries,
            sum(sums),
            math.hypot(*errors),
            num_negative,
            {},
        )

    def process_table(self) -> Table:
        """Return the processes as a table."""
        names = list(dict.fromkeys(name for one in self.processes for name in one.numbers))
        has_weight = self.weight is not None
        of_weight = ["sum of weights", "effective", "negative"] if has_weight else []
        headings = ["process", "files", "entries", *of_weight, *names]

        def row(one: ProcessSummary, entries: Cell, numbers: Sequence[str]) -> list[Cell]:
            cells: list[Cell] = [one.name, f"{one.num_files:,}", entries]
            if has_weight:
                cells += [format_measured(*_sums(one)), f"{one.num_effective:,.0f}"]
                cells.append(format_share(one.num_negative or 0, one.num_entries))
            return [*cells, *numbers]

        rows = [
            row(
                one,
                Bar(f"{one.num_entries:,}", one.num_entries / max(1, self.num_entries)),
                [_range(one.numbers.get(name, ())) for name in names],
            )
            for one in self.processes
        ]
        sections = [rows]
        if len(rows) > 1:
            sections.append([row(self.total, f"{self.num_entries:,}", [""] * len(names))])
        caption = "" if self.weight is None else f"weight: {self.weight}\n{_EFFECTIVE}"
        optional = [i for i in range(len(headings) - 1, 0, -1) if headings[i] != "entries"]
        return Table(headings, 1, sections, caption, optional=optional, cut=(0,))

    def _facts(self) -> list[tuple[str, str]]:
        files = self.files
        words = [format_count(files.num, "file"), format_size(files.num_bytes)]
        words += [f"{len(files.changed):,} changed since"] if files.changed else []
        words += [f"{len(files.missing):,} missing now"] if files.missing else []
        words += [f"{files.num_unchecked:,} not checked"] if files.num_unchecked else []
        kinds = [f"{num:,} {kind}" for kind, num in self.kinds.items()]
        sizes = [f"{name} {format_size(num)}" for name, num in self.num_bytes.items() if num]
        facts = [
            ("files", ", ".join(words) if files.num else "none: the columns were written"),
            ("columns", ", ".join(kinds)),
            ("splits", self.splits or "none recorded yet"),
        ]
        for skim in self.skims:
            words = [format_count(skim.num_rows, "row"), format_size(skim.num_bytes)]
            words += [format_count(skim.num_classes, "class", "classes")] * bool(skim.num_classes)
            words += [f"weight {skim.weight}"] if skim.weight else []
            words += [f"cut {skim.cut}"] if skim.cut else []
            words += [] if skim.is_current else ["outdated"]
            kind = "training set" if skim.num_classes or skim.weight else "skim"
            facts.append((kind, f"{skim.name}: {', '.join(words)}"))
        current = [cut for cut in self.cuts if cut.is_current]
        for cut in current[:_MAX_SHOWN]:
            num = format_count(cut.num_passing, "entry", "entries")
            facts.append(("cut", f"{cut.expression}: {num}"))
        if len(current) > _MAX_SHOWN:
            facts.append(("cuts", f"and {len(current) - _MAX_SHOWN:,} more"))
        version = f"version {self.format_version}, commit {self.generation:,}"
        version = version if self.format_version else "of memmpy 0.1.2, read-only"
        facts += [
            ("size on disk", ", ".join(sizes)),
            ("format", version),
        ]
        return facts


def _sums(process: ProcessSummary) -> tuple[float, float]:
    return process.sum_of_weights or 0.0, process.error or 0.0


def _range(values: Sequence[float]) -> str:
    if not values:
        return "-"
    ends = [format_number(value, digits=6) for value in values]
    return ends[0] if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"
