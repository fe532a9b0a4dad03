"""The inspection of one input file, before any entry of it is read."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from memmpy.columns import ColumnType
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.key_patterns import ColumnSpecs
from memmpy.conversion.planning.partition import TreeRange, partition_entries
from memmpy.conversion.planning.skips import SkippedBranches
from memmpy.display import format_count
from memmpy.errors import InputFileError, MemmpyError, MissingKeyError, OptionError, nearest
from memmpy.sources import (
    EventFile,
    FriendFile,
    NullRules,
    TreeIndex,
    TreeWithFriends,
    UntypedError,
    friend_of,
    index_of,
    match,
    missing_branch_error,
    open_files,
    short_name,
)
from memmpy.splits import find_naming
from memmpy.store import FriendRecord

__all__ = ["FileInspection", "InspectionTask", "inspect_file"]


@dataclass(frozen=True, slots=True)
class InspectionTask:
    """A file to inspect, and the facts that the inspection needs.

    Parameters
    ----------
    input : Input
        The file.
    specs : ColumnSpecs
        The specs of all columns.
    stored_keys : frozenset of str
        The columns that have the entries of this file in the store.
    range_bytes : int
        About how many decompressed bytes a task reads.
    uuids : frozenset of str
        The UUIDs of files of this size that the store knows.
    types : mapping of str to ColumnType, or None
        Types, in other files, of branches of which this file has no value; None as long as they
        are unknown.
    known_branches : frozenset of str
        Branches of which the store has columns that came from friends.
    numbers : mapping of str to number
        Values of branches that the file lacks, from its metadata and totals.
    """

    input: Input
    specs: ColumnSpecs
    stored_keys: frozenset[str]
    range_bytes: int
    uuids: frozenset[str]
    types: Mapping[str, ColumnType] | None = None
    known_branches: frozenset[str] = frozenset()
    numbers: "Mapping[str, np.generic[Any]]" = field(default_factory=dict)

    @property
    def nulls(self) -> NullRules:
        """How to read missing values of the file."""
        return NullRules(self.input.missing, self.types or {})


@dataclass(frozen=True, slots=True)
class FileInspection:
    """The result of the inspection of a file.

    Parameters
    ----------
    uuid : str
        32 hexadecimal digits.
    tree : str
        Path of the tree in the file, with its cycle.
    num_entries : int
        All entries of the tree.
    matches : mapping of str to tuple of str
        The branches that each pattern matches and a column can hold. A pattern that is the name of
        a branch matches that branch only.
    nearest : mapping of str to str
        For patterns that match nothing, the nearest names, for a message.
    naming : tuple of str
        The branches that usually name an event.
    skipped : SkippedBranches
        Branches that match and of which no column is made.
    types : mapping of str to ColumnType
        The types of the columns that need something of this file.
    missing : mapping of str to (str, str)
        For columns that lack a branch, the branch and the message of the error.
    ranges : tuple of TreeRange
        How to read the file; empty where a branch is missing.
    branch_types : mapping of str to ColumnType
        The types of the branches of these columns.
    untyped : frozenset of str
        Branches whose type the file does not tell, as all values are missing.
    nulls : NullRules
        The rules for missing values of the file.
    friends : tuple of FriendRecord
        The friends of the tree.
    friend_of : mapping of str to str
        The name of the friend that each branch comes from, for branches of friends.
    index : TreeIndex or None
        The places of the branches to read, for the tasks that read them.
    """

    uuid: str
    tree: str
    num_entries: int
    matches: Mapping[str, tuple[str, ...]]
    nearest: Mapping[str, str]
    naming: tuple[str, ...]
    skipped: SkippedBranches
    types: Mapping[str, ColumnType]
    missing: Mapping[str, tuple[str, str]]
    ranges: tuple[TreeRange, ...]
    branch_types: Mapping[str, ColumnType] = field(default_factory=dict)
    untyped: frozenset[str] = frozenset()
    nulls: NullRules = field(default_factory=NullRules)
    friends: tuple[FriendRecord, ...] = ()
    friend_of: Mapping[str, str] = field(default_factory=dict)
    index: TreeIndex | None = field(default=None, repr=False, compare=False)


def inspect_file(task: InspectionTask) -> FileInspection | MemmpyError:
    """Inspect a file, and return the result, or the error that it raised."""
    file_input = task.input
    try:
        with open_files.open(
            file_input.path,
            file_input.tree,
            file_input.status.state,
            task.nulls,
            file_input.friends,
        ) as file:
            return _inspect(file, task)
    except MemmpyError as error:
        return error


def _inspect(file: EventFile, task: InspectionTask) -> FileInspection:
    file_input, specs = task.input, task.specs
    if file_input.tree_start > file.num_entries:
        has = format_count(file.num_entries, "entry", "entries")
        message = f"{file.where!r} has {has}, entry_start is "
        raise OptionError(f"{message}{file_input.tree_start}")
    for branch in file_input.missing:
        if branch not in task.numbers and not file.has_branch(branch):
            error = missing_branch_error(branch, file.where, file.branches())
            message = f"missing of an RFileConfig names branches: {error}"
            raise MissingKeyError(message, branch)
    can_wait = task.types is None
    matches, skipped = _match(file, specs, task.stored_keys, can_wait=can_wait)
    all_specs = specs.with_matches(matches)
    needed = [spec for spec in all_specs if spec.key not in task.stored_keys]
    branches = {branch for spec in all_specs for branch in spec.branches}
    types: dict[str, ColumnType] = {}
    branch_types: dict[str, ColumnType] = {}
    untyped: set[str] = set()
    missing: dict[str, tuple[str, str]] = {}
    for spec in needed:
        if spec.is_mask:
            _check_mask(file, spec)
        try:
            missing_branch = _missing_branch(file, spec, task)
        except UntypedError as error:
            if not can_wait:
                raise
            untyped.add(error.branch)
            continue
        if missing_branch is None:
            own_types = {b: file.type_of(b) for b in _branches_in_file(spec, task)}
            branch_types |= own_types
            numbers = {b: ColumnType("vector", n.dtype) for b, n in task.numbers.items()}
            types[spec.key] = spec.type({**numbers, **own_types})
        else:
            missing[spec.key] = missing_branch
    ranges: list[TreeRange] = []
    index = None
    if not missing and not untyped:
        ranges = _partition(file, needed, types, task)
        index = index_of(file, branch_types, file_input.status.state)
    return FileInspection(
        uuid=_uuid(file, task.uuids),
        tree=file.tree,
        num_entries=file.num_entries,
        matches=matches,
        nearest={
            pattern: nearest(pattern, file.branches())
            for pattern, names in matches.items()
            if not names
        },
        naming=find_naming(partial(kind_of_branch, file)).by or (),
        skipped=skipped,
        types=types,
        missing=missing,
        ranges=tuple(ranges),
        branch_types=branch_types,
        untyped=frozenset(untyped),
        nulls=task.nulls,
        friends=_friends(file, file_input.friends),
        friend_of={
            branch: name
            for branch in sorted(branches | task.known_branches)
            if (name := friend_of(file, branch)) is not None
        },
        index=index,
    )


def _friends(file: EventFile, inputs: Sequence[FriendFile]) -> tuple[FriendRecord, ...]:
    """Return the records of the friends of a tree."""
    if not isinstance(file, TreeWithFriends):
        return ()
    return tuple(
        FriendRecord(
            one.name,
            one.tree,
            one.path,
            file.friends[one.name].uuid,
            one.state.size,
            one.state.mtime_ns,
            file.friends[one.name].tree,
            one.state.tag,
        )
        for one in inputs
    )


def _uuid(file: EventFile, known: frozenset[str]) -> str:
    """Return the UUID of a file; its former UUID where the store knows the file by that."""
    uuid = file.uuid
    if not known or uuid in known:
        return uuid
    former = file.former_uuid
    return former if former in known else uuid


def kind_of_branch(file: EventFile, name: str) -> str | None:
    """Return NumPy's kind of the dtype of a branch of one number an entry; None for others."""
    if not file.has_branch(name):
        return None
    try:
        branch = file.type_of(name)
    except InputFileError:
        return None
    if branch.kind != "vector" or branch.shape or branch.dtype is None:
        return None
    return str(branch.dtype.kind)


