import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.training.weight_sums import WeightSums

#: Weights whose squares keep their digits.
NUMBERS = st.floats(-1e9, 1e9).filter(lambda weight: weight == 0 or abs(weight) > 1e-140)
WEIGHTS = st.lists(st.tuples(NUMBERS, st.integers(0, 3)), max_size=60)


def sums_of(pairs: list[tuple[float, int]]) -> WeightSums:
    weights = np.array([weight for weight, _ in pairs], np.float64)
    groups = np.array([group for _, group in pairs], np.int64)
    return WeightSums.of(weights, groups, 4)


def assert_sums_of(sums: WeightSums, pairs: list[tuple[float, int]]) -> None:
    for group in range(4):
        own = [weight for weight, number in pairs if number == group]
        size, squares = math.fsum(map(abs, own)), math.fsum(weight**2 for weight in own)
        assert sums.counts[group] == len(own)
        assert sums.num_negative[group] == sum(weight < 0 for weight in own)
        for total, exact in (
            (sums.totals, math.fsum(own)),
            (sums.positive_totals, math.fsum(weight for weight in own if weight > 0)),
            (sums.absolute_totals, size),
        ):
            assert total[group] == pytest.approx(exact, rel=1e-12, abs=1e-13 * size)
        assert sums.square_totals[group] == pytest.approx(squares, rel=1e-12)
        effective = math.fsum(own) ** 2 / squares if squares else 0.0
        assert sums.effective[group] == pytest.approx(effective, rel=1e-9, abs=1e-9)


@given(WEIGHTS)
def test_sums_are_those_of_each_group(pairs: list[tuple[float, int]]) -> None:
    assert_sums_of(sums_of(pairs), pairs)


@given(st.data())
def test_sums_of_the_parts_of_any_partition_are_those_of_the_whole(data: Any) -> None:
    pairs = data.draw(WEIGHTS)
    edges = [
        0,
        *data.draw(st.lists(st.integers(0, len(pairs)), max_size=5).map(sorted)),
        len(pairs),
    ]
    whole = WeightSums.zero(4)
    for start, stop in pairwise(edges):
        whole = whole + sums_of(pairs[start:stop])
    assert_sums_of(whole, pairs)


@given(WEIGHTS, st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_merged_groups_have_the_sums_of_their_members(
    pairs: list[tuple[float, int]], numbers: list[int]
) -> None:
    merged = sums_of(pairs).merge(np.array(numbers), 4)
    assert_sums_of(merged, [(weight, numbers[group]) for weight, group in pairs])


def test_many_weights_that_cancel_keep_twelve_digits() -> None:
    random = np.random.default_rng(1)
    weights = random.choice([-1.0, 1.0], 300_000, p=[0.49, 0.51]) * random.lognormal(0, 3, 300_000)
    whole = WeightSums.zero(1)
    for part in np.array_split(weights, 11):
        whole = whole + WeightSums.of(part, np.zeros(len(part), np.int64), 1)
    assert whole.totals[0] == pytest.approx(math.fsum(weights), rel=1e-12)


def test_a_weight_that_is_no_number_shows_in_its_group_alone() -> None:
    sums = sums_of([(1.0, 0), (math.nan, 1), (math.inf, 2), (-math.inf, 2), (2.0, 3)])
    sums = sums + sums_of([(1.0, 1), (1.0, 2)])
    assert sums.totals[[0, 3]].tolist() == [1.0, 2.0]
    assert not np.isfinite(sums.totals[[1, 2]]).any()


@pytest.mark.filterwarnings("error")
def test_squares_that_overflow_give_no_effective_number() -> None:
    sums = WeightSums.of(np.array([1e300, 2e300]), np.zeros(2, np.int64), 2)
    assert np.isnan(sums.effective[0])
    assert sums.effective[1] == 0
    assert sums.totals[0] == pytest.approx(3e300)
