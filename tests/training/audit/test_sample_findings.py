"""Tests of findings on samples of inputs."""

import numpy as np
import pytest

from memmpy.training.audit.sample_findings import spikes
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
