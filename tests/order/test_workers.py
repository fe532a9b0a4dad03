from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.order import BlockOrder, ExactOrder, Permutation, RankOrder, Ranks, SequentialOrder

ORDERS: list[Any] = [
    SequentialOrder,
    lambda num: ExactOrder(Permutation(num, key=5)),
    lambda num: BlockOrder(num, block_rows=3, window_blocks=2, key=5),
]


def batches_of(order: RankOrder, position: int = 0) -> list[list[int]]:
    """Return the members of each batch from a position on."""
    size, members, begin = order.ranks.batch_size, [], None
    if position < len(order):
        for run in order.requests(position, num_rows=4 * size, batch_size=size):
            begin = run.start if begin is None else begin
            part = run.members(compiled=False)
            assert len(part) == run.stop - run.start
            members += part.tolist()
    members = members[position - (begin or 0) :] if begin is not None else []
    return [members[at : at + size] for at in range(0, len(members), size)]


@pytest.mark.parametrize("make", ORDERS)
@given(st.data())
def test_workers_have_the_batches_of_a_rank_in_turns(make: Any, data: st.DataObject) -> None:
    num = data.draw(st.integers(1, 60))
    size, world_size = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 3))
    rank, num_workers = data.draw(st.integers(0, world_size - 1)), data.draw(st.integers(1, 4))
    drop_last = data.draw(st.booleans())
    one = Ranks(rank, world_size, size, drop_last)
    of_rank = batches_of(RankOrder(make(num), one))
    for worker in range(num_workers):
        ranks = Ranks(rank, world_size, size, drop_last, worker, num_workers)
        order, own = RankOrder(make(num), ranks), of_rank[worker::num_workers]
        # A last batch that is too short for `drop_last` is left out by the loader.
        assert len(order) == sum(map(len, own))
        assert batches_of(order) == own
        number = data.draw(st.integers(0, len(own)))
        assert batches_of(order, number * size) == own[number:]
        has_last = len(of_rank) % num_workers == (worker + 1) % num_workers
        assert ranks.repeats(num) == (one.repeats(num) and has_last)


def test_all_workers_of_all_ranks_have_each_member_once() -> None:
    seen = [
        member
        for rank in range(3)
        for worker in range(2)
        for batch in batches_of(
            RankOrder(SequentialOrder(100), Ranks(rank, 3, 4, False, worker, 2))
        )
        for member in batch
    ]
    assert np.array_equal(np.sort(seen), np.arange(100))
