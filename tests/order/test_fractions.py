from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import chain

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.order import (
    check_fractions,
    in_ticket_ranges,
    position_ranges,
    split_number,
    ticket_ranges,
)

FRACTION_SETS = [(0.8, 0.1, 0.1), (1.0,), (0.5, 0.5), (1 / 3, 1 / 3, 1 / 3), (0, 0.7, 0.3, 0)]
WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any)


def covered(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return what ranges cover that do not overlap, those that touch as one."""
    found: list[tuple[int, int]] = []
    for start, stop in sorted(ranges):
        assert start < stop
        assert not found or found[-1][1] <= start
        touches = bool(found) and found[-1][1] == start
        found.append((found.pop()[0] if touches else start, stop))
    return found


def test_fractions_are_the_decimals_they_are_written_as() -> None:
    tenth = Fraction(1, 10)
    assert check_fractions((0.8, 0.1, 0.1)) == (8 * tenth, tenth, tenth)
    assert check_fractions([np.float32(0.9), np.float64(0.1)]) == (9 * tenth, tenth)
    assert check_fractions(np.array([0.9, 0.1])) == (9 * tenth, tenth)  # type: ignore[arg-type]
    third = Fraction(1, 3)
    assert check_fractions((third, 2 * third, 0)) == (third, 2 * third, Fraction(0))


def test_fractions_that_do_not_sum_to_1_are_refused_with_their_sum_and_the_way_out() -> None:
    with pytest.raises(OptionError, match=r"sum to 0\.9, not 1: name the part you do not use"):
        check_fractions((0.8, 0.1))


def test_no_fractions_are_refused() -> None:
    with pytest.raises(OptionError, match="sum to 0, not 1"):
        check_fractions(())


@pytest.mark.parametrize("wrong", [-0.1, float("nan"), float("inf"), True, "0.5", None, Decimal(1)])
def test_what_is_no_fraction_is_refused(wrong: float) -> None:
    with pytest.raises(OptionError, match=r"must be a number of at least 0, not"):
        check_fractions((0.5, 0.5, wrong))


@pytest.mark.parametrize("wrong", [0.8, None])
def test_one_number_is_no_set_of_fractions(wrong: tuple[float]) -> None:
    with pytest.raises(OptionError, match=r"such as \(0\.8, 0\.1, 0\.1\)"):
        check_fractions(wrong)


def test_splits_go_by_number_or_name() -> None:
    assert [split_number(split, 3) for split in (0, 1, np.int32(2))] == [0, 1, 2]
    assert [split_number(split, 3) for split in ("train", "val", "test")] == [0, 1, 2]
    assert split_number(4, 5) == 4


@pytest.mark.parametrize("wrong", [3, -1, True, 1.0, None, "validation", "Train", 2**70])
def test_a_missing_split_is_refused_with_those_that_exist(wrong: int) -> None:
    with pytest.raises(
        OptionError, match=r"no split .* give 0 to 2, or 'train' or 'val' or 'test'"
    ):
        split_number(wrong, 3)


def test_a_misspelt_split_is_recognised() -> None:
    with pytest.raises(OptionError, match="nearest: 'train'"):
        split_number("trian", 3)


def test_a_name_beyond_the_number_of_splits_is_refused() -> None:
    with pytest.raises(OptionError, match="no split 'test' in 2 fractions: give 0 to 1"):
        split_number("test", 2)


@pytest.mark.parametrize("fractions", FRACTION_SETS)
def test_position_ranges_are_disjoint_complete_and_exact_for_every_size(
    fractions: tuple[float, ...],
) -> None:
    exact = check_fractions(fractions)
    for num in range(201):
        splits = [position_ranges(num, exact, split) for split in range(len(exact))]
        assert covered(chain(*splits)) == [(0, num)] * (num > 0)
        for ranges, fraction in zip(splits, exact, strict=True):
            assert abs(sum(stop - start for start, stop in ranges) - num * fraction) <= 1
            assert fraction or not ranges


def test_sizes_are_exact_where_they_come_out_even() -> None:
    exact = check_fractions((0.7, 0.2, 0.1))
    (sizes,) = zip(*[position_ranges(10**15, exact, s) for s in range(3)], strict=True)
    assert [stop - start for start, stop in sizes] == [7 * 10**14, 2 * 10**14, 10**14]


@given(WEIGHTS)
def test_ticket_ranges_are_disjoint_and_complete(weights: list[int]) -> None:
    exact = check_fractions([weight / sum(weights) for weight in weights])
    splits = [ticket_ranges(exact, split) for split in range(len(exact))]
    assert covered(chain(*splits)) == [(0, 2**64)]
    assert all(fraction or not ranges for ranges, fraction in zip(splits, exact, strict=True))


def test_the_first_boundary_depends_on_the_first_fraction_only() -> None:
    first = [ticket_ranges(check_fractions(f), 0) for f in ((0.7, 0.3), (0.7, 0.1, 0.2))]
    assert first[0] == first[1] == [(0, 12912720851596686131)]


@given(st.integers(2, 12), st.integers(0, 300))
def test_folds_hold_out_every_position_once(num_folds: int, num: int) -> None:
    share = Fraction(1, num_folds)
    exact = (1 - share, share)
    held_out: list[tuple[int, int]] = []
    for fold in range(num_folds):
        turn = Fraction(fold, num_folds)
        splits = [position_ranges(num, exact, split, turn=turn) for split in range(2)]
        assert covered(chain(*splits)) == [(0, num)] * (num > 0)
        held_out += splits[1]
    assert covered(held_out) == [(0, num)] * (num > 0)


def test_a_ticket_is_in_the_range_that_holds_it() -> None:
    tickets = np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64)
    assert in_ticket_ranges(tickets, [(0, 2**64)]).tolist() == [True] * 4
    assert in_ticket_ranges(tickets, [(1, 2**63)]).tolist() == [False, True, False, False]
    assert in_ticket_ranges(tickets, [(2**63, 2**64)]).tolist() == [False, False, True, True]
    assert in_ticket_ranges(tickets, [(0, 1), (2**63, 2**64 - 1)]).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert not in_ticket_ranges(tickets, []).any()
