"""Tables of the functions that a cut may call, and the constants that it may name.

Angles are in radians. Each function has one name here, that of C; other spellings lead to it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce
from typing import Literal, TypeAlias

import numpy as np

from memmpy.cuts.language.arithmetic import Ufunc, common_dtype, truncate, truth, widen
from memmpy.typing import Array

__all__ = ["CONSTANTS", "FUNCTIONS", "SPELLINGS", "Function"]

#: The type of the result in C++: "common", that of all arguments; "chosen", of all but the first;
#: "real", float where all are float, else double; or a dtype.
Rule: TypeAlias = Literal["common", "chosen", "real"] | np.dtype


@dataclass(frozen=True, slots=True)
class Function:
    """A function: its arguments, its computation and the type of its result.

    Attributes
    ----------
    arity : int
        The number of arguments; the least number if it is `variadic`.
    apply : callable
        Takes arrays of numbers that broadcast, and returns an array in the type it computes in.
    rule : Rule
        The type of the result in C++.
    variadic : bool
        Whether it takes more arguments than `arity`.
    """

    arity: int
    apply: Callable[..., Array]
    rule: Rule = "real"
    variadic: bool = False

    @property
    def condition(self) -> bool:
        """Whether its result is true or false."""
        return self.rule == np.dtype(np.bool_)


def _absolute(values: Array) -> Array:
    return np.absolute(widen(values))


def _square(values: Array) -> Array:
    wide = widen(values)
    return wide * wide


def _sign(values: Array) -> Array:
    # As TMath::Sign(1, x), for which 0 is positive.
    return np.where(values < 0, -1, 1)


def _copysign(values: Array, other: Array) -> Array:
    size = np.absolute(widen(values))
    is_negative = np.signbit(other) if other.dtype.kind == "f" else other < 0
    return np.where(is_negative, -size.astype(np.result_type(size, np.int64)), size)


def _round(values: Array) -> Array:
    # Halves go away from zero, as in C++; np.round sends them to the even neighbour.
    whole: Array = np.trunc(values, dtype=np.float64)
    away: Array = np.copysign(np.abs(values - whole) >= 0.5, values)
    return whole + away


def _minimum(left: Array, right: Array) -> Array:
    # std::min keeps the first unless the second is smaller, which NaN never is.
    dtype = _chosen_dtype(left, right)
    left, right = left.astype(dtype), right.astype(dtype)
    return np.where(right < left, right, left)


def _maximum(left: Array, right: Array) -> Array:
    dtype = _chosen_dtype(left, right)
    left, right = left.astype(dtype), right.astype(dtype)
    return np.where(left < right, right, left)


def _chosen_dtype(left: Array, right: Array) -> np.dtype:
    """Return the common type of two; unsigned where both are, for the next argument."""
    if left.dtype.kind in "ub" and right.dtype.kind in "ub":
        return np.result_type(left.dtype, right.dtype, np.uint8)
    return common_dtype(left, right)


def _reduce_pairs(pair: Callable[[Array, Array], Array], *values: Array) -> Array:
    return reduce(pair, values)


def _where(condition: Array, left: Array, right: Array) -> Array:
    if left.dtype == right.dtype == np.bool_:
        return np.where(truth(condition), left, right)
    dtype = common_dtype(left, right)
    return np.where(truth(condition), left.astype(dtype), right.astype(dtype))


def _is_odd(values: Array) -> Array:
    odd: Array = np.not_equal(truncate(values) & 1, 0)
    return odd


def _is_even(values: Array) -> Array:
    even: Array = np.equal(truncate(values) & 1, 0)
    return even


def _rotate(start: float, angle: Array) -> Array:
    """Return an angle in [start, start + 2 pi); exact if it is there already."""
    turns = np.floor(np.subtract(angle, start, dtype=np.float64) / (2 * math.pi))
    return np.subtract(angle, 2 * math.pi * turns, dtype=np.float64)


def _cast(dtype: np.dtype, values: Array) -> Array:
    """Cast as C++ does; where C++ promises nothing, NaN is 0 and values are clipped."""
    if dtype.kind == "b":
        return truth(values)
    if dtype.kind == "f" or values.dtype.kind != "f":
        return values.astype(dtype)
    limits = np.iinfo(dtype)
    # The largest float64 that the integers hold.
    greatest = np.nextafter(float(limits.max), 0) if dtype.itemsize == 8 else float(limits.max)
    whole: Array = np.nan_to_num(values.astype(np.float64), nan=0.0)
    return np.clip(whole, float(limits.min), greatest).astype(dtype)


def _to_int(values: Array) -> Array:
    # Computed in 64 bits, as in ROOT; only a column of its own has the 32 of C++.
    return truncate(values)


def _real(ufunc: Ufunc, arity: int = 1) -> Function:
    """Return a function that computes in float64, whatever its arguments."""
    return Function(arity, partial(ufunc, dtype=np.float64))


def _condition(apply: Callable[[Array], Array]) -> Function:
    return Function(1, apply, np.dtype(np.bool_))


def _caster(name: str) -> Function:
    return Function(1, partial(_cast, np.dtype(name)), np.dtype(name))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(1, _absolute, "common"),
    "fabs": _real(np.fabs),
    "sqrt": _real(np.sqrt),
    "cbrt": _real(np.cbrt),
    "sq": Function(1, _square, "common"),
    "pow": _real(np.power, 2),
    "hypot": _real(np.hypot, 2),
    "exp": _real(np.exp),
    "exp2": _real(np.exp2),
    "expm1": _real(np.expm1),
    "log": _real(np.log),
    "log10": _real(np.log10),
    "log2": _real(np.log2),
    "log1p": _real(np.log1p),
    "sin": _real(np.sin),
    "cos": _real(np.cos),
    "tan": _real(np.tan),
    "asin": _real(np.arcsin),
    "acos": _real(np.arccos),
    "atan": _real(np.arctan),
    "atan2": _real(np.arctan2, 2),
    "sinh": _real(np.sinh),
    "cosh": _real(np.cosh),
    "tanh": _real(np.tanh),
    "asinh": _real(np.arcsinh),
    "acosh": _real(np.arccosh),
    "atanh": _real(np.arctanh),
    "phi_mpi_pi": Function(1, partial(_rotate, -math.pi)),
    "phi_0_2pi": Function(1, partial(_rotate, 0.0)),
    "fmod": _real(np.fmod, 2),
    "floor": _real(np.floor),
    "ceil": _real(np.ceil),
    "trunc": _real(np.trunc),
    "rint": _real(np.rint),
    "round": Function(1, _round),
    "sign": Function(1, _sign, np.dtype(np.int32)),
    "copysign": Function(2, _copysign, "common"),
    "min": Function(2, partial(_reduce_pairs, _minimum), "common", variadic=True),
    "max": Function(2, partial(_reduce_pairs, _maximum), "common", variadic=True),
    "where": Function(3, _where, "chosen"),
    "isnan": _condition(np.isnan),
    "isinf": _condition(np.isinf),
    "isfinite": _condition(np.isfinite),
    "isodd": _condition(_is_odd),
    "iseven": _condition(_is_even),
    "int": Function(1, _to_int, np.dtype(np.int32)),
    **{
        name: _caster(name)
        for name in (
            *("bool", "int8", "int16", "int32", "int64"),
            *("uint8", "uint16", "uint32", "uint64", "float32", "float64"),
        )
    },
}

_CASTS = {
    "short": "int16",
    "long": "int64",
    "unsigned": "uint32",
    "float": "float32",
    "double": "float64",
    "Bool_t": "bool",
    "Char_t": "int8",
    "Short_t": "int16",
    "Int_t": "int",
    "Long64_t": "int64",
    "UChar_t": "uint8",
    "UShort_t": "uint16",
    "UInt_t": "uint32",
    "ULong64_t": "uint64",
    "Float_t": "float32",
    "Double_t": "float64",
}
_TMATH = {
    **{name: name.lower() for name in ("Abs", "Sqrt", "Sq", "Hypot", "Exp", "Log", "Log2")},
    **{name: name.lower() for name in ("Log10", "Sin", "Cos", "Tan", "ASin", "ACos", "ATan")},
    **{name: name.lower() for name in ("ATan2", "SinH", "CosH", "TanH", "ASinH", "ACosH")},
    **{name: name.lower() for name in ("ATanH", "Floor", "Ceil", "Min", "Max", "IsNaN")},
    "Power": "pow",
    "Nint": "rint",
    "FloorNint": "floor",
    "CeilNint": "ceil",
    "Sign": "copysign",
    "Even": "iseven",
    "Odd": "isodd",
    "Finite": "isfinite",
}
_NUMPY = {
    **{f"arc{name}": f"a{name}" for name in ("sin", "cos", "tan", "tan2", "sinh", "cosh", "tanh")},
    "absolute": "abs",
    "square": "sq",
    "power": "pow",
    "minimum": "min",
    "maximum": "max",
}
_STD = {
    *("abs", "fabs", "sqrt", "cbrt", "pow", "hypot", "exp", "exp2", "expm1", "log", "log10"),
    *("log2", "log1p", "sin", "cos", "tan", "asin", "acos", "atan", "atan2", "sinh", "cosh"),
    *("tanh", "asinh", "acosh", "atanh", "fmod", "floor", "ceil", "trunc", "rint", "round"),
    *("copysign", "min", "max", "isnan", "isinf", "isfinite"),
}

#: From each spelling to the name in `FUNCTIONS`.
SPELLINGS: Mapping[str, str] = {
    **{name: name for name in FUNCTIONS},
    **{f"std::{name}": name for name in _STD},
    **{f"TMath::{name}": known for name, known in _TMATH.items()},
    **_NUMPY,
    **_CASTS,
    "TVector2::Phi_mpi_pi": "phi_mpi_pi",
    "TVector2::Phi_0_2pi": "phi_0_2pi",
}

#: Numbers by their names in ROOT; those with ``::`` are called without arguments.
CONSTANTS: Mapping[str, float] = {
    "pi": math.pi,
    "TMath::Pi": math.pi,
    "TMath::TwoPi": 2 * math.pi,
    "TMath::PiOver2": math.pi / 2,
    "TMath::PiOver4": math.pi / 4,
    "TMath::E": math.e,
    "TMath::Ln10": math.log(10),
    "TMath::Sqrt2": math.sqrt(2),
    "TMath::DegToRad": math.pi / 180,
    "TMath::RadToDeg": 180 / math.pi,
    "TMath::Infinity": math.inf,
}
