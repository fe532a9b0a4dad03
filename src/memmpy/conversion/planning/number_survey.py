"""The survey of the numbers that files hold: their totals, and branches of the names of numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from memmpy.conversion.planning.config import Input
from memmpy.conversion.planning.number_columns import FileNumbers
from memmpy.conversion.planning.totals import parse_total, read_total
from memmpy.errors import InputFileError, MemmpyError, MissingKeyError
from memmpy.parallel import WorkerPool, run_all
from memmpy.sources import EventFile, NullRules, open_files
from memmpy.store import SourceRecord

__all__ = ["survey_numbers"]

_File: TypeAlias = tuple[str, tuple[int, int, str]]
#: A tree of a file, and its friends with their states.
_Tree: TypeAlias = tuple[_File, str | None, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class NumberTask:
    """A file of which numbers are needed.

    Parameters
    ----------
    input : Input
        The file.
    names : frozenset of str
        The names of numbers and totals, to look for branches of these names.
    definitions : mapping of str to str
        The totals to read: their keys in the cache, each with a name of the total.
    step_bytes : int
        About how many decompressed bytes to hold in memory.
    """

    input: Input
    names: frozenset[str]
    definitions: dict[str, str]
    step_bytes: int


def survey_numbers(
    inputs: Sequence[Input], known: Iterable[SourceRecord], *, pool: WorkerPool, step_bytes: int
) -> tuple[list[FileNumbers], dict[int, bool]]:
    """Return the numbers of each file, and the inputs that were opened: whether totals were read.

    Parameters
    ----------
    inputs : sequence of Input
        The files.
    known : iterable of SourceRecord
        Sources whose numbers need not be read again while their files are unchanged.
    pool : WorkerPool
        The workers.
    step_bytes : int
        About how many decompressed bytes a task holds in memory.

    Raises
    ------
    MemmpyError
        The first error of a file, in the order of the files.
    """
    names = frozenset(name for one in inputs for name in (*one.numbers, *one.totals))
    uuids: dict[_File, str] = {}
    sums: dict[_File, dict[str, float]] = {}
    branches: dict[_Tree, dict[str, str | None]] = {}
    for source in known:
        file = source.path, source.state
        uuids[file] = source.uuid
        sums.setdefault(file, {}).update(source.numbers.sums)
        friends = tuple((one.name, one.asked, one.path, one.state) for one in source.friends)
        tree = file, source.asked, friends
        branches.setdefault(tree, {}).update(source.numbers.branches)
    tasks: dict[int, NumberTask] = {}
    asked: dict[_File, set[str]] = {}
    for i, one in enumerate(inputs):
        file = one.path, one.status.state
        read = {*sums.get(file, {}), *asked.setdefault(file, set())}
        keys = _cache_keys(one)
        definitions = {key: name for name, key in keys.items() if key not in read}
        asked[file].update(definitions)
        known_names = branches.setdefault(_tree_of(one), {}).keys()
        if definitions or not names <= known_names:
            tasks[i] = NumberTask(one, names, definitions, step_bytes)
    results = run_all(pool, _run, tasks)
    for i, task in tasks.items():
        result, file = results[i], (task.input.path, task.input.status.state)
        uuids[file] = result.uuid
        sums.setdefault(file, {}).update(result.cache)
        branches[_tree_of(task.input)].update(result.branches)
    files = [(one.path, one.status.state) for one in inputs]
    numbers_of_files = [
        FileNumbers(
            uuids.get(file, ""),
            branches[_tree_of(one)],
            {name: sums[file][key] for name, key in _cache_keys(one).items()},
            sums.get(file, {}),
        )
        for file, one in zip(files, inputs, strict=True)
    ]
    return numbers_of_files, {i: bool(task.definitions) for i, task in tasks.items()}


def _tree_of(one: Input) -> _Tree:
    friends = tuple((friend.name, friend.tree, friend.path, friend.state) for friend in one.friends)
    return (one.path, one.status.state), one.tree, friends


def _cache_keys(file: Input) -> dict[str, str]:
    """Return the key of each total of a file in `NumberRecord.sums`, by name."""
    return {
        name: parse_total(name, text).cache_key(file.missing) for name, text in file.totals.items()
    }


def _run(numbered: tuple[int, NumberTask]) -> tuple[int, FileNumbers | MemmpyError]:
    i, task = numbered
    try:
        return i, _read(task)
    except MemmpyError as error:
        return i, error


def _read(task: NumberTask) -> FileNumbers:
    one = task.input
    nulls, state = NullRules(one.missing), one.status.state
    with open_files.open(one.path, one.tree, state, nulls, one.friends) as file:
        uuid, branches = file.uuid, {name: _dtype_of(file, name) for name in sorted(task.names)}
    sums = {
        key: read_total(
            parse_total(name, one.totals[name]),
            one.path,
            one.status.state,
            missing=one.missing,
            step_bytes=task.step_bytes,
        )
        for key, name in task.definitions.items()
    }
    return FileNumbers(uuid, branches, {}, sums)


def _dtype_of(file: EventFile, name: str) -> str | None:
    """Return the dtype of a branch; empty if it is not one number for each entry."""
    if not file.has_branch(name):
        return None
    try:
        kind = file.type_of(name)
    except (InputFileError, MissingKeyError):
        return ""
    is_number = kind.kind == "vector" and not kind.shape and kind.dtype is not None
    return kind.dtype.newbyteorder("<").str if is_number and kind.dtype is not None else ""
