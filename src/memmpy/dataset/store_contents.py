"""Collects what is in a store: from its metadata, and a sum of weights from its columns."""

import math
import os
import re
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from memmpy.columns import Snapshot, resolve_key, why_stale
from memmpy.cuts import (
    STEP_SIZE,
    Cuts,
    Group,
    GroupOptions,
    check_stored,
    count_steps,
    keys_of,
    labels_of,
    list_cuts,
    plan_flow,
    read_cut,
    sort_groups,
)
from memmpy.dataset.maintenance import clean
from memmpy.dataset.store_columns import process_keys
from memmpy.dataset.store_info import FileSummary, ProcessSummary, SkimSummary, StoreInfo
from memmpy.errors import CutError
from memmpy.skims import Skim, find_skims
from memmpy.splits import num_events, recorded_splits
from memmpy.store import FriendRecord, Metadata, SourceRecord

__all__ = ["info_of"]

#: Unless the user chooses, files are compared for this long, and weights of these bytes are summed.
_SECONDS, _BYTES = 0.25, 1 << 28


def info_of(
    snapshot: Snapshot,
    damage: Mapping[str, str],
    options: GroupOptions,
    *,
    check_files: bool | None,
) -> StoreInfo:
    """Return what is in a store.

    Parameters
    ----------
    snapshot : Snapshot
        The columns that are not damaged.
    damage : mapping of str to str
        The damage of the others, by key.
    options : GroupOptions
        The weight to sum for each process, if any.
    check_files : bool or None
        See `Store.info`.
    """
    metadata, path = snapshot.metadata, snapshot.path
    skims = find_skims(path, metadata)
    current = {skim.path.name for skim in skims.current}
    summaries = tuple(_skim_summary(skim, is_current=skim.path.name in current) for skim in skims)
    cuts = Cuts(list_cuts(path, metadata))
    columns = metadata.current_columns()
    kinds = Counter("text" if one.is_hashed else one.kind for one in columns.values())
    arrays = {a.file: a.nbytes for one in metadata.columns.values() for a in one.arrays.values()}
    processes = None
    if options.weight is None:
        known = GroupOptions(weight=_known_weight(snapshot, summaries))
        # Entries that no training set takes may have no weight.
        with suppress(CutError):
            processes, options = _processes(snapshot, known), known
    if processes is None:
        processes = _processes(snapshot, options)
    splits = recorded_splits(metadata)
    return StoreInfo(
        path=os.fspath(path),
        num_entries=num_events(metadata),
        num_columns=len(columns),
        kinds=dict(kinds.most_common()),
        processes=processes,
        weight=options.weight,
        files=_file_summary(metadata, check_files=check_files),
        splits=None if splits is None else str(splits),
        skims=summaries,
        cuts=tuple(cuts),
        num_bytes={
            "columns": sum(arrays.values()),
            "skims": skims.num_bytes,
            "cuts": cuts.num_bytes,
            "leftovers": sum(leftover.num_bytes for leftover in clean(path)),
        },
        format_version=metadata.format_version,
        generation=metadata.generation,
        problems=(
            *damage.values(),
            *(f"column {key!r} is stale: {why}" for key, why in why_stale(metadata).items()),
            *(f"skim {name} is damaged: {why}" for name, why in skims.damaged.items()),
        ),
    )


def _skim_summary(skim: Skim, *, is_current: bool) -> SkimSummary:
    weight, num_classes = None, 0
    for definition in skim.derived.values():
        weight = definition.get("weight", {}).get("expression", weight)
        num_classes = len(definition.get("classes", ())) or num_classes
    name, num = skim.path.name, len(skim)
    column = re.fullmatch(r"float64\((\w+)\)", weight or "")
    weight = column[1] if column else None if weight == "1" else weight
    return SkimSummary(name, num, skim.nbytes, skim.cut, is_current, num_classes, weight)