def _match(
    file: EventFile, specs: ColumnSpecs, stored: frozenset[str], *, can_wait: bool
) -> tuple[dict[str, tuple[str, ...]], SkippedBranches]:
    """Return the branches that patterns match, and those of which no column is made.

    The store has columns of the branches `stored`, so these can be decoded. A branch without a type
    is kept where it can wait for its type in another file.
    """
    if not specs.patterns:
        return {}, SkippedBranches()
    names = file.branches()
    last = Counter(name.rpartition("/")[2] for name in names)
    matches: dict[str, tuple[str, ...]] = {}
    skips: list[SkippedBranches] = []
    for pattern in specs.patterns:
        if file.has_branch(pattern):
            matches[pattern] = (pattern,)
            continue
        matched = [short_name(file, path, last) for path in match(pattern, names)]
        skipped = SkippedBranches.of(file, matched, stored, can_wait=can_wait)
        matches |= skipped.without({pattern: tuple(matched)})
        if matched and not matches[pattern] and file.num_entries:
            raise skipped.error(pattern, f" in {file.where!r}")
        skips.append(skipped)
    return matches, SkippedBranches.union(skips)


def _branches_in_file(spec: ColumnSpec, task: InspectionTask) -> list[str]:
    """Return the branches of a column that must be read from the file."""
    return [branch for branch in spec.branches if branch not in task.numbers]


