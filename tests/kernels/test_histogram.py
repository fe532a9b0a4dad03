"""Values in bins: NumPy and compiled, beside np.histogram and boost-histogram."""

from typing import Any

import boost_histogram as bh
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from memmpy.errors import ColumnError, CorruptStoreError
from memmpy.kernels import fill_bins, offsets_of

DTYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4", ">i8"]
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
EDGES = st.one_of(
    st.lists(FLOATS, min_size=2, max_size=12, unique=True).map(sorted),
    st.tuples(st.integers(1, 40), FLOATS, st.floats(1e-3, 1e6)).map(
        lambda each: np.linspace(each[1], each[1] + each[2], each[0] + 1).tolist()
    ),
    st.integers(1, 300).map(lambda num: list(range(num + 1))),
)


@pytest.fixture(params=[False, True], ids=["numpy", "compiled"], scope="module")
def compiled(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def is_ascending(edges: Any) -> bool:
    return bool((np.diff(edges) > 0).all())


def fill(values: Any, edges: Any, *, compiled: bool, **options: Any) -> Any:
    defaults = {"offsets": None, "groups": None, "num_groups": 1, "weights": None}
    return fill_bins(values, np.asarray(edges, float), **defaults | options, compiled=compiled)


def in_boost(values: Any, edges: Any, weights: Any) -> Any:
    """Return sums and sums of squares of boost-histogram, with under- and overflow."""
    storage = bh.storage.Weight()
    filled = bh.Histogram(bh.axis.Variable(np.asarray(edges, float)), storage=storage)
    filled.fill(np.asarray(values, float), weight=weights)
    view = filled.view(flow=True)
    return view["value"], view["variance"]


def without_nan_bin(bins: Any) -> Any:
    """Return the bins of a row, with NaN in the overflow, as boost-histogram counts it."""
    return np.append(bins[:-2], bins[-2] + bins[-1])


@given(edges=EDGES.filter(is_ascending), dtype=st.sampled_from(DTYPES), data=st.data())
def test_the_counts_are_those_of_boost_histogram_at_any_edge(
    compiled: bool, edges: Any, dtype: str, data: st.DataObject
) -> None:
    native = np.dtype(dtype).newbyteorder("=")
    at_edges = np.clip(edges, 0, 100).astype(native)
    elements = st.one_of(hnp.from_dtype(native), st.sampled_from(at_edges.tolist()))
    values = data.draw(hnp.arrays(native, st.integers(0, 30), elements=elements)).astype(dtype)
    sums, squares = fill(values, edges, compiled=compiled)
    wanted, _ = in_boost(values, edges, np.ones(len(values)))
    assert without_nan_bin(sums[0]).tolist() == wanted.tolist()
    assert sums[0, -1] == np.isnan(values.astype(float)).sum()
    assert squares.tolist() == sums.tolist()


@given(
    edges=EDGES.filter(is_ascending),
    values=hnp.arrays("f8", st.integers(0, 30), elements=st.floats(allow_nan=False)),
)
def test_the_counts_are_those_of_numpy_but_for_the_last_edge(
    compiled: bool, edges: Any, values: Any
) -> None:
    values = values[values != edges[-1]]
    wanted, _ = np.histogram(values, np.array(edges))
    assert fill(values, edges, compiled=compiled)[0][0, 1:-2].tolist() == wanted.tolist()


def test_each_bin_begins_at_its_edge_where_a_division_rounds(compiled: bool) -> None:
    """`bh.axis.Regular(100, 0, 100)` puts 29, 57 and 58 into the bins before theirs."""
    values = np.arange(-1.0, 102)
    sums, _ = fill(values, np.linspace(0, 100, 101), compiled=compiled)
    assert sums[0].tolist() == [1, *[1] * 100, 2, 0]


@pytest.mark.parametrize(
    "edges",
    [np.linspace(-5, 5, 41), np.geomspace(1e-3, 5, 30), np.array([0.0, np.nextafter(0, 1)])],
)
def test_sums_of_weights_and_squares_are_those_of_boost_histogram(
    compiled: bool, edges: Any
) -> None:
    rng = np.random.default_rng(1)
    values, weights = rng.normal(0, 3, 50_000), rng.normal(1, 2, 50_000)
    values[::100] = np.nan
    sums, squares = fill(values, edges, weights=weights, compiled=compiled)
    for ours, wanted in zip((sums, squares), in_boost(values, edges, weights), strict=True):
        np.testing.assert_allclose(without_nan_bin(ours[0]), wanted, rtol=1e-12, atol=1e-9)
    assert sums[0, -1] == pytest.approx(weights[::100].sum())


@given(data=st.data(), has_weights=st.booleans(), start=st.sampled_from([0, 7, 2**40]))
def test_each_value_of_a_list_counts_in_the_group_and_with_the_weight_of_its_entry(
    compiled: bool, data: st.DataObject, has_weights: bool, start: int
) -> None:
    counts = data.draw(hnp.arrays(np.int64, st.integers(0, 12), elements=st.integers(0, 5)))
    num = len(counts)
    groups = data.draw(hnp.arrays(np.int64, num, elements=st.integers(-1, 2)))
    weights = data.draw(hnp.arrays("f8", num, elements=st.floats(-4, 4)))
    values = data.draw(hnp.arrays("f4", int(counts.sum()) + 2, elements=st.floats(-2, 9, width=32)))
    edges = [0.0, 1.0, 2.5, 7.0]
    sums, squares = fill(
        values,
        edges,
        offsets=offsets_of(counts) + start,
        groups=groups,
        num_groups=3,
        weights=weights if has_weights else None,
        compiled=compiled,
    )
    assert sums.shape == squares.shape == (3, 6)
    of_values = np.repeat(groups, counts)
    of_weights = np.repeat(weights if has_weights else np.ones(num), counts)
    for group in range(3):
        is_own = of_values == group
        wanted = in_boost(values[: len(is_own)][is_own], edges, of_weights[is_own])
        np.testing.assert_allclose(without_nan_bin(sums[group]), wanted[0], atol=1e-12)
        np.testing.assert_allclose(without_nan_bin(squares[group]), wanted[1], atol=1e-12)


@given(data=st.data())
def test_numpy_and_compiled_sums_are_equal_to_the_last_bit(data: st.DataObject) -> None:
    num = data.draw(st.integers(0, 60))
    values = data.draw(hnp.arrays("f4", num, elements=hnp.from_dtype(np.dtype("f4"))))
    weights = data.draw(hnp.arrays("f8", num, elements=hnp.from_dtype(np.dtype("f8"))))
    groups = data.draw(hnp.arrays(np.int64, num, elements=st.integers(-1, 1)))
    options: dict[str, Any] = {"groups": groups, "num_groups": 2, "weights": weights}
    edges = [-10.0, 0.0, 1e-3, 50.0]
    for one, other in zip(
        fill(values, edges, **options, compiled=False),
        fill(values, edges, **options, compiled=True),
        strict=True,
    ):
        assert np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("values", [np.zeros((2, 2)), np.array(["a"]), np.zeros(2, complex)])
def test_values_that_are_no_numbers_are_an_error(compiled: bool, values: Any) -> None:
    with pytest.raises(ColumnError, match="expected values of bool, integers or floats"):
        fill(values, [0, 1], compiled=compiled)


@pytest.mark.parametrize("offsets", [[0, 3, 2], [0, 1, 4]])
def test_offsets_that_fall_or_lead_out_are_an_error(compiled: bool, offsets: list[int]) -> None:
    with pytest.raises(CorruptStoreError, match="its offsets say"):
        fill(np.zeros(3), [0, 1], offsets=np.array(offsets), compiled=compiled)
