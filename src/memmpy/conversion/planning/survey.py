"""The survey of input files: which trees fill the store, and an inspection of those to be read."""

import dataclasses
from collections.abc import Mapping, Sequence

from msgspec import structs

from memmpy.columns import ColumnType, type_of_column
from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.duplicates import check_no_duplicates
from memmpy.conversion.planning.inspection import FileInspection, InspectionTask, inspect_file
from memmpy.conversion.planning.inventory import Inventory, Target
from memmpy.conversion.planning.key_patterns import ColumnSpecs
from memmpy.conversion.planning.number_columns import (
    FileNumbers,
    NumberColumn,
    check_number_keys,
    constants_of,
    number_columns,
)
from memmpy.conversion.planning.number_survey import survey_numbers
from memmpy.conversion.planning.skips import SkippedBranches
from memmpy.display import format_count
from memmpy.errors import (
    ConversionWarning,
    MemmpyError,
    MissingKeyError,
    OptionError,
    nearest,
    warn_of,
)
from memmpy.parallel import WorkerPool, run_all
from memmpy.sources import match
from memmpy.store import Metadata, NumberRecord, SourceRecord, part_finder

__all__ = ["survey"]


def survey(
    inputs: Sequence[Input],
    specs: ColumnSpecs,
    metadata: Metadata,
    *,
    inventory: Inventory,
    pool: WorkerPool,
    range_bytes: int,
    recreate: bool,
) -> tuple[Target, list[FileInspection | None], dict[int, bool]]:
    """Inspect the files from which something is needed; the others stay closed.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    specs : ColumnSpecs
        The specs of the columns.
    metadata : Metadata
        The metadata of the store.
    inventory : Inventory
        The columns of the store by spec.
    pool : WorkerPool
        The workers.
    range_bytes : int
        About how many decompressed bytes a task reads.
    recreate : bool
        Whether to inspect all files, and to read all of them again.

    Returns
    -------
    Target
        The columns, those that patterns match among them, and the sources.
    list of FileInspection or None
        The inspection of each file; None for those that stayed closed.
    dict of int to bool
        The inputs that were opened for their numbers: whether their totals were read.

    Raises
    ------
    MemmpyError
        The first error of a file, in the order of the files.
    OptionError
        If two inputs hold the same events, or numbers of the metadata contradict each other.

    Warns
    -----
    ConversionWarning
        If inputs have one UUID and different content; see `check_no_duplicates`.
    """
    numbers_of_files, opened = survey_numbers(
        inputs, () if recreate else metadata.sources, pool=pool, step_bytes=range_bytes
    )
    numbers = number_columns(inputs, numbers_of_files)
    specs = specs.without_numbers(
        [name for name, column in numbers.items() if not column.is_branch]
    )
    check_number_keys(numbers, specs.named, inputs)
    known = [None] * len(inputs) if recreate else _known_sources(inputs, specs, metadata)
    indices = [i for i, source in enumerate(known) if source is not None]
    current = [_without_other_friends(s, inputs[i]) for i, s in enumerate(known) if s is not None]
    of_current = {name: column.select(indices) for name, column in numbers.items()}
    keys_of_sources = _stored_keys(current, specs, inventory, of_current)
    stored = dict(zip(indices, keys_of_sources, strict=True))
    known_branches = {
        branch
        for column in metadata.columns.values()
        if column.origin is not None
        for branch in column.origin.branches
    }
    uuids: dict[int, set[str]] = {}
    for old in metadata.sources:
        uuids.setdefault(old.size, set()).add(old.uuid)
    tasks, needed = {}, []
    for i, (file, source) in enumerate(zip(inputs, known, strict=True)):
        stored_keys, is_needed = frozenset[str](), True
        if source is not None:
            stored_keys, is_needed = stored[i]
            is_needed = is_needed or not _has_friends(source, file)
        needed += [i] if is_needed else []
        tasks[i] = InspectionTask(
            file,
            specs,
            stored_keys,
            range_bytes,
            frozenset(uuids.get(file.status.size, ())),
            known_branches=frozenset(known_branches),
            numbers=constants_of(numbers, i),
        )
    inspections = run_all(pool, _inspect, {i: tasks[i] for i in needed})
    others = _others_needed(specs, known, inspections)
    inspections |= run_all(pool, _inspect, {i: tasks[i] for i in others})
    inspections |= run_all(pool, _inspect, _with_types(tasks, inspections, metadata))
    skipped = SkippedBranches.union(inspections[i].skipped for i in sorted(inspections))
    sources = _place(
        [
            _source_of(file, inspections[i]) if source is None or i in inspections else source
            for i, (file, source) in enumerate(zip(inputs, known, strict=True))
        ],
        inputs,
        skipped,
        numbers_of_files,
    )
    warn_of(check_no_duplicates(sources, known), ConversionWarning)
    all_specs = specs.with_matches(_all_matches(specs, sources, skipped, inspections))
    keys = {spec.key for spec in all_specs}
    for key in sorted(specs.dtypes.keys() - keys):
        raise OptionError(f"dtype names {key!r}, which is no key{nearest(key, keys)}")
    target = Target(tuple(all_specs), sources, numbers)
    return target, [inspections.get(i) for i in range(len(inputs))], opened


