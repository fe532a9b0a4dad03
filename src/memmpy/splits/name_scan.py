"""Scans the names of all events once: how many entries share one, by file and by split."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Snapshot
from memmpy.kernels import Words, find_words
from memmpy.order import SPLIT_NAMES, in_ticket_ranges
from memmpy.splits.definition import Splits
from memmpy.splits.name_counts import NameCounter, process_groups
from memmpy.splits.store_tickets import has_source_identity, identities_of, named_columns
from memmpy.splits.ticket_rule import TicketRule, regions_of
from memmpy.store import locate
from memmpy.typing import Array, Entries

__all__ = ["NameScan", "rounded_by", "scan_names"]

#: Entries per step.
_STEP_SIZE = 1 << 15
#: The largest number of names to count; and the number with ``fold_by`` or ``split_by``, where one
#: name on two sides is an error.
_NUM_NAMES, _NUM_NAMES_OF_RULE = 1 << 17, 1 << 20
#: How many entries are sampled for names that many entries share. A name is suspect if its share
#: of the sample is larger than the second number, and it has at least as many entries as the third.
_NUM_SAMPLES, _TOO_MANY, _MIN_SHARED = 1 << 16, 0.01, 50
#: A suspect name is reported if it has at least the first number of entries, or the second number
#: times the entries of a usual name, or if fewer names than the third number are suspect.
_MANY_SHARED, _OUTLIER, _FEW_NAMES = 1000, 10, 20
#: Bits of the mantissas of float32 and float64, and the least numbers that show a rounding.
_MANTISSAS, _MIN_ROUNDED = {"float32": 24, "float64": 53}, 50


@dataclass(frozen=True, slots=True)
class NameScan:
    """The result of one pass over the names of all events.

    Parameters
    ----------
    rounded : mapping of str to str
        By column whose integers were rounded as floats before, the dtype of these floats.
    shared : list of int
        The number of entries of each name that too many entries share.
    counts : int64 array
        Entries of each split, of the first fold.
    mean_multiplicity : float
        The mean number of entries that share a name, averaged over entries.
    overlaps : mapping of (file, file) to int
        For two files of one process, the entries of the second with a name of the first.
    is_whole : bool
        Whether all names were counted, and not a sample.
    num_two_sided : int
        Names whose entries ``fold_by`` or ``split_by`` puts on different sides.
    region_counts : int64 array
        Entries in each region of ``fold_by`` or ``split_by``.
    """

    rounded: Mapping[str, str]
    shared: list[int]
    counts: NDArray[np.int64]
    mean_multiplicity: float
    overlaps: dict[tuple[int, int], int]
    is_whole: bool
    num_two_sided: int
    region_counts: NDArray[np.int64]


def scan_names(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> NameScan:
    """Read the names of all entries once, in steps; the store must have an entry."""
    rule = splits.ticket_rule
    assert rule.by != "file"
    sampled = np.unique(np.linspace(0, num_entries - 1, min(num_entries, _NUM_SAMPLES)).astype(int))
    rounded = {key: rounded_by(_plain_values(snapshot, key, sampled)) for key in rule.by}
    suspects = _suspects(snapshot, rule, sampled, num_entries)
    num_of_suspects = np.zeros(len(suspects), np.int64)
    fold = None if splits.num_folds is None else 0
    ranges = [splits.ranges(split, fold) for split in SPLIT_NAMES]
    counts = np.zeros(len(ranges), np.int64)
    region_counts = np.zeros(rule.num_regions, np.int64)
    has_files = has_source_identity(snapshot.metadata, num_entries)
    counter = NameCounter(num_entries, _NUM_NAMES if rule.region is None else _NUM_NAMES_OF_RULE)
    for start in range(0, num_entries, _STEP_SIZE):
        entries = np.arange(start, min(start + _STEP_SIZE, num_entries))
        columns = named_columns(snapshot, rule.keys, entries)
        identities = rule.identities(columns)
        drawn = rule.tickets(identities, columns)
        counts += [np.count_nonzero(in_ticket_ranges(drawn, intervals)) for intervals in ranges]
        if len(suspects):
            places, is_suspect = find_words(suspects, identities)
            num_of_suspects += np.bincount(places[is_suspect], minlength=len(suspects))
        owners = np.zeros(len(entries), np.int64)
        if has_files:
            owners, _ = locate(snapshot.metadata.sources, entries)
        regions = np.zeros(len(entries), np.int64)
        if rule.region is not None:
            regions = regions_of(drawn, rule.num_regions)
            region_counts += np.bincount(regions, minlength=rule.num_regions)
        counter.add(identities, owners, regions)
    names = counter.compress()
    is_shared = (num_of_suspects > _TOO_MANY * num_entries) & (num_of_suspects >= _MIN_SHARED)
    # In a small sample, each event may have that many rows of jets.
    is_shared &= (
        (num_of_suspects >= _MANY_SHARED)
        | (num_of_suspects > _OUTLIER * names.median_multiplicity())
        | (len(suspects) < _FEW_NAMES)
    )
    return NameScan(
        rounded={key: floats for key, floats in rounded.items() if floats is not None},
        shared=sorted(num_of_suspects[is_shared].tolist(), reverse=True),
        counts=counts,
        mean_multiplicity=names.mean_multiplicity(),
        overlaps=names.overlaps(process_groups(snapshot.metadata)) if has_files else {},
        is_whole=counter.is_whole,
        num_two_sided=0 if rule.region is None else names.num_in_two_regions(),
        region_counts=region_counts,
    )


def _suspects(snapshot: Snapshot, rule: TicketRule, sampled: Entries, num_entries: int) -> Words:
    """Return the names that many of the sampled entries share, ascending."""
    identities = identities_of(snapshot, rule, sampled, num_entries=num_entries)
    names, counts = np.unique(identities, return_counts=True)
    suspects: Words = names[(counts > 1) & (counts > _TOO_MANY / 2 * len(sampled))]
    return suspects


def rounded_by(values: Array) -> str | None:
    """Return the float dtype that rounded integers; None if they were not rounded.

    Rounded integers that are large enough are multiples of the distance of two floats there, and
    some are odd multiples. Packed numbers, which end in zeros, are even multiples.
    """
    if values.dtype.kind not in "iu":
        return None
    sizes = (
        np.abs(values.astype(np.int64)).astype(np.uint64)
        if values.dtype.kind == "i"
        else (values.astype(np.uint64))
    )
    for name, bits in _MANTISSAS.items():
        large = np.unique(sizes[sizes >= np.uint64(1 << (bits + 1))])
        if len(large) < _MIN_ROUNDED:
            continue
        # The distance of two floats, a power of two, below each number.
        distances = np.uint64(1) << (_num_bits(large) - np.uint64(bits))
        multiples, rest = np.divmod(large, distances)
        if not rest.any() and np.count_nonzero(multiples & np.uint64(1)) >= len(large) / 8:
            return name
    return None


def _num_bits(numbers: Words) -> Words:
    """Return the bits that each number above 0 has."""
    bits = np.zeros(len(numbers), np.uint64)
    for step in (32, 16, 8, 4, 2, 1):
        is_more = (numbers >> bits) >= (np.uint64(1) << np.uint64(step))
        bits += is_more * np.uint64(step)
    bits += np.uint64(1)
    return bits


def _plain_values(snapshot: Snapshot, key: str, entries: Entries) -> Array:
    """Return the integers of entries; an empty array for a column of hashes."""
    columns = named_columns(snapshot, [key], entries)
    values = columns.values[key]
    return values[:0] if key in columns.texts else values
