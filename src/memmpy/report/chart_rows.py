"""`ChartRows`: the processes and classes that rows of the histograms of a report stand for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts import Constant
from memmpy.dataset import Store, process_keys
from memmpy.display import format_count
from memmpy.report.report_data import View

__all__ = ["ChartRows", "ClassCuts", "process_columns"]

#: Processes with a row of their own, at most; the smallest of more share one.
_MAX_PROCESSES = 20


@final
@dataclass(frozen=True, slots=True)
class ClassCuts:
    """The classes of a training set, the weight, and the names in both.

    Parameters
    ----------
    labels : mapping of str to str
        Class name to cut; empty without classes.
    weight : str or None
        The weight of an entry.
    aliases, constants : mappings
        The names.
    """

    labels: Mapping[str, str]
    weight: str | None
    aliases: Mapping[str, str]
    constants: Mapping[str, Constant]


@final
@dataclass(frozen=True, slots=True)
class ChartRows:
    """The rows of a histogram: each process, then each mixed class, then the columns without.

    Parameters
    ----------
    by : tuple of str
        The columns that tell the process.
    processes : tuple of str
        The names of the rows of processes.
    places : mapping of str to int
        For each process, its row.
    classes : tuple of str
        The names of the classes.
    class_of : sequence of int, or None
        For each row of a process, its class, or -1; None if some process has several classes. Then
        each class has a row of its own.
    """

    by: tuple[str, ...]
    processes: tuple[str, ...]
    places: Mapping[str, int]
    classes: tuple[str, ...]
    class_of: Sequence[int] | None

    @classmethod
    def of(cls, store: Store, cuts: ClassCuts, sizes: Mapping[str, int]) -> "ChartRows":
        """Return the rows for a store, whose processes have some entries each."""
        by = process_columns(store)
        names = list(sizes)
        if len(names) > _MAX_PROCESSES:
            largest = sorted(names, key=lambda name: -sizes[name])[: _MAX_PROCESSES - 1]
            names = [name for name in names if name in largest]
        rest = len(sizes) - len(names)
        rows = [*names, format_count(rest, "other process", "other processes")] if rest else names
        places = {name: names.index(name) if name in names else len(names) for name in sizes}
        classes = tuple(cuts.labels)
        class_of = _class_of(store, cuts, by, places, len(rows)) if classes else []
        return cls(by, tuple(rows), places, classes, class_of)

    @property
    def has_class_rows(self) -> bool:
        """Whether classes have rows of their own."""
        return self.class_of is None

    @property
    def num_rows(self) -> int:
        """The number of rows."""
        return len(self.processes) + (len(self.classes) if self.has_class_rows else 0) + 1

    def merged(self, groups: Sequence[str], sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sums of the rows of processes from those of all processes."""
        merged = np.zeros((len(self.processes), sums.shape[1]))
        np.add.at(merged, [self.places.get(group, 0) for group in groups], sums)
        return merged

    def views(self, *, has_rest: bool) -> list[View]:
        """Return the rows by process, and by class; `has_rest` if the last row is used."""
        rest = ["not by event"] if has_rest else []
        num, num_classes = len(self.processes), len(self.classes)
        of_class = [-1] * num_classes if self.has_class_rows else []
        owners = [*range(num), *of_class, num if rest else -1]
        views = [View("process", [*self.processes, *rest], owners)]
        if self.classes:
            own = [-1] * num if self.class_of is None else list(self.class_of)
            own += [*range(num_classes)] if self.has_class_rows else []
            views.append(View("class", [*self.classes, *rest], [*own, num_classes if rest else -1]))
        return views


def process_columns(store: Store) -> tuple[str, ...]:
    """Return the columns that tell the process of an entry."""
    return tuple(key for key in process_keys(store.snapshot.metadata) if key in store)


def _class_of(
    store: Store, cuts: ClassCuts, by: tuple[str, ...], places: Mapping[str, int], num_rows: int
) -> list[int] | None:
    """Return the class of all entries of each row, -1 for none; None if they differ."""
    totals, passing = np.zeros(num_rows, np.int64), np.zeros((num_rows, len(cuts.labels)), np.int64)
    for number, cut in enumerate(cuts.labels.values()):
        flow = store.cutflow([cut], by=by, aliases=cuts.aliases, constants=cuts.constants)
        rows = [places.get(group, 0) for group in flow.groups]
        np.add.at(passing[:, number], rows, flow.counts[1])
        if number == 0:
            np.add.at(totals, rows, flow.counts[0])
    is_own = (passing == totals[:, np.newaxis]) & (passing > 0)
    if not np.all(is_own | (passing == 0)):
        return None
    return [*map(int, np.where(is_own.any(axis=1), is_own.argmax(axis=1), -1))]
