"""Computes the values of an expression for a column, in the type that C++ gives them."""

from collections.abc import Mapping

import numpy as np

from memmpy.cuts.evaluation.operands import ColumnLike, HashedText, JaggedLike, Values
from memmpy.cuts.evaluation.program import Program
from memmpy.cuts.evaluation.promotion import promoted_dtype
from memmpy.cuts.language import Element, Key
from memmpy.jagged import Jagged
from memmpy.kernels import offsets_of
from memmpy.typing import Array

__all__ = ["compute_column"]


def compute_column(
    program: Program,
    columns: Mapping[str, ColumnLike],
    *,
    num_entries: int,
) -> tuple[Array | Jagged, frozenset[str]]:
    """Return the values of an expression, as a column holds them, and the warnings.

    Where an entry lacks an element that is picked by number, a float is NaN, a condition false and
    a list empty.

    Parameters
    ----------
    program : Program
        The expression.
    columns : mapping of str to array, jagged column or HashedText
        The entries, for each key that it uses.
    num_entries : int
        The number of entries, which an expression without a key does not tell.

    Raises
    ------
    CutError
        If the columns cannot be used in that way; if an integer has no value where elements are
        missing, or does not fit the type that C++ gives it.
    """
    dtypes = {
        key: np.asarray(column.content if isinstance(column, JaggedLike) else column).dtype
        for key, column in columns.items()
        if not isinstance(column, HashedText)
    }
    dtype = promoted_dtype(program.node, dtypes)
    values = program(columns)
    if dtype.kind in "iu" and values.offsets is None:
        _check_missing(program, columns)
    return _column(program, values, dtype, num_entries), values.notes


def _column(program: Program, values: Values, dtype: np.dtype, num_entries: int) -> Array | Jagged:
    content = _cast(program, values.content, dtype)
    if values.offsets is not None:
        return _lists(content, values)
    if content.ndim == 0:
        return np.full(num_entries, content)
    if values.present is not None:
        missing = ~values.present.reshape(-1, *(1,) * (content.ndim - 1))
        return np.where(missing, np.asarray(np.nan if dtype.kind == "f" else 0, dtype), content)
    return content


def _check_missing(program: Program, columns: Mapping[str, ColumnLike]) -> None:
    """Raise `CutError` if integers may lack an element: no integer means "missing"."""
    for leaf in program.formula.leaves:
        match leaf:
            case Element(operands=(Key(name=name), *_)) if isinstance(columns[name], JaggedLike):
                raise leaf.span.error(
                    f"an integer cannot be missing, but some entries may lack {leaf.span}",
                    f"give them a value: Alt$({leaf.span}, -1)",
                )


def _cast(program: Program, content: Array, dtype: np.dtype) -> Array:
    """Return values in the type that C++ gives them."""
    if dtype.kind in "iu" and content.dtype.kind in "iu" and content.size:
        limits = np.iinfo(dtype)
        least, greatest = int(content.min()), int(content.max())
        if least < limits.min or greatest > limits.max:
            beyond = least if least < limits.min else greatest
            span = program.node.span
            raise span.error(
                f"{span} has the type {dtype} in C++, which does not hold {beyond}",
                "compute in 64 bits, as in int64(a) * b",
            )
    return content.astype(dtype, copy=False)


def _lists(content: Array, values: Values) -> Jagged:
    offsets = values.offsets
    assert offsets is not None
    if values.present is not None:
        counts = np.diff(offsets)
        content = content[np.repeat(values.present, counts)]
        return Jagged.trusted(content, offsets_of(np.where(values.present, counts, 0)))
    return Jagged.trusted(content, offsets - offsets[0] if offsets[0] else offsets)