def _missing_branch(
    file: EventFile, spec: ColumnSpec, task: InspectionTask
) -> tuple[str, str] | None:
    """Return the branch that a file lacks for a column, and the message of the error."""
    try:
        for branch in _branches_in_file(spec, task):
            file.type_of(branch)
    except MissingKeyError as error:
        for place, names in (
            ("in the metadata", [*task.input.metadata, *task.numbers]),
            ("of the aliases", task.specs.aliases),
        ):
            hint = nearest(error.key, names)
            error = MissingKeyError(f"{error}{hint.replace(':', f' {place}:', 1)}", error.key)
        return error.key, str(error)
    return None


def _check_mask(file: EventFile, spec: ColumnSpec) -> None:
    """Raise an `OptionError` if a branch has the name of a mask, which is ambiguous."""
    if file.has_branch(spec.key):
        message = f"{spec.key!r} is a branch of {file.where!r} and the mask of a padded key; "
        raise OptionError(f"{message}pad that key under another name, an alias of it")


def _partition(
    file: EventFile, specs: list[ColumnSpec], types: Mapping[str, ColumnType], task: InspectionTask
) -> list[TreeRange]:
    """Return the ranges of columns of the tree, of each friend, and of several of them."""
    groups: dict[frozenset[str | None], list[ColumnSpec]] = {}
    for spec in specs:
        friends = frozenset(friend_of(file, branch) for branch in spec.branches)
        groups.setdefault(friends, []).append(spec)
    return [r for own in groups.values() for r in _partition_group(file, own, types, task)]


def _partition_group(
    file: EventFile, specs: list[ColumnSpec], types: Mapping[str, ColumnType], task: InspectionTask
) -> list[TreeRange]:
    file_input = task.input
    stop = file.num_entries if file_input.tree_stop is None else file_input.tree_stop
    by_key = {r.key: branches for r in specs if (branches := _branches_in_file(r, task))}
    used = {branch for branches in by_key.values() for branch in branches}
    return partition_entries(
        by_key,
        {branch: file.sizes_of(branch) for branch in used},
        file.boundaries,
        entry_bytes={
            spec.key: kind.entry_bytes if (kind := types[spec.key]).kind == "vector" else 0
            for spec in specs
        },
        num_entries=file.num_entries,
        start=file_input.tree_start,
        stop=min(stop, file.num_entries),
        num_bytes=task.range_bytes,
    )
