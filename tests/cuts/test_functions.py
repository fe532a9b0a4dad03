"""What functions give, against NumPy and C++."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from memmpy.cuts import FUNCTIONS, evaluate, parse
from memmpy.typing import Array

NAN, INF = math.nan, math.inf
REFERENCE: dict[str, Callable[..., Array]] = {
    "fabs": np.abs,
    "sqrt": np.sqrt,
    "cbrt": np.cbrt,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log10": np.log10,
    "log2": np.log2,
    "log1p": np.log1p,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "floor": np.floor,
    "ceil": np.ceil,
    "trunc": np.trunc,
    "abs": np.abs,
    "pow": np.power,
    "hypot": np.hypot,
    "fmod": np.fmod,
    "atan2": np.arctan2,
    "min": np.minimum,
    "max": np.maximum,
    "isnan": np.isnan,
    "isinf": np.isinf,
    "isfinite": np.isfinite,
}


def call(name: str, *arguments: object) -> Array:
    columns = {f"x{i}": np.asarray(values) for i, values in enumerate(arguments)}
    return evaluate(parse(f"{name}({', '.join(columns)})"), columns).content


def test_every_function_has_a_reference() -> None:
    assert FUNCTIONS.keys() == REFERENCE.keys() | {"round"}


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int8, np.uint64, np.bool_])
@pytest.mark.parametrize("name", REFERENCE)
def test_functions_compute_in_64_bits(name: str, dtype: type) -> None:
    first: Array = np.array([0, 1, 0, 1, 3, 100]).astype(dtype)
    second: Array = np.array([1, 0, 0, 2, 2, 3]).astype(dtype)
    arguments = [first, second][: FUNCTIONS[name].arity]
    with np.errstate(all="ignore"):
        expected = REFERENCE[name](*(argument.astype(np.float64) for argument in arguments))
    result = call(name, *arguments)
    np.testing.assert_array_equal(result, expected)
    assert result.dtype.itemsize == (1 if FUNCTIONS[name].condition else 8)


def test_round_sends_halves_away_from_zero() -> None:
    values = [2.5, -2.5, 0.5, -0.3, 0.49999999999999994, 1e300, NAN, -INF]
    np.testing.assert_array_equal(call("round", values), [3, -3, 1, -0.0, 0, 1e300, NAN, -INF])
    np.testing.assert_array_equal(call("round", np.array([-3, 7], np.int8)), [-3, 7])


def test_min_and_max_are_those_of_cpp() -> None:
    one, other = [1.0, NAN, 1.0], [2.0, 1.0, NAN]
    np.testing.assert_array_equal(call("min", one, other), [1, NAN, 1])
    np.testing.assert_array_equal(call("max", one, other), [2, NAN, 1])


def test_min_takes_any_number_of_arguments() -> None:
    assert call("min", [3, 9], [2, 8], [5, 1], [4, 4]).tolist() == [2, 1]


def test_min_of_integers_is_exact() -> None:
    assert call("min", [2**53 + 1], [2**53 + 2]).tolist() == [2**53 + 1]


def test_abs_of_integers_stays_an_integer() -> None:
    result = call("abs", np.array([-128, 5], np.int8))
    assert result.dtype == np.int64
    assert result.tolist() == [128, 5]
