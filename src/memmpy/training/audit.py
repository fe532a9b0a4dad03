"""Look through a store for what would spoil a training: repeated events, rows, odd values."""

import dataclasses
import os
from collections.abc import Iterator, Mapping

import numpy as np

from memmpy.columns import Snapshot, why_stale
from memmpy.errors import MemmpyError
from memmpy.kernels import Words, derive_key
from memmpy.splits import (
    TWO_SIDES,
    USUAL_COLUMNS,
    Naming,
    Splits,
    TicketRule,
    check_name_columns,
    default_naming,
    find_dangers,
    num_events,
    recorded_splits,
)
from memmpy.store import Metadata, read_metadata, tree_name
from memmpy.training.equal_rows import rows_of
from memmpy.training.findings import LEVELS, Audit, Finding, Level
from memmpy.training.places import finding_of_rows, findings_of_repeats
from memmpy.training.repeat_counts import MAX_KEPT, count
from memmpy.training.repeats import sides_of
from memmpy.training.scan import DamagedColumnError, Scan
from memmpy.training.skim_counts import findings_of_padded, findings_of_skims
from memmpy.training.value_findings import findings_of_values

__all__ = ["audit"]

_BY_FILE = (
    "file and entry name the events, so that an event that is there twice cannot be seen; name "
    "events with store.set_splits(Splits(by=('run', 'event')))"
)
_TOO_POOR = (
    "equal rows were not counted: the columns hold too little, or the files too few events, for "
    "equality to mean a copy; convert more keys to find files that were added twice under other "
    "event numbers"
)
#: If a smaller share of the rows can be compared, a finding says how many cannot.
_MOST = 0.9


def audit(snapshot: Snapshot, damage: Mapping[str, str], *, max_kept: int = MAX_KEPT) -> Audit:
    """Look through a store; see `memmpy.Store.check`.

    Parameters
    ----------
    snapshot : Snapshot
        The store, with all columns that can be opened.
    damage : mapping of str to str
        The columns that cannot, and what is wrong with them.
    max_kept : int
        How many identities are kept in memory, about.
    """
    damage, metadata = dict(damage), snapshot.metadata
    num_entries = num_events(metadata)
    rule, found = _findings_of_splits(snapshot, num_entries)
    while True:
        whole = {key: c for key, c in snapshot.columns.items() if key not in damage}
        try:
            found_in = _findings_of_data(
                Snapshot(snapshot.path, metadata, whole), rule, num_entries, max_kept
            )
            break
        except DamagedColumnError as error:
            damage[error.key] = str(error)
    found += [
        Finding("damaged", key, "all entries", _length(metadata, key), "error", message)
        for key, message in damage.items()
    ]
    found += [
        Finding("stale", key, "all entries", _length(metadata, key), "info", message)
        for key, message in why_stale(metadata).items()
    ]
    found += found_in
    found += [*findings_of_padded(metadata), *findings_of_skims(snapshot.path, metadata)]
    ordered = sorted(found, key=lambda finding: LEVELS.index(finding.level))
    return Audit(os.fspath(snapshot.path), num_entries, tuple(ordered))


def _findings_of_splits(snapshot: Snapshot, num_entries: int) -> tuple[TicketRule, list[Finding]]:
    """Return what names the events, and what is wrong with it."""
    by_file = TicketRule("file", 0)
    if num_entries == 0:
        return by_file, []
    found: list[Finding] = []
    try:
        splits = recorded_splits(read_metadata(snapshot.path))
        if splits is None:
            naming = default_naming(snapshot, num_entries=num_entries)
            found += _findings_of_floats(snapshot, naming, num_entries)
            splits = Splits("file" if naming.by is None else naming.by)
        rule = TicketRule(splits.ticket_rule.by, 0)
        check_name_columns(snapshot, rule, num_entries=num_entries)
    except MemmpyError as error:
        return by_file, [Finding("splits", "", "the store", num_entries, "error", str(error))]
    try:
        for danger in find_dangers(snapshot, splits, num_entries=num_entries):
            if danger.kind == "overlap":  # is counted with all other identities
                continue
            level: Level = "error" if danger.kind == TWO_SIDES else "warning"
            found.append(
                Finding(danger.kind, danger.key, danger.where, danger.count, level, danger.message)
            )
    except MemmpyError as error:
        found.append(Finding("splits", "", "the store", num_entries, "error", str(error)))
    if rule.by == "file" and all(finding.kind != "by file" for finding in found):
        found.append(Finding("by file", "", "all entries", num_entries, "info", _BY_FILE))
    return rule, found


def _findings_of_floats(snapshot: Snapshot, naming: Naming, num_entries: int) -> Iterator[Finding]:
    for key in naming.floats:
        dtype = getattr(snapshot.columns[key], "dtype", "floats")
        message = (
            f"{key!r} holds {dtype}, which may round two event numbers to one, and so names no "
            "event; take the integers from the files that had them"
        )
        yield Finding("rounded", key, f"{dtype} numbers", num_entries, "warning", message)


def _findings_of_data(
    snapshot: Snapshot, rule: TicketRule, num_entries: int, max_kept: int
) -> list[Finding]:
    """Return what is wrong with identities, contents and values."""
    metadata, columns = snapshot.metadata, snapshot.columns
    named = set(rule.by) if rule.by != "file" else set()
    kept = [key for key in columns if key not in named and not _is_metadata(metadata, key)]
    contents = [
        key
        for key in kept
        if metadata.columns[key].origin is not None
        and key not in USUAL_COLUMNS
        and len(columns[key]) == num_entries
    ]
    others = [key for key in kept if key not in contents]
    scan = Scan(snapshot, rule, num_entries, contents, others, _sides_of_contents(metadata))
    has_rows = bool(contents) and num_entries > 1
    rows = rows_of(scan) if has_rows else None
    if rows is None:
        scan = dataclasses.replace(scan, contents=(), others=kept)
    sides = sides_of(metadata)
    counts = count(scan, sides, rows, max_kept=max_kept)
    key = ", ".join(rule.by) if rule.by != "file" else ""
    found = [
        *findings_of_repeats(counts.repeats, metadata, key),
        *finding_of_rows(counts.same_rows, sides.paths),
    ]
    if has_rows:
        found += _findings_of_share(rows.share if rows else 0, num_entries)
    for name in kept:
        if name in counts.values:
            found += findings_of_values(name, counts.values[name])
    return found


def _findings_of_share(share: float, num_entries: int) -> Iterator[Finding]:
    if share == 0:
        yield Finding("same rows", "", "not looked for", num_entries, "info", _TOO_POOR)
    elif share < _MOST:
        num = round((1 - share) * num_entries)
        where = f"not looked for in {1 - share:.0%} of rows"
        yield Finding("same rows", "", where, num, "info", _TOO_POOR)


def _sides_of_contents(metadata: Metadata) -> Words:
    """Return, for each source, a number of its tree name and variation."""
    return np.array(
        [
            derive_key(
                tree_name(source).encode(),
                source.metadata.get("variation", "").encode(),
                purpose="content",
            )
            for source in metadata.sources
        ]
        or [0],
        np.uint64,
    )


def _is_metadata(metadata: Metadata, key: str) -> bool:
    origin = metadata.columns[key].origin
    return origin is not None and "metadata" in origin.recipe


def _length(metadata: Metadata, key: str) -> int:
    return metadata.columns[key].num_entries
