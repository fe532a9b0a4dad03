"""Samples of the inputs of a training set: the first items of a split, by group."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from memmpy.kernels import Words
from memmpy.skims import Skim
from memmpy.training.input_items import InputItems, item_steps, items_per_row, read_items
from memmpy.training.label_columns import PHYSICS
from memmpy.training.row_statistics import num_keys
from memmpy.training.weight_sums import num_effective
from memmpy.typing import Array, Entries, Mask

__all__ = ["GroupsOf", "InputSample", "sample_input"]

#: Returns the number of the group of each row; a number outside of the groups for none.
GroupsOf: TypeAlias = Callable[[Array], NDArray[np.int64]]

#: Rows of a sample of one group, and numbers of the samples of all groups, at most.
_SAMPLE_ROWS, _SAMPLE_VALUES = 1 << 18, 1 << 26


@final
@dataclass(frozen=True, slots=True)
class InputSample:
    """The first items of an input in the rows of one group, in the order of tickets.

    Attributes
    ----------
    items : InputItems
        The items.
    entries : int64 array of shape (rows,)
        The entries of the store.
    tickets : uint64 array of shape (rows,)
        The tickets, ascending.
    weights : float64 array of shape (rows,)
        The absolute weights of physics; 1 without weights, 0 for those that are not finite.
    """

    items: InputItems
    entries: Entries
    tickets: Words
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.entries)

    def column(self, number: int) -> tuple[Array, NDArray[np.int64]]:
        """Return the items of a key, and the number of each row.

        The number after that of the last key is for the number of items: one for each row. NaN
        becomes minus infinity, so that what is missing is below all other values.
        """
        if number == self.items.values.shape[1]:
            return self.items.counts.astype(np.float64), np.ones_like(self.items.counts)
        values = np.array(self.items.values[:, number])
        values[np.isnan(values)] = -np.inf
        return values, self.items.counts

    def num_effective(self, counts: NDArray[np.int64], *, weighted: bool) -> float:
        """Return the number of independent items, if items of rows with one ticket are all equal.

        Parameters
        ----------
        counts : int64 array of shape (rows,)
            The items of each row.
        weighted : bool
            Whether items have the weights of their rows.
        """
        if not len(self):
            return 0.0
        sizes = counts * self.weights if weighted else counts.astype(np.float64)
        starts = np.flatnonzero(np.append(True, self.tickets[1:] != self.tickets[:-1]))
        sums = np.add.reduceat(sizes, starts)
        return float(num_effective(sums.sum(keepdims=True), np.square(sums).sum(keepdims=True))[0])


def sample_input(
    skim: Skim, name: str, ranges: Sequence[range], groups_of: GroupsOf, *, num_groups: int
) -> list[InputSample]:
    """Return the first rows of each group in some ranges: a random sample, as tickets are random.

    Parameters
    ----------
    skim : Skim
        The rows.
    name : str
        The input.
    ranges : sequence of range
        The rows of a split.
    groups_of : callable
        Gives the group of each row.
    num_groups : int
        The number of groups.
    """
    per_row = items_per_row(skim, name) * num_keys(skim, name) * max(1, num_groups)
    limit = max(1, min(_SAMPLE_ROWS, int(_SAMPLE_VALUES / per_row)))
    parts: list[list[InputSample]] = [[] for _ in range(num_groups)]
    counts = np.zeros(num_groups, np.int64)
    for rows in item_steps(skim, [name], ranges):
        if np.all(counts >= limit):
            break
        part = skim.rows[rows.start : rows.stop]
        groups = groups_of(part)
        is_first = np.zeros(len(part), np.bool_)
        for group, num in enumerate(counts.tolist()):
            is_first[np.flatnonzero(groups == group)[: limit - num]] = True
        if not is_first.any():
            continue
        whole = _read_sample(skim, name, rows)
        for group in range(num_groups):
            is_chosen = is_first & (groups == group)
            if is_chosen.any():
                parts[group].append(_take(whole, is_chosen))
                counts[group] += np.count_nonzero(is_chosen)
    none = _read_sample(skim, name, range(0))
    return [_join([none, *own]) for own in parts]


def _read_sample(skim: Skim, name: str, rows: range) -> InputSample:
    part = skim.rows[rows.start : rows.stop]
    weights = np.ones(len(part))
    if PHYSICS in skim.fields:
        weights = np.abs(np.asarray(part[PHYSICS]))
        weights[~np.isfinite(weights)] = 0.0
    tickets = np.asarray(skim.tickets[rows.start : rows.stop])
    return InputSample(
        read_items(skim, name, rows), np.array(part["_index"]), np.array(tickets), weights
    )


def _take(sample: InputSample, is_chosen: Mask) -> InputSample:
    return InputSample(
        sample.items.take(is_chosen),
        sample.entries[is_chosen],
        sample.tickets[is_chosen],
        sample.weights[is_chosen],
    )


def _join(samples: Sequence[InputSample]) -> InputSample:
    values = np.concatenate([one.items.values for one in samples])
    counts = np.concatenate([one.items.counts for one in samples])
    return InputSample(
        InputItems(values, counts),
        np.concatenate([one.entries for one in samples]),
        np.concatenate([one.tickets for one in samples]),
        np.concatenate([one.weights for one in samples]),
    )
