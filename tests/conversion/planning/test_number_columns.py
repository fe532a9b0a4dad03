"""Tests of columns of numbers as plain data: no file is opened."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.number_columns import FileNumbers, NumberColumn, number_columns
from memmpy.errors import OptionError
from memmpy.sources import Status

VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def columns_of(
    values: Sequence[Any],
    *,
    branches: Sequence[str | None] | None = None,
    sums: Sequence[float] = (),
    samples: Sequence[str] | None = None,
) -> dict[str, NumberColumn]:
    """Return the columns of files that give a number ``x``, or a total ``t``, or neither."""
    num = len(values)
    inputs, files = [], []
    for i in range(num):
        status = Status(f"file{i}", 1, 2, "")
        texts = {"process": str(i) if samples is None else samples[i]}
        numbers = {} if values[i] is None else {"x": values[i]}
        totals = {"t": "tree:w"} if sums else {}
        inputs.append(Input(status, "tree", texts, 0, None, {}, (), numbers, totals))
        branch = None if branches is None else branches[i]
        shares = {"t": sums[i]} if sums else {}
        files.append(FileNumbers(f"{i:032x}", {"x": branch, "t": None}, shares, {}))
    return number_columns(inputs, files)


def constants(column: NumberColumn) -> list[Any]:
    return [column.constant(i) for i in range(len(column.values))]


@given(st.lists(VALUES, min_size=1, max_size=4).filter(lambda values: values != [None] * 4))
def test_a_column_holds_all_numbers_exactly_or_is_refused(values: list[Any]) -> None:
    if set(values) == {None}:
        return
    is_float = None in values or any(isinstance(value, float) for value in values)
    can_hold = all(value is None or float(value) == value for value in values)
    if is_float and not can_hold:
        with pytest.raises(OptionError, match="float64 does not hold exactly"):
            columns_of(values)
        return
    column = columns_of(values)["x"]
    expected = np.result_type(*{np.asarray(v).dtype for v in values if v is not None})
    assert column.dtype == (np.float64 if is_float else expected)
    for value, constant in zip(values, constants(column), strict=True):
        assert constant.dtype == column.dtype
        assert math.isnan(constant) if value is None else constant.item() == value


@given(
    VALUES.filter(lambda value: value is not None),
    st.sampled_from(["?", "<i1", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"]),
)
def test_a_stand_in_has_the_dtype_of_the_branch_or_is_refused(value: Any, dtype: str) -> None:
    limits = np.iinfo(dtype) if np.dtype(dtype).kind in "iu" else None
    if limits is not None:
        exact = value == int(value) and limits.min <= value <= limits.max
    elif dtype == "?":
        exact = value in {0, 1}
    else:
        with np.errstate(over="ignore"):
            nearest = np.dtype(dtype).type(value).item()
        exact = math.isfinite(nearest) and Fraction(nearest) == Fraction(value)
    if not exact:
        with pytest.raises(OptionError, match="does not hold it exactly"):
            columns_of([value, None], branches=[None, dtype])
        return
    column = columns_of([value, None], branches=[None, dtype])["x"]
    first, second = constants(column)
    assert (first.dtype, first.item(), second) == (np.dtype(dtype), value, None)


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.floats(-1e300, 1e300)), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_totals_do_not_depend_on_the_order_of_files(
    files: list[tuple[str, float]], random: Any
) -> None:
    exact = {
        sample: float(sum(Fraction(share) for other, share in files if other == sample))
        for sample, _ in files
    }
    shuffled = random.sample(files, len(files))
    for some in (files, shuffled):
        samples, sums = zip(*some, strict=True)
        column = columns_of([None] * len(some), sums=sums, samples=samples)["t"]
        assert constants(column) == [exact[sample] for sample in samples]
