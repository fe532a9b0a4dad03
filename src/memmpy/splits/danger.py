"""Find likely mistakes in the splits of a store, from the names of its events."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from memmpy.columns import Snapshot
from memmpy.display import format_count
from memmpy.errors import SplitError
from memmpy.kernels import Words, find_words
from memmpy.order import NUM_TICKETS, SPLIT_NAMES, in_ticket_ranges
from memmpy.splits.event_names import variations_of
from memmpy.splits.identities_by_file import Names, groups_of
from memmpy.splits.rounding import rounded_by
from memmpy.splits.rule import TicketRule, regions_of
from memmpy.splits.store_tickets import (
    are_named_by_files,
    check_named,
    identities_of,
    named_columns,
)
from memmpy.splits.value import Splits
from memmpy.store import Metadata, SourceRecord, hash64, hash_text, locate, tree_name
from memmpy.typing import Array, Entries

__all__ = [
    "TWO_SIDES",
    "Danger",
    "dangers_of",
    "find_dangers",
    "ingredients_of",
]

#: The kind of the danger that is an error: one identity on two sides.
TWO_SIDES = "two sides"

#: Entries that are looked at in one go.
_CHUNK = 1 << 15
#: About how many names to look at; and how many where a rule made elsewhere may be an error.
_NUM_NAMES, _NUM_NAMES_OF_RULE = 1 << 17, 1 << 20
#: How many entries are sampled for names that many entries share. A name is suspect if its share
#: of the sample is larger than the second number, and it has at least as many entries as the third.
_NUM_SAMPLES, _TOO_MANY, _MIN_SHARED = 1 << 16, 0.01, 50
#: A suspect name is reported if it has at least the first number of entries, or the second number
#: times the entries of a usual name, or if fewer names than the third number are suspect.
_MANY_SHARED, _OUTLIER, _FEW_NAMES = 1000, 10, 20
#: Entries of two trees that are compared, and how many tell that they hold the same events.
_NUM_COMPARED, _MIN_SAME = 1 << 12, 20
#: A split is reported if its share differs by more standard deviations than this.
_NUM_SIGMAS = 5


def ingredients_of(metadata: Metadata, splits: Splits, *, num_entries: int) -> str:
    """Return a hash of all that `dangers_of` depends on."""
    columns = metadata.columns
    made_of = [
        splits.to_json(),
        num_entries,
        [columns[key].fingerprint if key in columns else None for key in splits.keys],
        [
            [s.uuid, s.tree, s.tree_start, s.num_entries, sorted(s.metadata.items())]
            for s in metadata.sources
        ],
    ]
    return hash_text(hash64(json.dumps(made_of, sort_keys=True)))


@dataclass(frozen=True, slots=True)
class Danger:
    """One thing to warn of.

    Parameters
    ----------
    kind : str
        ``"by file"``, ``"rounded"``, ``"names"``, ``"shares"``, ``"overlap"``, ``"variations"`` or
        ``"two sides"``.
    key : str
        The columns that it is about, joined by commas; empty where names are files.
    where : str
        Which files, names or splits.
    count : int
        How many entries; for ``"two sides"``, how many events.
    message : str
        What is wrong, and what the user can do about it.
    """

    kind: str
    key: str
    where: str
    count: int
    message: str


def dangers_of(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> Iterator[str]:
    """Yield what to warn of: the messages of `find_dangers`.

    Raises
    ------
    SplitError
        If a rule made elsewhere puts one identity on two sides.
    """
    for danger in find_dangers(snapshot, splits, num_entries=num_entries):
        if danger.kind == TWO_SIDES:
            raise SplitError(danger.message)
        yield danger.message


def find_dangers(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> Iterator[Danger]:
    """Yield each danger once, with its files and what to do about it.

    Reads the columns that name events once, in pieces: about 30 ns an entry.
    """
    rule = splits.ticket_rule
    check_named(snapshot, rule, num_entries=num_entries)
    where = repr(os.fspath(snapshot.path))
    if rule.by == "file":
        yield from _dangers_of_files(snapshot, splits, where, num_entries)
        return
    if num_entries == 0:
        return
    sampled = np.unique(np.linspace(0, num_entries - 1, min(num_entries, _NUM_SAMPLES)).astype(int))
    for key in rule.by:
        rounded = rounded_by(_plain_values(snapshot, key, sampled))
        if rounded is not None:
            message = (
                f"the numbers of {key!r} in {where} went through {rounded} before they came here: "
                "events of different numbers have one name; convert the files that hold the "
                "integers"
            )
            yield Danger("rounded", key, f"through {rounded}", num_entries, message)
    seen = _look(snapshot, splits, rule, sampled, num_entries)
    if seen.num_two_sided:
        yield _danger_of_regions(snapshot, rule, seen)
    if seen.shared:
        shares = ", ".join(f"{num / num_entries:.0%}" for num in seen.shared[:3])
        names = format_count(len(seen.shared), "name")
        message = (
            f"by={rule.by!r} does not name the events of {where}: {names} with {shares} of all "
            "entries; entries of one name are on one side together. Name events with "
            "Splits(by=...) by columns that differ from event to event"
        )
        yield Danger("names", ", ".join(rule.by), names, sum(seen.shared), message)
    elif rule.region is None:
        yield from _dangers_of_shares(splits, seen, num_entries, where)
    elif splits.num_folds is not None:
        yield from _dangers_of_empty_folds(rule, seen, num_entries, where)
    yield from _dangers_of_overlaps(snapshot, rule, seen, where)
    if are_named_by_files(snapshot.metadata, num_entries):
        yield from _dangers_of_labels(snapshot, rule)


def _dangers_of_labels(snapshot: Snapshot, rule: TicketRule) -> Iterator[Danger]:
    """Yield a danger if metadata give the same events in trees of one file different names."""
    first_of: dict[str, SourceRecord] = {}
    for source in snapshot.metadata.sources:
        other = first_of.setdefault(source.uuid, source)
        labels = [key for key in rule.by if source.metadata.get(key) != other.metadata.get(key)]
        numbers = [key for key in rule.by if key not in source.metadata]
        num = min(source.num_entries, other.num_entries, _NUM_COMPARED)
        if tree_name(source) == tree_name(other) or not labels or not numbers or num < _MIN_SAME:
            continue
        entries = np.arange(num)
        here = named_columns(snapshot, numbers, source.entry_start + entries).values
        there = named_columns(snapshot, numbers, other.entry_start + entries).values
        is_same = np.logical_and.reduce([here[key] == there[key] for key in numbers])
        if np.count_nonzero(is_same) >= 0.9 * num:
            message = (
                f"trees {tree_name(other)!r} and {tree_name(source)!r} of {source.path!r} have the "
                f"same {', '.join(numbers)}, entry by entry, and {', '.join(map(repr, labels))} "
                "gives their events other names, which may be on two sides: if they are "
                "variations, give both the same, and tell them apart by metadata={'variation': ...}"
            )
            yield Danger("variations", ", ".join(labels), source.path, source.num_entries, message)
            return


def _dangers_of_files(
    snapshot: Snapshot, splits: Splits, where: str, num_entries: int
) -> Iterator[Danger]:
    """Yield what is wrong with names that are files and entries."""
    variations = variations_of(snapshot.metadata.sources)
    has_files = are_named_by_files(snapshot.metadata, num_entries)
    if not has_files or (splits.num_folds is None and variations is None):
        return
    if variations is not None:
        path, names = variations
        what = f"the variations {', '.join(map(repr, names[:3]))} of {path!r} hold"
        what += " the same events under other names, which may be on two sides"
    else:
        what = f"{splits.num_folds} folds hold for these very files: written again, the same "
        what += "events are others, and on other sides"
    message = (
        f"by='file' names the events of {where} by file, tree and entry: {what}; name them by "
        "columns, such as Splits(by=('run', 'event'), ...)"
    )
    place = f"{splits.num_folds} folds" if variations is None else f"trees of {variations[0]}"
    yield Danger("by file", "", place, num_entries, message)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was seen of the names.

    Parameters
    ----------
    shared : list of int
        For each name that too many entries share, how many entries it has.
    counts : int64 array
        Entries of each split, of the first fold.
    mean_multiplicity : float
        How many entries have the name of an entry, on average over all entries.
    overlaps : mapping of (file, file) to int
        For two files of one process, how many entries of the second have a name of the first.
    is_whole : bool
        Whether all names were looked at, and not some of them.
    num_two_sided : int
        Names whose entries a rule made elsewhere puts on different sides.
    region_counts : int64 array
        Entries that such a rule puts into each of its regions.
    """

    shared: list[int]
    counts: NDArray[np.int64]
    mean_multiplicity: float
    overlaps: dict[tuple[int, int], int]
    is_whole: bool
    num_two_sided: int
    region_counts: NDArray[np.int64]


