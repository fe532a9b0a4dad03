from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.order import num_batches, num_delivered, plan_windows


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
def test_windows_cover_what_is_left_in_whole_batches(
    num: int, batch_size: int, rows: int, done: int
) -> None:
    position = min(done, num_batches(num, batch_size, drop_last=False)) * batch_size
    windows = list(plan_windows(num, batch_size, rows_per_window=rows, position=position))
    assert sum(b - a for a, b in windows) == max(0, num - position)
    assert all(a < b and a % batch_size == 0 for a, b in windows)
    assert all(one[1] == other[0] for one, other in pairwise(windows))
    assert all(b - a <= max(rows, batch_size) for a, b in windows)
    if windows:
        assert (windows[0][0], windows[-1][1]) == (position, num)
