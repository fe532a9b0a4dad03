"""Tests of the Kolmogorov-Smirnov distance."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import assume, given

from memmpy.training.ks_distance import ks_distance, ks_p_value

#: Few values, so that many are equal.
VALUES = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 2.0, math.inf])
SAMPLES = st.lists(VALUES, min_size=1, max_size=20)


@given(SAMPLES, SAMPLES)
def test_the_distance_is_the_greatest_over_all_values(
    first: list[float], second: list[float]
) -> None:
    shares = (
        abs(
            sum(one <= point for one in first) / len(first)
            - sum(one <= point for one in second) / len(second)
        )
        for point in first + second
    )
    distance = ks_distance(np.sort(first), np.sort(second), weights=None)
    assert distance == pytest.approx(max(shares), abs=1e-12)


@given(
    st.lists(st.tuples(VALUES, st.integers(-2, 4)), min_size=1, max_size=12),
    st.lists(st.tuples(VALUES, st.integers(-2, 4)), min_size=1, max_size=12),
)
def test_weights_count_with_their_sign(
    first: list[tuple[float, int]], second: list[tuple[float, int]]
) -> None:
    totals = [sum(weight for _, weight in sample) for sample in (first, second)]
    assume(min(totals) > 0)
    distance = max(
        abs(
            sum(weight for value, weight in first if value <= point) / totals[0]
            - sum(weight for value, weight in second if value <= point) / totals[1]
        )
        for point, _ in first + second
    )
    columns = [np.array(sorted(sample)).T for sample in (first, second)]
    (one, other), weights = zip(*columns, strict=True)
    assert ks_distance(one, other, weights=weights) == pytest.approx(distance, abs=1e-12)


@pytest.mark.parametrize(
    ("scaled", "probability"), [(1.22385, 0.1), (1.35810, 0.05), (1.62762, 0.01), (1.94947, 0.001)]
)
def test_p_values_are_those_of_the_table_of_kolmogorov(scaled: float, probability: float) -> None:
    num = 2e12  # so many that the correction for few values does not matter
    p_value = ks_p_value(scaled / math.sqrt(num / 2), num, num)
    assert p_value == pytest.approx(probability, rel=1e-3)


def test_no_values_and_no_distance_are_chance() -> None:
    assert ks_p_value(1.0, 0, 10) == 1.0
    assert ks_p_value(0.0, 100, 100) == 1.0


def test_p_values_of_one_distribution_are_as_likely_as_they_tell() -> None:
    random = np.random.default_rng(0)
    p_values = []
    for _ in range(2000):
        first, second = np.sort(random.normal(size=80)), np.sort(random.normal(size=50))
        p_values.append(ks_p_value(ks_distance(first, second, weights=None), 80, 50))
    for level in (0.5, 0.1, 0.02):
        share = float(np.mean(np.array(p_values) < level))
        # Five standard deviations, and a quarter, as distances of finite samples have steps.
        assert abs(share - level) < 5 * math.sqrt(level / 2000) + 0.25 * level
