"""Tests of what is shown to users."""

import pytest

from memmpy.printing import size_in_words


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
    assert size_in_words(num_bytes) == shown
