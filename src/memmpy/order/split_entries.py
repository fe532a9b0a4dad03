"""The entries of a split, chosen by ticket or by position."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from memmpy.errors import ColumnError
from memmpy.kernels import Words, derive_key
from memmpy.order.fractions import Fractions, in_ticket_ranges, position_ranges
from memmpy.order.members import ChosenEntries, EveryEntry, Members, PermutedEntries
from memmpy.order.permutation import Permutation
from memmpy.order.selection import check_selection, steps
from memmpy.order.subset import Subset
from memmpy.typing import Array, Entries, Mask

__all__ = ["Subindex", "TicketsOf", "members_by_position", "members_by_ticket"]

#: From int64 entries to their uint64 tickets.
TicketsOf: TypeAlias = Callable[[Entries], Words]
#: Entries that a user selects as `subindex=`: each once, or a mask over all of them.
Subindex: TypeAlias = Array | Sequence[int] | Sequence[bool]
_Rule: TypeAlias = Callable[[Entries], Mask]


def members_by_ticket(
    num_entries: int,
    *,
    tickets: TicketsOf,
    ranges: Sequence[tuple[int, int]] | None,
    subindex: Subindex | None,
) -> Members:
    """Return the entries whose tickets lie in ranges, of all entries or of a selection.

    Whether an entry is among them depends on its ticket, never on the selection.

    Parameters
    ----------
    num_entries : int
        The number of all entries.
    tickets : callable
        From entries to tickets. Called now, step by step.
    ranges : sequence of (int, int), or None
        The (start, stop) of the tickets; None for all of them.
    subindex : array or sequence, optional
        See `check_selection`.
    """
    rule = None if ranges is None else _ticket_rule(tickets, ranges)
    return _members(num_entries, rule, subindex)


def members_by_position(
    num_entries: int,
    *,
    fractions: Fractions,
    split: int | None,
    seed: int,
    subindex: Subindex | None,
    ascending: bool,
) -> Members:
    """Return the entries that a keyed permutation puts into a split of exact size.

    Whether an entry is among them depends on `num_entries`, `fractions` and `seed`, never on the
    selection.

    Parameters
    ----------
    num_entries : int
        The number of all entries.
    fractions : tuple of Fraction
        The size of each split.
    split : int or None
        Which split; None for all entries.
    seed : int
        Chooses the permutation.
    subindex : array or sequence, optional
        See `check_selection`.
    ascending : bool
        Whether the members must be in the order of the entries, or of the selection. If not, a
        split of all entries costs no memory; else, or with a selection or tickets, a quarter of a
        byte for each.
    """
    if split is None or fractions[split] == sum(fractions, start=Fraction(0)):
        return _members(num_entries, None, subindex)
    permutation = Permutation(num_entries, key=derive_key(seed, purpose="split"))
    ranges = position_ranges(num_entries, fractions, split)
    if subindex is None and not ascending:
        first = ranges[0][0] if ranges else 0
        return PermutedEntries(permutation, first, sum(stop - start for start, stop in ranges))
    return _members(num_entries, _position_rule(permutation, ranges), subindex)


def _members(num_entries: int, rule: _Rule | None, subindex: Subindex | None) -> Members:
    if subindex is None:
        if rule is None:
            return EveryEntry(num_entries)
        masks = (rule(np.arange(*step)) for step in steps(num_entries))
        return ChosenEntries(Subset(masks, num=num_entries), None)
    selection = check_selection(subindex, num_entries)
    rule = rule or _every
    if selection.dtype.kind == "b":
        return ChosenEntries(Subset(_within_mask(selection, rule), num=num_entries), None)
    masks = (rule(selection[start:stop].astype(np.int64)) for start, stop in steps(len(selection)))
    return ChosenEntries(Subset(masks, num=len(selection)), selection)


def _every(entries: Entries) -> Mask:
    return np.ones(len(entries), np.bool_)


def _position_rule(permutation: Permutation, ranges: Sequence[tuple[int, int]]) -> _Rule:
    def rule(entries: Entries) -> Mask:
        positions = permutation.inverse(entries)
        mask: Mask = np.zeros(len(entries), np.bool_)
        for start, stop in ranges:
            mask |= (start <= positions) & (positions < stop)
        return mask

    return rule


def _ticket_rule(tickets: TicketsOf, ranges: Sequence[tuple[int, int]]) -> _Rule:
    def rule(entries: Entries) -> Mask:
        drawn = np.asarray(tickets(entries))
        if drawn.dtype != np.uint64 or drawn.shape != entries.shape:
            message = (
                f"tickets returned {drawn.dtype} of shape {drawn.shape} for {len(entries):,} "
                "entries: it must return one uint64 for each"
            )
            raise ColumnError(message)
        return in_ticket_ranges(drawn, ranges)

    return rule


def _within_mask(selection: Mask, rule: _Rule) -> Iterator[Mask]:
    """Yield, step by step, which entries of a mask are in the split."""
    for start, stop in steps(len(selection)):
        mask = selection[start:stop].copy()
        mask[mask] = rule(np.flatnonzero(mask) + start)
        yield mask
