"""Counts a cut-flow in one pass: the bin of an entry is its group and how many steps it passes.

The entries of a group that pass a step are those of the group's bins from that step on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.evaluation import ColumnLike, Program
from memmpy.cuts.flow.groups import Group, check_num_groups, groups_in
from memmpy.cuts.inputs import Inputs
from memmpy.cuts.language import Node
from memmpy.typing import Array, Entries, Mask

__all__ = ["BinnedEntries", "Binning", "Bins", "weights_of"]


@dataclass(frozen=True, slots=True)
class BinnedEntries:
    """A range of entries, sorted into bins.

    Attributes
    ----------
    entry_start : int
        The first entry.
    groups : sequence of Group
        Their groups, a row of bins each.
    counts : int64 array of shape (num_groups, 1 + num_cuts)
        Entries of each bin.
    notes : frozenset of str
        Warnings for the user.
    bin_of, weights : int64 and float64 arrays of shape (n,), optional
        The bin of each entry, by row, and its weight.
    """

    entry_start: int
    groups: Sequence[Group]
    counts: NDArray[np.int64]
    notes: frozenset[str]
    bin_of: Entries | None = None
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Binning:
    """The work of a thread: sort a range of entries into bins."""

    inputs: Inputs
    cuts: Sequence[Program]
    by: Sequence[str]
    weight: Program | None = None

    def __call__(self, start: int, stop: int) -> BinnedEntries:
        """Return a range of entries in bins."""
        num_entries, num_bins = stop - start, 1 + len(self.cuts)
        columns = self.inputs.slices(start, stop)
        groups, group_of = groups_in(self.by, columns, num_entries=num_entries)
        notes = frozenset[str]()
        is_passing = np.ones(num_entries, np.bool_)
        num_passing = np.zeros((num_bins + 1, len(groups)), np.int64)
        num_passing[0] = _count(group_of, is_passing, len(groups))
        bin_of = None if self.weight is None else group_of * num_bins
        for i, cut in enumerate(self.cuts, start=1):
            values = cut(columns)
            is_passing &= cut.mask(values, num_entries)
            notes |= values.notes
            num_passing[i] = _count(group_of, is_passing, len(groups))
            if bin_of is not None:
                bin_of += is_passing
        counts = np.ascontiguousarray((num_passing[:-1] - num_passing[1:]).T)
        if self.weight is None:
            return BinnedEntries(start, groups, counts, notes)
        weights, more = weights_of(self.weight, columns, start, stop)
        return BinnedEntries(start, groups, counts, notes | more, bin_of, weights)


def _count(group_of: Entries, is_passing: Mask, num_groups: int) -> Entries:
    """Return how many entries of each group pass."""
    if num_groups == 1:
        return np.array([np.count_nonzero(is_passing)])
    return np.bincount(group_of[is_passing], minlength=num_groups)


def weights_of(
    weight: Program, columns: Mapping[str, ColumnLike], start: int, stop: int
) -> tuple[NDArray[np.float64], frozenset[str]]:
    """Return the weights of a range of entries, and the warnings.

    Raises
    ------
    CutError
        If they are lists, or an entry has none.
    """
    values, span = weight(columns), weight.node.span
    if values.offsets is not None or values.content.ndim > 1:
        raise span.error(
            f"a weight is one number per entry, but {span} is a list of numbers",
            "take one of them, as in x[0], or reduce them, as in Sum$(x)",
        )
    if values.present is not None and not values.present.all():
        entry = start + int(np.argmin(values.present))
        raise span.error(
            f"entry {entry} has no weight: it lacks an element that {span} takes",
            "give such an entry a weight, as in Alt$(x[0], 1)",
        )
    return np.broadcast_to(values.content.astype(np.float64), stop - start), values.notes


@final
class Bins:
    """The sums of each bin, to which entries are added one by one in their order.

    Parameters
    ----------
    num_cuts : int
        Steps, without the first, which all entries pass.
    by : sequence of str
        The columns to group by.
    known : sequence of Group
        Groups that are listed even if they have no entry.
    """

    def __init__(self, num_cuts: int, *, by: Sequence[str], known: Sequence[Group]) -> None:
        self._by = by
        self._row_of: dict[Group, int] = {}
        self._counts = np.zeros((0, 1 + num_cuts), np.int64)
        self._sums, self._squares = np.zeros((2, 0, 1 + num_cuts))
        self._num_nonfinite, self._first_nonfinite = 0, 0
        self._notes = frozenset[str]()
        self._rows(known)

    @property
    def groups(self) -> list[Group]:
        """The groups: the known ones first, then the others as they came."""
        return list(self._row_of)

    def add(self, binned: BinnedEntries) -> None:
        """Add a range of entries."""
        rows = self._rows(binned.groups)
        self._counts[rows] += binned.counts
        self._notes |= binned.notes
        if binned.weights is None or binned.bin_of is None:
            return
        is_nonfinite = ~np.isfinite(binned.weights)
        if is_nonfinite.any():
            if not self._num_nonfinite:
                self._first_nonfinite = binned.entry_start + int(is_nonfinite.argmax())
            self._num_nonfinite += int(np.count_nonzero(is_nonfinite))
        with np.errstate(all="ignore"):
            self._sums[rows] = _added(self._sums[rows], binned.bin_of, binned.weights)
            self._squares[rows] = _added(self._squares[rows], binned.bin_of, binned.weights**2)

    def counts(self, groups: Iterable[Group]) -> NDArray[np.int64]:
        """Return how many entries pass each step, of shape (1 + num_cuts, num_groups)."""
        return _from_step_on(self._counts[self._rows(groups)])

    def sums(self, groups: Iterable[Group]) -> NDArray[np.float64]:
        """Return the sum of their weights, of the same shape."""
        return _from_step_on(self._sums[self._rows(groups)])

    def squares(self, groups: Iterable[Group]) -> NDArray[np.float64]:
        """Return the sum of the squares of their weights, of the same shape."""
        return _from_step_on(self._squares[self._rows(groups)])

    def notes(self, weight: Node | None) -> frozenset[str]:
        """Return the warnings, also of weights that are NaN or infinite."""
        if weight is None or not self._num_nonfinite:
            return self._notes
        error = weight.span.error(
            f"{self._num_nonfinite:,} entries, the first of them {self._first_nonfinite}, have "
            "weights that are NaN or infinite, and so are their sums",
            "to give them zero weight, write where(isfinite(w), w, 0)",
        )
        return self._notes | {str(error)}

    def _rows(self, groups: Iterable[Group]) -> Entries:
        rows = [self._row_of.setdefault(group, len(self._row_of)) for group in groups]
        check_num_groups(len(self._row_of), self._by)
        num_new = len(self._row_of) - len(self._counts)
        if num_new:
            more = ((0, num_new), (0, 0))
            self._counts = np.pad(self._counts, more)
            self._sums, self._squares = np.pad(self._sums, more), np.pad(self._squares, more)
        return np.array(rows, np.int64)


def _added(
    sums: NDArray[np.float64], bin_of: Entries, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return sums with weights added to their bins one by one.

    So the result is the same to the last bit wherever a range of entries ends.
    """
    bins = np.concatenate([np.arange(sums.size), bin_of])
    added = np.bincount(bins, np.concatenate([sums.ravel(), weights]))
    return np.asarray(added, np.float64).reshape(sums.shape)


def _from_step_on(bins: Array) -> Array:
    with np.errstate(all="ignore"):
        sums: Array = np.cumsum(bins[:, ::-1], axis=1)[:, ::-1].T
    return np.ascontiguousarray(sums)
