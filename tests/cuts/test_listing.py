"""Tests of the list of cached cuts."""

import pytest

from memmpy.cuts import CutRecord, Cuts


@pytest.mark.parametrize(
    ("num_bytes", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_960, "1.0 MB"),
        (12_345_678_901, "12.3 GB"),
        (10**16, "10000.0 TB"),
    ],
)
def test_sizes_are_shown_in_the_unit_that_fits(num_bytes: int, shown: str) -> None:
    record = CutRecord("x>0", "(0 < x)", ("x",), 3, num_bytes, is_current=True)
    assert str(Cuts([record])).endswith(f"1 cached cut, {shown}")


def test_a_list_of_cuts_is_a_sequence() -> None:
    records = [CutRecord(f"x>{i}", f"({i} < x)", ("x",), 3, 10, is_current=False) for i in range(3)]
    cuts = Cuts(records)
    assert list(cuts) == records
    assert records[1] in cuts
    assert cuts[-1] == records[2]
    assert list(cuts[:2]) == records[:2]
    assert cuts.num_bytes == 30
