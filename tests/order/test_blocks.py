from collections import Counter
from itertools import permutations
from math import factorial, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.kernels import derive_key
from memmpy.order import BlockOrder, BlockWindows, Permutation

# What a window of a promised order is, for ever.
STARTS = [0, 400, 800]
BLOCKS = [[289, 492, 792, 992], [89, 189, 592, 892], [389, 392, 692]]
COUNTS = [[100] * 4, [100] * 4, [3, 100, 100]]
PLACES = [
    [278, 314, 380, 71, 350, 317, 119, 322],
    [54, 191, 39, 314, 272, 241, 335, 203],
    [17, 0, 185, 133, 117, 96, 23, 165],
]
LARGE_BLOCKS = [
    45620079212,
    88072596076,
    145136495212,
    246468782700,
    338805205612,
    392566876780,
    694677351020,
    703014578796,
]
LARGE_PLACES = [782276, 887593, 300488, 859018]

KEYS = st.integers(0, 2**64 - 1)


@st.composite
def orders(draw: st.DrawFn) -> BlockOrder:
    block_rows = draw(st.one_of(st.integers(1, 9), st.integers(1, 4000)))
    window_blocks = draw(st.one_of(st.integers(1, 9), st.integers(1, 4000)))
    num = draw(st.integers(0, min(3000, 20 * block_rows * window_blocks)))
    return BlockOrder(num, block_rows=block_rows, window_blocks=window_blocks, key=draw(KEYS))


def windows_of(order: BlockOrder) -> list[BlockWindows]:
    return [order.windows(number, number + 1) for number in range(order.num_windows)]


def rows_read(window: BlockWindows, num: int) -> np.ndarray:
    blocks = zip(window.starts.tolist(), window.counts.tolist(), strict=True)
    return np.concatenate([np.arange(start, start + count) for start, count in blocks]) % num


@given(order=orders())
def test_each_row_comes_once_and_windows_tile_the_positions(order: BlockOrder) -> None:
    seen, position = np.zeros(order.num, np.int64), 0
    for number, window in enumerate(windows_of(order)):
        assert position == order.window_start(number)
        places = window.places(compiled=True)
        assert window.num_rows == len(places) == window.counts.sum() > 0
        assert (np.bincount(places, minlength=window.num_rows) == 1).all()
        assert order.window_at(position) == number
        position += window.num_rows
        assert order.window_at(position - 1) == number
        seen[rows_read(window, order.num)] += 1
    assert position == order.num == order.window_start(order.num_windows)
    assert (seen == 1).all()


@given(order=orders())
def test_windows_have_the_blocks_of_their_slots_in_ascending_order(order: BlockOrder) -> None:
    num_whole, num_short = divmod(order.num, order.block_rows)
    blocks = Permutation(num_whole, key=derive_key(order.key, purpose="blocks"))
    sequence = [*blocks(np.arange(num_whole)).tolist(), num_whole]
    shift = derive_key(order.key, purpose="shift") * order.num >> 64
    for number, window in enumerate(windows_of(order)):
        first = number * order.window_blocks
        expected = [
            (
                (shift + block * order.block_rows) % order.num,
                order.block_rows if block < num_whole else num_short,
            )
            for block in sequence[first : first + order.window_blocks]
        ]
        found = zip(window.starts.tolist(), window.counts.tolist(), strict=True)
        assert [*found] == sorted(block for block in expected if block[1])


@given(order=orders())
def test_compiled_places_are_those_of_numpy(order: BlockOrder) -> None:
    if not order.num:
        return
    windows = order.windows(0, order.num_windows)
    numpy, numba = (windows.places(compiled=compiled) for compiled in (False, True))
    assert numpy.dtype == numba.dtype
    assert np.array_equal(numpy, numba)


@given(order=orders(), draw=st.data())
def test_several_windows_are_one_after_the_other(order: BlockOrder, draw: st.DataObject) -> None:
    if not order.num:
        return
    first = draw.draw(st.integers(0, order.num_windows - 1))
    stop = draw.draw(st.integers(first + 1, min(order.num_windows, first + 9)))
    many = order.windows(first, stop)
    places = many.places(compiled=False)
    for number in range(first, stop):
        part, one = many.part(number - first, number - first + 1), order.windows(number, number + 1)
        for name in ("edges", "starts", "counts", "words"):
            assert np.array_equal(getattr(part, name), getattr(one, name))
        start, end = many.edges[number - first : number - first + 2]
        assert np.array_equal(places[start:end], start + one.places(compiled=False))


