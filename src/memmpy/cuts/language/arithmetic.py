"""The operators on arrays of numbers, computed as ROOT does: in int64, uint64 or float64.

Smaller integers and booleans count as int64, smaller floats as float64, so that nothing overflows
or rounds at fewer bits. A constant is an array without axes. Callers silence NumPy's warnings.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeAlias

import numpy as np

from memmpy.typing import Array, Mask

__all__ = [
    "BINARY",
    "INTEGERS_ONLY",
    "LOGICAL",
    "UNARY",
    "Ufunc",
    "common_dtype",
    "selected",
    "truncate",
    "truth",
    "widen",
]

#: A `np.ufunc`, or a function that is called like one.
Ufunc: TypeAlias = Callable[..., Array]

_INT64, _UINT64, _FLOAT64 = np.dtype(np.int64), np.dtype(np.uint64), np.dtype(np.float64)

#: The operators that floats do not have.
INTEGERS_ONLY = frozenset({"&", "|", "<<", ">>", "~"})


def truth(values: Array) -> Mask:
    """Return whether each is a true operand: not zero. NaN counts as true, as in C++."""
    return values if values.dtype == np.bool_ else np.not_equal(values, 0)


def selected(values: Array) -> Mask:
    """Return whether each passes as the value of a cut: neither zero nor NaN, as in ROOT 6.42."""
    if values.dtype.kind == "f":
        return np.greater(np.absolute(values), 0)
    return truth(values)


def truncate(values: Array) -> Array:
    """Return integers of 64 bits: floats lose their fraction, NaN is 0.

    Floats beyond 64 bits, for which C++ promises nothing, become the nearest integer.
    """
    if values.dtype.kind != "f":
        return widen(values)
    whole: Array = np.nan_to_num(values.astype(np.float64), nan=0.0)
    # The largest float64 below 2**63.
    return np.clip(whole, -(2.0**63), 2.0**63 - 1024).astype(np.int64)


def widen(values: Array) -> Array:
    """Return the values in the type they are computed in."""
    return values.astype(_wide(values.dtype), copy=False)


def common_dtype(left: Array, right: Array) -> np.dtype:
    """Return the type in which two arrays are computed together.

    uint64 stays uint64 beside unsigned integers, booleans and constants from 0 on, which cannot be
    negative. Beside other integers it becomes float64, which keeps the sign.
    """
    wide = {_wide(left.dtype), _wide(right.dtype)}
    if len(wide) == 1:
        return wide.pop()
    if _FLOAT64 in wide:
        return _FLOAT64
    signed = left if _wide(left.dtype) == _INT64 else right
    is_natural = signed.dtype.kind in "ub" or (signed.ndim == 0 and signed >= 0)
    return _UINT64 if is_natural else _FLOAT64


def _wide(dtype: np.dtype) -> np.dtype:
    if dtype.kind == "f":
        return _FLOAT64
    return _UINT64 if dtype.kind == "u" and dtype.itemsize == 8 else _INT64


def _narrow(constant: Array, values: Array) -> Array:
    """Return a constant in the type of the values, if that type holds it exactly."""
    if constant.ndim or (constant.dtype.kind == "f" and values.dtype.kind != "f"):
        return constant
    narrow = constant.astype(values.dtype)
    return narrow if narrow == constant else constant


def _compare(ufunc: Ufunc, left: Array, right: Array) -> Array:
    left, right = _narrow(left, right), _narrow(right, left)
    if left.dtype != right.dtype:
        # NumPy compares int64 with uint64 exactly, but not smaller integers with uint64.
        left, right = widen(left), widen(right)
    return ufunc(left, right)


def _compute(ufunc: Ufunc, left: Array, right: Array) -> Array:
    return ufunc(left, right, dtype=common_dtype(left, right), casting="unsafe")


def _difference(left: Array, right: Array) -> Array:
    """Subtract; uint64 in float64, which has a sign, as ROOT does."""
    dtype = common_dtype(left, right)
    dtype = _FLOAT64 if dtype == _UINT64 else dtype
    return np.subtract(left, right, dtype=dtype, casting="unsafe")


def _shift(ufunc: Ufunc, left: Array, right: Array) -> Array:
    return ufunc(left, right, dtype=_wide(left.dtype), casting="unsafe")


def _bitwise(ufunc: Ufunc, left: Array, right: Array) -> Array:
    if left.dtype == right.dtype == np.bool_:
        return ufunc(left, right)
    is_unsigned = _UINT64 in (_wide(left.dtype), _wide(right.dtype))
    return ufunc(left, right, dtype=_UINT64 if is_unsigned else _INT64, casting="unsafe")


def _remainder(left: Array, right: Array) -> Array:
    """Return the remainder of C++, with the sign of the left; ROOT takes integers only."""
    left, right = truncate(left), truncate(right)
    dtype = common_dtype(left, right)
    if dtype == _FLOAT64:  # signed beside uint64
        return np.where(right != 0, np.fmod(left, right, dtype=dtype), 0)
    return np.fmod(left, right, dtype=dtype, casting="unsafe")


def _negative(values: Array) -> Array:
    dtype = _wide(values.dtype)
    return np.negative(values, dtype=_FLOAT64 if dtype == _UINT64 else dtype)


def _invert(values: Array) -> Array:
    return ~values if values.dtype == np.bool_ else ~widen(values)


def _not(values: Array) -> Mask:
    return np.logical_not(values)


def _divide(left: Array, right: Array) -> Array:
    """Divide as ROOT does: a number divided by zero gives zero."""
    left, right = np.broadcast_arrays(left, right)
    quotient = np.zeros(left.shape, _FLOAT64)
    return np.true_divide(left, right, out=quotient, where=right != 0, dtype=_FLOAT64)


UNARY: Mapping[str, Callable[[Array], Array]] = {
    "+": widen,
    "-": _negative,
    "!": _not,
    "~": _invert,
}

BINARY: Mapping[str, Callable[[Array, Array], Array]] = {
    "+": partial(_compute, np.add),
    "-": _difference,
    "*": partial(_compute, np.multiply),
    "%": _remainder,
    "/": _divide,
    "**": partial(np.power, dtype=_FLOAT64),
    "<<": partial(_shift, np.left_shift),
    ">>": partial(_shift, np.right_shift),
    "&": partial(_bitwise, np.bitwise_and),
    "|": partial(_bitwise, np.bitwise_or),
    "==": partial(_compare, np.equal),
    "!=": partial(_compare, np.not_equal),
    "<": partial(_compare, np.less),
    "<=": partial(_compare, np.less_equal),
    ">": partial(_compare, np.greater),
    ">=": partial(_compare, np.greater_equal),
}

LOGICAL: Mapping[str, Callable[[Mask, Mask], Mask]] = {
    "&&": np.logical_and,
    "||": np.logical_or,
}
