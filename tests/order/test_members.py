import numpy as np
import pytest

from memmpy.order import ChosenEntries, EveryEntry, Permutation, PermutedEntries, Subset

MASK = np.array([True, False, True, True, False])

pytestmark = pytest.mark.parametrize("compiled", [False, True])


def test_every_entry_lies_at_its_own_position(compiled: bool) -> None:
    members = EveryEntry(5)
    assert len(members) == 5
    assert members.entries(np.array([4, 0]), compiled=compiled).tolist() == [4, 0]


def test_permuted_entries_are_a_range_of_a_permutation_on_a_circle(compiled: bool) -> None:
    permutation = Permutation(10, key=0)
    members = PermutedEntries(permutation, 8, 4)
    assert len(members) == 4
    assert (
        members.entries(np.arange(4), compiled=compiled).tolist()
        == permutation(np.array([8, 9, 0, 1])).tolist()
    )


def test_chosen_entries_are_those_of_the_subset(compiled: bool) -> None:
    members = ChosenEntries(Subset([MASK], num=5), None)
    assert len(members) == 3
    assert members.entries(np.array([2, 0, 1]), compiled=compiled).tolist() == [3, 0, 2]


def test_chosen_entries_of_a_selection_keep_its_order_and_are_int64(compiled: bool) -> None:
    selection = np.array([90, 80, 70, 60, 50], dtype=np.uint8)
    members = ChosenEntries(Subset([MASK], num=5), selection)
    entries = members.entries(np.arange(3), compiled=compiled)
    assert entries.tolist() == [90, 70, 60]
    assert entries.dtype == np.int64