def _with_types(
    tasks: Mapping[int, InspectionTask],
    inspections: Mapping[int, FileInspection],
    metadata: Metadata,
) -> dict[int, InspectionTask]:
    """Return tasks for files where a branch has no type, with its type in other files."""
    untyped = {branch for file in inspections.values() for branch in file.untyped}
    if not untyped:
        return {}
    types: dict[str, ColumnType] = {}
    for file in inspections.values():
        for branch in untyped & file.branch_types.keys():
            types.setdefault(branch, file.branch_types[branch])
    for column in metadata.columns.values():
        spec = {} if column.origin is None else column.origin.spec
        if spec.get("branch") in untyped and "padding" not in spec:
            types.setdefault(spec["branch"], type_of_column(column))
    return {
        i: dataclasses.replace(
            tasks[i], types={b: types[b] for b in sorted(file.untyped & types.keys())}
        )
        for i, file in inspections.items()
        if file.untyped
    }


def _known_sources(
    inputs: Sequence[Input], specs: ColumnSpecs, metadata: Metadata
) -> list[SourceRecord | None]:
    """Return the records of unchanged files, where they suffice; else None."""
    candidates: dict[tuple[object, ...], list[SourceRecord]] = {}
    for source in metadata.sources:
        state = (source.path, source.state, source.asked)
        candidates.setdefault(state, []).append(source)
    known = []
    for file in inputs:
        same = candidates.get((file.path, file.status.state, file.tree), ())
        # With the path of the user: a store keeps no credentials.
        sufficient = (_with_paths(s, file) for s in same if _is_sufficient(s, file, specs))
        known.append(next(sufficient, None))
    return known


def _with_paths(source: SourceRecord, file: Input) -> SourceRecord:
    """Return a source with the paths of an input, which may have credentials."""
    friends = source.friends
    if _has_friends(source, file):
        friends = tuple(
            structs.replace(friend, path=one.path)
            for friend, one in zip(friends, file.friends, strict=True)
        )
    return dataclasses.replace(source, path=file.path, friends=friends)


def _is_sufficient(source: SourceRecord, file: Input, specs: ColumnSpecs) -> bool:
    """Return whether a known source has the entries of an input, and knows all patterns."""
    return _range(file, source.tree_entries) == (source.tree_start, source.tree_stop) and all(
        pattern in source.matches for pattern in specs.patterns
    )


def _range(file: Input, tree_entries: int) -> tuple[int, int]:
    """Return the range of entries of a tree that an input takes."""
    start = min(file.tree_start, tree_entries)
    stop = tree_entries if file.tree_stop is None else min(file.tree_stop, tree_entries)
    return start, max(start, stop)


def _has_friends(source: SourceRecord, file: Input) -> bool:
    """Return whether a known source has the friends of an input, all of them unchanged."""
    own = [(friend.name, friend.asked, friend.path, friend.state) for friend in source.friends]
    return own == [(one.name, one.tree, one.path, one.state) for one in file.friends]


def _without_other_friends(source: SourceRecord, file: Input) -> SourceRecord:
    """Return a known source; without friends if the input has others."""
    if _has_friends(source, file):
        return source
    return dataclasses.replace(source, friends=(), friend_of={})


