"""Operators and functions on single numbers, for the oracle: those of Python, with C's types."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from memmpy.cuts import Node
from memmpy.cuts.language import Binary, Call, Logical, Unary
from memmpy.cuts.language.tree import COMPARISONS

__all__ = [
    "BOOL",
    "FLOAT",
    "INT",
    "UINT",
    "Cell",
    "Numeric",
    "applied",
    "cast",
    "common",
    "truncated",
    "wide",
]

Numeric: TypeAlias = bool | int | float
BOOL, INT, UINT, FLOAT = map(np.dtype, (np.bool_, np.int64, np.uint64, np.float64))


@dataclass(frozen=True)
class Cell:
    """A number, the type it has, and whether it is the same whatever the columns hold."""

    value: Numeric
    dtype: np.dtype
    constant: bool = False


def cast(value: Numeric, dtype: np.dtype) -> Numeric:
    """Return a number in another type; integers wrap."""
    if dtype.kind == "b":
        return bool(value)
    if dtype.kind == "f":
        return float(value) if dtype == FLOAT else float(np.asarray(value).astype(dtype))
    bits = 8 * dtype.itemsize
    wrapped: int = int(value) % 2**bits
    return wrapped - 2**bits if dtype.kind == "i" and wrapped >= 2 ** (bits - 1) else wrapped


def wide(dtype: np.dtype) -> np.dtype:
    """Return the type that a type is computed in."""
    return FLOAT if dtype.kind == "f" else UINT if dtype == UINT else INT


def common(left: Cell, right: Cell) -> np.dtype:
    """Return the type that two values are computed in."""
    types = {wide(left.dtype), wide(right.dtype)}
    if len(types) == 1:
        return types.pop()
    if FLOAT in types:
        return FLOAT
    signed = left if wide(left.dtype) == INT else right
    natural = signed.dtype.kind in "bu" or (signed.constant and signed.value >= 0)
    return UINT if natural else FLOAT


def truncated(cell: Cell) -> Cell:
    """Return an integer of 64 bits."""
    if cell.dtype.kind != "f":
        return replace(cell, value=int(cell.value), dtype=wide(cell.dtype))
    value = 0.0 if math.isnan(cell.value) else cell.value
    return replace(cell, value=int(min(max(value, -(2.0**63)), 2.0**63 - 1024)), dtype=INT)


def applied(node: Node, cells: Sequence[Cell]) -> Cell:
    """Return what an operator or a function makes of numbers."""
    match node:
        case Unary(operator=sign):
            return signed(sign, *cells)
        case Binary(operator=sign) if sign in COMPARISONS:
            return compared(sign, *cells)
        case Binary(operator=sign):
            return joined(sign, *cells)
        case Logical(operator=sign):
            which = all if sign == "&&" else any
            return Cell(which(cell.value != 0 for cell in cells), BOOL)
        case Call(name=name):
            return called(name, cells)
    raise NotImplementedError(type(node))


def signed(sign: str, cell: Cell) -> Cell:
    value, dtype = cell.value, wide(cell.dtype)
    match sign:
        case "!":
            return Cell(value == 0, BOOL)
        case "~" if cell.dtype == BOOL:
            return Cell(not value, BOOL)
        case "~":
            return Cell(cast(~int(value), dtype), dtype)
        case "-":
            dtype = FLOAT if dtype == UINT else dtype
            return Cell(cast(-cast(value, dtype), dtype), dtype)
    return Cell(cast(value, dtype), dtype)


COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPUTE: Mapping[str, Callable[[Any, Any], Numeric]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
}


def compared(sign: str, left: Cell, right: Cell) -> Cell:
    one, other = left.value, right.value
    if "f" in left.dtype.kind + right.dtype.kind:
        one, other = float(one), float(other)
    return Cell(COMPARE[sign](one, other), BOOL)


def joined(sign: str, left: Cell, right: Cell) -> Cell:
    match sign:
        case "/":
            quotient = 0.0 if right.value == 0 else float(left.value) / float(right.value)
            return Cell(quotient, FLOAT)
        case "%":
            return remainder(truncated(left), truncated(right))
        case "**":
            return Cell(float(np.power(float(left.value), float(right.value))), FLOAT)
        case "<<" | ">>":
            return shifted(sign, left, right)
        case "&" | "|":
            if left.dtype == right.dtype == BOOL:
                return Cell(COMPUTE[sign](left.value, right.value), BOOL)
            dtype = UINT if UINT in (left.dtype, right.dtype) else INT
        case _:
            dtype = common(left, right)
            dtype = FLOAT if (sign, dtype) == ("-", UINT) else dtype
    result = COMPUTE[sign](cast(left.value, dtype), cast(right.value, dtype))
    return Cell(cast(result, dtype), dtype)


def remainder(left: Cell, right: Cell) -> Cell:
    """Return what C++ leaves, with the sign of the left."""
    dtype = common(left, right)
    if right.value == 0:
        return Cell(cast(0, dtype), dtype)
    if dtype == FLOAT:
        return Cell(math.fmod(left.value, right.value), FLOAT)
    rest = abs(int(left.value)) % abs(int(right.value))
    return Cell(-rest if left.value < 0 else rest, dtype)


def shifted(sign: str, left: Cell, right: Cell) -> Cell:
    dtype = wide(left.dtype)
    value, num = int(left.value), int(cast(right.value, dtype))
    if not 0 <= num < 64:
        return Cell(-1 if sign == ">>" and value < 0 else 0, dtype)
    return Cell(cast(value << num if sign == "<<" else value >> num, dtype), dtype)


#: Functions of floats that round to the last digit, as NumPy has them.
REAL: Mapping[str, Callable[..., Any]] = {
    **{name: getattr(np, name) for name in ("fabs", "sqrt", "hypot", "fmod")},
    **{name: getattr(np, name) for name in ("floor", "ceil", "trunc", "rint")},
}
TESTS: Mapping[str, Callable[[float], bool]] = {
    "isnan": math.isnan,
    "isinf": math.isinf,
    "isfinite": math.isfinite,
}


def called(name: str, cells: Sequence[Cell]) -> Cell:
    first = cells[0]
    value, dtype = first.value, wide(first.dtype)
    if name in REAL:
        return Cell(float(REAL[name](*(float(cell.value) for cell in cells))), FLOAT)
    if name in TESTS:
        return Cell(TESTS[name](float(value)), BOOL)
    match name:
        case "abs":
            return Cell(cast(abs(value), dtype), dtype)
        case "sq":
            wider = cast(value, dtype)
            return Cell(cast(wider * wider, dtype), dtype)
        case "sign":
            return Cell(-1 if value < 0 else 1, INT)
        case "round":
            return Cell(rounded(float(value)), FLOAT)
        case "phi_mpi_pi":
            angle = float(value)
            turns = float(np.floor((angle + math.pi) / (2 * math.pi)))
            return Cell(angle - 2 * math.pi * turns, FLOAT)
        case "copysign":
            size = cast(abs(value), dtype)
            dtype = FLOAT if dtype == UINT else dtype
            sign = cells[1]
            negative = (
                math.copysign(1, sign.value) < 0 if sign.dtype.kind == "f" else sign.value < 0
            )
            return Cell(cast(-size if negative else size, dtype), dtype)
        case "min":
            return reduce(lambda one, other: chosen(other, one, one, other), cells)
        case "max":
            return reduce(lambda one, other: chosen(one, other, one, other), cells)
        case "where":
            return picked(cells[1] if value != 0 else cells[2], *cells[1:])
        case "isodd" | "iseven":
            return Cell(int(truncated(first).value) % 2 == (name == "isodd"), BOOL)
        case "int":
            return truncated(first)
    to = np.dtype(name)
    if to.kind in "iu" and first.dtype.kind == "f":
        return Cell(cast(clipped(float(value), to), to), to)
    return Cell(cast(value, to), to)


def clipped(value: float, dtype: np.dtype) -> int:
    """Return the whole number of a type that is nearest to zero's side of a float; 0 for NaN."""
    limits = np.iinfo(dtype)
    if math.isnan(value):
        return 0
    greatest = np.nextafter(float(limits.max), 0) if dtype.itemsize == 8 else float(limits.max)
    return int(min(max(value, float(limits.min)), float(greatest)))


def rounded(value: float) -> float:
    """Return the nearest whole number; halves go away from zero."""
    if not math.isfinite(value):
        return value
    whole = float(math.trunc(value))
    return whole + math.copysign(abs(value - whole) >= 0.5, value)


def chosen(small: Cell, large: Cell, one: Cell, other: Cell) -> Cell:
    """Return the other of two values where small is less than large, and else the one."""
    dtype = common(one, other)
    if {one.dtype.kind, other.dtype.kind} <= {"b", "u"}:
        # Neither has a sign, and so the one that is chosen has none.
        dtype = np.result_type(one.dtype, other.dtype, np.uint8)
    is_less = cast(small.value, dtype) < cast(large.value, dtype)
    value = cast((other if is_less else one).value, dtype)
    return Cell(value, dtype, one.constant and other.constant)


def picked(cell: Cell, left: Cell, right: Cell) -> Cell:
    """Return one of two values in the type of both."""
    dtype = BOOL if left.dtype == right.dtype == BOOL else common(left, right)
    return Cell(cast(cell.value, dtype), dtype)
