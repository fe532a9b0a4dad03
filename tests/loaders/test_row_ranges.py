from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from memmpy.kernels.row_gather_numba import _blocks_of_rows as blocks_of_rows
from memmpy.loaders.row_ranges import RowRanges


@given(
    gaps=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 30)), min_size=1, max_size=4),
    draw=st.data(),
)
def test_blocks_of_members_are_their_rows_in_numpy_and_compiled(
    gaps: list[tuple[int, int]], draw: Any
) -> None:
    """Also where they go over the edge of a range, or from the last member to the first."""
    spans, row = [], 0
    for gap, num in gaps:
        spans.append(range(row + gap, row + gap + num))
        row += gap + num
    ranges = RowRanges(draw.draw(st.permutations(spans)))
    num = len(ranges)
    some = st.tuples(st.integers(0, num - 1), st.integers(1, num))
    blocks = np.array(draw.draw(st.lists(some, min_size=1, max_size=5)), np.int64)
    starts, counts = blocks[:, 0].copy(), blocks[:, 1].copy()
    found = ranges.blocks(starts, counts)
    compiled = blocks_of_rows(starts, counts, ranges.table)
    for numpy, numba in zip(found, compiled, strict=True):
        assert numpy.tolist() == numba.tolist()
    rows = np.concatenate([np.arange(start, start + n) for start, n in zip(*found, strict=True)])
    members = [np.arange(start, start + n) for start, n in blocks]
    assert rows.tolist() == ranges.rows(np.concatenate(members) % num).tolist()
