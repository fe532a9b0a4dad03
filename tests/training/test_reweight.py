import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import Reweight
from memmpy.errors import OptionError
from memmpy.training.reweight import fit_bin_factors

EDGES = st.lists(st.integers(-50, 50), min_size=2, max_size=6, unique=True).map(sorted)
NUMBERS = (
    st.floats(-60, 60)
    | st.integers(-50, 50).map(float)
    | st.sampled_from([math.nan, math.inf, -math.inf])
)


def bin_of(number: float, edges: list[int]) -> int | None:
    """Return the bin of a number, by trying each one; None for NaN."""
    if math.isnan(number):
        return None
    for at in range(len(edges) - 1):
        if number < edges[at + 1]:
            return at
    return len(edges) - 2


@given(EDGES, EDGES, st.lists(st.tuples(NUMBERS, NUMBERS), max_size=30))
def test_bins_are_those_of_all_combinations(
    first: list[int], second: list[int], pairs: list[tuple[float, float]]
) -> None:
    bins = Reweight({"x": first, "y": second}, flat=True).bins_of(
        [np.array([pair[i] for pair in pairs], np.float64) for i in (0, 1)]
    )
    assert bins.dtype == np.int32
    for number, (x, y) in zip(bins.tolist(), pairs, strict=True):
        at, other = bin_of(x, first), bin_of(y, second)
        expected = -1 if at is None or other is None else at * (len(second) - 1) + other
        assert number == expected


def test_a_bin_has_its_lower_edge_and_the_last_one_both() -> None:
    reweight = Reweight({"x": [0, 1, 2]}, flat=True)
    values = np.array([-5, 0, 1 - 1e-12, 1, 2, 99, np.inf, -np.inf, np.nan])
    assert reweight.bins_of([values]).tolist() == [0, 0, 0, 1, 1, 1, 1, 0, -1]


def test_integers_have_bins() -> None:
    reweight = Reweight({"n": [0, 2, 4]}, flat=True)
    assert reweight.bins_of([np.array([0, 1, 2, 3, 4], np.uint8)]).tolist() == [0, 0, 1, 1, 1]


def shares(sums: np.ndarray) -> np.ndarray:
    shares: np.ndarray = sums / sums.sum(axis=-1, keepdims=True)
    return shares


POSITIVE = st.lists(st.floats(0.01, 1e6), min_size=4, max_size=4)


@given(POSITIVE, POSITIVE)
def test_the_other_classes_get_the_shape_of_the_target(one: list[float], two: list[float]) -> None:
    sums = np.array([[*one, 3.0], [*two, 5.0]])
    fitted = fit_bin_factors(Reweight({"x": range(5)}, to="b"), sums, sums**2, ["a", "b"])
    after = fitted.factors * sums
    np.testing.assert_allclose(shares(after[0, :4]), shares(sums[1, :4]), rtol=1e-12)
    assert fitted.factors[1].tolist() == [1.0] * 5
    np.testing.assert_allclose(after.sum(axis=1), sums.sum(axis=1), rtol=1e-12)


@given(POSITIVE, POSITIVE)
def test_flat_gives_all_bins_equal_sums(one: list[float], two: list[float]) -> None:
    sums = np.array([[*one, 0.0], [*two, 0.0]])
    fitted = fit_bin_factors(Reweight({"x": range(5)}, flat=True), sums, sums, ["a", "b"])
    after = fitted.factors * sums
    np.testing.assert_allclose(after[:, :4], sums.sum(axis=1, keepdims=True) / 4 * np.ones(4))


def test_a_bin_whose_sum_is_not_positive_has_the_factor_of_no_bin_and_counts() -> None:
    sums = np.array([[-1.0, 4.0, 2.0, 0.0], [1.0, 0.0, 3.0, 0.0]])
    fitted = fit_bin_factors(Reweight({"x": range(4)}, to="b"), sums, np.abs(sums), ["a", "b"])
    assert fitted.num_unusable.tolist() == [2, 1]
    # All factors of the class are multiplied by one number, that of the events without a bin.
    scale = fitted.factors[0, 3]
    assert fitted.factors[0, :2].tolist() == [scale, scale]
    assert fitted.factors[0, 2] != scale


def test_max_ratio_limits_factors_before_the_sums_are_restored() -> None:
    sums = np.array([[1.0, 99.0, 0.0], [50.0, 50.0, 0.0]])
    fitted = fit_bin_factors(Reweight({"x": range(3)}, to="b", max_ratio=4), sums, sums, ["a", "b"])
    plain = np.array([4.0, 50 / 99])
    scale = 100 / (plain * sums[0, :2]).sum()
    np.testing.assert_allclose(fitted.factors[0, :2], plain * scale)
    assert fitted.num_capped.tolist() == [1, 0]


def test_effective_events_before_and_after_are_those_of_the_weights() -> None:
    random = np.random.default_rng(2)
    bins, weights = random.integers(0, 3, 1000), random.uniform(0.5, 2, 1000)
    own = np.bincount(bins, weights)
    sums = np.vstack([[*own, 0.0], [3.0, 2.0, 1.0, 0.0]])
    squares = np.vstack([[*np.bincount(bins, weights**2), 0.0], np.ones(4)])
    fitted = fit_bin_factors(Reweight({"x": range(4)}, to="b"), sums, squares, ["a", "b"])
    after = weights * fitted.factors[0][bins]
    expected = [math.fsum(w) ** 2 / math.fsum(w**2) for w in (weights, after)]
    np.testing.assert_allclose(fitted.effective[0], expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("variables", "options", "message"),
    [
        ({}, {"flat": True}, "a mapping of expression to edges"),
        ([1, 2], {"flat": True}, "a mapping of expression to edges"),
        (
            {"x": [0]},
            {"flat": True},
            "the edges of 'x' are at least two numbers in ascending order",
        ),
        ({"x": [1, 0]}, {"flat": True}, "ascending"),
        ({"x": [0, 0]}, {"flat": True}, "ascending"),
        ({"x": [0, math.nan]}, {"flat": True}, "ascending"),
        ({"x": "ab"}, {"flat": True}, "ascending"),
        ({"x": 5}, {"flat": True}, "ascending"),
        ({"x": [[0, 1]]}, {"flat": True}, "ascending"),
        ({1: [0, 1]}, {"flat": True}, "is an expression, got 1"),
        ({"x": [0, 1]}, {}, r"needs to= \(a class\) or flat=True"),
        ({"x": [0, 1]}, {"to": "a", "flat": True}, r"needs to= \(a class\) or flat=True"),
        ({"x": [0, 1]}, {"flat": 1}, "flat"),
        ({"x": [0, 1]}, {"to": 1}, "to of Reweight is the name of a class, got 1"),
        ({"x": [0, 1]}, {"flat": True, "max_ratio": 0.5}, "at least 1, got 0.5"),
        ({"x": [0, 1]}, {"flat": True, "max_ratio": "2"}, "at least 1, got '2'"),
        ({"x": [0, 1]}, {"flat": True, "max_ratio": math.nan}, "at least 1"),
        ({"x": [0, 1]}, {"flat": True, "max_ratio": True}, "at least 1"),
        ({"x": range(2000), "y": range(2000)}, {"flat": True}, "3,996,001 bins, and may have"),
    ],
)
def test_bad_options_are_refused(variables: Any, options: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Reweight(variables, **options)
