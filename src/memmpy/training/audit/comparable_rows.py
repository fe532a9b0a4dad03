"""Finds rows with so much information that equal ones are no coincidence."""

from dataclasses import dataclass

import numpy as np

from memmpy.kernels import Words, find_words
from memmpy.training.audit.coincidence import Coincidence, estimate_coincidence
from memmpy.training.audit.entry_words import has_plain_words
from memmpy.training.audit.scan import Scan
from memmpy.typing import Entries, Mask

__all__ = ["ComparableRows", "find_comparable_rows"]

#: How many rows to sample, and in how many blocks: a disk reads blocks faster than single rows.
_NUM_SAMPLES, _NUM_BLOCKS = 1 << 16, 64
#: No rows are compared if fewer are sampled, or a smaller share of them can be compared.
_MIN_SAMPLES, _MIN_SHARE = 100, 0.01
#: Equal rows that are not distinctive are dropped early if at least this many are sampled.
_MANY = 5


@dataclass(frozen=True, slots=True)
class ComparableRows:
    """Which rows can be compared.

    Parameters
    ----------
    coincidence : Coincidence
        How unlikely it is that rows agree by chance.
    share : float
        The share of sampled rows that are distinctive.
    common : uint64 array
        The hashes of rows that are frequent and not distinctive, ascending.
    """

    coincidence: Coincidence
    share: float
    common: Words

    def are_uncommon(self, row_hashes: Words) -> Mask:
        """Return which rows are not among the common ones."""
        return ~find_words(self.common, row_hashes)[1]

    def are_distinctive(self, scan: Scan, entries: Entries) -> Mask:
        """Return which rows no other equals by chance."""
        words = {key: scan.words_of(key, entries) for key in scan.row_keys}
        return self.coincidence.are_distinctive(words)


def find_comparable_rows(scan: Scan) -> ComparableRows | None:
    """Find comparable rows by a sample of the largest source; None if there are hardly any."""
    sources = scan.snapshot.metadata.sources
    largest = max(sources, key=lambda source: source.num_entries)
    entries = _sample(largest.entry_start, largest.num_entries)
    # Rows of one event may rightly be equal: one row of each event is kept.
    entries = entries[np.sort(np.unique(scan.identities(entries), return_index=True)[1])]
    if len(entries) < _MIN_SAMPLES:
        return None
    words = {key: scan.words_of(key, entries) for key in scan.row_keys}
    columns = scan.snapshot.columns
    rows = scan.row_hashes(scan.owners(entries), list(words.values()))
    coincidence = estimate_coincidence(
        words,
        has_halves={key: has_plain_words(columns[key]) for key in words},
        rows=rows,
        num_entries=scan.num_entries,
    )
    is_distinctive = coincidence.are_distinctive(words)
    share = float(is_distinctive.mean())
    if share < _MIN_SHARE:
        return None
    _, places, counts = np.unique(rows, return_index=True, return_counts=True)
    places = places[(counts >= _MANY) & ~is_distinctive[places]]
    common = [
        scan.row_hashes(np.full(len(places), owner), [column[places] for column in words.values()])
        for owner in np.unique(scan.source_hashes, return_index=True)[1].tolist()
    ]
    return ComparableRows(coincidence, share, np.unique(np.concatenate(common)))


def _sample(start: int, num: int) -> Entries:
    if num <= _NUM_SAMPLES:
        return np.arange(start, start + num)
    size = _NUM_SAMPLES // _NUM_BLOCKS
    starts = np.linspace(start, start + num - size, _NUM_BLOCKS).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(size))
