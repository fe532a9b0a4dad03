"""Tests of rows in the order of their tickets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.skims.sorting.output import order_of, rows_in_order


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 3), max_size=50))
def test_equal_tickets_keep_their_order(tickets: list[int]) -> None:
    expected = sorted(range(len(tickets)), key=lambda i: (tickets[i], i))
    assert order_of(np.array(tickets, np.uint64)).tolist() == expected


@pytest.mark.parametrize("num", [0, 1, 300_000])
def test_rows_in_order_keep_the_bytes_between_their_fields(num: int) -> None:
    row = np.dtype({"names": ["a"], "formats": ["u1"], "offsets": [3], "itemsize": 16})
    random = np.random.default_rng(0)
    rows = random.integers(0, 256, 16 * num).astype(np.uint8).view(row)
    order = random.permutation(num)
    given = rows.view("V16")[order].tobytes()
    assert b"".join(block.tobytes() for block in rows_in_order(rows, order)) == given
