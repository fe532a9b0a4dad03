"""Classes in given shares: what a mixture promises after every batch."""

from fractions import Fraction
from functools import cache
from itertools import pairwise
from math import ceil, floor, isclose
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from memmpy.errors import OptionError
from memmpy.kernels import absorb, derive_key
from memmpy.order import Mixture, MixtureOrder, Permutation, Subset, batches_of_epoch

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
SHARES = Fraction("0.5"), Fraction("0.3"), Fraction("0.2")
KEY = 5

# What an order is, for ever.
MEMBERS = [
    [12, 20, 19, 16, 0, 6, 26, 3, 9, 4],
    [1, 3, 23, 10, 13, 27, 0, 29, 24, 6],
    [15, 9, 7, 16, 18, 12, 2, 21, 5, 13],
]

Labels = NDArray[np.int64]


def labels_of(sizes: list[int], *, seed: int = 0) -> Labels:
    """Return a label for each member, in random order."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    return np.random.default_rng(seed).permutation(labels)


def mixture(labels: Labels, shares: Any, batch_size: int, **options: Any) -> Mixture:
    num_classes = len(shares)
    classes = Subset.by_label([labels], num=len(labels), values=range(num_classes))
    options = {"num_batches": 20, **options}
    return Mixture(tuple(classes), tuple(shares), batch_size=batch_size, **options)


def order(of: Mixture, epoch: int = 0, **options: Any) -> MixtureOrder:
    options = {"block_rows": 16, "window_rows": 256, "key": KEY, **options}
    return MixtureOrder(of, epoch=epoch, **options)


def members(of: MixtureOrder, *, num_rows: int = 400, compiled: bool = False) -> Labels:
    batch_size = of.mixture.step_size
    requests = of.requests(0, num_rows=num_rows, batch_size=batch_size)
    return np.concatenate([request.members(compiled=compiled) for request in requests])


def batches(of: Mixture, num_epochs: int, **options: Any) -> Labels:
    """Return the members of the steps of epochs, of shape (steps, step_size)."""
    parts = [members(order(of, epoch, **options), compiled=True) for epoch in range(num_epochs)]
    return np.concatenate(parts).reshape(-1, of.step_size)


@st.composite
def mixtures(draw: st.DrawFn, *, min_size: int = 1, more: int = 40) -> Mixture:
    """Draw classes, also tiny ones, shares and a number of ranks."""
    weights = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
    shares = [Fraction(weight, sum(weights)) for weight in weights]
    world_size = draw(st.integers(1, 3))
    sizes = [draw(st.integers(min_size, 60)) for _ in shares]
    least = ceil(1 / sorted(shares)[2]) if len(shares) > 2 else 1
    return mixture(
        labels_of(sizes),
        shares,
        draw(st.integers(least, least + more)),
        num_batches=draw(st.integers(1, 12)),
        world_size=world_size,
    )


@st.composite
def orders(draw: st.DrawFn) -> MixtureOrder:
    return order(
        draw(mixtures(min_size=6, more=15)),
        draw(st.one_of(st.integers(0, 9), st.integers(0, 2**64 - 1))),
        block_rows=draw(st.integers(1, 40)),
        window_rows=draw(st.integers(1, 300)),
        key=draw(st.integers(0, 2**64 - 1)),
    )


@pytest.mark.parametrize("batch_size", [100, 33])
@pytest.mark.parametrize("block_rows", [1, 16])
def test_every_prefix_of_three_epochs_is_within_one_event_of_the_shares(
    batch_size: int, block_rows: int
) -> None:
    labels = labels_of([700, 90, 210])
    num = batches_of_epoch([700, 90, 210], SHARES, batch_size=batch_size)
    of = mixture(labels, SHARES, batch_size, num_batches=num)
    drawn = labels[batches(of, 3, block_rows=block_rows)]
    assert len(drawn) == 3 * num == 3 * ceil(1400 / batch_size)
    for c, share in enumerate(SHARES):
        counts = np.cumsum((drawn == c).sum(axis=1)).tolist()
        for number, count in enumerate(counts, start=1):
            assert abs(count - number * batch_size * share) < 1


@given(of=mixtures(), step=st.integers(0, 2**70), num=st.integers(1, 20))
def test_counts_are_within_one_of_the_shares_and_never_fall(
    of: Mixture, step: int, num: int
) -> None:
    before, totals = of.events(step, num)
    assert (np.diff(totals) >= 0).all()
    assert totals.sum(axis=0).tolist() == [
        of.batch_size * n for n in range(num * of.world_size + 1)
    ]
    for c, share in enumerate(of.shares):
        for number in range(num + 1):
            so_far = before[c] + int(totals[c, number * of.world_size])
            assert abs(so_far - (step + number) * of.step_size * share) < 1
    assert of.events(0, 1)[0] == [0] * len(of.shares)


@given(of=mixtures(), num=st.integers(1, 20))
def test_counts_of_each_rank_are_within_one_of_the_shares(of: Mixture, num: int) -> None:
    _, totals = of.events(0, num)
    per_batch = np.diff(totals).reshape(len(of.shares), num, of.world_size)
    for c, share in enumerate(of.shares):
        for number, counts in enumerate(np.cumsum(per_batch[c], axis=0).tolist(), start=1):
            assert all(abs(count - number * of.batch_size * share) < 1 for count in counts)


@given(of=mixtures(), step=st.integers(0, 2**70), digits=st.integers(1, 40))
def test_counts_of_several_steps_are_those_of_one_after_the_other(
    of: Mixture, step: int, digits: int
) -> None:
    """Shares of many digits are exact, too."""
    weights = [share + Fraction(c + 1, 10**digits) for c, share in enumerate(of.shares)]
    shares = tuple(weight / sum(weights) for weight in weights)
    exact = Mixture(of.classes, shares, batch_size=of.batch_size + 40, num_batches=1)
    before, totals = exact.events(step, 6)
    for number in range(7):
        expected = [sum(one) for one in zip(before, totals[:, number].tolist(), strict=True)]
        assert exact.events(step + number, 1)[0] == expected


@given(of=mixtures(), step=st.integers(0, 2**70), num=st.integers(1, 6))
def test_a_step_has_the_counts_of_one_rank_with_a_larger_batch(
    of: Mixture, step: int, num: int
) -> None:
    one = Mixture(of.classes, of.shares, batch_size=of.step_size, num_batches=1)
    before, totals = of.events(step, num)
    expected, totals_of_one = one.events(step, num)
    assert before == expected
    assert totals[:, :: of.world_size].tolist() == totals_of_one.tolist()


@pytest.mark.parametrize("block_rows", [1, 16])
@pytest.mark.parametrize("world_size", [2, 3, 6])
def test_a_step_has_the_same_members_for_any_number_of_ranks(
    world_size: int, block_rows: int
) -> None:
    labels = labels_of([300, 40, 7])
    one = mixture(labels, SHARES, 60)
    of = mixture(labels, SHARES, 60 // world_size, world_size=world_size)
    found, expected = (batches(each, 3, block_rows=block_rows) for each in (of, one))
    assert np.sort(found).tolist() == np.sort(expected).tolist()


@pytest.mark.parametrize(("block_rows", "window_rows"), [(1, 1), (16, 256), (7, 99), (500, 8000)])
@pytest.mark.parametrize("sizes", [[300, 40, 7], [1, 1, 2], [1000, 3, 120]])
def test_members_of_a_class_are_used_equally_often_or_once_more(
    sizes: list[int], block_rows: int, window_rows: int
) -> None:
    labels, num = labels_of(sizes), sum(sizes)
    of = mixture(labels, SHARES, 33, num_batches=17)
    uses = np.zeros(num, np.int64)
    for batch in batches(of, 4, block_rows=block_rows, window_rows=window_rows):
        np.add.at(uses, batch, 1)
        for c in range(3):
            assert np.ptp(uses[labels == c]) <= 1
    assert uses.sum() == 4 * 17 * 33


@pytest.mark.slow
@given(of=orders(), num_rows=st.integers(1, 900), done=st.integers(0, 11))
def test_neither_requests_nor_where_an_epoch_begins_change_a_batch(
    of: MixtureOrder, num_rows: int, done: int
) -> None:
    size = of.mixture.step_size
    whole = members(of, num_rows=10**9)
    assert len(of) == len(whole) == of.mixture.num_batches * size
    position = min(done, of.mixture.num_batches - 1) * size
    stop = None
    for request in of.requests(position, num_rows=num_rows, batch_size=size):
        assert request.start <= position if stop is None else request.start == stop
        stop = request.stop
        found = request.members(compiled=False)
        assert found.tolist() == whole[request.start : stop].tolist()
        assert found.tolist() == request.members(compiled=True).tolist()
        assert found.dtype == np.int64
    assert stop == len(whole) > position


@given(of=mixtures(), epoch=st.integers(0, 2**64 - 1))
def test_a_scattered_order_begins_where_it_is_asked_to(of: Mixture, epoch: int) -> None:
    exact = order(of, epoch, block_rows=1)
    assert exact.is_scattered
    assert not order(of, epoch, block_rows=2).is_scattered
    for batch in range(of.num_batches):
        position = batch * of.step_size
        first = next(exact.requests(position, num_rows=1, batch_size=of.step_size))
        assert first.start == position


@pytest.mark.slow
@given(of=orders())
def test_blocks_have_all_members_of_a_request_and_begin_and_end_with_one(of: MixtureOrder) -> None:
    for request in of.requests(0, num_rows=200, batch_size=of.mixture.step_size):
        starts, counts = request.blocks()
        read = {m for s, n in zip(starts, counts, strict=True) for m in range(s, s + n)}
        found = set(request.members(compiled=False).tolist())
        assert found <= read
        assert {*starts.tolist(), *(starts + counts - 1).tolist()} <= found


def test_blocks_of_a_dense_class_read_little_else() -> None:
    labels = labels_of([100_000, 100_000])
    of = order(mixture(labels, (HALF, HALF), 1000), block_rows=256, window_rows=4096)
    (request, *_) = of.requests(0, num_rows=4096, batch_size=1000)
    starts, counts = request.blocks()
    assert len(starts) < 2 * (4000 / 256 + 2)
    assert counts.sum() < 2.2 * 4000  # every other member is of the class


def test_after_an_epoch_of_default_length_each_event_was_used_and_not_before() -> None:
    sizes, shares = [700, 90, 210], SHARES
    for world_size in (1, 2, 5):
        num = batches_of_epoch(sizes, shares, batch_size=33 * world_size)
        for length, is_all in ((num, True), (num - 1, False)):
            options = {"num_batches": length, "world_size": world_size}
            of = mixture(labels_of(sizes), shares, 33, **options)
            used = set(batches(of, 1).ravel().tolist())
            assert (len(used) == sum(sizes)) == is_all


def test_an_epoch_goes_on_where_the_one_before_ended() -> None:
    labels = labels_of([1000, 600])
    one = mixture(labels, (HALF, HALF), 40, num_batches=12)
    uses = np.bincount(batches(one, 3).ravel(), minlength=len(labels))
    # 720 of each class: all of the second were used, and 280 of the first were not yet
    assert np.bincount(uses[labels == 0]).tolist() == [280, 720]
    assert np.bincount(uses[labels == 1]).tolist() == [0, 480, 120]


def test_a_class_that_runs_out_begins_again_in_a_new_order() -> None:
    for block_rows in (1, 16):
        labels = labels_of([64, 6400])
        of = mixture(labels, (HALF, HALF), 128, num_batches=20)
        passes = batches(of, 1, block_rows=block_rows)
        rows = [batch[labels[batch] == 0] for batch in passes]
        assert all(sorted(row) == sorted(rows[0]) for row in rows)
        same = [(one == other).mean() for one, other in pairwise(rows)]
        assert np.mean(same) < 0.1  # 1/64 by chance


@pytest.mark.parametrize("block_rows", [1, 16])
def test_orders_of_other_keys_and_epochs_differ(block_rows: int) -> None:
    labels = labels_of([4000, 4000])
    of = mixture(labels, (HALF, HALF), 100)
    options = {"block_rows": block_rows}
    found = [
        order(of, **options),
        order(of, key=KEY + 1, **options),
        order(of, epoch=1, **options),
    ]
    drawn = [members(one) for one in found]
    for i, one in enumerate(drawn):
        for other in drawn[:i]:
            assert (one == other).mean() < 0.02


def test_a_batch_is_not_sorted_by_class() -> None:
    labels = labels_of([3000, 3000])
    for batch_size in (10, 128, 1000):
        of = mixture(labels, (HALF, HALF), batch_size, num_batches=5000 // batch_size)
        drawn = labels[batches(of, 2)]
        # by chance a neighbour is of the other class slightly more often than in half the cases
        expected = batch_size / 2 / (batch_size - 1)
        changes = (drawn[:, 1:] != drawn[:, :-1]).mean()
        assert isclose(changes, expected, abs_tol=4 / np.sqrt(drawn.size))
        per_place = (drawn == 0).mean(axis=0)
        assert np.abs(per_place - 0.5).max() < 4.5 * 0.5 / np.sqrt(len(drawn))


@pytest.mark.slow
@pytest.mark.parametrize("block_rows", [1, 8])
def test_each_member_is_equally_frequent_in_each_part_of_a_pass(block_rows: int) -> None:
    """Of 200 members, of which 20 batches have 10 each, over 2,000 keys."""
    labels = labels_of([200, 200])
    counts = np.zeros((20, 400))
    for key in range(2000):
        of = order(
            mixture(labels, (HALF, HALF), 20), key=key, block_rows=block_rows, window_rows=100
        )
        drawn = members(of, num_rows=10**6, compiled=True).reshape(20, 20)
        np.add.at(counts, (np.arange(20)[:, None], drawn), 1)
    expected = 2000 / 20
    deviations = ((counts - expected) ** 2 / expected).sum(axis=0)  # chi-square of 19 each
    assert abs(deviations.mean() - 19) < 5 * np.sqrt(2 * 19 / 400)
    assert deviations.max() < 60


def test_members_of_neighbouring_blocks_are_mixed_in_a_window() -> None:
    labels = np.zeros(65_536, np.int64)
    of = order(
        mixture(labels, (Fraction(1),), 256, num_batches=256), block_rows=64, window_rows=1024
    )
    drawn = members(of, num_rows=10**6)
    # consecutive members come one after the other as rarely as among 1,024 in random order
    assert (np.diff(drawn) == 1).mean() < 3 / 1024


# The order as `MixtureOrder` documents it, position by position.


@cache
def word(state: int, *words: int) -> int:
    for one in words:
        state = int(absorb(state, np.array([one], np.uint64))[0])
    return state


def mix(number: int, num: int, state: int) -> int:
    bits = max(8, (num - 1).bit_length())
    while True:
        for r in range(6):
            w = word(state, r)
            number = (number * (w | 1) + (w >> 32)) % 2**bits
            number ^= number >> (bits // 2 + 1)
        if number < num:
            return number


def class_parts(of: MixtureOrder, c: int, start: int, stop: int) -> list[int]:
    """Return members start..stop-1 of what class c hands out: of one window."""
    mixed, rows = of.mixture, max(1, round(of.mixture.shares[c] * of.block_rows))
    everyone = np.flatnonzero(np.isin(np.arange(mixed.classes[c].num), select_all(mixed, c)))
    own = everyone.tolist()
    num, handed_out = len(own), []
    while start < stop:
        p, a = divmod(start, num)
        count = min(stop - start, num - a)
        q = word(derive_key(of.key, c, purpose="class"), p % 2**64)
        order_of_blocks = Permutation(num // rows, key=word(q, 1))(np.arange(num // rows)).tolist()
        blocks = [*order_of_blocks, num // rows]
        part = [0] * count
        for i in range(count):
            block, place = divmod(a + i, rows)
            number = (word(q, 0) % num + blocks[block] * rows + place) % num
            part[mix(i, count, word(q, 2, a)) if rows > 1 else i] = own[number]
        handed_out += part
        start += count
    return handed_out


def select_all(of: Mixture, c: int) -> Labels:
    return of.classes[c].select(np.arange(len(of.classes[c])))


def documented(of: MixtureOrder) -> list[int]:
    mixed = of.mixture
    size, ranks = mixed.batch_size, mixed.world_size
    by_share = sorted(range(len(mixed.shares)), key=lambda c: (mixed.shares[c], c))
    sequence = [by_share[0], *by_share[2:], *by_share[1:2]]

    def count(step: int, rank: int, c: int) -> int:
        k, phase = sequence.index(c), Fraction(2 * rank + 1, 2 * ranks)
        below, above = (sum(mixed.shares[one] for one in sequence[:n]) for n in (k, k + 1))
        m = step * size
        return floor(m * above + phase) - floor(m * below + phase)

    first, found = of.epoch * mixed.num_batches, []
    per_window = max(1, of.window_rows // (size * ranks))
    for start in range(0, mixed.num_batches, per_window):
        ends = first + start, first + min(start + per_window, mixed.num_batches)
        classes = range(len(mixed.shares))
        lists = [
            class_parts(of, c, *(sum(count(end, r, c) for r in range(ranks)) for end in ends))
            for c in classes
        ]
        for batch in range(ends[0] * ranks, ends[1] * ranks):
            step, rank = divmod(batch, ranks)
            taken = []
            for c in classes:
                num = count(step + 1, rank, c) - count(step, rank, c)
                taken += lists[c][:num]
                lists[c] = lists[c][num:]
            key = derive_key(of.key, purpose="batches")
            window, turn = word(key, ends[0] * ranks % 2**64), word(key, batch % 2**64, 6)
            places = {(mix(i, size, window) + turn) % size: m for i, m in enumerate(taken)}
            found += [places[i] for i in range(size)]
    return found


@pytest.mark.parametrize("epoch", [0, 3, 2**64 - 1])
@pytest.mark.parametrize("block_rows", [1, 5])
@pytest.mark.parametrize("world_size", [1, 2])
def test_the_order_is_the_documented_one(epoch: int, block_rows: int, world_size: int) -> None:
    of = mixture(labels_of([40, 9, 21]), SHARES, 11, num_batches=7, world_size=world_size)
    found = order(of, epoch, block_rows=block_rows, window_rows=30)
    assert members(found).tolist() == documented(found)


def test_values_never_change() -> None:
    of = mixture(np.arange(30) % 3, SHARES, 10, num_batches=3)
    drawn = members(order(of, 7, block_rows=12, window_rows=20, key=12345))
    assert drawn.reshape(3, 10).tolist() == MEMBERS


def test_a_share_of_less_than_one_event_in_a_batch_is_refused_from_the_third_class_on() -> None:
    labels = labels_of([50, 50, 50, 50])
    shares = Fraction("0.01"), Fraction("0.97"), Fraction("0.02")
    mixture(labels, shares, 2)
    mixture(labels, (Fraction("0.001"), Fraction("0.999")), 1)
    four = Fraction("0.01"), Fraction("0.01"), Fraction("0.02"), Fraction("0.96")
    mixture(labels, four, 50)
    with pytest.raises(
        OptionError, match=r"share of 0\.02 is less than one event in a batch of 49"
    ):
        mixture(labels, four, 49)
    with pytest.raises(OptionError, match="batch_size must be at least 50"):
        mixture(labels, four, 49)


@pytest.mark.parametrize("shares", [(HALF,), (HALF, THIRD), (Fraction(3, 2), -HALF), (0, 1)])
def test_shares_that_do_not_sum_to_one_are_refused(shares: Any) -> None:
    with pytest.raises(OptionError, match="shares must be greater than 0 and sum to 1"):
        mixture(labels_of([5, 5]), shares, 10)


def test_batches_of_another_size_are_refused() -> None:
    of = order(mixture(labels_of([50, 50]), (HALF, HALF), 10))
    with pytest.raises(OptionError, match="a mixture of batches of 10 has none of 20"):
        next(of.requests(0, num_rows=10, batch_size=20))


@pytest.mark.parametrize("name", ["batch_size", "num_batches", "world_size"])
@pytest.mark.parametrize("wrong", [-1, 1.5, True, None])
def test_numbers_of_a_mixture_that_make_no_sense_are_refused(name: str, wrong: object) -> None:
    options: dict[str, Any] = {"batch_size": 10, "num_batches": 3, "world_size": 1, name: wrong}
    classes = Subset.by_label([np.arange(9) % 2], num=9, values=[0, 1])
    with pytest.raises(OptionError, match=f"{name} must be an integer"):
        Mixture(tuple(classes), (HALF, HALF), **options)


@pytest.mark.parametrize("name", ["block_rows", "window_rows", "key", "epoch"])
@pytest.mark.parametrize("wrong", [-1, 1.5, True, None])
def test_numbers_of_an_order_that_make_no_sense_are_refused(name: str, wrong: object) -> None:
    of, options = mixture(labels_of([5, 5]), (HALF, HALF), 10), dict[str, Any]({name: wrong})
    with pytest.raises(OptionError, match=f"{name} must be an integer"):
        order(of, **options)
