import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.kernels import multiply_weights, standardize


def any_float(width: Any) -> Any:
    return st.floats(width=width) | st.sampled_from([math.nan, math.inf, -math.inf, -0.0])


@st.composite
def tables(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Draw values of shape (..., k), with centers and factors."""
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    elements = any_float(8 * np.dtype(dtype).itemsize)
    shape = draw(hnp.array_shapes(min_dims=2, max_dims=3, max_side=40))
    values = draw(hnp.arrays(dtype, shape, elements=elements))
    centers = draw(hnp.arrays(dtype, shape[-1], elements=elements))
    factors = draw(hnp.arrays(dtype, shape[-1], elements=elements))
    return values, centers, factors


@given(tables(), st.none() | st.floats(-1e30, 1e30))
def test_compiled_scaling_has_the_bits_of_numpy(
    table: tuple[np.ndarray, np.ndarray, np.ndarray], fill: float | None
) -> None:
    values, centers, factors = table
    plain, compiled = values.copy(), values.copy()
    standardize(plain, centers, factors, fill=fill, compiled=False)
    standardize(compiled, centers, factors, fill=fill, compiled=True)
    # All NaNs are alike: hardware chooses the sign of one that it makes.
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(compiled))
    there = ~np.isnan(plain)
    assert plain[there].tobytes() == compiled[there].tobytes()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("num", [0, 1, 15, 16, 17, 100])
def test_scaling_subtracts_and_multiplies_each_column(num: int, compiled: bool) -> None:
    values = np.random.default_rng(num).normal(size=(num, 3)).astype(np.float32)
    centers, factors = np.array([1, -2, 0.5], np.float32), np.array([2, 0.5, -1], np.float32)
    expected = (values - centers) * factors
    standardize(values, centers, factors, fill=None, compiled=compiled)
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_nan_becomes_the_fill_and_infinity_stays(dtype: Any, compiled: bool) -> None:
    values = np.array([[np.nan, np.inf], [1, -np.inf]], dtype)
    one, zero = np.ones(2, dtype), np.zeros(2, dtype)
    standardize(values, zero, one, fill=-5.0, compiled=compiled)
    assert values.tolist() == [[-5.0, np.inf], [1.0, -np.inf]]


@pytest.mark.parametrize("compiled", [False, True])
def test_nan_stays_without_a_fill(compiled: bool) -> None:
    values = np.full((40, 2), np.nan)
    standardize(values, np.zeros(2), np.ones(2), fill=None, compiled=compiled)
    assert np.isnan(values).all()


@st.composite
def weighted(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draw weights, the rows and columns of their factors, and factors."""
    num, shape = draw(st.integers(0, 40)), draw(hnp.array_shapes(min_dims=2, max_dims=2))
    weights = draw(hnp.arrays(np.float64, num, elements=any_float(64)))
    rows = draw(hnp.arrays(np.int64, num, elements=st.integers(-1, shape[0] - 1)))
    columns = draw(hnp.arrays(np.int32, num, elements=st.integers(-1, shape[1] - 1)))
    factors = draw(hnp.arrays(np.float64, shape, elements=st.floats(-1e300, 1e300)))
    return weights, rows, columns, factors


@given(weighted())
def test_compiled_weights_have_the_bits_of_numpy(
    given_: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> None:
    weights, rows, columns, factors = given_
    plain, compiled = (
        multiply_weights(weights, rows, columns, factors=factors, compiled=one)
        for one in (False, True)
    )
    assert plain.dtype == compiled.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(plain), np.isnan(compiled))
    there = ~np.isnan(plain)
    assert plain[there].tobytes() == compiled[there].tobytes()


@pytest.mark.parametrize("compiled", [False, True])
def test_weights_take_the_factor_of_their_row_and_column(compiled: bool) -> None:
    factors = np.array([[2.0, 3.0], [5.0, 7.0]])
    product = multiply_weights(
        np.array([1.0, -1.0, 10.0]),
        np.array([0, 1, -1]),
        np.array([1, 0, -1], np.int32),
        factors=factors,
        compiled=compiled,
    )
    assert product.tolist() == [3.0, -5.0, 70.0]


@pytest.mark.parametrize("compiled", [False, True])
def test_a_weight_is_rounded_once(compiled: bool) -> None:
    weight, factor = 1 / 3, 3 - 1e-9
    product = multiply_weights(
        np.array([weight]),
        np.array([0]),
        np.array([0], np.int32),
        factors=np.array([[factor]]),
        compiled=compiled,
    )
    assert product[0] == np.float32(weight * factor)
