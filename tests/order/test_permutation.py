from collections import Counter
from itertools import permutations
from math import factorial, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.kernels import derive_key
from memmpy.order import Permutation

PRIMES_NEAR_POWERS_OF_TWO = (
    *(2, 3, 5, 7, 13, 17, 31, 37, 61, 67, 127, 131, 251, 257, 509, 521, 1021, 1031, 2039, 2053),
    *(4093, 4099, 8191, 8209, 16381, 16411, 32749, 32771, 65521, 65537, 131071, 131101),
    *(262139, 262147, 524287, 524309, 1048573),
)


def is_bijection(num: int, key: int) -> bool:
    positions = np.arange(num)
    permutation = Permutation(num, key=key)
    entries = permutation(positions)
    counts = np.bincount(entries, minlength=num)
    return (
        counts.shape == (num,)
        and bool((counts == 1).all())
        and np.array_equal(permutation.inverse(entries), positions)
    )


@pytest.mark.parametrize("num", [*range(40), 255, 256, 257, 1000, 4096, 65_537])
def test_each_entry_comes_once(num: int) -> None:
    assert is_bijection(num, key=num)


@pytest.mark.slow
def test_each_entry_comes_once_for_all_sizes_to_5000() -> None:
    assert [num for num in range(5001) if not is_bijection(num, key=3 * num)] == []


@pytest.mark.slow
def test_each_entry_comes_once_around_powers_of_two_and_primes() -> None:
    powers = (2**k for k in range(21))
    sizes = {near + d for near in (*powers, *PRIMES_NEAR_POWERS_OF_TWO) for d in (-1, 0, 1)}
    assert [num for num in sorted(sizes) if not is_bijection(num, key=num)] == []


@given(
    num=st.integers(2, 2**62) | st.integers(2, 62).map(lambda bits: 2**bits),
    key=st.integers(0, 2**64 - 1),
    draw=st.data(),
)
def test_the_inverse_undoes_it_at_any_size(num: int, key: int, draw: st.DataObject) -> None:
    # tiny sizes are tested in full above, and walk long cycles
    some = draw.draw(st.lists(st.integers(0, num - 1), max_size=20))
    positions = np.array([0, num - 1, *some], dtype=np.int64)
    permutation = Permutation(num, key=key)
    entries = permutation(positions)
    assert entries.dtype == np.int64
    assert ((entries >= 0) & (entries < num)).all()
    assert np.array_equal(permutation.inverse(entries), positions)
    assert np.array_equal(permutation(permutation.inverse(positions)), positions)


def test_a_position_has_its_entry_whatever_is_asked_beside_it() -> None:
    permutation = Permutation(3000, key=9)
    whole = permutation(np.arange(3000))
    picked = np.array([2999, 0, 17, 17])
    assert np.array_equal(permutation(picked), whole[picked])


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.uint64])
def test_positions_of_any_integer_dtype_give_the_same_int64(dtype: type) -> None:
    entries = Permutation(100, key=1)(np.arange(100, dtype=dtype))
    assert entries.dtype == np.int64
    assert np.array_equal(entries, Permutation(100, key=1)(np.arange(100)))


def test_positions_are_left_alone() -> None:
    positions = np.arange(500)
    Permutation(500, key=1)(positions)
    assert np.array_equal(positions, np.arange(500))


def test_values_never_change() -> None:
    assert Permutation(10, key=0)(np.arange(10)).tolist() == [7, 9, 0, 8, 3, 4, 6, 5, 1, 2]
    assert Permutation(1000, key=12345)(np.arange(8)).tolist() == [
        *(372, 13, 673, 583, 976, 497, 598, 225),
    ]
    assert Permutation(2**62, key=2**64 - 1)(np.array([0, 1, 2**62 - 1])).tolist() == [
        *(210673508184489819, 1879759464320522314, 2258484023557959967),
    ]


def chi_square(counts: "Counter[tuple[int, ...]]", cells: int) -> float:
    """Return how many standard deviations above its mean the chi-square of flat counts lies."""
    expected = counts.total() / cells
    observed = np.array([*counts.values()] + [0] * (cells - len(counts)))
    return float(((observed - expected) ** 2 / expected).sum() - (cells - 1)) / sqrt(
        2 * (cells - 1)
    )


@pytest.mark.parametrize("num", [2, 3, 4, 5])
def test_all_orders_of_few_entries_are_equally_frequent(num: int) -> None:
    orders = (Permutation(num, key=key).run(0, num, compiled=True) for key in range(5000))
    counts = Counter(tuple(order.tolist()) for order in orders)
    assert set(counts) == set(permutations(range(num)))
    assert chi_square(counts, factorial(num)) < 5


