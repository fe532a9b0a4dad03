"""Laws of the batches of ranks: together they are those of one process with larger batches."""

from fractions import Fraction
from itertools import chain
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memmpy.order import (
    BlockOrder,
    EpochOrder,
    ExactOrder,
    Mixture,
    MixtureOrder,
    Permutation,
    RankOrder,
    Ranks,
    SequentialOrder,
    Subset,
)

KEY = 11
NUMBERS: dict[str, Any] = {
    "num": st.integers(1, 120),
    "batch_size": st.integers(1, 20),
    "world_size": st.integers(1, 5),
    "drop_last": st.booleans(),
}


def orders(num: int) -> list[EpochOrder]:
    """Return an order of each kind, of members that come once."""
    blocks = BlockOrder(num, block_rows=7, window_blocks=3, key=KEY)
    return [SequentialOrder(num), ExactOrder(Permutation(num, key=KEY)), blocks]


def members_of(
    order: EpochOrder, *, position: int = 0, num_rows: int = 50, batch_size: int
) -> list[int]:
    """Return the members of an order from a position on, as a loader asks for them."""
    members: list[int] = []
    for request in order.requests(position, num_rows=num_rows, batch_size=batch_size):
        own = request.members(compiled=False)
        assert len(own) == request.stop - request.start
        members += own[max(0, position - request.start) :].tolist()
    return members


