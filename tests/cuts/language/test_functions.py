"""Tests of functions, against NumPy and C++."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from memmpy.cuts import parse
from memmpy.cuts.evaluation import ColumnLike, evaluate
from memmpy.cuts.language import FUNCTIONS, Number
from memmpy.cuts.language.functions import CONSTANTS, SPELLINGS
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
    "exp2": np.exp2,
    "rint": np.rint,
    "sq": np.square,
    "copysign": np.copysign,
    "sign": lambda x: np.where(x < 0, -1, 1),
    "isodd": lambda x: np.equal(x % 2, 1),
    "iseven": lambda x: np.equal(x % 2, 0),
}
CASTS = [
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64"),
]


#: Those with tests of their own.
OTHERS = ["round", "where", "int", "phi_mpi_pi", "phi_0_2pi"]


def call(name: str, *arguments: object) -> Array:
    columns = {f"x{i}": np.asarray(values) for i, values in enumerate(arguments)}
    return evaluate(parse(f"{name}({', '.join(columns)})"), columns).content


def test_every_function_has_a_reference() -> None:
    assert FUNCTIONS.keys() == REFERENCE.keys() | {*CASTS, *OTHERS}


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
    # Of what has no sign, one is chosen as it is.
    is_small = FUNCTIONS[name].condition or (name in {"min", "max"} and dtype is np.bool_)
    assert result.dtype.itemsize == (1 if is_small else 8)


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


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("?", "?", "u1"), ("u4", "?", "u4"), ("u8", "?", "u8"), ("i1", "?", "i8"), ("i4", "u8", "f8")],
)
def test_min_has_no_sign_where_its_arguments_have_none(one: str, other: str, expected: str) -> None:
    for num in (0, 2):
        values = np.ones(num, one), np.ones(num, other)
        assert FUNCTIONS["min"].apply(*values, values[0]).dtype == expected


def test_min_of_integers_is_exact() -> None:
    assert call("min", [2**53 + 1], [2**53 + 2]).tolist() == [2**53 + 1]


def test_abs_of_integers_stays_an_integer() -> None:
    result = call("abs", np.array([-128, 5], np.int8))
    assert result.dtype == np.int64
    assert result.tolist() == [128, 5]


def test_casts_of_floats_cut_and_end_at_the_limits() -> None:
    values = [-1.9, 300.7, NAN, 0.0]
    assert call("int8", values).tolist() == [-1, 127, 0, 0]
    assert call("uint8", values).tolist() == [0, 255, 0, 0]
    assert call("int64", values).tolist() == [-1, 300, 0, 0]
    assert call("int8", [300]).tolist() == [44]
    assert call("uint64", [1.5e19]).tolist() == [15_000_000_000_000_000_000]
    assert call("bool", values).tolist() == [True, True, True, False]
    np.testing.assert_array_equal(call("float32", [0.1]), np.array([0.1], np.float32))
    assert call("float64", [3]).tolist() == [3.0]


@pytest.mark.parametrize("name", CASTS)
def test_a_cast_gives_its_type(name: str) -> None:
    for values in ([True], [3], [2.5], np.array([7], np.uint64)):
        assert call(name, values).dtype == name


def test_what_lies_beyond_64_bits_is_cut_to_their_limits() -> None:
    assert call("int64", [INF, -INF, 1e30]).tolist() == [2**63 - 1024, -(2**63), 2**63 - 1024]


def test_int_keeps_64_bits_as_roots_formulas_do() -> None:
    assert call("int", [3e9, -2.7]).tolist() == [3_000_000_000, -2]
    assert call("int", [True]).dtype == np.int64
    assert call("int", np.array([2**63 + 1], np.uint64)).tolist() == [2**63 + 1]


def test_where_takes_one_or_the_other() -> None:
    assert call("where", [1.0, 0.0, NAN], [1, 2, 3], [4, 5, 6]).tolist() == [1, 5, 3]
    assert call("where", [True], [True], [False]).dtype == np.bool_
    assert call("where", [True], [True], [2]).dtype == np.int64
    assert call("where", [False], [2**53 + 1], [0.5]).tolist() == [0.5]


def test_angles_are_turned_into_range() -> None:
    for angle in (0.0, 1.0, -3.0, 3.5, -3.5, 100.0):
        centred, positive = (call(name, [angle]).item() for name in ("phi_mpi_pi", "phi_0_2pi"))
        assert -math.pi <= centred < math.pi
        assert 0 <= positive < 2 * math.pi
        assert math.isclose(math.cos(centred), math.cos(angle), rel_tol=1e-12)
        assert math.isclose(math.sin(positive), math.sin(angle), rel_tol=1e-12, abs_tol=1e-12)
    assert call("phi_mpi_pi", [0.1]).item() == 0.1


def test_signs_of_zero_and_nan_are_positive_as_in_root() -> None:
    assert call("sign", [-2.0, 0.0, -0.0, NAN]).tolist() == [-1, 1, 1, 1]
    assert call("copysign", [3, -3, 3], [-1, 1, 0]).tolist() == [-3, 3, 3]
    assert call("copysign", np.array([5], np.uint64), [-1]).tolist() == [-5.0]


def test_odd_and_even_take_whole_numbers() -> None:
    assert call("isodd", [-3.9, 2.5, NAN]).tolist() == [True, False, False]
    assert call("iseven", np.array([2**63 + 1], np.uint64)).tolist() == [False]


def test_square_of_integers_is_exact() -> None:
    assert call("sq", np.array([-3], np.int8)).tolist() == [9]
    assert call("sq", [2**31]).tolist() == [2**62]


def test_every_spelling_leads_to_a_function() -> None:
    assert set(SPELLINGS.values()) == FUNCTIONS.keys()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TMath::Abs(x)", "abs(x)"),
        ("std::fabs(x)", "fabs(x)"),
        ("TMath::Power(x, 3)", "pow(x, 3)"),
        ("TMath::Nint(x)", "rint(x)"),
        ("TMath::Even(x)", "iseven(x)"),
        ("TMath::Sign(x, y)", "copysign(x, y)"),
        ("TMath::Finite(x)", "isfinite(x)"),
        ("TVector2::Phi_mpi_pi(x)", "phi_mpi_pi(x)"),
        ("arctan2(x, y)", "TMath::ATan2(x, y)"),
        ("maximum(x, y)", "TMath::Max(x, y)"),
        ("Long64_t(x)", "long(x)"),
        ("Int_t(x)", "int(x)"),
        ("float(x)", "float32(x)"),
        ("unsigned(x)", "uint32(x)"),
    ],
)
def test_spellings_of_a_function_are_the_same(one: str, other: str) -> None:
    assert parse(one) == parse(other)


@pytest.mark.parametrize(("name", "value"), CONSTANTS.items())
def test_constants_are_numbers(name: str, value: float) -> None:
    node = parse(f"{name}()" if "::" in name else name)
    assert isinstance(node, Number)
    assert node.value == value


@pytest.mark.parametrize(
    "text", ["max(c, c, u)", "max(u, c, c)", "max(b, b, u)", "max(c, b, u, c)"]
)
def test_extremes_of_what_has_no_sign_are_exact_in_any_order(text: str) -> None:
    columns: dict[str, ColumnLike] = {
        "u": np.array([2**53 + 1, 2**64 - 1], np.uint64),
        "c": np.array([7, 0], np.uint32),
        "b": np.array([True, False]),
    }
    found = evaluate(parse(text), columns).content
    assert found.dtype == np.uint64
    assert found.tolist() == [2**53 + 1, 2**64 - 1]
