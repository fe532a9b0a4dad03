from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError
from memmpy.order import (
    EveryEntry,
    Members,
    PermutedEntries,
    check_fractions,
    members_by_position,
    members_by_ticket,
    ticket_ranges,
    tickets,
)

FRACTIONS = (0.6, 0.3, 0.1)


def tickets_of(entries: np.ndarray) -> np.ndarray:
    return tickets(entries.astype(np.uint64), 5)


WITH_OR_WITHOUT_TICKETS = pytest.mark.parametrize("tickets", [None, tickets_of])


def choose(
    num: int, split: int, *, tickets: Callable | None = None, subindex: Any = None, **options: Any
) -> Members:
    fractions = check_fractions(FRACTIONS)
    if tickets is not None:
        ranges = ticket_ranges(fractions, split)
        return members_by_ticket(num, tickets=tickets, ranges=ranges, subindex=subindex)
    defaults: dict[str, Any] = {"fractions": fractions, "seed": 0, "ascending": True}
    return members_by_position(num, split=split, subindex=subindex, **defaults | options)


def entries_of(members: Members) -> list[int]:
    entries: list[int] = members.entries(np.arange(len(members)), compiled=False).tolist()
    return entries


@pytest.mark.slow
@WITH_OR_WITHOUT_TICKETS
def test_splits_are_disjoint_and_complete_for_every_size(tickets: Callable | None) -> None:
    for num in range(201):
        splits = [entries_of(choose(num, split, tickets=tickets)) for split in range(3)]
        assert sorted(chain(*splits)) == list(range(num))
        assert all(entries == sorted(entries) for entries in splits)


def test_without_tickets_sizes_are_exact() -> None:
    sizes = [len(choose(1_234_570, split)) for split in range(3)]
    assert sizes == [740_742, 370_371, 123_457]


def test_with_tickets_sizes_are_about_their_fraction() -> None:
    sizes = [len(choose(100_000, split, tickets=tickets_of)) for split in range(3)]
    assert np.allclose(sizes, [60_000, 30_000, 10_000], atol=600)


def test_the_order_does_not_change_the_split() -> None:
    for split in range(3):
        permuted = choose(5000, split, ascending=False)
        assert isinstance(permuted, PermutedEntries)
        assert sorted(entries_of(permuted)) == entries_of(choose(5000, split))


def test_seeds_give_unrelated_splits() -> None:
    one, other = (set(entries_of(choose(10_000, 1, seed=seed))) for seed in (0, 1))
    assert abs(len(one & other) - 900) < 120


@WITH_OR_WITHOUT_TICKETS
@given(cut=st.sets(st.integers(0, 299)), looser=st.sets(st.integers(0, 299)))
def test_a_selection_never_moves_an_entry_to_another_split(
    tickets: Callable | None, cut: set[int], looser: set[int]
) -> None:
    for split in range(3):
        whole = set(entries_of(choose(300, split, tickets=tickets)))
        for selected in (cut, cut | looser):
            chosen = choose(300, split, tickets=tickets, subindex=sorted(selected))
            assert entries_of(chosen) == sorted(selected & whole)


@WITH_OR_WITHOUT_TICKETS
@given(mask=st.lists(st.booleans(), min_size=200, max_size=200))
def test_a_mask_selects_what_its_true_entries_do(
    tickets: Callable | None, mask: list[bool]
) -> None:
    by_entries = choose(200, 0, tickets=tickets, subindex=np.flatnonzero(mask))
    assert entries_of(choose(200, 0, tickets=tickets, subindex=mask)) == entries_of(by_entries)


@WITH_OR_WITHOUT_TICKETS
def test_a_selection_keeps_its_order(tickets: Callable | None) -> None:
    subindex = np.random.default_rng(2).permutation(200_000)[:150_000]
    chosen = entries_of(choose(200_000, 0, tickets=tickets, subindex=subindex))
    inside = np.isin(subindex, chosen)
    assert chosen == subindex[inside].tolist()


def test_all_entries_ask_no_ticket() -> None:
    def fail(entries: np.ndarray) -> np.ndarray:
        raise AssertionError

    for subindex, expected in ((None, [*range(10)]), ([7, 2], [7, 2])):
        chosen = members_by_ticket(10, tickets=fail, ranges=None, subindex=subindex)
        assert entries_of(chosen) == expected
    assert isinstance(members_by_ticket(10, tickets=fail, ranges=None, subindex=None), EveryEntry)


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("split", [None, 1])
def test_one_split_of_everything_is_every_entry(split: Any, ascending: bool) -> None:
    options: dict[str, Any] = {"fractions": check_fractions((0, 1, 0)), "ascending": ascending}
    assert isinstance(choose(10, split, **options), EveryEntry)
    assert entries_of(choose(10, split, subindex=[7, 2], **options)) == [7, 2]


def test_tickets_are_asked_for_selected_entries_only() -> None:
    asked: list[int] = []

    def record(entries: np.ndarray) -> np.ndarray:
        asked.extend(entries.tolist())
        return tickets_of(entries)

    choose(10, 0, tickets=record, subindex=np.arange(10) % 3 == 0)
    assert asked == [0, 3, 6, 9]


@pytest.mark.parametrize(
    "wrong", [lambda entries: entries, lambda entries: np.zeros(3, dtype=np.uint64)]
)
def test_tickets_of_the_wrong_kind_or_number_are_refused(wrong: Callable) -> None:
    with pytest.raises(
        ColumnError, match=r"tickets returned .* it must return one uint64 for each"
    ):
        choose(10, 0, tickets=wrong)
