"""Names of entries, against a plain count of them."""

from collections import Counter

import numpy as np
import pytest

from memmpy.splits.name_counts import NameCounter


@pytest.mark.parametrize("num_names", [1, 5, 100, 10**9])
@pytest.mark.parametrize("num_entries", [0, 1, 2, 500])
def test_entries_are_counted_by_name_file_and_region(num_names: int, num_entries: int) -> None:
    rng = np.random.default_rng(num_entries)
    identities = rng.integers(0, num_names, num_entries).astype(np.uint64)
    owners, regions = rng.integers(0, 3, (2, num_entries))
    kept = NameCounter(num_entries, 1000)
    for part in np.array_split(np.arange(num_entries), 3):
        kept.add(identities[part], owners[part], regions[part])
        kept.compress()
    found = kept.compress()
    rows = zip(identities.tolist(), owners.tolist(), regions.tolist(), strict=True)
    keys = zip(
        found.identities.tolist(), found.owners.tolist(), found.regions.tolist(), strict=True
    )
    expected = sorted(Counter(rows).items())
    assert list(zip(keys, found.counts.tolist(), strict=True)) == expected


def test_of_many_entries_a_name_is_kept_whole_or_not_at_all() -> None:
    rng = np.random.default_rng(0)
    identities = np.repeat(rng.integers(0, 2**64, 500, dtype=np.uint64), 3)
    kept = NameCounter(len(identities), 100)
    zeros = np.zeros(len(identities), np.int64)
    kept.add(identities, zeros, zeros)
    found = kept.compress()
    assert not kept.is_whole
    assert 0 < len(found.counts) < 100
    assert (found.counts == 3).all()


def test_no_name_of_many_entries_is_below_the_limit() -> None:
    kept = NameCounter(1000, 100)
    zeros = np.zeros(1000, np.int64)
    kept.add(np.full(1000, 2**64 - 1, np.uint64), zeros, zeros)
    found = kept.compress()
    assert len(found.counts) == 0
    assert found.num_in_two_regions() == 0
    assert found.median_multiplicity() == found.mean_multiplicity() == 1.0
