"""Groups and weights of the entries that pass a cut, in ranges of bounded memory on threads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_mapping
from memmpy.columns import Snapshot
from memmpy.cuts.compute import check_stored, prepare, read_cut
from memmpy.cuts.evaluation import ColumnLike, Program
from memmpy.cuts.flow.bin_counts import weights_of
from memmpy.cuts.flow.groups import (
    Group,
    check_by,
    check_kinds,
    check_known,
    groups_in,
    known_groups,
)
from memmpy.cuts.inputs import Inputs, inputs_of
from memmpy.cuts.language import Constant, Node
from memmpy.typing import Entries

__all__ = ["GroupOptions", "GroupedEntries", "Grouping", "plan_groups"]


@dataclass(frozen=True, slots=True, eq=False)
class GroupedEntries:
    """A range of entries, with the groups and the weights of those that pass a cut.

    Attributes
    ----------
    columns : mapping of str to column
        All columns of the grouping, in this range.
    groups : sequence of Group
        The groups that occur in it.
    group_of : int64 array of shape (n,), optional
        The group of each entry; -1 for an entry that does not pass. None if all are of group 0.
    weights : float64 array of shape (n,), optional
        The weight of each entry; None if all are 1.
    notes : frozenset of str
        Warnings for the user.
    """

    columns: Mapping[str, ColumnLike]
    groups: Sequence[Group]
    group_of: Entries | None
    weights: NDArray[np.float64] | None
    notes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group entries; a call returns those of one range.

    Attributes
    ----------
    inputs : Inputs
        The columns of the expressions, the cut and the weight, and those to group by.
    programs : sequence of Program
        Expressions to evaluate on the same columns.
    by : tuple of str
        The columns to group by.
    known : sequence of Group
        Groups that exist even without entries.
    cut, weight : Program, optional
        The cut and the weight.
    notes : frozenset of str
        Warnings of likely mistakes.
    """

    inputs: Inputs
    programs: Sequence[Program]
    by: tuple[str, ...]
    known: Sequence[Group]
    cut: Program | None
    weight: Program | None
    notes: frozenset[str]

    def __call__(self, start: int, stop: int) -> GroupedEntries:
        """Return a range of entries, at least one."""
        num_entries = stop - start
        columns, notes = self.inputs.slices(start, stop), frozenset[str]()
        groups: list[Group] = [()]
        group_of, weights = None, None
        if self.by:
            groups, group_of = groups_in(self.by, columns, num_entries=num_entries)
        if self.cut is not None:
            values = self.cut(columns)
            mask, notes = self.cut.mask(values, num_entries), values.notes
            group_of = np.where(mask, 0 if group_of is None else group_of, -1)
        if self.weight is not None:
            weights, more = weights_of(self.weight, columns, start, stop)
            notes |= more
        return GroupedEntries(columns, groups, group_of, weights, notes)


@dataclass(frozen=True, slots=True)
class GroupOptions:
    """Which entries count, in which group and with which weight; see `cutflow`.

    Parameters
    ----------
    by : str or sequence of str, optional
        The columns to group by; without any, all entries are one group.
    cut, weight : str, optional
        The cut that entries pass, and their weight.
    aliases, constants : mapping, optional
        Names for expressions and values.
    """

    by: str | Sequence[str] | None = None
    cut: str | None = None
    weight: str | None = None
    aliases: Mapping[str, str] | None = None
    constants: Mapping[str, Constant] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", check_by(self.by))
        check_mapping("aliases", self.aliases)
        check_mapping("constants", self.constants)

    def read(self, expression: str) -> Node:
        """Return the tree of an expression, with aliases and constants put in."""
        return read_cut(expression, aliases=self.aliases, constants=self.constants)


def plan_groups(
    snapshot: Snapshot, nodes: Sequence[Node], *, keys: Iterable[str], options: GroupOptions
) -> Grouping:
    """Return how to group the entries of a snapshot.

    Parameters
    ----------
    snapshot : Snapshot
        All columns are open in it.
    nodes : sequence of Node
        Expressions that will be evaluated on the same ranges.
    keys : iterable of str
        More columns, of any kind.
    options : GroupOptions
        The entries, groups and weights.

    Raises
    ------
    CutError, MissingKeyError, OptionError
        If an expression, the cut, the weight or a column to group by cannot be used.
    """
    by = check_by(options.by)
    cut, weight = (
        None if text is None else options.read(text) for text in (options.cut, options.weight)
    )
    used = [*nodes, *(node for node in (cut, weight) if node is not None)]
    for node in used:
        check_stored(node, snapshot.columns, path=snapshot.path, metadata=snapshot.metadata)
    check_known(by, snapshot.columns, path=snapshot.path, metadata=snapshot.metadata)
    check_kinds(snapshot, by)
    inputs = inputs_of(snapshot, used, {}, keys=[*keys, *by])
    prepared = [prepare(node, inputs) for node in used]
    programs = {id(node): program for node, (program, _) in zip(used, prepared, strict=True)}
    grouping = Grouping(
        inputs,
        [programs[id(node)] for node in nodes],
        by,
        known_groups(snapshot, by) if by else [()],
        programs.get(id(cut)),
        programs.get(id(weight)),
        frozenset[str]().union(*(notes for _, notes in prepared)),
    )
    if grouping.weight is not None:
        weights_of(grouping.weight, inputs.slices(0, 0), 0, 0)  # an error before any work
    return grouping
