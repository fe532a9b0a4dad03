"""The type that C++ gives an expression, in which a computed column is stored.

Everything is computed in 64 bits; only the result is stored in fewer. Where C++ would truncate or
overflow, the type here is one that holds the result: ``/`` of integers gives a double, and
integers beside a uint32 count as int64.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from memmpy.cuts.language import (
    COMPARISONS,
    FUNCTIONS,
    Alternative,
    Binary,
    Call,
    Element,
    Key,
    Logical,
    Loop,
    Node,
    Number,
    Reduction,
    Unary,
    fold,
    has_numbers_only,
)

__all__ = ["promoted_dtype"]

_BOOL, _INT32, _INT64, _UINT64 = map(np.dtype, (np.bool_, np.int32, np.int64, np.uint64))
_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def promoted_dtype(root: Node, dtypes: Mapping[str, np.dtype]) -> np.dtype:
    """Return the dtype of an expression.

    Parameters
    ----------
    root : Node
        The expression, of numbers.
    dtypes : mapping of str to dtype
        The dtypes of its columns.
    """
    return fold(root, lambda node, operands: _dtype(node, operands, dtypes))


def _dtype(node: Node, operands: Sequence[np.dtype], dtypes: Mapping[str, np.dtype]) -> np.dtype:
    match node:
        case Number(value=value):
            return _of_number(value)
        case Key(name=name):
            # Texts have none: they are only compared.
            return dtypes.get(name, _BOOL)
        case Logical():
            return _BOOL
        case Loop():
            return _INT64
        case Unary(operator=operator):
            return _of_unary(operator, operands[0])
        case Binary(operator=operator):
            return _of_binary(operator, *_beside(node, operands))
        case Call(name=name):
            return _of_call(name, _beside(node, operands))
        case Element():
            return operands[0] if has_numbers_only(node) else _real(operands[:1])
        case Alternative():
            return _chosen(*_beside(node, operands))
        case Reduction(name=name):
            return _REDUCED[name](operands[0])
        case _:  # a text, which is only compared
            return _BOOL


def _beside(node: Node, operands: Sequence[np.dtype]) -> list[np.dtype]:
    """Return the types of operands; beside uint64, a number from 0 on is uint64 too."""
    if _UINT64 not in operands:
        return list(operands)
    return [
        _UINT64 if isinstance(o, Number) and dtype.kind == "i" and o.value >= 0 else dtype
        for o, dtype in zip(node.operands, operands, strict=True)
    ]


def _of_number(value: bool | float) -> np.dtype:
    match value:
        case bool():
            return _BOOL
        case int() if value >= 2**63:
            return _UINT64
        case int():
            return _INT32 if -(2**31) <= value < 2**31 else _INT64
        case _:
            return _FLOAT64


def _of_unary(operator: str, operand: np.dtype) -> np.dtype:
    if operator == "!" or (operator == "~" and operand == _BOOL):
        return _BOOL
    if operator == "-" and operand == _UINT64:
        return _FLOAT64
    return _promoted(operand)


def _of_binary(operator: str, left: np.dtype, right: np.dtype) -> np.dtype:
    if operator in COMPARISONS or (operator in "&|" and left == right == _BOOL):
        return _BOOL
    if operator == "%":
        return _common(*(_INT64 if side.kind == "f" else side for side in (left, right)))
    if operator == "**":
        return _real((left, right))
    if operator in {"<<", ">>"}:
        return _UINT64 if left == _UINT64 else _INT64
    common = _common(left, right)
    if operator == "-" and common == _UINT64:
        return _FLOAT64
    if operator == "/":
        return common if common.kind == "f" else _FLOAT64
    if operator in "&|" and common == _FLOAT64:
        return _UINT64
    return common


def _of_call(name: str, operands: Sequence[np.dtype]) -> np.dtype:
    if name == "copysign" and operands[0] == _UINT64:
        return _FLOAT64
    match FUNCTIONS[name].rule:
        case "real":
            return _real(operands)
        case "common":
            return _common(*operands)
        case "chosen":
            return _chosen(*operands[1:])
        case dtype:
            assert isinstance(dtype, np.dtype)
            return dtype


def _promoted(dtype: np.dtype) -> np.dtype:
    """Return the type in which C++ computes; int64 for uint32, so that differences keep signs."""
    if dtype.kind == "f":
        return _FLOAT64 if dtype.itemsize > 4 else _FLOAT32
    if dtype.itemsize < 4 or dtype == _INT32:
        return _INT32
    return _UINT64 if dtype == _UINT64 else _INT64


def _common(*dtypes: np.dtype) -> np.dtype:
    """Return the type in which C++ computes with several; float64 for uint64 and signed ones."""
    promoted = {_promoted(dtype) for dtype in dtypes}
    if _UINT64 in promoted and any(dtype.kind == "i" for dtype in dtypes):
        return _FLOAT64
    order = _FLOAT64, _FLOAT32, _UINT64, _INT64, _INT32
    return next(dtype for dtype in order if dtype in promoted)


def _chosen(left: np.dtype, right: np.dtype) -> np.dtype:
    return left if left == right else _common(left, right)


def _real(dtypes: Sequence[np.dtype]) -> np.dtype:
    """Return float32 where all are, and else float64, as the functions of C++ do."""
    is_small = all(dtype.kind == "f" and dtype.itemsize <= 4 for dtype in dtypes)
    return _FLOAT32 if is_small else _FLOAT64


def _sum(dtype: np.dtype) -> np.dtype:
    if dtype.kind == "f":
        return _FLOAT64
    return _UINT64 if dtype == _UINT64 else _INT64


def _same(dtype: np.dtype) -> np.dtype:
    return dtype if dtype.itemsize > 2 or dtype.kind != "f" else _FLOAT32


_REDUCED: Mapping[str, Callable[[np.dtype], np.dtype]] = {
    "Sum$": _sum,
    "Min$": _same,
    "Max$": _same,
    "MinIf$": _same,
    "MaxIf$": _same,
    "Length$": lambda _: _INT64,
    "count": lambda _: _INT64,
    "any": lambda _: _BOOL,
    "all": lambda _: _BOOL,
}
