"""Tests of the plan of the external sort."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memmpy.skims.sorting.sort_plan import place_of, plan_bounds, plan_chunks, samples_of, stride_of


@given(st.integers(0, 10**4), st.floats(1, 1000), st.integers(1, 10**5))
def test_chunks_follow_each_other_and_are_no_larger_than_asked(
    num_rows: int, bytes_per_row: float, chunk_bytes: int
) -> None:
    chunks = plan_chunks(num_rows, bytes_per_row, chunk_bytes)
    starts, stops = zip(*chunks, strict=True)
    assert (starts[0], stops[-1]) == (0, num_rows)
    assert starts[1:] == stops[:-1]
    assert max(stop - start for start, stop in chunks) <= max(1, chunk_bytes / bytes_per_row)


def test_no_rows_are_one_chunk() -> None:
    assert plan_chunks(0, 10, 100) == [(0, 0)]


def test_a_stride_is_never_zero() -> None:
    assert stride_of(1000, 100) == 1
    assert stride_of(100, 100 * 256 * 3) == 3


# Few different tickets, so that many are equal.
PARTS = st.lists(st.lists(st.integers(0, 9), max_size=30), min_size=1, max_size=6)


@given(PARTS, st.integers(1, 5), st.integers(1, 8))
def test_buckets_cut_all_parts_as_one_sorted_whole(
    runs: list[list[int]], stride: int, num_buckets: int
) -> None:
    tickets = [np.sort(np.array(run, np.uint64)) for run in runs]
    num_rows = sum(map(len, tickets))
    samples = [samples_of(run, stride) for run in tickets]
    bounds = plan_bounds(samples, stride, num_rows, num_buckets)
    assert len(bounds) < num_buckets
    whole = [(int(t), p, r) for p, run in enumerate(tickets) for r, t in enumerate(run)]
    for bound in bounds:
        before = [row for row in whole if row < (bound.ticket, bound.run, bound.row)]
        for number, run in enumerate(tickets):
            place = place_of(bound, run, number)
            assert place == sum(row[1] == number for row in before)


def test_buckets_are_about_equal_also_where_all_tickets_are() -> None:
    tickets = [np.zeros(1000, np.uint64) for _ in range(10)]
    samples = [samples_of(run, 10) for run in tickets]
    bounds = plan_bounds(samples, 10, 10_000, 8)
    places = [sum(place_of(b, run, i) for i, run in enumerate(tickets)) for b in bounds]
    sizes = np.diff([0, *places, 10_000])
    assert len(sizes) == 8
    assert sizes.min() > 1000
    assert sizes.max() < 1500


def test_samples_keep_nothing_else_of_their_chunk() -> None:
    samples = samples_of(np.arange(10, dtype=np.uint64), 3)
    assert samples.tolist() == [3, 6, 9]
    assert samples.base is None
