"""Counts a cut-flow in one pass: the bin of an entry is its group and how many steps it passes.

The entries of a group that pass a step are those of the group's bins from that step on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.cuts.evaluation import Program
from memmpy.cuts.flow.entry_weights import EntryNotes
from memmpy.cuts.flow.grouped_entries import Grouping, GroupTotals
from memmpy.cuts.flow.groups import Group
from memmpy.typing import Entries, Mask

__all__ = ["add_steps", "count_range", "passing_steps"]


@dataclass(frozen=True, slots=True, eq=False)
class StepCounts:
    """A range of entries: the groups, entries by group and bin, the bin of each entry and weights.

    Bins are numbered by group, then by how many steps pass.
    """

    groups: Sequence[Group]
    counts: NDArray[np.int64]
    notes: EntryNotes
    bin_of: Entries | None = None
    weights: NDArray[np.float64] | None = None


def count_range(grouping: Grouping, cuts: Sequence[Program], start: int, stop: int) -> StepCounts:
    """Return a range of entries in bins."""
    num_entries, num_bins = stop - start, 1 + len(cuts)
    entries = grouping(start, stop)
    groups, group_of, notes = entries.groups, entries.group_of, entries.notes
    if group_of is None:
        group_of = np.zeros(num_entries, np.int64)
    is_passing = np.ones(num_entries, np.bool_)
    num_passing = np.zeros((num_bins + 1, len(groups)), np.int64)
    num_passing[0] = _count(group_of, is_passing, len(groups))
    bin_of = None if entries.weights is None else group_of * num_bins
    for i, cut in enumerate(cuts, start=1):
        values = cut(entries.columns)
        is_passing &= cut.mask(values, num_entries)
        notes += EntryNotes(values.notes)
        num_passing[i] = _count(group_of, is_passing, len(groups))
        if bin_of is not None:
            bin_of += is_passing
    counts = np.ascontiguousarray((num_passing[:-1] - num_passing[1:]).T)
    return StepCounts(groups, counts, notes, bin_of, entries.weights)


def _count(group_of: Entries, is_passing: Mask, num_groups: int) -> Entries:
    """Return how many entries of each group pass."""
    if num_groups == 1:
        return np.array([np.count_nonzero(is_passing)])
    return np.bincount(group_of[is_passing], minlength=num_groups)


def add_steps(totals: GroupTotals[NDArray[np.float64]], steps: StepCounts) -> None:
    """Add a range of entries to the counts, the sums and the squares in the bins of each group.

    Weights are added one by one. So the result is the same to the last bit wherever a range ends.
    """
    own = np.array(totals.of(steps.groups)).swapaxes(0, 1)
    own[0] += steps.counts
    if steps.weights is not None and steps.bin_of is not None:
        bins = np.concatenate([np.arange(own[1].size), steps.bin_of])
        with np.errstate(all="ignore"):
            for sums, weights in zip(own[1:], (steps.weights, steps.weights**2), strict=True):
                sums.flat = np.bincount(bins, np.concatenate([sums.ravel(), weights]))
    totals.set(steps.groups, own.swapaxes(0, 1), steps.notes)


def passing_steps(totals: Sequence[NDArray[np.float64]], num_steps: int) -> NDArray[np.float64]:
    """Return what passes each step: counts, sums and squares by step and group."""
    bins = np.array(totals).reshape(len(totals), 3, num_steps)
    with np.errstate(all="ignore"):
        sums = np.cumsum(bins[..., ::-1], axis=2)[..., ::-1]
    return np.ascontiguousarray(sums.transpose(1, 2, 0))
