"""Audit a store: find repeated events, equal rows and odd values, which would spoil a training."""

import dataclasses
import os
from collections.abc import Iterator, Mapping

import numpy as np

from memmpy.columns import Snapshot, why_stale
from memmpy.display import format_share
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
from memmpy.training.audit.comparable_rows import find_comparable_rows
from memmpy.training.audit.findings import LEVELS, Audit, Finding, Level
from memmpy.training.audit.multipass import MAX_KEPT, count_repeats
from memmpy.training.audit.repeat_findings import finding_of_rows, findings_of_repeats
from memmpy.training.audit.repeats import source_groups
from memmpy.training.audit.scan import DamagedColumnError, Scan
from memmpy.training.audit.skim_counts import findings_of_padded, findings_of_skims
from memmpy.training.audit.value_findings import findings_of_values

__all__ = ["audit"]

_BY_FILE = (
    "file and entry name the events, so repeated events cannot be found; name events with "
    "store.set_splits(Splits(by=('run', 'event')))"
)
_NOT_COMPARED = (
    "equal rows were not counted: in these columns, or with so few events, rows may agree by "
    "chance; convert more keys to find files that were added twice with other event numbers"
)
#: If a smaller share of the rows can be compared, a finding says how many cannot.
_MIN_SHARE = 0.9


def audit(snapshot: Snapshot, damage: Mapping[str, str], *, max_kept: int = MAX_KEPT) -> Audit:
    """Audit a store; see `memmpy.Store.check`.

    Parameters
    ----------
    snapshot : Snapshot
        The store, with all columns that can be opened.
    damage : mapping of str to str
        The other columns, and what is wrong with them.
    max_kept : int
        About how many identities are kept in memory.
    """
    damage, metadata = dict(damage), snapshot.metadata
    num_entries = num_events(metadata)
    rule, findings = _findings_of_splits(snapshot, num_entries)
    while True:
        whole = {key: c for key, c in snapshot.columns.items() if key not in damage}
        try:
            findings_of_data = _findings_of_data(
                Snapshot(snapshot.path, metadata, whole), rule, num_entries, max_kept
            )
            break
        except DamagedColumnError as error:
            damage[error.key] = str(error)
    findings += [
        Finding("damaged", key, "all entries", _length(metadata, key), "error", message)
        for key, message in damage.items()
    ]
    findings += [
        Finding("stale", key, "all entries", _length(metadata, key), "info", message)
        for key, message in why_stale(metadata).items()
    ]
    findings += findings_of_data
    findings += [*findings_of_padded(metadata), *findings_of_skims(snapshot.path, metadata)]
    findings.sort(key=lambda finding: LEVELS.index(finding.level))
    return Audit(os.fspath(snapshot.path), num_entries, tuple(findings))


def _findings_of_splits(snapshot: Snapshot, num_entries: int) -> tuple[TicketRule, list[Finding]]:
    """Return the rule that names events, and the findings on it."""
    by_file = TicketRule("file", 0)
    if num_entries == 0:
        return by_file, []
    findings: list[Finding] = []
    try:
        splits = recorded_splits(read_metadata(snapshot.path))
        if splits is None:
            naming = default_naming(snapshot, num_entries=num_entries)
            findings += _findings_of_floats(snapshot, naming, num_entries)
            splits = Splits("file" if naming.by is None else naming.by)
        rule = TicketRule(splits.ticket_rule.by, 0)
        check_name_columns(snapshot, rule, num_entries=num_entries)
    except MemmpyError as error:
        return by_file, [Finding("splits", "", "the store", num_entries, "error", str(error))]
    try:
        for danger in find_dangers(snapshot, splits, num_entries=num_entries):
            if danger.kind == "overlap":  # the audit counts all of them itself
                continue
            level: Level = "error" if danger.kind == TWO_SIDES else "warning"
            findings.append(
                Finding(danger.kind, danger.key, danger.where, danger.count, level, danger.message)
            )
    except MemmpyError as error:
        findings.append(Finding("splits", "", "the store", num_entries, "error", str(error)))
    if rule.by == "file" and all(finding.kind != "by file" for finding in findings):
        findings.append(Finding("by file", "", "all entries", num_entries, "info", _BY_FILE))
    return rule, findings


def _findings_of_floats(snapshot: Snapshot, naming: Naming, num_entries: int) -> Iterator[Finding]:
    for key in naming.floats:
        dtype = getattr(snapshot.columns[key], "dtype", "floats")
        message = (
            f"{key!r} holds {dtype}, which may round two event numbers to one, so it cannot name "
            "events; convert the files that hold the integers"
        )
        yield Finding("rounded", key, f"{dtype} numbers", num_entries, "warning", message)


def _findings_of_data(
    snapshot: Snapshot, rule: TicketRule, num_entries: int, max_kept: int
) -> list[Finding]:
    """Return the findings on identities, rows and values."""
    metadata, columns = snapshot.metadata, snapshot.columns
    name_keys = () if rule.by == "file" else rule.by
    keys = [key for key in columns if key not in name_keys and not _is_metadata(metadata, key)]
    row_keys = [
        key
        for key in keys
        if metadata.columns[key].origin is not None
        and key not in USUAL_COLUMNS
        and len(columns[key]) == num_entries
    ]
    other_keys = [key for key in keys if key not in row_keys]
    scan = Scan(snapshot, rule, num_entries, row_keys, other_keys, _source_hashes(metadata))
    has_rows = bool(row_keys) and num_entries > 1
    rows = find_comparable_rows(scan) if has_rows else None
    if rows is None:
        scan = dataclasses.replace(scan, row_keys=(), other_keys=keys)
    groups = source_groups(metadata)
    counts = count_repeats(scan, groups, rows, max_kept=max_kept)
    findings = [
        *findings_of_repeats(counts.repeats, metadata, ", ".join(name_keys)),
        *finding_of_rows(counts.same_rows, groups.paths),
    ]
    if has_rows:
        findings += _findings_of_share(rows.share if rows else 0, num_entries)
    for key in keys:
        if key in counts.values:
            findings += findings_of_values(key, counts.values[key])
    return findings


def _findings_of_share(share: float, num_entries: int) -> Iterator[Finding]:
    if share == 0:
        yield Finding("same rows", "", "not looked for", num_entries, "info", _NOT_COMPARED)
    elif share < _MIN_SHARE:
        num = round((1 - share) * num_entries)
        where = f"not looked for in {format_share(1 - share)} of rows"
        yield Finding("same rows", "", where, num, "info", _NOT_COMPARED)


def _source_hashes(metadata: Metadata) -> Words:
    """Return, for each source, a hash of its tree name and variation."""
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
    return origin is not None and origin.is_metadata


def _length(metadata: Metadata, key: str) -> int:
    return metadata.columns[key].num_entries