def batches_of(
    order: EpochOrder, ranks: Ranks, *, num_rows: int = 50, num_done: int = 0
) -> list[list[int]]:
    """Return the batches of one rank, but for the first ones."""
    own, size = RankOrder(order, ranks), ranks.batch_size
    members = members_of(own, position=num_done * size, num_rows=num_rows, batch_size=size)
    assert len(members) == len(own) - num_done * size
    batches = [members[i : i + size] for i in range(0, len(members), size)]
    return batches[: len(own) // size - num_done] if ranks.drop_last else batches


def all_ranks(world_size: int, batch_size: int, *, drop_last: bool) -> list[Ranks]:
    return [Ranks(rank, world_size, batch_size, drop_last) for rank in range(world_size)]


@pytest.mark.slow
@given(**NUMBERS)
def test_a_step_of_all_ranks_is_a_batch_of_one_process(
    num: int, batch_size: int, world_size: int, drop_last: bool
) -> None:
    step_size = batch_size * world_size
    for order in orders(num):
        whole = members_of(order, batch_size=step_size)
        expected = [whole[i : i + step_size] for i in range(0, num, step_size)]
        if drop_last:
            expected = [step for step in expected if len(step) == step_size]
        parts = [
            batches_of(order, ranks)
            for ranks in all_ranks(world_size, batch_size, drop_last=drop_last)
        ]
        # No rank has more batches than another, for which it would wait for ever.
        assert [len(part) for part in parts] == [len(expected)] * world_size
        for number, step in enumerate(expected):
            batches = [part[number] for part in parts]
            is_last = len(step) < step_size
            if not is_last:
                assert [len(batch) for batch in batches] == [batch_size] * world_size
            sizes = {len(batch) for batch in batches}
            assert min(sizes) > 0
            assert max(sizes) - min(sizes) <= 1
            own = [
                member
                for ranks, batch in zip(
                    all_ranks(world_size, batch_size, drop_last=drop_last), batches, strict=True
                )
                for member in batch
                if not (is_last and ranks.repeats(num))
            ]
            assert own == step  # in the order of ranks
            assert {member for batch in batches for member in batch} == set(step)


@given(**NUMBERS)
def test_a_rank_repeats_an_entry_only_if_it_would_have_none(
    num: int, batch_size: int, world_size: int, drop_last: bool
) -> None:
    left = 0 if drop_last else num % (batch_size * world_size)
    ranks = all_ranks(world_size, batch_size, drop_last=drop_last)
    repeats = [one.repeats(num) for one in ranks]
    assert sum(repeats) == (max(0, world_size - left) if left else 0)
    for one, is_repeated in zip(ranks, repeats, strict=True):
        if is_repeated:
            assert len(batches_of(SequentialOrder(num), one)[-1]) == 1


@pytest.mark.slow
@given(**NUMBERS, num_rows=st.integers(0, 200), done=st.integers(0, 9))
def test_a_rank_goes_on_from_each_of_its_batches(
    num: int, batch_size: int, world_size: int, drop_last: bool, num_rows: int, done: int
) -> None:
    for order in orders(num):
        for ranks in all_ranks(world_size, batch_size, drop_last=drop_last):
            batches = batches_of(order, ranks)
            done = min(done, len(batches))
            if done == len(batches):
                continue  # a loader does not ask for what follows the last batch
            rest = batches_of(order, ranks, num_rows=num_rows, num_done=done)
            assert rest == batches[done:]


@pytest.mark.slow
@given(**NUMBERS, rank=st.integers(0, 4), num_workers=st.integers(1, 4), done=st.integers(0, 9))
def test_workers_have_the_batches_of_a_rank_in_turns(
    num: int,
    batch_size: int,
    world_size: int,
    drop_last: bool,
    rank: int,
    num_workers: int,
    done: int,
) -> None:
    one = Ranks(rank % world_size, world_size, batch_size, drop_last)
    for order in orders(num):
        of_rank = batches_of(order, one)
        for worker in range(num_workers):
            ranks = Ranks(one.rank, world_size, batch_size, drop_last, worker, num_workers)
            own = of_rank[worker::num_workers]
            assert batches_of(order, ranks) == own
            if done < len(own):
                assert batches_of(order, ranks, num_done=done) == own[done:]
            has_last = len(of_rank) % num_workers == (worker + 1) % num_workers
            assert ranks.repeats(num) == (one.repeats(num) and has_last)


@given(**NUMBERS)
def test_the_members_of_a_rank_before_a_position_are_counted(
    num: int, batch_size: int, world_size: int, drop_last: bool
) -> None:
    for ranks in all_ranks(world_size, batch_size, drop_last=drop_last):
        length = ranks.num_before(num, num)
        positions = ranks.positions(0, length, num).tolist()
        assert positions == sorted({*positions})
        for position in range(0, num + 1, max(1, num // 20)):
            before = sum(one < position for one in positions)
            assert ranks.num_before(position, num) == before


def mixture(num: int, batch_size: int, world_size: int, num_batches: int) -> Mixture:
    labels = np.random.default_rng(num).integers(0, 2, num)
    labels[:2] = 0, 1
    classes = Subset.by_label([labels], num=num, values=[0, 1])
    return Mixture(
        tuple(classes),
        (Fraction(1, 3), Fraction(2, 3)),
        batch_size=batch_size,
        num_batches=num_batches,
        world_size=world_size,
    )


@pytest.mark.slow
@pytest.mark.parametrize("block_rows", [1, 5])
@settings(max_examples=30)
@given(
    num=st.integers(4, 60),
    batch_size=st.integers(2, 6),
    world_size=st.integers(2, 3),
    epoch=st.integers(0, 2),
)
def test_a_step_of_a_mixture_has_the_same_members_for_any_number_of_ranks(
    block_rows: int, num: int, batch_size: int, world_size: int, epoch: int
) -> None:
    steps, num_batches = [], 4
    for num_ranks in (world_size, 1):
        size = batch_size * world_size // num_ranks
        order = MixtureOrder(
            mixture(num, size, num_ranks, num_batches),
            block_rows=block_rows,
            window_rows=20,
            key=KEY,
            epoch=epoch,
        )
        parts = [batches_of(order, r) for r in all_ranks(num_ranks, size, drop_last=False)]
        assert {len(batch) for part in parts for batch in part} == {size}
        assert {len(part) for part in parts} == {num_batches}
        steps.append([sorted(chain.from_iterable(batches)) for batches in zip(*parts, strict=True)])
    assert steps[0] == steps[1]
