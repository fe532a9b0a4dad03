"""Tests of findings on samples of inputs."""

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra.numpy import arrays

from memmpy.training.audit.input_samples import InputSample
from memmpy.training.audit.sample_findings import file_distances, spikes
from memmpy.training.input_items import InputItems
from memmpy.training.ks_distance import ks_distance
from memmpy.typing import Array

NORMAL = np.random.default_rng(0).normal(100.0, 10.0, 20_000)
COUNTS = np.random.default_rng(0).poisson(3.0, 20_000).astype(np.float64)


def with_value(values: Array, value: float, num: int) -> Array:
    return np.sort(np.append(values, np.full(num, value)))


@pytest.mark.parametrize("values", [NORMAL, COUNTS], ids=["normal", "counts"])
@pytest.mark.parametrize("value", [-999.0, 9999.0, -1e30, 1234.5, -500.0])
def test_a_frequent_value_far_outside_is_a_spike(values: Array, value: float) -> None:
    assert spikes(with_value(values, value, 21)) == [value]
    assert spikes(with_value(values, value, 8000)) == [value]
    assert spikes(with_value(values, value, 20)) == []  # 0.1 %, and no more


def test_a_frequent_value_near_the_bulk_is_none() -> None:
    for value in (100.0, 140.0, 0.0, -99.9):
        assert spikes(with_value(NORMAL, value, 1000)) == []
    assert spikes(with_value(NORMAL, -99.0, 1000)) == [-99.0]  # near it, but a usual sentinel
    assert spikes(with_value(NORMAL * 100, 9999.0, 1000)) == []  # a sentinel in the bulk


def test_two_sentinels_are_two_spikes() -> None:
    values = with_value(with_value(NORMAL, -999.0, 2000), -99.0, 1000)
    assert spikes(values) == [-999.0, -99.0]


@pytest.mark.parametrize("share", [0.002, 0.02, 0.5, 0.995])
def test_flags_have_no_spikes(share: float) -> None:
    flags = np.zeros(10_000)
    flags[: int(share * 10_000)] = 1.0
    assert spikes(np.sort(flags)) == []


def test_no_values_and_few_values_have_no_spikes() -> None:
    assert spikes(np.empty(0)) == []
    assert spikes(np.array([-999.0] * 50 + [1.0, 2.0, 3.0])) == []


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_spikes_of_all_floats_are_found(dtype: type) -> None:
    assert spikes(with_value(NORMAL, -999.0, 500).astype(dtype)) == [-999.0]


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
        own, others = (np.sort(values[chosen]) for chosen in (files == file, files != file))
        plain = ks_distance(own, others, weights=None)
        assert distance == pytest.approx(plain, abs=1e-12)
