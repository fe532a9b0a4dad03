"""Finds likely mistakes in the splits of a store, from the names of its events."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

import numpy as np

from memmpy.columns import Snapshot
from memmpy.display import format_count, format_share
from memmpy.errors import SplitError
from memmpy.order import NUM_TICKETS, SPLIT_NAMES
from memmpy.splits.definition import Splits
from memmpy.splits.event_names import variations_of
from memmpy.splits.name_counts import process_groups
from memmpy.splits.name_scan import NameScan, scan_names
from memmpy.splits.store_tickets import (
    check_name_columns,
    has_source_identity,
    named_columns,
)
from memmpy.splits.ticket_rule import TicketRule
from memmpy.store import Metadata, SourceRecord, hash64, hash_text, tree_name

__all__ = [
    "TWO_SIDES",
    "Danger",
    "dangers_of",
    "dependencies_of",
    "find_dangers",
]

#: The kind of the danger that is an error: one identity on two sides.
TWO_SIDES = "two sides"

#: Entries of two trees that are compared, and how many tell that they hold the same events.
_NUM_COMPARED, _MIN_SAME = 1 << 12, 20
#: A split is reported if its share differs by more standard deviations than this.
_NUM_SIGMAS = 5
#: An empty fold is reported if folds have at least this many entries on average.
_MIN_ENTRIES_OF_FOLD = 50


def dependencies_of(metadata: Metadata, splits: Splits, *, num_entries: int) -> str:
    """Return a hash of everything that `dangers_of` depends on."""
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
    """A likely mistake in the splits of a store.

    Parameters
    ----------
    kind : str
        ``"by file"``, ``"rounded"``, ``"names"``, ``"shares"``, ``"overlap"``, ``"variations"`` or
        ``"two sides"``.
    key : str
        The columns in question, joined by commas; empty if files name events.
    where : str
        The files, names or splits in question.
    count : int
        The number of entries in question; for ``"two sides"``, of events.
    message : str
        The fault and the way out.
    """

    kind: str
    key: str
    where: str
    count: int
    message: str


def dangers_of(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> Iterator[str]:
    """Yield the messages of `find_dangers`.

    Raises
    ------
    SplitError
        If ``fold_by`` or ``split_by`` puts one identity on two sides.
    """
    for danger in find_dangers(snapshot, splits, num_entries=num_entries):
        if danger.kind == TWO_SIDES:
            raise SplitError(danger.message)
        yield danger.message


def find_dangers(snapshot: Snapshot, splits: Splits, *, num_entries: int) -> Iterator[Danger]:
    """Yield each danger once.

    Reads the columns that name events once, in steps: about 30 ns per entry.
    """
    rule = splits.ticket_rule
    check_name_columns(snapshot, rule, num_entries=num_entries)
    where = repr(os.fspath(snapshot.path))
    if rule.by == "file":
        yield from _dangers_of_files(snapshot, splits, where, num_entries)
        return
    if num_entries == 0:
        return
    scan = scan_names(snapshot, splits, num_entries=num_entries)
    for key, floats in scan.rounded.items():
        message = (
            f"the numbers of {key!r} in {where} went through {floats} before, which rounds "
            "them: different events share one name; convert files that hold the integers"
        )
        yield Danger("rounded", key, f"through {floats}", num_entries, message)
    if scan.num_two_sided:
        yield _danger_of_regions(snapshot, rule, scan)
    if scan.shared:
        shares = ", ".join(format_share(num, num_entries) for num in scan.shared[:3])
        names = format_count(len(scan.shared), "name")
        message = (
            f"by={rule.by!r} does not name the events of {where}: {names} with {shares} of all "
            "entries; all entries of one name are in one split. Name events by columns that "
            "differ from event to event: Splits(by=...)"
        )
        yield Danger("names", ", ".join(rule.by), names, sum(scan.shared), message)
    elif rule.region is None:
        yield from _dangers_of_shares(splits, scan, num_entries, where)
    elif splits.num_folds is not None:
        yield from _dangers_of_empty_folds(rule, scan, num_entries, where)
    yield from _dangers_of_overlaps(snapshot, rule, scan, where)
    if has_source_identity(snapshot.metadata, num_entries):
        yield from _dangers_of_labels(snapshot, rule)


def _dangers_of_labels(snapshot: Snapshot, rule: TicketRule) -> Iterator[Danger]:
    """Yield a danger if metadata give equal events of two trees of one file different names."""
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
                "gives their events different names, which may be in two splits: if they are "
                "variations, give both the same, and tell them apart by metadata={'variation': ...}"
            )
            yield Danger("variations", ", ".join(labels), source.path, source.num_entries, message)
            return


def _dangers_of_files(
    snapshot: Snapshot, splits: Splits, where: str, num_entries: int
) -> Iterator[Danger]:
    """Yield the dangers of naming events by file and entry."""
    variations = variations_of(snapshot.metadata.sources)
    has_files = has_source_identity(snapshot.metadata, num_entries)
    # An expression of columns puts an event into the same fold, whatever its name.
    has_folds = splits.num_folds is not None and splits.fold_by is None
    if not has_files or (not has_folds and variations is None):
        return
    if variations is not None:
        path, names = variations
        message = f"the variations {', '.join(map(repr, names[:3]))} of {path!r} hold the same "
        message += "events, which by='file' may put into two splits. "
    else:
        message = f"the {splits.num_folds} folds of {where} hold only for these files: by='file' "
        message += "gives events new names if they are written again. "
    message += "Name events by columns: Splits(by=('run', 'event'), ...)"
    place = f"{splits.num_folds} folds" if variations is None else f"trees of {variations[0]}"
    yield Danger("by file", "", place, num_entries, message)


def _danger_of_regions(snapshot: Snapshot, rule: TicketRule, scan: NameScan) -> Danger:
    num, about = scan.num_two_sided, "" if scan.is_whole else "at least "
    message = (
        f"the rule {rule.region} puts {about}{format_count(num, 'event')} of "
        f"{os.fspath(snapshot.path)!r} on two sides: entries that agree in "
        f"{', '.join(map(repr, rule.by))} have different values of it; give a rule of the "
        "columns that name an event, or name events by others with by="
    )
    return Danger(TWO_SIDES, ", ".join(rule.by), f"by the rule {rule.region}", num, message)


def _dangers_of_shares(
    splits: Splits, scan: NameScan, num_entries: int, where: str
) -> Iterator[Danger]:
    fold = None if splits.num_folds is None else 0
    expected = [
        sum(stop - start for start, stop in splits.ranges(split, fold)) / NUM_TICKETS
        for split in SPLIT_NAMES
    ]
    # Entries of one name go together: they count as one draw of that size.
    sigmas = [
        max(1.0, sqrt(share * (1 - share) * num_entries * scan.mean_multiplicity))
        for share in expected
    ]
    off = [
        abs(num - share * num_entries) > _NUM_SIGMAS * sigma
        for num, share, sigma in zip(scan.counts.tolist(), expected, sigmas, strict=True)
    ]
    if any(off):
        shares = ", ".join(
            f"{name} {format_share(num, num_entries)} instead of {format_share(share)}"
            for name, num, share in zip(SPLIT_NAMES, scan.counts.tolist(), expected, strict=True)
        )
        message = (
            f"the shares of the splits of {where} are off: {shares}. Too few names for so many "
            "entries? Name events by columns that differ from event to event: Splits(by=...)"
        )
        excess = zip(scan.counts.tolist(), expected, strict=True)
        count = round(max(abs(num - share * num_entries) for num, share in excess))
        yield Danger("shares", ", ".join(splits.keys), shares, count, message)


def _dangers_of_empty_folds(
    rule: TicketRule, scan: NameScan, num_entries: int, where: str
) -> Iterator[Danger]:
    empty = ", ".join(map(str, np.flatnonzero(scan.region_counts == 0).tolist()))
    if empty and num_entries >= _MIN_ENTRIES_OF_FOLD * rule.num_regions:
        message = (
            f"the rule {rule.region} puts none of the {num_entries:,} entries of {where} into fold "
            f"{empty}: did somebody select events by the same numbers? Take another rule, or "
            "num_folds= alone"
        )
        yield Danger("shares", ", ".join(rule.by), f"fold {empty}", num_entries, message)


def _dangers_of_overlaps(
    snapshot: Snapshot, rule: TicketRule, scan: NameScan, where: str
) -> Iterator[Danger]:
    if not scan.overlaps:
        return
    paths = process_groups(snapshot.metadata).paths
    worst = sorted(scan.overlaps.items(), key=lambda pair: -pair[1])
    (earlier, later), _ = worst[0]
    num = sum(scan.overlaps.values())
    num_files = len({later for _, later in scan.overlaps})
    more = f", and so in {num_files - 1} other files" if num_files > 1 else ""
    about = "" if scan.is_whole else "at least "
    names = ", ".join(map(repr, rule.by))
    message = (
        f"{about}{num:,} entries of {where} have the {names} of an entry in another file of their "
        f"process: {paths[later]!r} repeats {paths[earlier]!r}{more}. Overlapping slices, or a "
        "file added twice? Leave one of them out, or name events by columns that tell them apart: "
        "Splits(by=...); memmpy.open(...).check() counts them"
    )
    place = f"{paths[later]} repeats {paths[earlier]}{more}"
    yield Danger("overlap", ", ".join(rule.by), place, num, message)