def _stored_keys(
    sources: Sequence[SourceRecord],
    specs: ColumnSpecs,
    inventory: Inventory,
    numbers: Mapping[str, NumberColumn],
) -> list[tuple[frozenset[str], bool]]:
    """Return the keys that the store has of each source, and whether it lacks others."""
    parts = part_finder(sources)
    stored: list[set[str]] = [set() for _ in sources]
    # Sources with equal matches share one mapping.
    by_matches = {id(s.matches): specs.with_matches(s.matches) for s in sources}
    for spec in {one.key: one for several in by_matches.values() for one in several}.values():
        found = inventory.find(spec, parts(spec.branches), numbers)
        for keys, reusable in zip(stored, found, strict=True):
            if reusable is not None:
                keys.add(spec.key)
    all_keys = {number: {one.key for one in several} for number, several in by_matches.items()}
    return [
        (frozenset(keys), not all_keys[id(source.matches)] <= keys)
        for keys, source in zip(stored, sources, strict=True)
    ]


def _others_needed(
    specs: ColumnSpecs,
    known: Sequence[SourceRecord | None],
    inspections: Mapping[int, FileInspection],
) -> list[int]:
    """Return known sources to inspect, too: patterns match more in other files."""
    kept = {i: s.matches for i, s in enumerate(known) if s is not None and i not in inspections}
    # Sources with equal matches share one mapping.
    distinct = {id(m): m for m in [*kept.values(), *(i.matches for i in inspections.values())]}
    lacking = set[int]()
    for pattern in specs.patterns:
        names = {name for matches in distinct.values() for name in matches[pattern]}
        lacking |= {number for number, m in distinct.items() if not names <= set(m[pattern])}
    return [i for i, matches in kept.items() if id(matches) in lacking]


def _inspect(numbered: tuple[int, InspectionTask]) -> tuple[int, FileInspection | MemmpyError]:
    i, task = numbered
    return i, inspect_file(task)


def _source_of(file: Input, inspection: FileInspection) -> SourceRecord:
    start, stop = _range(file, inspection.num_entries)
    return SourceRecord(
        path=file.path,
        uuid=inspection.uuid,
        size=file.status.size,
        mtime_ns=file.status.mtime_ns,
        tree=inspection.tree,
        asked=file.tree,
        num_entries=stop - start,
        entry_start=0,
        tree_start=start,
        tree_entries=inspection.num_entries,
        tag=file.status.tag,
        matches=inspection.matches,
        naming=inspection.naming,
        friends=inspection.friends,
        friend_of=inspection.friend_of,
    )


def _place(
    sources: Sequence[SourceRecord],
    inputs: Sequence[Input],
    skipped: SkippedBranches,
    numbers_of_files: Sequence[FileNumbers],
) -> tuple[SourceRecord, ...]:
    """Return the sources with their places in the store.

    A branch that one file skips is skipped in all, as a column has entries of each file.
    """
    placed: list[SourceRecord] = []
    entry_start = 0
    for source, file, numbers in zip(sources, inputs, numbers_of_files, strict=True):
        placed.append(
            dataclasses.replace(
                source,
                entry_start=entry_start,
                metadata=file.metadata,
                matches=skipped.without(source.matches),
                numbers=NumberRecord(
                    dict(file.numbers),
                    dict(file.totals),
                    dict(numbers.cache),
                    dict(numbers.branches),
                ),
            )
        )
        entry_start += source.num_entries
    return tuple(placed)


def _all_matches(
    specs: ColumnSpecs,
    sources: Sequence[SourceRecord],
    skipped: SkippedBranches,
    inspections: Mapping[int, FileInspection],
) -> dict[str, dict[str, None]]:
    """Return the branches that each pattern matches in some file."""
    matched: dict[str, dict[str, None]] = {pattern: {} for pattern in specs.patterns}
    for source in sources:
        for pattern in specs.patterns:
            matched[pattern] |= dict.fromkeys(source.matches.get(pattern, ()))
    for pattern, names in matched.items():
        if not names and match(pattern, skipped):
            raise skipped.of_pattern(pattern).error(pattern, " in some file")
        if not names:
            message = f"the pattern {pattern!r} matches no branch of {sources[0].path!r}"
            if len(sources) > 1:
                message += f", nor of {format_count(len(sources) - 1, 'other file')}"
            near = next(
                (i.nearest[pattern] for i in inspections.values() if pattern in i.nearest), ""
            )
            raise MissingKeyError(f"{message}{near}", pattern)
    return matched
