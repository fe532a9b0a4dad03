"""The content of a file before it is converted: its trees, their branches, and other objects."""

from collections import Counter
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any

from memmpy.columns import ColumnType
from memmpy.errors import InputFileError
from memmpy.sources.access.locations import Status
from memmpy.sources.branch_names import find_branches, short_name
from memmpy.sources.event_file import EventFile, FileObject
from memmpy.sources.formats import match_trees, objects_of_file, open_event_file
from memmpy.sources.missing_values import NullRules

__all__ = ["BranchListing", "FileListing", "TreeListing", "list_file"]


@dataclass(frozen=True, slots=True)
class BranchListing:
    """A branch of a tree.

    Parameters
    ----------
    name : str
        The name by which `convert` takes it.
    type : ColumnType or None
        The type of its column; None if memmpy cannot read it.
    stored_type : str
        The type in the words of the format, such as ``std::vector<float>``; empty if unknown.
    sizes : (int, int) or None
        Its bytes in the file, and about those after decoding; None if unknown.
    problem : str
        Why memmpy cannot read it; empty if it can.
    """

    name: str
    type: ColumnType | None
    stored_type: str
    sizes: tuple[int, int] | None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "type": None if self.type is None else self.type.in_words(),
            "stored_type": self.stored_type,
            **_sizes(self.sizes),
            "problem": self.problem or None,
        }


@dataclass(frozen=True, slots=True)
class TreeListing:
    """A tree of a file.

    Parameters
    ----------
    name : str
        Its path in the file, with the cycle only if the user gave it; empty for a Parquet file.
    kind : str
        ``TTree``, ``RNTuple``, ``group``, ``records`` or ``table``.
    num_entries : int
        Its entries; 0 if it cannot be read.
    names : tuple of str
        The names of all its branches, with those of their parents.
    sizes : (int, int)
        The bytes of all branches in the file, and about those after decoding.
    branches : tuple of BranchListing
        The branches that were asked for, in the order of the file.
    problem : str
        Why memmpy cannot read it; empty if it can.
    """

    name: str
    kind: str
    num_entries: int
    names: tuple[str, ...]
    sizes: tuple[int, int]
    branches: tuple[BranchListing, ...]
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "kind": self.kind,
            "entries": self.num_entries,
            "num_branches": len(self.names),
            **_sizes(self.sizes),
            "problem": self.problem or None,
            "branches": [branch.to_dict() for branch in self.branches],
        }


@dataclass(frozen=True, slots=True)
class FileListing:
    """The content of a file.

    Parameters
    ----------
    path : str
        An absolute path, or a URL.
    format : str
        ``ROOT``, ``Parquet`` or ``HDF5``.
    size : int
        Bytes of the file.
    trees : tuple of TreeListing
        Its trees, those with the most branches first.
    objects : tuple of FileObject
        All other objects, in the order of the file.
    """

    path: str
    format: str
    size: int
    trees: tuple[TreeListing, ...]
    objects: tuple[FileObject, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "path": self.path,
            "format": self.format,
            "size": self.size,
            "trees": [tree.to_dict() for tree in self.trees],
            "objects": [
                {"name": one.name, "kind": one.kind, "details": one.details or None}
                for one in self.objects
            ],
        }


def list_file(status: Status, *, trees: Sequence[str], like: Sequence[str]) -> FileListing:
    """Return the content of a file. Reads no entry, unless an HDF5 file has lists or texts.

    Parameters
    ----------
    status : Status
        The file.
    trees : sequence of str
        Names or patterns of trees; empty for all.
    like : sequence of str
        Names or patterns of branches, or words in their names; empty for all.

    Raises
    ------
    MissingFileError, InputFileError
        If the file is missing, has no such tree, or is broken.
    OptionError
        If the package that reads the format is not installed.
    """
    file_format, objects = objects_of_file(status.path, status.state, details=not trees)
    kinds = {one.name: one for one in objects if one.is_tree}
    names = match_trees(status.path, objects, trees) if trees else kinds
    chosen = [kinds.get(name, FileObject(name, "tree", True)) for name in names]
    listings = [_list_tree(status, one, like, is_chosen=bool(trees)) for one in chosen]
    return FileListing(
        status.path,
        file_format,
        status.size,
        tuple(sorted(listings, key=lambda tree: -len(tree.names))),
        () if trees else tuple(one for one in objects if not one.is_tree),
    )


def _list_tree(
    status: Status, tree: FileObject, like: Sequence[str], *, is_chosen: bool
) -> TreeListing:
    try:
        file = open_event_file(
            status.path, tree.name or None, status.state, NullRules(), is_friend=False
        )
    except InputFileError as error:
        if is_chosen:
            raise
        return TreeListing(tree.name, tree.kind, 0, (), (0, 0), (), str(error))
    with closing(file):
        names = file.branches()
        last = Counter(name.rpartition("/")[2] for name in names)
        shown = {name for pattern in like for name in find_branches(pattern, names)}
        branches = tuple(
            _list_branch(file, name, last) for name in names if not like or name in shown
        )
        return TreeListing(
            tree.name, tree.kind, file.num_entries, tuple(names), file.sizes(), branches
        )


def _list_branch(file: EventFile, path: str, last: Counter[str]) -> BranchListing:
    name, column_type, sizes, problem = short_name(file, path, last), None, None, ""
    try:
        column_type = file.type_of(path)
    except InputFileError as error:
        # The table names branch and file already; the ways out are for those who asked for it.
        prefix = f"branch {path!r} of {file.where!r} "
        problem = str(error).removeprefix(prefix).partition("; ")[0]
    with suppress(InputFileError):
        sizes = file.sizes_of(path)
    return BranchListing(name, column_type, file.stored_type(path), sizes, problem)


def _sizes(sizes: tuple[int, int] | None) -> dict[str, int | None]:
    stored, decoded = (None, None) if sizes is None else sizes
    return {"bytes_in_file": stored, "bytes_decoded": decoded}
