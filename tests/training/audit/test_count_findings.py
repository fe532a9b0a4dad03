"""Tests of the counts of odd values of inputs."""

from functools import reduce
from itertools import combinations
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from memmpy.training.audit.count_findings import InputCounts, chance_of_one_value
from memmpy.training.input_items import InputItems

SPECIAL = st.sampled_from([0.0, 1.0, np.nan, np.inf, -np.inf])
#: The label of a row, and its items of two keys.
ROWS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(st.tuples(SPECIAL, SPECIAL), max_size=3)), max_size=12
)


def counts_of(rows: list[tuple[int, list[Any]]]) -> InputCounts:
    values = np.array([one for _, items in rows for one in items], np.float32).reshape(-1, 2)
    counts = np.array([len(items) for _, items in rows], np.int64)
    labels = np.array([label for label, _ in rows], np.int64)
    return InputCounts.of(InputItems(values, counts), labels, 3)


@given(ROWS, st.integers(0, 12))
def test_rows_are_counted_by_class_in_any_number_of_parts(rows: Any, edge: int) -> None:
    seen = reduce(InputCounts.__add__, [counts_of(rows[:edge]), counts_of(rows[edge:])])
    for label in range(3):
        own = [items for of, items in rows if of == label]
        assert seen.rows[label] == len(own)
        for key in range(2):
            columns = [np.array([one[key] for one in items]) for items in own]
            values = np.concatenate([np.empty(0), *columns])
            numbers = values[~np.isnan(values)]
            assert seen.filled[label, key] == sum(bool((~np.isnan(c)).any()) for c in columns)
            assert seen.nan[label, key] == sum(bool(np.isnan(c).any()) for c in columns)
            assert seen.infinite[label, key] == sum(bool(np.isinf(c).any()) for c in columns)
            assert seen.least[label, key] == min(numbers, default=np.inf)
            assert seen.greatest[label, key] == max(numbers, default=-np.inf)
            is_constant = len(set(numbers.tolist())) == 1 and len(numbers) == len(values)
            assert seen.constant_classes[label, key] == is_constant


@given(st.integers(1, 5), st.integers(1, 5), st.data())
def test_the_chance_of_one_value_is_the_share_of_orders(num: int, rest: int, data: Any) -> None:
    num_other = data.draw(st.integers(0, rest))
    events = [False] * (num + rest - num_other) + [True] * num_other
    orders = [*combinations(range(num + rest), num)]  # the places of the class
    share = sum(not any(events[i] for i in places) for places in orders) / len(orders)
    assert chance_of_one_value(num, rest, num_other, others=0.0) == pytest.approx(share)
    root = chance_of_one_value(num, rest, num_other, others=1.0)
    assert root == pytest.approx(share**0.5)


def test_the_chance_of_one_value_can_be_computed_for_many_events() -> None:
    assert chance_of_one_value(10**8, 10**8, 3, others=0.0) == pytest.approx(1 / 8, rel=1e-5)
    assert chance_of_one_value(10**8, 10**8, 10**7, others=0.0) == 0.0
    assert chance_of_one_value(10**8, 20, 0, others=0.0) == 1.0
