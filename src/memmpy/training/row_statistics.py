"""Statistics of the rows of a skim, cell by cell: weights of classes, and moments of inputs.

Splits are intervals of tickets, and rows lie in the order of their tickets. So the edges of all
splits of all folds divide the rows into a few cells, and each split is a union of cells. One pass
over the rows then serves all folds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import partial
from itertools import chain
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from memmpy.loaders import Lists, release_pages, rows_between, steps_of
from memmpy.parallel import prefetch
from memmpy.skims import Skim, Statistics
from memmpy.splits import Splits
from memmpy.training.event_groups import EventGroups
from memmpy.training.moments import Moments
from memmpy.training.scaling import Method, logarithms
from memmpy.training.weight_sums import WeightSums
from memmpy.typing import Array

__all__ = [
    "MAX_FOLDS",
    "Cells",
    "RowStatistics",
    "float_values",
    "num_keys",
    "scan_rows",
    "slice_lists",
]

#: The name of the sums of weights among arrays.
_WEIGHTS = "weights"
#: Rows of a task, and rows whose values are converted at once.
_TASK_ROWS, _BLOCK_ROWS = 1 << 15, 1 << 12
#: Folds whose cells are made together. With more, each fold has a pass of its own.
MAX_FOLDS = 64


@final
@dataclass(frozen=True, slots=True)
class Cells:
    """Consecutive ranges of rows, between the edges of splits.

    Attributes
    ----------
    edges : tuple of int
        Cell i has the rows from ``edges[i]`` to ``edges[i + 1]``.
    members : mapping of (split, fold) to tuple of int
        The cells of each split.
    """

    edges: tuple[int, ...]
    members: Mapping[tuple[str, int | None], tuple[int, ...]]

    @classmethod
    def of(cls, skim: Skim, splits: Splits, folds: Sequence[int | None]) -> "Cells":
        """Return the cells of all splits of some folds."""
        rows = {
            (split, fold): rows_between(skim.tickets, splits.ranges(split, fold))
            for fold in folds
            for split in ("train", "val", "test")
        }
        edges = sorted(
            {0, len(skim)}.union(*((r.start, r.stop) for ranges in rows.values() for r in ranges))
        )
        members = {
            key: tuple(
                number
                for number, start in enumerate(edges[:-1])
                if any(start in one for one in ranges)
            )
            for key, ranges in rows.items()
        }
        members[("all", None)] = tuple(range(len(edges) - 1))
        return cls(tuple(edges), members)


@final
@dataclass(frozen=True, slots=True)
class RowStatistics:
    """The statistics of some rows.

    Attributes
    ----------
    weights : WeightSums
        The sums of weights by group.
    moments : mapping of str to Moments
        The moments of inputs that are scaled.
    """

    weights: WeightSums
    moments: Mapping[str, Moments]

    @classmethod
    def zero(cls, skim: Skim, num_groups: int, names: Iterable[str]) -> "RowStatistics":
        """Return the statistics of no rows."""
        moments = {name: Moments.of(np.empty((0, num_keys(skim, name)))) for name in names}
        return cls(WeightSums.zero(num_groups), moments)

    @classmethod
    def to_arrays(cls, parts: Sequence["RowStatistics"]) -> Statistics:
        """Return the numbers of several parts, at least one, as int64 and float64 arrays."""
        arrays = {}
        for name, values in parts[0]._values().items():
            for field in fields(values):
                of_parts = [getattr(part._values()[name], field.name) for part in parts]
                arrays[f"{name} {field.name}"] = np.stack(of_parts)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Statistics, names: Iterable[str]) -> list["RowStatistics"]:
        """Return the parts of `to_arrays`; `names` are those of the inputs with moments."""

        def columns(kind: type[Any], name: str) -> list[Any]:
            stacks = (arrays[f"{name} {field.name}"] for field in fields(kind))
            return [kind(*values) for values in zip(*stacks, strict=True)]

        weights = columns(WeightSums, _WEIGHTS)
        moments = {name: columns(Moments, f"input {name}") for name in names}
        return [
            cls(one, {name: parts[number] for name, parts in moments.items()})
            for number, one in enumerate(weights)
        ]

    def _values(self) -> dict[str, WeightSums | Moments]:
        inputs = {f"input {name}": moments for name, moments in self.moments.items()}
        return {_WEIGHTS: self.weights, **inputs}

    def __add__(self, other: "RowStatistics") -> "RowStatistics":
        moments = {name: one + other.moments[name] for name, one in self.moments.items()}
        return RowStatistics(self.weights + other.weights, moments)


def scan_rows(
    skim: Skim,
    cells: Cells,
    groups_of: EventGroups,
    methods: Mapping[str, Sequence[Method | None]],
    *,
    num_threads: int,
) -> list[RowStatistics]:
    """Return the statistics of each cell, the same bits for any number of threads.

    Parameters
    ----------
    skim : Skim
        The rows; ``"label"`` and ``"weight_physics"`` are used if they are among its fields.
    cells : Cells
        The cells.
    groups_of : EventGroups
        The groups of the sums of weights.
    methods : mapping of str to sequence of str or None
        The inputs whose moments are needed, with the methods of scaling.
    num_threads : int
        Threads beside that of the caller.
    """
    none = RowStatistics.zero(skim, groups_of.num_groups, methods)
    results = [none for _ in cells.edges[1:]]
    arrays = [skim.rows, *chain.from_iterable(skim.lists.values())]
    places = [
        (number, rows)
        for number, edges in enumerate(zip(cells.edges, cells.edges[1:], strict=False))
        for rows in steps_of([range(*edges)], _TASK_ROWS)
    ]
    tasks = (partial(_scan, skim, rows, groups_of, methods) for _, rows in places)
    scanned = prefetch(tasks, num_threads=num_threads, depth=2 * num_threads + 1)
    for (number, _), part in zip(places, scanned, strict=True):
        results[number] = results[number] + part
        release_pages(arrays)  # else all rows would count as memory of this process
    return results


def _scan(
    skim: Skim,
    rows: range,
    groups_of: EventGroups,
    methods: Mapping[str, Sequence[Method | None]],
) -> RowStatistics:
    part = skim.rows[rows.start : rows.stop]
    has_weight = "weight_physics" in skim.fields
    weights = np.asarray(part["weight_physics"]) if has_weight else np.ones(len(part))
    sums = WeightSums.of(weights, groups_of.of_rows(part), groups_of.num_groups)
    moments = {}
    for name, chosen in methods.items():
        pieces, shifts = [], None
        for block in steps_of([rows], _BLOCK_ROWS):
            values = float_values(skim, name, block, chosen)
            piece = Moments.of(values, shifts)
            shifts = piece.shifts if piece.counts.all() else None
            pieces.append(piece)
        moments[name] = Moments.join(pieces)
    return RowStatistics(sums, moments)


def float_values(
    skim: Skim, name: str, rows: range, methods: Sequence[Method | None]
) -> NDArray[np.float64]:
    """Return the values of an input as float64 of shape (n, k), with logarithms where needed."""
    values: Array
    if name in skim.lists:
        values = slice_lists(skim.lists[name], rows)[0]
    else:
        values = skim.rows[rows.start : rows.stop][name]
    wide = np.array(values, np.float64).reshape(-1, num_keys(skim, name))
    logarithms(wide, methods)
    return wide


def slice_lists(lists: Lists, rows: range) -> Lists:
    """Return content and offsets of the lists of some rows."""
    content, offsets = lists
    bounds = np.asarray(offsets[rows.start : rows.stop + 1])
    return content[bounds[0] : bounds[-1]], bounds - bounds[0]


def num_keys(skim: Skim, name: str) -> int:
    """Return the number of keys of an input."""
    if name in skim.lists:
        return int(skim.lists[name][0].shape[-1])
    return int(skim.fields[name].shape[-1])
