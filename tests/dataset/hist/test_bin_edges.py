"""Bins that the user gives, and bins that memmpy chooses."""

from typing import Any

import boost_histogram as bh
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.dataset.hist.bin_edges import BinEdges, auto_edges, check_bins
from memmpy.errors import OptionError

RNG = np.random.default_rng(1)


def chosen(values: Any, num: int | None = None) -> tuple[int, float, float]:
    edges = auto_edges(np.asarray(values), num).edges
    return len(edges) - 1, float(edges[0]), float(edges[-1])


@given(
    num=st.integers(1, 300),
    low=st.floats(-1e6, 1e6),
    width=st.floats(1e-3, 1e6),
)
def test_regular_edges_are_those_of_boost_histogram(num: int, low: float, width: float) -> None:
    wanted = bh.axis.Regular(num, low, low + width).edges
    assert np.array_equal(BinEdges.regular(num, low, low + width).edges, wanted)


@pytest.mark.parametrize("bins", [None, "auto"])
def test_auto_bins_are_chosen_later(bins: Any) -> None:
    assert check_bins(bins) is None


def test_a_number_of_bins_has_no_range_yet() -> None:
    assert check_bins(np.int64(20)) == 20


def test_a_tuple_of_three_is_a_number_and_a_range() -> None:
    bins = check_bins((2, 0, 500))
    assert isinstance(bins, BinEdges)
    assert (bins.edges.tolist(), bins.is_regular) == ([0, 250, 500], True)


@pytest.mark.parametrize("bins", [[0, 1, 5], np.array([0, 1, 5]), (0, 1, 5, 6)])
def test_other_numbers_are_edges(bins: Any) -> None:
    found = check_bins(bins)
    assert isinstance(found, BinEdges)
    assert (found.edges.tolist(), found.is_regular) == (list(bins), False)


@pytest.mark.parametrize(
    ("bins", "message"),
    [
        (0, "1 to 1,000,000 bins, got 0"),
        (10**7, "1 to 1,000,000 bins"),
        (True, "bins are 'auto', a number"),
        (2.5, "bins are 'auto', a number"),
        ("atuo", "bins are 'auto', a number"),
        ([1], "bins are 'auto', a number"),
        ([["a"]], "bins are 'auto', a number"),
        ((5.0, 0, 1), "write edges as a list"),
        ((5, 1, 0), "finite, ascending edges"),
        ([0, 1, 1], "finite, ascending edges"),
        ([0, np.inf], "finite, ascending edges"),
        ((3, 0, np.nan), "finite, ascending edges"),
        ((3, 1e16, 1e16 + 2), "finite, ascending edges"),
    ],
)
def test_what_is_no_bins_is_an_error(bins: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        check_bins(bins)


def test_bools_have_two_bins() -> None:
    assert chosen([True, True]) == (2, -0.5, 1.5)


@pytest.mark.parametrize("dtype", ["i4", "u8", "f4"])
def test_few_integers_have_bins_of_width_one_around_them(dtype: str) -> None:
    assert chosen(np.array([2, 3, 3, 7], dtype)) == (6, 1.5, 7.5)


def test_many_integers_share_bins_of_a_whole_width() -> None:
    num, low, high = chosen(RNG.integers(273_000, 285_000, 10_000))
    assert (low, high) == (272_999.5, 284_999.5)
    assert (high - low) % num == 0


def test_a_large_uint64_is_in_the_range() -> None:
    values = RNG.integers(0, 2**64 - 1, 10_000, dtype=np.uint64)
    _, low, high = chosen(values)
    assert low <= values.min() < values.max() < high


def test_floats_have_bins_of_a_width_that_is_easy_to_read() -> None:
    assert chosen(RNG.uniform(-2.5, 2.5, 10_000)) == (50, -2.5, 2.5)
    num, low, high = chosen(RNG.exponential(60, 10_000))
    assert (low, (high - low) / num) == (0, 10)


def test_a_long_tail_is_in_the_overflow() -> None:
    values = np.append(RNG.exponential(60, 10_000), [5e4, 7e4])
    _, _, high = chosen(values)
    assert np.quantile(values, 0.99) < high < 1000


@pytest.mark.parametrize("dtype", ["f4", "i8"])
def test_a_number_that_stands_for_missing_is_not_in_the_range(dtype: str) -> None:
    values = np.append(RNG.exponential(20, 5_000), [*[-999] * 3_000, -9999]).astype(dtype)
    _, low, high = chosen(values)
    assert low in {0, -0.5}
    assert high > 60


def test_a_constant_is_in_the_middle() -> None:
    num, low, high = chosen(np.full(5, 3.25))
    assert (num, low, high) == (50, 2.75, 3.75)


def test_infinite_values_and_nan_do_not_choose_a_range() -> None:
    assert chosen([np.nan, np.inf, -np.inf]) == (50, 0, 1)
    assert chosen([np.nan, np.inf, 1.0, 3.0]) == (3, 0.5, 3.5)


@given(num=st.integers(1, 60))
def test_a_number_of_bins_is_kept(num: int) -> None:
    for values in (
        np.array([True, False]),
        RNG.normal(size=100),
        np.arange(200),
        np.zeros(3),
        np.array([0.5]),
    ):
        found, low, high = chosen(values, num)
        assert found == num
        assert low <= values.min()
        assert values.max() < high


@given(
    values=hnp.arrays(
        st.sampled_from(["f4", "f8", "i8", "u8", "?"]).map(np.dtype), st.integers(0, 30)
    ),
    num=st.none() | st.integers(1, 100),
)
def test_edges_ascend_for_any_values(values: Any, num: int | None) -> None:
    edges = auto_edges(values, num)
    assert edges.is_ascending
    assert len(edges.edges) <= 1000
