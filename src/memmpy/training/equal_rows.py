"""Tell rows of equal content that are a defect from those that chance makes."""

from dataclasses import dataclass

import numpy as np

from memmpy.kernels import Words, find_words
from memmpy.training.chance import Chance, chance_of
from memmpy.training.content import has_plain_words
from memmpy.training.scan import Scan
from memmpy.typing import Entries, Mask

__all__ = ["Rows", "rows_of"]

#: How many rows to sample, and in how many blocks: a disk reads blocks faster than single rows.
_NUM_SAMPLES, _NUM_BLOCKS = 1 << 16, 64
#: With fewer sampled rows, or a smaller share of rows that can be compared, none are compared.
_MIN_SAMPLES, _MIN_SHARE = 100, 0.01
#: A content that many rows share is dropped early if at least this many sampled rows have it.
_MANY = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """Which rows can be compared.

    Parameters
    ----------
    chance : Chance
        How unlikely their contents are.
    share : float
        Which part of the sampled rows has a content that no other has by chance.
    poor : uint64 array
        Contents that many rows have and that tell nothing, ascending.
    """

    chance: Chance
    share: float
    poor: Words

    def without_poor(self, contents: Words) -> Mask:
        """Return which entries do not have one of the poor contents."""
        return ~find_words(self.poor, contents)[1]

    def are_telling(self, scan: Scan, entries: Entries) -> Mask:
        """Return which entries have a content that no other has by chance."""
        return self.chance.is_telling({key: scan.words_of(key, entries) for key in scan.contents})


def rows_of(scan: Scan) -> Rows | None:
    """Return which rows can be compared, from a sample of the largest source; None for none."""
    sources = scan.snapshot.metadata.sources
    largest = max(sources, key=lambda source: source.num_entries)
    entries = _sampled(largest.entry_start, largest.num_entries)
    # Rows of one event may be equal without a mistake: one row of each event is kept.
    entries = entries[np.sort(np.unique(scan.identities(entries), return_index=True)[1])]
    if len(entries) < _MIN_SAMPLES:
        return None
    words = {key: scan.words_of(key, entries) for key in scan.contents}
    columns = scan.snapshot.columns
    rows = scan.contents_of(scan.owners(entries), list(words.values()))
    chance = chance_of(
        words,
        has_halves={key: has_plain_words(columns[key]) for key in words},
        rows=rows,
        num_entries=scan.num_entries,
    )
    is_telling = chance.is_telling(words)
    if is_telling.mean() < _MIN_SHARE:
        return None
    _, places, counts = np.unique(rows, return_index=True, return_counts=True)
    places = places[(counts >= _MANY) & ~is_telling[places]]
    poor = [
        scan.contents_of(np.full(len(places), owner), [column[places] for column in words.values()])
        for owner in np.unique(scan.sides, return_index=True)[1].tolist()
    ]
    return Rows(chance, float(is_telling.mean()), np.unique(np.concatenate(poor)))


def _sampled(start: int, num: int) -> Entries:
    if num <= _NUM_SAMPLES:
        return np.arange(start, start + num)
    size = _NUM_SAMPLES // _NUM_BLOCKS
    starts = np.linspace(start, start + num - size, _NUM_BLOCKS).astype(np.int64)
    return np.unique(starts[:, None] + np.arange(size))