@pytest.mark.parametrize("num", [6, 7, 8, 11])
def test_an_entry_is_equally_frequent_at_each_position(num: int) -> None:
    orders = [Permutation(num, key=k).run(0, num, compiled=True).tolist() for k in range(2000)]
    for entry in (0, num - 1):
        assert chi_square(Counter((order.index(entry),) for order in orders), num) < 5


def spread_ratio(is_signal: np.ndarray, batch_size: int) -> float:
    """Return the spread of a batch's class fraction over the binomial one."""
    whole = is_signal[: is_signal.size // batch_size * batch_size].reshape(-1, batch_size)
    fraction = is_signal.mean()
    return float(whole.mean(axis=1).std() / sqrt(fraction * (1 - fraction) / batch_size))


@pytest.mark.parametrize("num", [1_000_000, 1_048_576, 600_000])
@pytest.mark.parametrize("seed", [0, 1, 2, 2**63])
def test_batches_of_class_sorted_entries_are_mixed_as_by_chance(num: int, seed: int) -> None:
    entries = Permutation(num, key=derive_key(seed, purpose="test"))(np.arange(num))
    assert 0.9 < spread_ratio(entries < num // 3, 1024) < 1.1


def test_neighbours_do_not_stay_neighbours() -> None:
    entries = Permutation(2**16, key=4)(np.arange(2**16))
    distance = np.abs(np.diff(entries))
    # for a random order |difference| has mean n/3, and is 1 for two pairs on average
    assert abs(distance.mean() / 2**16 - 1 / 3) < 0.01
    assert (distance == 1).sum() < 12


def test_orders_of_neighbouring_keys_are_unrelated() -> None:
    one, other = (Permutation(10_000, key=key)(np.arange(10_000)) for key in (6, 7))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert (one == other).sum() < 12


@pytest.mark.parametrize("wrong", [[-1], [0, 7], [2**40]])
def test_a_position_out_of_range_is_named(wrong: list[int]) -> None:
    for lookup in (Permutation(7, key=0), Permutation(7, key=0).inverse):
        with pytest.raises(OptionError, match=rf"{wrong[-1]} is out of range: there are 7 entries"):
            lookup(np.array(wrong))


def test_no_position_is_in_range_of_no_entries() -> None:
    assert Permutation(0, key=0)(np.array([], dtype=np.int64)).shape == (0,)
    with pytest.raises(OptionError, match="0 is out of range: there are 0 entries"):
        Permutation(0, key=0)(np.array([0]))


@pytest.mark.parametrize("positions", [np.array([0.0]), np.array([[0]]), np.array(0)])
def test_positions_must_be_integers_in_one_dimension(positions: np.ndarray) -> None:
    with pytest.raises(OptionError, match="entries must be a one-dimensional array of"):
        Permutation(7, key=0)(positions)


@pytest.mark.parametrize("num", [-1, 2**62 + 1, True, 5.0])
def test_a_size_that_makes_no_sense_is_refused(num: int) -> None:
    with pytest.raises(OptionError, match=r"num must be an integer|at most 2\*\*62"):
        Permutation(num, key=0)


@pytest.mark.parametrize("key", [-1, 2**64, 1.5, None])
def test_a_key_beyond_64_bits_is_refused(key: int) -> None:
    with pytest.raises(OptionError, match=r"key must be an integer in 0 <= key < 2\*\*64"):
        Permutation(5, key=key)


@pytest.mark.parametrize("compiled", [False, True])
@given(
    num=st.integers(0, 3000) | st.integers(2, 2**62) | st.integers(2, 62).map(lambda k: 2**k),
    key=st.integers(0, 2**64 - 1),
    draw=st.data(),
)
def test_a_run_is_what_its_positions_give(
    compiled: bool, num: int, key: int, draw: st.DataObject
) -> None:
    start = draw.draw(st.integers(0, num))
    stop = draw.draw(st.integers(start, min(num, start + 3000)))
    permutation = Permutation(num, key=key)
    entries = permutation.run(start, stop, compiled=compiled)
    assert entries.dtype == np.int64
    assert np.array_equal(entries, permutation(np.arange(start, stop)))


@pytest.mark.parametrize(("start", "stop"), [(-1, 3), (4, 3), (0, 8)])
def test_a_run_out_of_range_is_named(start: int, stop: int) -> None:
    with pytest.raises(OptionError, match=f"no positions {start} to {stop}: there are 7 entries"):
        Permutation(7, key=0).run(start, stop, compiled=True)
