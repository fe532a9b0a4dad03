"""Tests of the Kolmogorov-Smirnov distance."""

import math

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from memmpy.training.audit.input_samples import InputItems, InputSample
from memmpy.training.audit.ks_distance import file_distances, ks_distance, ks_p_value
from memmpy.typing import Array

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
    distance = ks_distance(np.sort(first), np.sort(second))
    assert distance == pytest.approx(max(shares), abs=1e-12)


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
        p_values.append(ks_p_value(ks_distance(first, second), 80, 50))
    for level in (0.5, 0.1, 0.02):
        share = float(np.mean(np.array(p_values) < level))
        # Five standard deviations, and a quarter, as distances of finite samples have steps.
        assert abs(share - level) < 5 * math.sqrt(level / 2000) + 0.25 * level


@pytest.mark.slow
@given(
    arrays(np.float64, st.just(600), elements=st.integers(0, 6).map(float)), st.integers(100, 250)
)
def test_the_distance_of_a_file_is_that_from_all_other_files(values: Array, num: int) -> None:
    files = np.repeat([3, 5, 8], [num, num, 600 - 2 * num])
    files = np.random.default_rng(0).permutation(files)
    ones = np.ones(600, np.int64)
    sample = InputSample(
        InputItems(values[:, np.newaxis], ones),
        np.arange(600),
        np.arange(600, dtype=np.uint64),
        np.ones(600),
    )
    distances = [*file_distances(sample, values, ones, files)]
    assert [(file, size) for file, _, size, _ in distances] == [
        (file, int(np.count_nonzero(files == file)))
        for file in (3, 5, 8)
        if (files == file).sum() >= 100
    ]
    for file, distance, _, _ in distances:
        plain = ks_distance(np.sort(values[files == file]), np.sort(values[files != file]))
        assert distance == pytest.approx(plain, abs=1e-12)
