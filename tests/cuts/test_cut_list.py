"""Tests of the list of cached cuts."""

from memmpy.cuts import CutRecord, Cuts


def test_a_list_of_cuts_tells_their_size() -> None:
    record = CutRecord("x>0", "(0 < x)", ("x",), 3, 26_400_000, is_current=True)
    assert str(Cuts([record])).endswith("1 cached cut, 26.4 MB")


def test_a_list_of_cuts_is_a_sequence() -> None:
    records = [CutRecord(f"x>{i}", f"({i} < x)", ("x",), 3, 10, is_current=False) for i in range(3)]
    cuts = Cuts(records)
    assert list(cuts) == records
    assert records[1] in cuts
    assert cuts[-1] == records[2]
    assert list(cuts[:2]) == records[:2]
    assert cuts.num_bytes == 30
