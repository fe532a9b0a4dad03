"""Tests of the summary of values, against NumPy, `math.fsum` and Python's integers."""

import math
from functools import reduce
from operator import add
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.errors import ColumnError
from memmpy.kernels import BinFrame, ValueSummary, places_of, summarize

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i8"]
SPECIAL = [math.nan, math.inf, -math.inf, 0.0, -0.0]


@st.composite
def arrays(draw: Any) -> np.ndarray:
    """Draw values of any dtype; floats are moderate, NaN, infinite or zero."""
    dtype = np.dtype(draw(st.sampled_from(DTYPES)))
    elements = None
    if dtype.kind == "f":
        width = 8 * dtype.itemsize
        elements = st.floats(-1000, 1000, width=width) | st.sampled_from(SPECIAL)
    values: np.ndarray = draw(hnp.arrays(dtype, st.integers(0, 2500), elements=elements))
    return values


FRAME = BinFrame(-10.0, 30.0, 8, shift=3.5)


def summary_of(values: np.ndarray, compiled: bool) -> ValueSummary:
    return summarize(values, FRAME, compiled=compiled)


@pytest.mark.parametrize("compiled", [False, True])
@given(arrays())
def test_counts_and_extremes_are_those_of_python(compiled: bool, values: np.ndarray) -> None:
    summary = summary_of(values, compiled)
    items = values.tolist()
    finite = [item for item in items if math.isfinite(item)]
    assert summary.num_values == len(items)
    assert summary.num_finite == len(finite)
    assert summary.num_nan == sum(item != item for item in items)
    assert summary.num_infinite == sum(abs(item) == math.inf for item in items)
    assert summary.num_zero == sum(item == 0 for item in items)
    if finite:
        assert summary.least.dtype == values.dtype.newbyteorder("=")
        assert (summary.least.item(), summary.greatest.item()) == (min(finite), max(finite))
    else:
        assert summary.least is summary.greatest is None


@pytest.mark.parametrize("compiled", [False, True])
@given(arrays())
def test_moments_are_those_of_exact_sums(compiled: bool, values: np.ndarray) -> None:
    summary = summary_of(values, compiled)
    finite = [float(item) for item in values.tolist() if math.isfinite(item)]
    if not finite:
        assert (summary.distance, summary.squares) == (0.0, 0.0)
        return
    mean = math.fsum(finite) / len(finite)
    squares = math.fsum((item - mean) ** 2 for item in finite)
    size = max(FRAME.shift, *map(abs, finite))
    assert summary.mean == pytest.approx(mean, rel=1e-12, abs=1e-14 * size)
    assert summary.squares == pytest.approx(squares, rel=1e-11, abs=1e-24 * size**2 * len(finite))


@pytest.mark.parametrize("compiled", [False, True])
@given(arrays())
def test_bins_are_those_of_numpy(compiled: bool, values: np.ndarray) -> None:
    values = values[np.isfinite(values)]
    wide = values.astype(np.float64)
    # A value that is nearer to an edge than rounding may be in either bin.
    is_clear = (wide % 5 == 0) | (np.abs(wide / 5 - np.round(wide / 5)) > 1e-9)
    values, wide = values[is_clear], wide[is_clear]
    inside = np.clip(wide, -10.0, np.nextafter(30.0, 0))
    expected, _ = np.histogram(inside, bins=8, range=(-10.0, 30.0))
    assert summary_of(values, compiled).bins.tolist() == expected.tolist()
    assert np.array_equal(np.bincount(places_of(wide, FRAME), minlength=8), expected)


@given(st.lists(arrays().map(lambda one: one.astype("f8")), min_size=1, max_size=4))
def test_the_sum_of_summaries_is_the_summary_of_all(parts: list[np.ndarray]) -> None:
    whole = summary_of(np.concatenate(parts), False)
    joined = reduce(add, (summary_of(part, True) for part in parts))
    for name in ("num_finite", "num_nan", "num_infinite", "num_zero", "least", "greatest"):
        assert getattr(joined, name) == getattr(whole, name)
    if whole.num_finite:
        # Large values of both signs cancel: the mean is as exact as they are.
        size = max(10.0, abs(whole.least), abs(whole.greatest))
        assert joined.mean == pytest.approx(whole.mean, rel=1e-12, abs=1e-12 * size)
    assert joined.squares == pytest.approx(whole.squares, rel=1e-10, abs=1e-9)
    assert joined.bins.tolist() == whole.bins.tolist()


@pytest.mark.parametrize("compiled", [False, True])
def test_integers_of_64_bits_keep_all_digits(compiled: bool) -> None:
    values = np.array([2**64 - 1, 2**63 + 1, 2**63], np.uint64)
    summary = summary_of(values, compiled)
    assert (int(summary.least), int(summary.greatest)) == (2**63, 2**64 - 1)
    values = np.array([-(2**63), 2**63 - 1], np.int64)
    summary = summary_of(values, compiled)
    assert (int(summary.least), int(summary.greatest)) == (-(2**63), 2**63 - 1)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("num", [1, 2, 3, 1023, 1024, 1025, 100_003])
def test_values_far_from_zero_lose_no_digits(num: int, compiled: bool) -> None:
    values = 1e9 + np.random.default_rng(num).normal(size=num)
    summary = summarize(values, BinFrame(1e9 - 3, 1e9 + 3, 4, shift=1e9), compiled=compiled)
    exact = [item - 1e9 for item in values.tolist()]
    mean = math.fsum(exact) / num
    assert summary.distance == pytest.approx(mean, rel=1e-12, abs=1e-14)
    squares = math.fsum((item - mean) ** 2 for item in exact)
    assert summary.squares == pytest.approx(squares, rel=1e-12, abs=1e-25)


@pytest.mark.parametrize("compiled", [False, True])
def test_values_that_are_strided_or_read_only_are_taken(compiled: bool) -> None:
    values = np.arange(2000.0)
    values.flags.writeable = False
    summary = summary_of(values[::-2], compiled)
    assert (summary.num_finite, summary.greatest, summary.least) == (1000, 1999, 1)
    assert summary.mean == 1000


@pytest.mark.parametrize("compiled", [False, True])
def test_huge_values_overflow_without_a_warning(compiled: bool) -> None:
    summary = summary_of(np.array([1e308, -1e308, 1e308]), compiled)
    assert (summary.least, summary.greatest) == (-1e308, 1e308)
    assert summary.squares == math.inf
    assert (summary + summary).num_finite == 6


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.zeros(2, complex), np.array(["a"])])
def test_other_values_are_refused(values: np.ndarray) -> None:
    with pytest.raises(ColumnError, match="expected numbers of up to 64 bits"):
        summary_of(values, False)
