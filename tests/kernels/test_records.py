"""Records to numbers: compiled, in NumPy and in a plain loop."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import CorruptStoreError
from memmpy.kernels import strip_headers

DTYPES = [">i1", ">u2", ">i4", ">f4", ">f8", ">u8", "<i4", "<f8", "|u1", "|b1"]


def stripped_plainly(octets: Any, bounds: Any, header: int, dtype: np.dtype[Any]) -> Any:
    records = [octets[start + header : stop].tobytes() for start, stop in pairwise(bounds)]
    return np.frombuffer(b"".join(records), dtype)


@pytest.mark.parametrize("compiled", [False, True])
@given(
    dtype=st.sampled_from(DTYPES).map(np.dtype),
    header=st.sampled_from([0, 1, 3, 10]),
    counts=st.lists(st.integers(0, 6), max_size=12),
    lead=st.integers(0, 9),
    tail=st.integers(0, 9),
    of_bounds=st.sampled_from([">i4", np.int32, np.int64]),
    seed=st.integers(0, 99),
)
def test_the_items_are_those_of_a_plain_loop(
    compiled: bool,
    dtype: np.dtype[Any],
    header: int,
    counts: list[int],
    lead: int,
    tail: int,
    of_bounds: Any,
    seed: int,
) -> None:
    lengths = [header + num * dtype.itemsize for num in counts]
    bounds = np.cumsum([lead, *lengths]).astype(of_bounds)
    octets = np.frombuffer(np.random.default_rng(seed).bytes(int(bounds[-1]) + tail), np.uint8)
    if dtype.kind == "b":
        octets = (octets & 1).astype(np.uint8)
    found = strip_headers(octets, bounds, header, dtype, compiled=compiled)
    expected = stripped_plainly(octets, bounds, header, dtype)
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("compiled", [False, True])
def test_a_view_of_read_only_octets_can_be_stripped(compiled: bool) -> None:
    octets = np.frombuffer(bytes(range(48)), np.uint8)[::2][:24]
    found = strip_headers(octets, np.array([0, 12, 24]), 4, np.dtype(">u4"), compiled=compiled)
    expected = stripped_plainly(octets, [0, 12, 24], 4, np.dtype(">u4"))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "bounds",
    [
        [0, 14, 33],  # beyond the end
        [0, 14, 1 << 40],
        [0, 3, 14],  # no room for a header
        [0, 16, 28],  # no whole items
        [0, 13, 28],  # no whole items in each, but in all
        [14, 0, 28],  # falls
        [28, 14, 0],
        [0, 28, 14],
        [-14, 0, 14],
        [0, -14, 14],
        [0, 10, 9],
    ],
    ids=str,
)
def test_wrong_bounds_are_an_error(bounds: list[int], compiled: bool) -> None:
    octets = np.arange(32, dtype=np.uint8)
    with pytest.raises(CorruptStoreError, match="do not hold a header and whole items"):
        strip_headers(octets, np.array(bounds), 10, np.dtype(">f4"), compiled=compiled)


@given(
    st.lists(st.integers(-5, 40), min_size=1, max_size=6),
    st.sampled_from([0, 1, 10]),
    st.sampled_from([">i1", ">u2", ">f8"]).map(np.dtype),
)
def test_both_refuse_the_same_bounds(bounds: list[int], header: int, dtype: np.dtype[Any]) -> None:
    octets = np.arange(32, dtype=np.uint8)

    def outcome(*, compiled: bool) -> bytes:
        try:
            found = strip_headers(octets, np.array(bounds), header, dtype, compiled=compiled)
        except CorruptStoreError:
            return b"refused"
        return found.tobytes()

    assert outcome(compiled=True) == outcome(compiled=False)


@pytest.mark.parametrize("compiled", [False, True])
def test_no_records_are_no_items(compiled: bool) -> None:
    found = strip_headers(
        np.empty(0, np.uint8), np.zeros(1, np.int32), 10, np.dtype(">f4"), compiled=compiled
    )
    assert found.dtype == np.dtype(">f4")
    assert len(found) == 0