def _look(
    snapshot: Snapshot, splits: Splits, rule: TicketRule, sampled: Entries, num_entries: int
) -> _Seen:
    """Read the names of all entries once."""
    suspects = _suspects(snapshot, rule, sampled, num_entries)
    num_of_suspects = np.zeros(len(suspects), np.int64)
    fold = None if splits.num_folds is None else 0
    ranges = [splits.ranges(split, fold) for split in SPLIT_NAMES]
    counts = np.zeros(len(ranges), np.int64)
    region_counts = np.zeros(rule.num_regions, np.int64)
    has_files = are_named_by_files(snapshot.metadata, num_entries)
    kept = Names(num_entries, _NUM_NAMES if rule.region is None else _NUM_NAMES_OF_RULE)
    for start in range(0, num_entries, _CHUNK):
        entries = np.arange(start, min(start + _CHUNK, num_entries))
        columns = named_columns(snapshot, rule.keys, entries)
        identities = rule.identities(columns)
        drawn = rule.tickets(identities, columns)
        counts += [np.count_nonzero(in_ticket_ranges(drawn, found)) for found in ranges]
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
        kept.add(identities, owners, regions)
    names = kept.compressed()
    is_shared = (num_of_suspects > _TOO_MANY * num_entries) & (num_of_suspects >= _MIN_SHARED)
    # In a small sample, each event may have that many rows of jets.
    is_shared &= (
        (num_of_suspects >= _MANY_SHARED)
        | (num_of_suspects > _OUTLIER * names.median_multiplicity())
        | (len(suspects) < _FEW_NAMES)
    )
    return _Seen(
        shared=sorted(num_of_suspects[is_shared].tolist(), reverse=True),
        counts=counts,
        mean_multiplicity=names.mean_multiplicity(),
        overlaps=names.overlaps(groups_of(snapshot.metadata)) if has_files else {},
        is_whole=kept.is_whole,
        num_two_sided=0 if rule.region is None else names.num_in_two_regions(),
        region_counts=region_counts,
    )


