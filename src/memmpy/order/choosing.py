"""Choose the entries of a split, by a rule that looks at one entry at a time."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

import numpy as np

from memmpy.errors import ColumnError
from memmpy.order.members import ChosenEntries, EveryEntry, Members, PermutedEntries
from memmpy.order.mixing import Words, derive_key
from memmpy.order.permutation import Permutation
from memmpy.order.selection import check_selection, chunks
from memmpy.order.splits import Fractions, in_ticket_ranges, position_ranges, ticket_ranges
from memmpy.order.subset import Subset
from memmpy.typing import Array, Entries, Mask

__all__ = ["TicketsOf", "choose_members"]

#: From int64 entries to their uint64 tickets.
TicketsOf: TypeAlias = Callable[[Entries], Words]
_Rule: TypeAlias = Callable[[Entries], Mask]


def choose_members(
    num_entries: int,
    *,
    split: int,
    fractions: Fractions,
    turn: Fraction,
    split_seed: int,
    tickets: TicketsOf | None,
    subindex: Array | Sequence[int] | Sequence[bool] | None,
    ascending: bool,
) -> Members:
    """Return the entries of a split, of all entries or of those of a selection.

    Whether an entry is in the split depends on `num_entries`, `fractions`, `turn` and `split_seed`,
    or on its ticket, `fractions` and `turn`, and never on the selection: a looser one moves
    nothing.

    Parameters
    ----------
    num_entries : int
        The number of entries there are.
    split, fractions, turn
        As `split_number`, `check_fractions` and `check_turn` return them.
    split_seed : int
        Chooses the bijection that splits the entries; unused where there are tickets.
    tickets : callable, optional
        From entries to tickets: then the splits are intervals of tickets. Called in pieces, now.
    subindex : array, optional
        As `check_selection` takes it.
    ascending : bool
        Whether the order matters: then it is that of the entries, or of the selection. Without it
        a split of all entries costs no memory; with it, or with a selection or tickets, a quarter
        of a byte for each.
    """
    selection = None if subindex is None else check_selection(subindex, num_entries)
    if selection is None and fractions[split] == sum(fractions, start=Fraction(0)):
        return EveryEntry(num_entries)
    if tickets is not None:
        rule = _ticket_rule(tickets, ticket_ranges(fractions, split, turn=turn))
    else:
        permutation = Permutation(num_entries, key=derive_key(split_seed, purpose="split"))
        ranges = position_ranges(num_entries, fractions, split, turn=turn)
        if selection is None and not ascending:
            first = ranges[0][0] if ranges else 0
            return PermutedEntries(permutation, first, sum(stop - start for start, stop in ranges))
        rule = _position_rule(permutation, ranges)
    if selection is None:
        masks = (rule(np.arange(*chunk)) for chunk in chunks(num_entries))
        return ChosenEntries(Subset(masks, num=num_entries), None)
    if selection.dtype.kind == "b":
        return ChosenEntries(Subset(_within_mask(selection, rule), num=num_entries), None)
    masks = (rule(selection[start:stop].astype(np.int64)) for start, stop in chunks(len(selection)))
    return ChosenEntries(Subset(masks, num=len(selection)), selection)


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
    """Yield, in pieces, which entries of a mask are in the split."""
    for start, stop in chunks(len(selection)):
        mask = selection[start:stop].copy()
        mask[mask] = rule(np.flatnonzero(mask) + start)
        yield mask