def _known_weight(snapshot: Snapshot, skims: Iterable[SkimSummary]) -> str | None:
    """Return the only weight that the training sets name, unless its columns are large."""
    weights = {skim.weight for skim in skims if skim.weight and skim.is_current}
    if len(weights) != 1:
        return None
    weight = weights.pop()
    keys = keys_of(read_cut(weight, aliases=None, constants=None))
    columns = snapshot.metadata.columns
    holders = {resolve_key(key, columns) for key in keys}
    if not holders <= snapshot.columns.keys():
        return None
    return weight if sum(columns[key].nbytes for key in holders) <= _BYTES else None


def _processes(snapshot: Snapshot, options: GroupOptions) -> tuple[ProcessSummary, ...]:
    """Return the processes, from the metadata; only a weight needs to be read."""
    metadata = snapshot.metadata
    keys = tuple(key for key in process_keys(metadata) if key in snapshot.columns)
    specs = {k: c.origin.spec for k, c in metadata.current_columns().items() if c.origin}
    texts = [metadata.columns[key].source_texts or () for key in keys]
    members: dict[Group, list[int]] = {}
    for i in range(len(metadata.sources)):
        members.setdefault(tuple(each[i] for each in texts), []).append(i)
    groups = sort_groups([*members]) if keys else [()]
    names = labels_of(groups)
    sums: dict[str, tuple[float, float, int]] = {}
    if options.weight is not None:
        plan = plan_flow(
            [f"({options.weight}) < 0"],
            by=keys,
            weight=options.weight,
            signal=None,
            aliases=options.aliases,
            constants=options.constants,
        )
        for node in reversed(plan.nodes):  # of the weight first, as the user wrote it
            check_stored(node, snapshot.columns, path=snapshot.path, metadata=metadata)
        flow = count_steps(snapshot, plan, step_size=STEP_SIZE, num_threads=None)
        sums = {
            name: (float(flow.sums[0, i]), float(flow.errors[0, i]), int(flow.counts[1, i]))
            for i, name in enumerate(flow.groups)
        }
    numbers = {
        key: specs[key]["numbers"][key]["values"]
        for key in specs
        if key in specs[key].get("numbers", {})
    }
    return tuple(
        _process(metadata, name, members.get(group, []), sums.get(name), numbers)
        for name, group in zip(names, groups, strict=True)
    )


def _process(
    metadata: Metadata,
    name: str,
    members: Sequence[int],
    sums: tuple[float, float, int] | None,
    numbers: Mapping[str, Sequence[float | None]],
) -> ProcessSummary:
    num_entries = sum(metadata.sources[i].num_entries for i in members)
    return ProcessSummary(
        name=name,
        num_files=len({metadata.sources[i].path for i in members}),
        num_entries=num_entries if metadata.sources else num_events(metadata),
        sum_of_weights=None if sums is None else sums[0],
        error=None if sums is None else sums[1],
        num_negative=None if sums is None else sums[2],
        numbers={
            key: tuple(sorted({v for i in members if (v := values[i]) is not None}))
            for key, values in numbers.items()
        },
    )


def _file_summary(metadata: Metadata, *, check_files: bool | None) -> FileSummary:
    files: dict[str, SourceRecord | FriendRecord] = {}
    for source in metadata.sources:
        files |= {source.path: source, **{friend.path: friend for friend in source.friends}}
    seconds = {None: _SECONDS, True: math.inf, False: -1.0}[check_files]
    stop, changed, missing, num_unchecked = time.monotonic() + seconds, [], [], 0
    for path, one in files.items():
        if "://" in path or time.monotonic() > stop:
            num_unchecked += 1
            continue
        try:
            status = os.stat(path)  # noqa: PTH116 - of 3,000 files, a Path takes as long again
        except OSError:
            missing.append(path)
            continue
        if (status.st_size, status.st_mtime_ns) != (one.size, one.mtime_ns):
            changed.append(path)
    num_bytes = sum(one.size for one in files.values())
    return FileSummary(len(files), num_bytes, tuple(changed), tuple(missing), num_unchecked)
