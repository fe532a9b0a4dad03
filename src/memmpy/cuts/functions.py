"""The functions a cut may call, as a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce

import numpy as np

from memmpy.cuts.arithmetic import Ufunc, common_dtype, widened
from memmpy.typing import Array

__all__ = ["FUNCTIONS", "Function"]


@dataclass(frozen=True, slots=True)
class Function:
    """What a function does to arrays, and how many it takes.

    Attributes
    ----------
    arity : int
        The number of arguments, or the least number where it is `variadic`.
    apply : callable
        Takes arrays of numbers that broadcast, returns an array.
    condition : bool
        Whether it answers true or false.
    """

    arity: int
    apply: Callable[..., Array]
    condition: bool = False
    variadic: bool = False


def _absolute(values: Array) -> Array:
    return np.absolute(widened(values))


def _round(values: Array) -> Array:
    # Halves go away from zero, as in C++; np.round sends them to the even neighbour.
    whole: Array = np.trunc(values, dtype=np.float64)
    away: Array = np.copysign(np.abs(values - whole) >= 0.5, values)
    return whole + away


def _smaller(left: Array, right: Array) -> Array:
    # std::min keeps the first unless the second is smaller, which NaN never is.
    dtype = common_dtype(left, right)
    left, right = left.astype(dtype), right.astype(dtype)
    return np.where(right < left, right, left)


def _larger(left: Array, right: Array) -> Array:
    dtype = common_dtype(left, right)
    left, right = left.astype(dtype), right.astype(dtype)
    return np.where(left < right, right, left)


def _reduced(pair: Callable[[Array, Array], Array], *values: Array) -> Array:
    return reduce(pair, values)


def _float(ufunc: Ufunc, arity: int = 1) -> Function:
    """Return a function that computes in float64, whatever it is given."""
    return Function(arity, partial(ufunc, dtype=np.float64))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, _absolute),
    "fabs": _float(np.fabs),
    "sqrt": _float(np.sqrt),
    "cbrt": _float(np.cbrt),
    "exp": _float(np.exp),
    "expm1": _float(np.expm1),
    "log": _float(np.log),
    "log10": _float(np.log10),
    "log2": _float(np.log2),
    "log1p": _float(np.log1p),
    "pow": _float(np.power, 2),
    "hypot": _float(np.hypot, 2),
    "fmod": _float(np.fmod, 2),
    "sin": _float(np.sin),
    "cos": _float(np.cos),
    "tan": _float(np.tan),
    "asin": _float(np.arcsin),
    "acos": _float(np.arccos),
    "atan": _float(np.arctan),
    "atan2": _float(np.arctan2, 2),
    "sinh": _float(np.sinh),
    "cosh": _float(np.cosh),
    "tanh": _float(np.tanh),
    "asinh": _float(np.arcsinh),
    "acosh": _float(np.arccosh),
    "atanh": _float(np.arctanh),
    "floor": _float(np.floor),
    "ceil": _float(np.ceil),
    "trunc": _float(np.trunc),
    "round": Function(1, _round),
    "min": Function(2, partial(_reduced, _smaller), variadic=True),
    "max": Function(2, partial(_reduced, _larger), variadic=True),
    "isnan": Function(1, np.isnan, condition=True),
    "isinf": Function(1, np.isinf, condition=True),
    "isfinite": Function(1, np.isfinite, condition=True),
}