def _danger_of_regions(snapshot: Snapshot, rule: TicketRule, seen: _Seen) -> Danger:
    num, about = seen.num_two_sided, "" if seen.is_whole else "at least "
    message = (
        f"the rule {rule.region} puts {about}{format_count(num, 'event')} of "
        f"{os.fspath(snapshot.path)!r} on two sides: entries that agree in "
        f"{', '.join(map(repr, rule.by))} have different values of it; give a rule of the "
        "columns that name an event, or name events by others with by="
    )
    return Danger(TWO_SIDES, ", ".join(rule.by), f"by the rule {rule.region}", num, message)


def _suspects(snapshot: Snapshot, rule: TicketRule, sampled: Entries, num_entries: int) -> Words:
    """Return the names that many of some entries share, ascending."""
    identities = identities_of(snapshot, rule, sampled, num_entries=num_entries)
    names, counts = np.unique(identities, return_counts=True)
    found: Words = names[(counts > 1) & (counts > _TOO_MANY / 2 * len(sampled))]
    return found


def _dangers_of_shares(
    splits: Splits, seen: _Seen, num_entries: int, where: str
) -> Iterator[Danger]:
    fold = None if splits.num_folds is None else 0
    expected = [
        sum(stop - start for start, stop in splits.ranges(split, fold)) / NUM_TICKETS
        for split in SPLIT_NAMES
    ]
    # Entries of one name go together: they count as one draw of that size.
    sigmas = [
        max(1.0, sqrt(share * (1 - share) * num_entries * seen.mean_multiplicity))
        for share in expected
    ]
    off = [
        abs(num - share * num_entries) > _NUM_SIGMAS * sigma
        for num, share, sigma in zip(seen.counts.tolist(), expected, sigmas, strict=True)
    ]
    if any(off):
        shares = ", ".join(
            f"{name} {num / num_entries:.1%} instead of {share:.1%}"
            for name, num, share in zip(SPLIT_NAMES, seen.counts.tolist(), expected, strict=True)
        )
        message = (
            f"the shares of the splits of {where} are off: {shares}. Too few names for so many "
            "entries? Name events with Splits(by=...) by columns that differ from event to event"
        )
        excess = zip(seen.counts.tolist(), expected, strict=True)
        count = round(max(abs(num - share * num_entries) for num, share in excess))
        yield Danger("shares", ", ".join(splits.keys), shares, count, message)


def _dangers_of_empty_folds(
    rule: TicketRule, seen: _Seen, num_entries: int, where: str
) -> Iterator[Danger]:
    empty = ", ".join(map(str, np.flatnonzero(seen.region_counts == 0).tolist()))
    if empty and num_entries >= _MIN_SHARED * rule.num_regions:
        message = (
            f"the rule {rule.region} puts none of the {num_entries:,} entries of {where} into fold "
            f"{empty}: did somebody select events by the same numbers? Take another rule, or "
            "num_folds= alone"
        )
        yield Danger("shares", ", ".join(rule.by), f"fold {empty}", num_entries, message)


def _dangers_of_overlaps(
    snapshot: Snapshot, rule: TicketRule, seen: _Seen, where: str
) -> Iterator[Danger]:
    if not seen.overlaps:
        return
    paths = groups_of(snapshot.metadata).paths
    worst = sorted(seen.overlaps.items(), key=lambda pair: -pair[1])
    (earlier, later), _ = worst[0]
    num = sum(seen.overlaps.values())
    num_files = len({later for _, later in seen.overlaps})
    more = f", and so in {num_files - 1} other files" if num_files > 1 else ""
    about = "" if seen.is_whole else "at least "
    names = ", ".join(map(repr, rule.by))
    message = (
        f"{about}{num:,} entries of {where} have the {names} of an entry in another file of their "
        f"process: {paths[later]!r} repeats {paths[earlier]!r}{more}. Overlapping slices, or a "
        "file added twice? Leave one of them out, or name events with Splits(by=...) by columns "
        "that tell them apart; memmpy.open(...).check() counts them"
    )
    place = f"{paths[later]} repeats {paths[earlier]}{more}"
    yield Danger("overlap", ", ".join(rule.by), place, num, message)


def _plain_values(snapshot: Snapshot, key: str, entries: Entries) -> Array:
    """Return the integers of some entries; none of a column of hashes."""
    columns = named_columns(snapshot, [key], entries)
    values = columns.values[key]
    return values[:0] if key in columns.texts else values