@pytest.mark.parametrize("num", [1024, 1025, 2047, 2048, 65_537, 100_000, 131_072])
def test_large_windows_are_mixed_alike(num: int) -> None:
    order = BlockOrder(num, block_rows=num, window_blocks=1, key=num)
    numpy, numba = (order.windows(0, 1).places(compiled=c) for c in (False, True))
    assert np.array_equal(numpy, numba)
    assert (np.bincount(numpy) == 1).all()


def test_numbers_are_of_the_dtypes_promised() -> None:
    window = BlockOrder(100, block_rows=8, window_blocks=3, key=0).windows(1, 2)
    assert [a.dtype for a in (window.starts, window.counts, window.places(compiled=False))] == [
        "i8",
        "i8",
        "u4",
    ]


def test_values_never_change() -> None:
    order = BlockOrder(1003, block_rows=100, window_blocks=4, key=12345)
    windows = windows_of(order)
    assert [order.window_start(number) for number in range(3)] == STARTS
    assert [w.starts.tolist() for w in windows] == BLOCKS
    assert [w.counts.tolist() for w in windows] == COUNTS
    assert [w.places(compiled=False)[:8].tolist() for w in windows] == PLACES
    large = BlockOrder(2**40, block_rows=2**17, window_blocks=8, key=2**64 - 1)
    window = large.windows(10**6, 10**6 + 1)
    assert window.starts.tolist() == LARGE_BLOCKS
    assert window.places(compiled=True)[-4:].tolist() == LARGE_PLACES


def test_orders_of_other_keys_and_windows_differ() -> None:
    one, other = (BlockOrder(4096, block_rows=64, window_blocks=32, key=key) for key in (6, 7))
    first, second = windows_of(one)
    (unlike, _) = windows_of(other)
    places = first.places(compiled=False)
    assert (places == second.places(compiled=False)).sum() < 12
    assert (places == unlike.places(compiled=False)).sum() < 12
    assert first.starts.tolist() != unlike.starts.tolist()


def places(num: int, key: int, *, compiled: bool = True) -> np.ndarray:
    order = BlockOrder(num, block_rows=num, window_blocks=1, key=key)
    return order.windows(0, 1).places(compiled=compiled)


def chi_square(counts: np.ndarray) -> float:
    """Return how many standard deviations above its mean the chi-square of flat counts lies."""
    expected = counts.sum() / len(counts)
    excess = ((counts - expected) ** 2 / expected).sum() - (len(counts) - 1)
    return float(excess / sqrt(2 * (len(counts) - 1)))


@pytest.mark.parametrize("num", [2, 3, 4, 5])
def test_all_orders_of_few_rows_are_equally_frequent(num: int) -> None:
    counts = Counter(tuple(places(num, key).tolist()) for key in range(3000))
    assert set(counts) == set(permutations(range(num)))
    assert len(counts) == factorial(num)
    assert chi_square(np.array([*counts.values()])) < 5


