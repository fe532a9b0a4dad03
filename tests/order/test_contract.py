"""What each kind of order of an epoch promises its loader."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.order import BlockOrder, EpochOrder, ExactOrder, Permutation, SequentialOrder

KEY = 5


def orders(num: int) -> list[EpochOrder]:
    """Return an order of each kind."""
    blocks = BlockOrder(num, block_rows=7, window_blocks=3, key=KEY)
    return [SequentialOrder(num), ExactOrder(Permutation(num, key=KEY)), blocks]


NUMBERS: dict[str, Any] = {
    "num": st.integers(1, 500),
    "num_rows": st.integers(0, 200),
    "batch_size": st.integers(1, 60),
    "done": st.integers(0, 9),
}


@given(**NUMBERS)
def test_requests_follow_each_other_to_the_end(
    num: int, num_rows: int, batch_size: int, done: int
) -> None:
    position = min(done * batch_size, (num - 1) // batch_size * batch_size)
    for order in orders(num):
        assert len(order) == num
        requests = list(order.requests(position, num_rows=num_rows, batch_size=batch_size))
        assert requests[0].start <= position < requests[0].stop
        starts, stops = zip(*((one.start, one.stop) for one in requests), strict=True)
        assert [*starts[1:], num] == [*stops]


@pytest.mark.slow
@given(**NUMBERS)
def test_each_member_comes_once_wherever_an_epoch_begins(
    num: int, num_rows: int, batch_size: int, done: int
) -> None:
    position = min(done * batch_size, (num - 1) // batch_size * batch_size)
    for order in orders(num):
        sizes = {"num_rows": num_rows, "batch_size": batch_size}
        whole = np.concatenate([r.members(compiled=False) for r in order.requests(0, **sizes)])
        assert sorted(whole.tolist()) == list(range(num))
        for request in order.requests(position, **sizes):
            members = request.members(compiled=False)
            assert members.tolist() == whole[request.start : request.stop].tolist()


@given(num=NUMBERS["num"], num_rows=NUMBERS["num_rows"])
def test_blocks_are_the_members_of_a_request(num: int, num_rows: int) -> None:
    for order in orders(num):
        for request in order.requests(0, num_rows=num_rows, batch_size=10):
            starts, counts = request.blocks()
            pairs = zip(starts.tolist(), counts.tolist(), strict=True)
            read = [m % num for start, count in pairs for m in range(start, start + count)]
            assert sorted(read) == sorted(request.members(compiled=False).tolist())


@pytest.mark.parametrize("num", [1, 2, 100, 1000])
def test_compiled_members_are_those_of_numpy(num: int) -> None:
    for order in orders(num):
        for request in order.requests(0, num_rows=50, batch_size=10):
            numpy, numba = (request.members(compiled=compiled) for compiled in (False, True))
            assert numpy.tolist() == numba.tolist()
            assert numpy.dtype == numba.dtype == np.int64
