from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.order import num_batches, num_delivered
from memmpy.order.epoch_order import batch_runs


@pytest.mark.parametrize(
    ("num", "batch_size", "full", "all_"),
    [(0, 4, 0, 0), (1, 4, 0, 1), (4, 4, 1, 1), (5, 4, 1, 2), (8, 4, 2, 2), (3, 1, 3, 3)],
)
def test_the_short_batch_counts_unless_dropped(
    num: int, batch_size: int, full: int, all_: int
) -> None:
    assert num_batches(num, batch_size, drop_last=True) == full
    assert num_batches(num, batch_size, drop_last=False) == all_
    assert num_delivered(num, batch_size, drop_last=True) == full * batch_size
    assert num_delivered(num, batch_size, drop_last=False) == num


@given(
    num=st.integers(0, 300),
    batch_size=st.integers(1, 400),
    rows=st.integers(0, 400),
    done=st.integers(0, 5),
)
def test_runs_cover_what_is_left_in_whole_batches(
    num: int, batch_size: int, rows: int, done: int
) -> None:
    position = min(done, num_batches(num, batch_size, drop_last=False)) * batch_size
    runs = list(batch_runs(num, position, num_rows=rows, batch_size=batch_size))
    assert sum(b - a for a, b in runs) == max(0, num - position)
    assert all(a < b and a % batch_size == 0 for a, b in runs)
    assert all(one[1] == other[0] for one, other in pairwise(runs))
    assert all(b - a <= max(rows, batch_size) for a, b in runs)
    if runs:
        assert (runs[0][0], runs[-1][1]) == (position, num)
