"""Tests of arithmetic in int64, uint64 and float64, exact for integers."""

import operator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.cuts import parse
from memmpy.cuts.evaluation import evaluate, passes
from memmpy.typing import Array

INTEGERS = (np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64)


def value(text: str, **columns: Array) -> Array:
    return evaluate(parse(text), columns).content


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_of_few_bits_do_not_overflow(dtype: type) -> None:
    x: Array = np.array([1]).astype(dtype)
    for text, expected in [("x * 1000", 1000), ("x << 40", 2**40), ("-x", -1), ("x - x - x", -1)]:
        result = value(text, x=x)
        assert result.dtype == np.int64
        assert result.tolist() == [expected]


def test_columns_of_few_bits_do_not_overflow_with_each_other() -> None:
    x = np.array([100], np.int8)
    assert value("x + x", x=x).tolist() == [200]


def test_float32_is_compared_as_a_double() -> None:
    x = np.array([0.1], np.float32)
    assert value("x > 0.1", x=x).tolist() == [True]
    assert value("x == 0.5 / 5", x=x).tolist() == [False]
    assert value("x * x", x=x).tolist() == [float(x[0]) ** 2]


def test_event_numbers_are_exact_past_53_bits() -> None:
    signed = np.array([2**53 + 1, 2**53, 2**63 - 1])
    unsigned = np.array([2**63 + 1, 2**63, 2**64 - 1], np.uint64)
    assert value("x == 9007199254740993", x=signed).tolist() == [True, False, False]
    assert value("x == 9223372036854775809", x=unsigned).tolist() == [True, False, False]
    assert value("x % 2", x=signed).tolist() == [1, 0, 1]
    assert value("x % 2", x=unsigned).tolist() == [1, 0, 1]
    assert value("x + 1", x=unsigned).dtype == np.uint64
    assert value("x < y", x=signed, y=unsigned).all()
    assert value("x > -1", x=unsigned).all()
    assert not value("x == -9223372036854775807", x=unsigned).any()


def test_an_unsigned_beside_a_signed_integer_keeps_its_sign() -> None:
    x, y = np.array([5], np.uint64), np.array([7], np.int32)
    assert value("x - y", x=x, y=y).tolist() == [-2.0]
    assert value("-x", x=x).tolist() == [-5.0]
    assert value("x + y", x=x, y=y.astype(np.uint8)).dtype == np.uint64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7 / 2", 3.5),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("-7.5 % 2", -1),
        ("2.9 % 2.9", 0),
        ("7 % 0.5", 0),
        ("2 ** 10", 1024.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("1 << 3", 8),
        ("-8 >> 1", -4),
        ("1 << 64", 0),
        ("6 & 3", 2),
        ("6 | 3", 7),
        ("~5", -6),
        ("!5", False),
        ("~true", False),
        ("true + true", 2),
        ("1 / 0", 0.0),
        ("-1 / 0.0", 0.0),
        ("5 % 0", 0),
        ("18446744073709551614 + 1", 2**64 - 1),
        ("18446744073709551615 & 1", 1),
    ],
)
def test_operators_give_what_cpp_gives(text: str, expected: float) -> None:
    result = value(text)
    assert (result.item(), type(result.item())) == (expected, type(expected))


def test_dividing_by_nothing_is_quiet() -> None:
    x = np.array([0.0, 1.0])
    np.testing.assert_array_equal(value("x / 0", x=x), [0.0, 0.0])
    np.testing.assert_array_equal(value("x % 0", x=x), [0, 0])
    np.testing.assert_array_equal(value("x % 0", x=np.array([1, 2], np.uint64)), [0, 0])
    np.testing.assert_array_equal(value("x % -1", x=np.array([-(2**63)])), [0])
    np.testing.assert_array_equal(value("1e300 * x * 1e300 > 1", x=x), [False, True])


def test_the_remainder_is_taken_of_integers() -> None:
    x = np.array([7.9, -7.9, np.nan, np.inf, -np.inf])
    result = value("x % 4", x=x)
    assert result.dtype == np.int64
    assert result.tolist() == [3, -3, 0, (2**63 - 1024) % 4, 0]


def test_the_remainder_of_unsigned_by_signed_keeps_its_sign() -> None:
    x, y = np.array([7, 7], np.uint64), np.array([-4, 0])
    assert value("x % y", x=x, y=y).tolist() == [3.0, 0.0]
    assert value("y % x", x=x, y=y).tolist() == [-4.0, 0.0]


def test_conditions_are_joined_and_integers_are_masked() -> None:
    flag, bits = np.array([True, False]), np.array([6, 1], np.uint8)
    assert value("flag & (bits > 2)", flag=flag, bits=bits).dtype == np.bool_
    assert value("~flag", flag=flag).tolist() == [False, True]
    assert value("~bits", bits=bits).tolist() == [-7, -2]
    assert value("bits & 4", bits=bits).tolist() == [4, 0]
    assert value("bits & x", bits=bits, x=np.array([2**63 + 4] * 2, np.uint64)).tolist() == [4, 0]


def test_numbers_are_conditions_where_they_are_not_zero_and_pass_where_they_are_not_nan() -> None:
    x = np.array([0.0, 0.5, np.nan])
    assert value("x && true", x=x).tolist() == [False, True, True]
    assert value("!x", x=x).tolist() == [True, False, False]
    assert passes(parse("x"), {"x": x}, num_entries=3).tolist() == [False, True, False]


COMPARE = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EDGES = [0, 1, 127, 128, 255, 256, 2**24 + 1, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1]
NUMBERS = st.one_of(st.sampled_from([*EDGES, *(-edge for edge in EDGES[:-2])]), st.integers(-9, 9))
DTYPES = st.sampled_from([*INTEGERS, np.uint64])


@given(st.sampled_from(list(COMPARE)), NUMBERS, DTYPES, NUMBERS, DTYPES)
def test_comparing_integers_is_exact(
    symbol: str, one: int, one_type: type, other: int, other_type: type
) -> None:
    x: Array = np.array([one % 2**64], np.uint64).astype(one_type)
    y: Array = np.array([other % 2**64], np.uint64).astype(other_type)
    compare = COMPARE[symbol]
    assert value(f"x {symbol} y", x=x, y=y).item() == compare(int(x[0]), int(y[0]))
    assert value(f"x {symbol} {other}", x=x).item() == compare(int(x[0]), other)
    assert value(f"{other} {symbol} x", x=x).item() == compare(other, int(x[0]))


@given(
    st.sampled_from(list(COMPARE)),
    st.floats(width=32),
    st.one_of(st.floats(), st.floats(width=32), NUMBERS),
)
def test_comparing_floats_is_done_in_double(symbol: str, one: float, other: float) -> None:
    x = np.array([one], np.float32)
    expected = COMPARE[symbol](float(x[0]), float(other))
    columns = {"x": x, "y": np.array([float(other)])}
    assert evaluate(parse(f"x {symbol} y"), columns).content.item() == expected
    if np.isfinite(other):
        assert value(f"x {symbol} {other!r}", x=x).item() == expected


def test_differences_of_unsigned_integers_have_a_sign() -> None:
    few, many = np.array([1, 5], np.uint64), np.array([2, 3], np.uint64)
    assert value("x - y < 1", x=few, y=many).tolist() == [True, False]
    assert value("abs(x - 5) < 2", x=np.array([1, 4, 5, 9], np.uint64)).tolist() == [
        False,
        True,
        True,
        False,
    ]
