import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy import shuffle_score
from memmpy.order import (
    BlockOrder,
    Multiplicities,
    count_multiplicities,
    multiplicities,
    spread_of_blocks,
)

COUNTS = st.lists(st.integers(1, 12), max_size=40)


def tickets_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts), dtype=np.uint64) * 3, counts)


def of(counts: list[int]) -> Multiplicities:
    return Multiplicities(dict(Counter(counts)))


@given(counts=COUNTS, num_tickets=st.integers(1, 15))
def test_runs_of_equal_tickets_are_counted_across_chunks(
    counts: list[int], num_tickets: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(multiplicities, "_NUM_TICKETS", num_tickets)
        found = count_multiplicities(tickets_of(counts))
    assert found.num_events == dict(sorted(Counter(counts).items()))
    assert found.num_rows == sum(counts)


def test_an_event_may_fill_several_chunks() -> None:
    counts = [1, 200_000, 3, 3, 70_000, 1]
    found = count_multiplicities(tickets_of(counts))
    assert found.num_events == {1: 2, 3: 2, 70_000: 1, 200_000: 1}


@given(counts=COUNTS)
def test_others_are_those_that_a_row_sees(counts: list[int]) -> None:
    seen = [count - 1 for count in counts for _ in range(count)]
    assert of(counts).others == pytest.approx(np.mean(seen) if seen else 0)


@given(counts=st.lists(st.integers(1, 12), min_size=1, max_size=5), block_rows=st.integers(1, 15))
def test_others_in_a_block_are_those_of_all_its_places(counts: list[int], block_rows: int) -> None:
    tickets = tickets_of(counts)
    shared = 0
    for shift in range(block_rows):
        blocks = (np.arange(len(tickets)) + shift) // block_rows
        same = (tickets[:, None] == tickets) & (blocks[:, None] == blocks)
        shared += same.sum() - len(tickets)
    expected = shared / block_rows / len(tickets)
    assert of(counts).others_in_block(block_rows) == pytest.approx(expected)


def rows_in(order: BlockOrder) -> np.ndarray:
    """Return all rows in an order."""
    parts = []
    for number in range(order.num_windows):
        window = order.windows(number, number + 1)
        runs = zip(window.starts, window.counts, strict=True)
        rows = np.empty(window.num_rows, np.int64)
        read = np.concatenate([start + np.arange(count) for start, count in runs])
        rows[window.places(compiled=False)] = read % order.num
        parts.append(rows)
    return np.concatenate(parts)


RANDOM = np.random.default_rng(5)


@pytest.mark.slow_together
@pytest.mark.parametrize(
    "counts",
    [
        [1] * 20_000,
        [2] * 10_000,
        [8] * 3000,
        [30] * 1000,
        RANDOM.integers(1, 31, 1500).tolist(),
        [300] * 100,
        RANDOM.permutation([1] * 20_000 + [200] * 20).tolist(),
    ],
    ids=["1", "2", "8", "30", "1 to 30", "300", "1 and 200"],
)
@pytest.mark.parametrize(
    ("batch_size", "block_rows", "window_blocks"),
    [(256, 64, 16), (700, 64, 16), (1024, 8, 16), (3000, 64, 16), (1024, 64, 100)],
)
def test_the_spread_of_blocks_is_what_the_score_measures(
    counts: list[int], batch_size: int, block_rows: int, window_blocks: int
) -> None:
    num_rows = sum(counts)
    events = np.repeat(np.arange(len(counts)), counts)
    random = np.random.default_rng(1)
    squares = []
    for key in range(8):
        # Of 64 classes, each epoch is a measurement of 63 independent spreads.
        values = random.integers(0, 64, len(counts))[events]
        sizes = {"block_rows": block_rows, "window_blocks": window_blocks}
        values = values[rows_in(BlockOrder(num_rows, **sizes, key=key))]
        edges = pairwise([*range(0, num_rows, batch_size), num_rows])
        batches = ({"class": values[start:stop]} for start, stop in edges)
        squares.append(shuffle_score(batches, "class").spread ** 2)
    predicted = spread_of_blocks(
        of(counts),
        num_rows=num_rows,
        batch_size=batch_size,
        block_rows=block_rows,
        window_blocks=window_blocks,
    )
    assert math.sqrt(np.mean(squares)) == pytest.approx(predicted, rel=0.15)


SIZES = {
    "batch_size": st.integers(1, 10_000),
    "block_rows": st.integers(1, 200),
    "window_blocks": st.integers(1, 40),
}


@given(counts=COUNTS, num_windows=st.integers(2, 50), **SIZES)
def test_no_batch_size_spreads_more_than_the_root_of_all_rows_of_an_event(
    counts: list[int], num_windows: int, batch_size: int, block_rows: int, window_blocks: int
) -> None:
    found, num_rows = of(counts), num_windows * block_rows * window_blocks
    spread = spread_of_blocks(
        found,
        num_rows=num_rows,
        batch_size=batch_size,
        block_rows=block_rows,
        window_blocks=window_blocks,
    )
    together = 1 + found.others
    limit = together * (num_rows - 1) / (num_rows - together) if num_rows > together else 1
    assert spread**2 <= max(limit, 1) * (1 + 1e-9)


@given(num_rows=st.integers(1, 10**6), **SIZES)
def test_rows_that_share_no_event_spread_as_in_exact_order(
    num_rows: int, batch_size: int, block_rows: int, window_blocks: int
) -> None:
    spread = spread_of_blocks(
        Multiplicities({1: num_rows}),
        num_rows=num_rows,
        batch_size=batch_size,
        block_rows=block_rows,
        window_blocks=window_blocks,
    )
    assert spread == pytest.approx(1)


def test_one_window_is_exact_order() -> None:
    sizes = {"num_rows": 10_000, "batch_size": 250, "block_rows": 100, "window_blocks": 100}
    assert spread_of_blocks(Multiplicities({8: 1250}), **sizes) == pytest.approx(1)


@pytest.mark.parametrize("num_rows", [0, 1, 8, 256])
def test_epochs_with_nothing_to_compare_have_a_spread_of_one(num_rows: int) -> None:
    sizes = {"batch_size": 256, "block_rows": 16, "window_blocks": 4}
    assert spread_of_blocks(Multiplicities({8: 32}), num_rows=num_rows, **sizes) == 1
    assert spread_of_blocks(Multiplicities({}), num_rows=num_rows, **sizes) == 1
