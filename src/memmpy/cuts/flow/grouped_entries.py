"""The group and the weight of each entry that passes a cut, found range by range."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from memmpy.checks import check_mapping
from memmpy.columns import Snapshot
from memmpy.cuts.compute import check_stored, prepare, read_cut
from memmpy.cuts.evaluation import ColumnLike, Program
from memmpy.cuts.flow.entry_weights import EntryNotes, weights_of
from memmpy.cuts.flow.groups import (
    Group,
    check_by,
    check_kinds,
    check_known,
    check_num_groups,
    groups_in,
    known_groups,
    sort_groups,
)
from memmpy.cuts.inputs import Inputs, inputs_of
from memmpy.cuts.language import Constant, Node, keys_of
from memmpy.errors import warn_of
from memmpy.typing import Entries

__all__ = ["GroupOptions", "GroupTotals", "GroupedEntries", "Grouping", "plan_groups"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class GroupedEntries:
    """A range of entries, with the group and the weight of each.

    Attributes
    ----------
    columns : mapping of str to column
        All columns of the grouping, in this range.
    groups : sequence of Group
        The groups that occur in it.
    group_of : int64 array of shape (n,), optional
        The index of the group of each entry, -1 if it does not pass the cut. None if all entries
        pass and are of group 0.
    weights : float64 array of shape (n,), optional
        The weight of each entry; None if all are 1.
    notes : EntryNotes
        Warnings for the user.
    """

    columns: Mapping[str, ColumnLike]
    groups: Sequence[Group]
    group_of: Entries | None
    weights: NDArray[np.float64] | None
    notes: EntryNotes


@dataclass(frozen=True, slots=True)
class Grouping:
    """How to group entries. Call it with `start` and `stop` for the entries of one range.

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
        columns, notes = self.inputs.slices(start, stop), EntryNotes()
        groups: list[Group] = [()]
        group_of, weights = None, None
        if self.by:
            groups, group_of = groups_in(self.by, columns, num_entries=num_entries)
        if self.cut is not None:
            values = self.cut(columns)
            mask, notes = self.cut.mask(values, num_entries), EntryNotes(values.notes)
            group_of = np.where(mask, 0 if group_of is None else group_of, -1)
        if self.weight is not None:
            weights, more = weights_of(
                self.weight, columns, group_of=group_of, start=start, stop=stop
            )
            notes += more
        return GroupedEntries(columns, groups, group_of, weights, notes)

    def warn_of(self, notes: EntryNotes) -> None:
        """Emit the warnings of entries, and those of likely mistakes."""
        warn_of(self.notes | notes.messages(self.weight))


@dataclass(frozen=True)
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
        check_by(self.by)
        check_mapping("aliases", self.aliases)
        check_mapping("constants", self.constants)

    @cached_property
    def by_columns(self) -> tuple[str, ...]:
        """The columns to group by, each once; empty if all entries are one group."""
        return check_by(self.by)

    @cached_property
    def cut_node(self) -> Node | None:
        """The cut, with aliases and constants put in."""
        return None if self.cut is None else self.read(self.cut)

    @cached_property
    def weight_node(self) -> Node | None:
        """The weight, with aliases and constants put in."""
        return None if self.weight is None else self.read(self.weight)

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The cut and the weight, if any."""
        return tuple(node for node in (self.cut_node, self.weight_node) if node is not None)

    @property
    def keys(self) -> frozenset[str]:
        """The columns that are read."""
        return frozenset(self.by_columns).union(*map(keys_of, self.nodes))

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
    by, used = options.by_columns, [*nodes, *options.nodes]
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
        programs.get(id(options.cut_node)),
        programs.get(id(options.weight_node)),
        frozenset[str]().union(*(notes for _, notes in prepared)),
    )
    if grouping.weight is not None:  # raises before any work
        weights_of(grouping.weight, inputs.slices(0, 0), group_of=None, start=0, stop=0)
    return grouping


@final
class GroupTotals(Generic[T]):
    """Running totals, one for each group. Add the sums of ranges of entries in their order.

    Parameters
    ----------
    zero : T
        The total of a group without entries. It can be added to others.
    grouping : Grouping, optional
        It lists groups even if they have no entry. None if all entries are one group.
    """

    def __init__(self, zero: T, grouping: Grouping | None) -> None:
        self._zero, self._grouping = zero, grouping
        self._totals: dict[Group, T] = dict.fromkeys(
            [()] if grouping is None else grouping.known, zero
        )
        self._notes = EntryNotes()

    def of(self, groups: Iterable[Group]) -> list[T]:
        """Return the totals of some groups."""
        return [self._totals.get(group, self._zero) for group in groups]

    def set(self, groups: Sequence[Group], totals: Iterable[T], notes: EntryNotes) -> None:
        """Replace the totals of some groups, and add the warnings of a range of entries."""
        self._totals.update(zip(groups, totals, strict=True))
        check_num_groups(len(self._totals), () if self._grouping is None else self._grouping.by)
        self._notes += notes

    def add(self, groups: Sequence[Group], sums: Iterable[Any], notes: EntryNotes) -> None:
        """Add the sums, and the warnings, of a range of entries."""
        with np.errstate(invalid="ignore"):  # of infinite weights
            totals = [own + more for own, more in zip(self.of(groups), sums, strict=True)]
        self.set(groups, totals, notes)

    def in_order(self) -> dict[Group, T]:
        """Return the totals of the sorted groups."""
        return {group: self._totals[group] for group in sort_groups(list(self._totals))}

    def warn(self) -> None:
        """Emit all warnings."""
        if self._grouping is not None:
            self._grouping.warn_of(self._notes)