@pytest.mark.parametrize("num", [11, 100, 256])
def test_a_row_is_equally_frequent_at_each_place_and_unrelated_to_any_other(num: int) -> None:
    drawn = np.array([places(num, key) for key in range(4000)]).astype(np.int64)
    for row in (0, 1, num // 2, num - 1):
        assert chi_square(np.bincount(drawn[:, row], minlength=num)) < 5
    for distance in {1, 2, num // 4, num // 2}:
        apart = (drawn[:, distance] - drawn[:, 0]) % num
        assert chi_square(np.bincount(apart, minlength=num)[1:]) < 5


def test_neighbours_do_not_stay_neighbours() -> None:
    drawn = places(2**16, 4).astype(np.int64)
    distance = np.abs(np.diff(drawn))
    # for a random order |difference| has mean n/3, and is 1 for two pairs on average
    assert abs(distance.mean() / 2**16 - 1 / 3) < 0.01
    assert (distance == 1).sum() < 12
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.02


@pytest.mark.parametrize("num", [2**18, 200_000])
@pytest.mark.parametrize("key", [0, 1, 2**63])
def test_batches_of_a_window_of_class_sorted_rows_are_mixed_as_by_chance(
    num: int, key: int
) -> None:
    rows = np.empty(num, np.int64)
    rows[places(num, key)] = np.arange(num)
    fractions = (rows[: num // 256 * 256] < num // 3).reshape(-1, 256).mean(axis=1)
    assert 0.9 < fractions.std() / sqrt(2 / 9 / 256) < 1.1


@pytest.mark.slow
@pytest.mark.parametrize("num", [40, 42])
def test_a_row_is_equally_frequent_in_each_window_and_place(num: int) -> None:
    counts = np.zeros((num, num), np.int64)
    for key in range(1000):
        order = BlockOrder(num, block_rows=4, window_blocks=2, key=key)
        windows = order.windows(0, order.num_windows)
        counts[rows_read(windows, num), windows.places(compiled=True)] += 1
    deviations = [*map(chi_square, counts)]
    assert max(deviations) < 5
    assert np.mean(deviations) < 0.8  # what is wrong alike with all rows shows here first


@pytest.mark.slow
def test_no_two_rows_are_always_in_one_block() -> None:
    apart = 0
    for key in range(300):
        order = BlockOrder(40, block_rows=4, window_blocks=1, key=key)
        blocks = rows_read(order.windows(0, 10), 40).reshape(10, 4)
        apart += not any({0, 1} <= set(block) for block in blocks.tolist())
    assert 40 < apart < 110  # a quarter


def test_windows_of_a_huge_order_cost_nothing_but_themselves() -> None:
    order = BlockOrder(2**62, block_rows=2**10, window_blocks=4, key=1)
    window = order.windows(order.num_windows - 1, order.num_windows)
    assert order.window_start(order.num_windows - 1) + window.num_rows == order.num
    assert order.window_at(order.num - 1) == order.num_windows - 1


def test_blocks_of_2_to_the_31_rows_fit_a_window_and_more_do_not() -> None:
    BlockOrder(2**40, block_rows=2**31, window_blocks=1, key=0)
    BlockOrder(100, block_rows=2**40, window_blocks=2**40, key=0)
    with pytest.raises(OptionError, match=r"at most 2\*\*31 rows, not 2 blocks of 2,147,483,648"):
        BlockOrder(2**40, block_rows=2**31, window_blocks=2, key=0)


@pytest.mark.parametrize("options", [(2**63, 1), (2, 2**70), (2**70, 2**70)])
def test_blocks_and_windows_larger_than_all_are_one(options: tuple[int, int]) -> None:
    order = BlockOrder(10, block_rows=options[0], window_blocks=options[1], key=0)
    assert order.num_windows == 1
    assert sorted(rows_read(order.windows(0, 1), 10)) == list(range(10))


def test_what_is_out_of_range_is_named() -> None:
    order = BlockOrder(10, block_rows=2, window_blocks=2, key=0)
    for wrong in (-1, 3):
        with pytest.raises(OptionError, match=f"no window {wrong}: there are 3, from 0 on"):
            order.windows(wrong, wrong + 1)
    for wrong in (-1, 10):
        with pytest.raises(OptionError, match=f"{wrong} is out of range: there are 10 rows"):
            order.window_at(wrong)


@pytest.mark.parametrize("name", ["num", "block_rows", "window_blocks", "key"])
@pytest.mark.parametrize("wrong", [-1, 1.5, True, None])
def test_options_that_make_no_sense_are_refused(name: str, wrong: object) -> None:
    options: dict[str, object] = {"num": 5, "block_rows": 2, "window_blocks": 1, "key": 0}
    with pytest.raises(OptionError, match=f"{name} must be an integer"):
        BlockOrder(**{**options, name: wrong})  # type: ignore[arg-type]


def test_no_rows_have_no_windows() -> None:
    order = BlockOrder(0, block_rows=2, window_blocks=2, key=0)
    assert order.num_windows == 0
    assert order.window_start(0) == 0
