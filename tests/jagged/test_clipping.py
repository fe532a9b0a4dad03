"""Counts of clipped items, compared with a count list by list."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.jagged import Clipping, Jagged, clipping_of


def lists_of(counts: list[int]) -> Jagged:
    return Jagged.from_arrays([np.zeros(num) for num in counts], dtype="f8")


def slowly(counts: list[int], length: int) -> Clipping:
    return Clipping(
        num_items=sum(counts),
        num_entries=len(counts),
        num_clipped_items=sum(max(0, num - length) for num in counts),
        num_clipped_entries=sum(num > length for num in counts),
        max_items=max(counts, default=0),
    )


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 10))
def test_clipping_is_that_of_each_list(counts: list[int], length: int) -> None:
    assert clipping_of(lists_of(counts), length) == slowly(counts, length)


@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)), st.integers(0, 10))
def test_the_sum_is_the_clipping_of_all(first: list[int], second: list[int], length: int) -> None:
    both = clipping_of(lists_of(first), length) + clipping_of(lists_of(second), length)
    assert both == clipping_of(lists_of([*first, *second]), length)


def test_arrays_of_one_length_are_clipped_too() -> None:
    lists = Jagged.from_regular(np.zeros((3, 4)))
    assert clipping_of(lists, 3) == Clipping(12, 3, 3, 3, 4)


@pytest.mark.parametrize(
    ("clipping", "is_large"),
    [
        (Clipping(), False),
        (Clipping(1000, 1000, 10, 10, 5), False),
        (Clipping(1000, 2000, 11, 1, 5), True),
        (Clipping(9000, 1000, 11, 11, 5), True),
    ],
    ids=["nothing", "1 %", "items", "entries"],
)
def test_more_than_a_percent_of_items_or_entries_is_large(clipping: Any, is_large: bool) -> None:
    assert clipping.is_large is is_large


def test_a_warning_has_the_numbers_and_the_way_out() -> None:
    warning = Clipping(2000, 1000, 500, 250, 11).warning("pt", 4)
    assert warning == (
        "'pt' is padded to 4 items, which cuts off 500 of 2,000 items (25.0 %), in 250 of 1,000 "
        "entries (25.0 %); the longest has 11 items: keys_padded={'pt': (11, ...)} keeps all"
    )


def test_nothing_is_said_where_nothing_is_clipped() -> None:
    assert Clipping(2000, 1000, 0, 0, 3).in_words() == ""
