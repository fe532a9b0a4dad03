"""Tests of counts, numbers, shares, rates, times and sizes as users read them."""

import pytest

from memmpy.display import (
    format_count,
    format_number,
    format_rate,
    format_seconds,
    format_share,
    format_size,
)


@pytest.mark.parametrize(
    ("num_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1_500, "1.5 kB"),
        (999_949, "999.9 kB"),
        (999_960, "1.0 MB"),
        (26_400_000, "26.4 MB"),
        (12_345_678_901, "12.3 GB"),
        (12 * 10**15, "12.0 PB"),
        (10**21, "1000.0 EB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(num_bytes: int, shown: str) -> None:
    assert format_size(num_bytes) == shown


@pytest.mark.parametrize(
    ("rate", "shown"),
    [
        (0, "0"),
        (9.6, "10"),
        (99_999.4, "99,999"),
        (100_000, "0.10 M"),
        (1_234_567_890, "1,234.57 M"),
    ],
)
def test_rates_are_shown_in_the_unit_that_fits(rate: float, shown: str) -> None:
    assert format_rate(rate) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 ms"),
        (0.00042, "0.42 ms"),
        (0.0042, "4.2 ms"),
        (0.01, "0.01 s"),
        (0.15, "0.15 s"),
        (9.96, "10 s"),
        (12.3, "12 s"),
        (99.4, "99 s"),
        (99.6, "1.7 min"),
        (2100, "35 min"),
        (5969, "99 min"),
        (5971, "1.7 h"),
        (4e6, "1,111 h"),
    ],
)
def test_a_time_has_two_digits_and_a_suitable_unit(seconds: float, shown: str) -> None:
    assert format_seconds(seconds) == shown


def test_one_thing_is_one_and_two_are_many() -> None:
    assert [format_count(num, "file") for num in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
    assert format_count(1234, "branch", "branches") == "1,234 branches"


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (0, "0 %"),
        (1, "< 0.1 %"),
        (424, "0.4 %"),
        (-3000, "-3.0 %"),
        (99_999, "> 99.9 %"),
        (100_000, "100 %"),
        (250_000, "250.0 %"),
        (float("nan"), "-"),
    ],
)
def test_a_share_is_nothing_or_all_only_if_it_is(part: float, shown: str) -> None:
    assert format_share(part, 100_000) == shown


def test_a_share_of_nothing_is_a_dash() -> None:
    assert format_share(0, 0) == "-"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (0.0, "0"),
        (-12.3456, "-12.35"),
        (0.5, "0.5"),
        (123_456.7, "123,457"),
        (9_999_999.7, "10,000,000"),
        (2.5e7, "2.5e+07"),
        (1.23456e-5, "1.235e-05"),
        (float("inf"), "inf"),
        (1_234_567_890, "1,234,567,890"),
        (2**63, "9.223e+18"),
    ],
)
def test_a_number_has_four_digits_or_all_of_a_whole_one(value: float, shown: str) -> None:
    assert format_number(value) == shown


def test_a_number_has_the_digits_that_are_asked_for() -> None:
    assert format_number(3503.71, digits=6) == "3,503.71"
