import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.training.moments import Moments

#: Numbers whose squares keep their digits.
ORDINARY = st.floats(-1e6, 1e6).filter(lambda number: number == 0 or abs(number) > 1e-140)
NUMBERS = ORDINARY | st.sampled_from([math.nan, math.inf, -math.inf])
TABLES = hnp.arrays(
    np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40), elements=NUMBERS
)


def finite(column: np.ndarray) -> list[float]:
    return [number for number in column.tolist() if math.isfinite(number)]


def expected(column: np.ndarray) -> tuple[float, float]:
    """Return mean and standard deviation of the finite values, from exact sums."""
    numbers = finite(column)
    mean = math.fsum(numbers) / len(numbers)
    return mean, math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def assert_moments_of(moments: Moments, table: np.ndarray, size: float = 0.0) -> None:
    for i, column in enumerate(table.T):
        numbers = finite(column)
        assert moments.counts[i] == len(numbers)
        if not numbers:
            assert math.isnan(moments.centers[i])
            assert math.isnan(moments.widths[i])
            assert (moments.least[i], moments.greatest[i]) == (math.inf, -math.inf)
            continue
        mean, width = expected(column)
        least = max([size, *map(abs, numbers)])
        assert moments.centers[i] == pytest.approx(mean, rel=1e-12, abs=1e-12 * least)
        assert moments.widths[i] == pytest.approx(width, rel=1e-9, abs=1e-9 * least)
        assert (moments.least[i], moments.greatest[i]) == (min(numbers), max(numbers))


@pytest.mark.slow
@given(TABLES)
def test_moments_are_those_of_the_finite_values(table: np.ndarray) -> None:
    assert_moments_of(Moments.of(table), table)


@given(st.data())
def test_moments_of_the_parts_of_any_partition_are_those_of_the_whole(data: Any) -> None:
    table = data.draw(TABLES)
    edges = data.draw(st.lists(st.integers(0, len(table)), max_size=6).map(sorted))
    parts = np.split(table, edges)
    assert_moments_of(Moments.join(Moments.of(part) for part in parts), table)


@pytest.mark.slow
@given(TABLES, TABLES)
def test_an_empty_part_changes_no_bit(table: np.ndarray, other: np.ndarray) -> None:
    empty = Moments.of(np.empty((0, table.shape[1])))
    one = Moments.of(table)
    for joined in (one + empty, empty + one):
        np.testing.assert_array_equal(joined.centers, one.centers)
        np.testing.assert_array_equal(joined.widths, one.widths)
        np.testing.assert_array_equal(joined.counts, one.counts)


@pytest.mark.slow
@given(TABLES)
def test_given_shifts_change_nothing_but_rounding(table: np.ndarray) -> None:
    assert_moments_of(Moments.of(table, np.full(table.shape[1], 17.5)), table, 17.5)


def test_a_width_far_from_zero_loses_no_digits() -> None:
    values = np.random.default_rng(0).normal(size=(100_000, 1)) + 1e9
    mean, width = expected(values[:, 0])
    moments = Moments.join(Moments.of(part) for part in np.array_split(values, 37))
    assert moments.centers[0] == pytest.approx(mean, rel=1e-15)
    assert moments.widths[0] == pytest.approx(width, rel=1e-12)


@pytest.mark.parametrize("number", [0.1, -1e30, 1e9 + 1 / 3])
def test_a_constant_has_width_zero_exactly(number: float) -> None:
    values = np.full((5000, 1), np.float32(number), np.float32)
    moments = Moments.join(Moments.of(part) for part in np.array_split(values, 7))
    assert moments.widths.tolist() == [0.0]
    assert moments.centers.tolist() == [float(np.float32(number))]


def test_columns_are_apart() -> None:
    moments = Moments.of(np.array([[1.0, np.nan], [3.0, np.inf]]))
    assert moments.counts.tolist() == [2, 0]
    assert moments.centers[0] == 2.0
    assert math.isnan(moments.centers[1])
