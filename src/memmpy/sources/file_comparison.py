"""Lists the first of several files in full, and how the others differ from it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

from memmpy.display import (
    DisplayBlock,
    Progress,
    Renderable,
    Table,
    format_count,
    format_path,
    format_size,
)
from memmpy.errors import InputFileError, MemmpyError, MissingKeyError, nearest
from memmpy.parallel import prefetch
from memmpy.sources.access.locations import find
from memmpy.sources.branch_groups import first_part, type_in_words
from memmpy.sources.branch_names import find_branches
from memmpy.sources.branch_table import branch_table, title_of
from memmpy.sources.event_file import FileObject
from memmpy.sources.file_listing import FileListing, TreeListing, list_file

__all__ = ["FileComparison", "FileDifference", "list_files"]

#: Objects and names that are listed, at most.
_MAX_OBJECTS, _MAX_NAMES = 20, 5
#: Files that are read at a time.
_NUM_THREADS = 4


@dataclass(frozen=True, slots=True)
class FileDifference:
    """A file, and how it differs from the first one.

    Parameters
    ----------
    path : str
        An absolute path, or a URL.
    size : int
        Bytes of the file.
    num_entries : mapping of str to int
        The entries of each tree.
    missing, added : tuple of str
        Trees and branches (``tree/branch``) that only the first file has, or only this one.
    changed : tuple of (str, str, str)
        Branches of another type, with the types in the first file and in this one.
    problem : str
        Why memmpy cannot read the file; empty if it can.
    """

    path: str
    size: int
    num_entries: dict[str, int]
    missing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        changed = [
            {"name": name, "type_in_first": before, "type": now}
            for name, before, now in self.changed
        ]
        return {
            "path": self.path,
            "size": self.size,
            "entries": self.num_entries,
            "missing": list(self.missing),
            "added": list(self.added),
            "changed": changed,
            "problem": self.problem or None,
        }

    def in_words(self) -> str:
        """Return the difference in a line."""
        if self.problem:
            return self.problem.removeprefix(f"{self.path!r} ")
        parts = [
            f"{verb} {_first_names(names)}"
            for verb, names in (("lacks", self.missing), ("adds", self.added))
            if names
        ]
        types = [f"{name} is {now}, not {before}" for name, before, now in self.changed]
        return "; ".join([*parts, *types[:_MAX_NAMES], *["..."] * (len(types) > _MAX_NAMES)])


@final
@dataclass(frozen=True, slots=True, repr=False)
class FileComparison(Renderable):
    """The content of the first file that can be read, and how all other files differ from it.

    Parameters
    ----------
    first : FileListing
        The first file.
    others : tuple of FileDifference
        All other files, in their order.
    is_whole : bool
        Whether all branches and objects are shown. Otherwise the branches of a tree with many are
        shown in groups.
    """

    first: FileListing
    others: tuple[FileDifference, ...] = ()
    is_whole: bool = False

    @property
    def num_unreadable(self) -> int:
        """Number of files that cannot be read."""
        return sum(bool(file.problem) for file in self.others)

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "first": self.first.to_dict(),
            "others": [file.to_dict() for file in self.others],
        }

    def _blocks(self) -> Sequence[str | DisplayBlock]:
        first = self.first
        what = f"{first.format} file, {format_size(first.size)}"
        blocks: list[str | DisplayBlock] = [f"{format_path(first.path)}: {what}"]
        alike: dict[object, list[TreeListing]] = {}
        for tree in first.trees:
            if tree.names and not tree.branches:
                continue  # no branch is one of those that were asked for
            columns = tuple((branch.name, branch.type) for branch in tree.branches)
            alike.setdefault(columns or tree.name, []).append(tree)
        for tree, *others in alike.values():
            if tree.problem:
                blocks.append(f"{tree.name} ({tree.kind}) cannot be read: {tree.problem}")
            else:
                blocks.append(branch_table(tree, is_whole=self.is_whole))
            if others:
                blocks.append(_same_branches(tree, others))
        if not first.trees:
            blocks.append("It has no tree: perhaps the program that wrote it was stopped.")
        if first.objects:
            blocks.append(_object_table(first.objects, is_whole=self.is_whole))
        if self.others:
            blocks.append(_difference_table(first, self.others))
        return blocks


def list_files(
    patterns: Iterable[str],
    *,
    trees: Sequence[str] = (),
    like: Sequence[str] = (),
    is_whole: bool = False,
    progress: bool | None = None,
) -> FileComparison:
    """List the trees, branches and other objects of files, without reading entries.

    Parameters
    ----------
    patterns : iterable of str
        Paths, patterns or URLs of files, as `convert` takes them.
    trees, like : sequence of str
        Names or patterns of the trees and of the branches to list; empty for all.
    is_whole : bool
        Whether the listing shows every branch; otherwise it shows many branches in groups.
    progress : bool, optional
        Whether to show a progress bar; by default only on a terminal, for several files.

    Raises
    ------
    MissingFileError
        If a file is missing, or a pattern matches none.
    InputFileError
        If no file can be read.
    MissingKeyError
        If a pattern of `like` matches no branch of the first file. Names the nearest.
    """
    statuses = list({status.path: status for p in patterns for status in find(p)}.values())
    tasks = [partial(_try, partial(list_file, s, trees=trees, like=like)) for s in statuses]
    first: FileListing | None = None
    others: list[FileDifference] = []
    show = progress if len(statuses) > 1 else False
    with Progress("Looking at files", len(statuses), show=show, unit="files") as bar:
        results = prefetch(tasks, num_threads=_NUM_THREADS, depth=2 * _NUM_THREADS)
        for status, result in zip(statuses, results, strict=True):
            bar.advance(1)
            if isinstance(result, MemmpyError):
                if len(statuses) == 1:
                    raise result
                others.append(FileDifference(status.path, status.size, {}, problem=str(result)))
            elif first is None:
                first = result
            else:
                others.append(_compare(first, result))
    if first is None:
        raise InputFileError(f"none of {len(others)} files can be read; {others[0].problem}")
    _check_like(first, like)
    return FileComparison(first, tuple(others), is_whole or bool(like))


def _try(task: Callable[[], FileListing]) -> FileListing | MemmpyError:
    try:
        return task()
    except MemmpyError as error:
        return error


def _check_like(first: FileListing, like: Sequence[str]) -> None:
    names = [name for tree in first.trees for name in tree.names]
    for pattern in like:
        if names and not find_branches(pattern, names):
            known = [*names, *(name.rpartition("/")[2] for name in names)]
            groups = [first_part(name) for name in known]
            hint = nearest(pattern, dict.fromkeys(groups if pattern.endswith("*") else known))
            message = f"no branch in {first.path!r} matches {pattern!r}{hint}"
            raise MissingKeyError(message, pattern)


def _compare(first: FileListing, other: FileListing) -> FileDifference:
    """Return how a file differs from the first one, in the trees and branches that are listed.

    If each file has one tree, the branches of these are compared whatever the names of the trees,
    unless they have no branch in common.
    """
    before = {tree.name: tree for tree in first.trees}
    now = {tree.name: tree for tree in other.trees}
    missing = [name for name in before if name not in now]
    added = [name for name in now if name not in before]
    changed = []
    pairs = [(tree, now[name]) for name, tree in before.items() if name in now]
    if len(before) == len(now) == 1:
        pairs = [(first.trees[0], other.trees[0])]
    for tree, own in pairs:
        types, own_types = ({b.name: type_in_words(b) for b in one.branches} for one in (tree, own))
        if tree.name != own.name and not types.keys() & own_types.keys():
            continue
        missing += [f"{tree.name}/{branch}" for branch in types if branch not in own_types]
        added += [f"{own.name}/{branch}" for branch in own_types if branch not in types]
        changed += [
            (f"{own.name}/{branch}", types[branch], words)
            for branch, words in own_types.items()
            if types.get(branch, words) != words
        ]
    return FileDifference(
        other.path,
        other.size,
        {tree.name: tree.num_entries for tree in other.trees},
        tuple(missing),
        tuple(added),
        tuple(changed),
    )


def _difference_table(first: FileListing, others: Sequence[FileDifference]) -> Table:
    """Return a table of differences, and of the entries of the largest tree of each file."""
    name = first.trees[0].name if first.trees else ""
    entries = [next((tree.num_entries for tree in first.trees), 0)]
    entries += [
        file.num_entries.get(name, next(iter(file.num_entries.values()), 0)) for file in others
    ]
    words = ["listed above", *(file.in_words() or "the same" for file in others)]
    paths = [first.path, *(file.path for file in others)]
    sizes = [first.size, *(file.size for file in others)]
    rows = [
        [format_path(path), word, f"{num:,}", format_size(size)]
        for path, word, num, size in zip(paths, words, entries, sizes, strict=True)
    ]
    total = [format_count(len(rows), "file"), "", f"{sum(entries):,}", format_size(sum(sizes))]
    return Table(["file", "trees and branches", "entries", "size"], 2, [rows, [total]])


def _same_branches(tree: TreeListing, others: Sequence[TreeListing]) -> str:
    """Return a line about trees with the branches of another tree."""
    if len(others) == 1:
        return f"{title_of(others[0])}; the branches of {tree.name}"
    names = _first_names([other.name for other in others])
    num_entries = format_count(sum(other.num_entries for other in others), "entry", "entries")
    return f"{len(others):,} trees with the branches of {tree.name}, {num_entries}: {names}"


def _object_table(objects: Sequence[FileObject], *, is_whole: bool) -> Table:
    shown = objects if is_whole else objects[:_MAX_OBJECTS]
    rows = [[one.name, one.kind, one.details] for one in shown]
    num_more = len(objects) - len(shown)
    caption = f"and {format_count(num_more, 'more object')}: --all" if num_more else ""
    return Table(["object", "kind", "content"], 3, [rows], caption)


def _first_names(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - _MAX_NAMES
    return f"{', '.join(names[:_MAX_NAMES])}{f' and {more:,} more' if more > 0 else ''}"
