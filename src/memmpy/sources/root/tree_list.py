"""Finds the trees of a ROOT file."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from memmpy.errors import RootFileError, nearest
from memmpy.sources.access.byte_source import ByteSource
from memmpy.sources.access.file_errors import in_parentheses, reader_errors
from memmpy.sources.access.locations import State, check_state

__all__ = ["find_tree", "open_root", "tree_names"]

_TREE_CLASSES = {
    "TTree": "TTree",
    "TNtuple": "TTree",
    "TNtupleD": "TTree",
    "ROOT::RNTuple": "RNTuple",
    "ROOT::Experimental::RNTuple": "RNTuple",
}

_reader_errors = partial(reader_errors, kind=RootFileError)


def open_root(source: ByteSource) -> Any:
    """Open a ROOT file with uproot."""
    from memmpy.sources.root.uproot_source import open_with  # uproot is slow to import

    return open_with(source)


def find_tree(file: Any, path: str, tree: str | None) -> tuple[str, bool]:
    """Return the name of a tree with its cycle, and whether it is an RNTuple.

    Parameters
    ----------
    file : uproot.ReadOnlyDirectory
        The open file.
    path : str
        Its path, for messages.
    tree : str or None
        Name of the tree with its directories, perhaps with its cycle; None for the only tree.

    Raises
    ------
    RootFileError
        If the file has no such tree.
    """
    with _reader_errors(path, "cannot be read"):
        classes: dict[str, str] = file.classnames(recursive=True)
    trees = {name: _TREE_CLASSES[c] for name, c in classes.items() if c in _TREE_CLASSES}
    known = sorted({name.rpartition(";")[0] for name in trees})
    if tree is None:
        if len(known) != 1:
            has = f"{len(known)} trees{in_parentheses(known)}; give one as tree="
            raise RootFileError(f"{path!r} has {has if known else 'no tree at all'}")
        tree = known[0]
    name = tree if ";" in tree else _last_cycle(tree, trees)
    if name not in trees:
        if tree in classes or _last_cycle(tree, classes) in classes:
            kind = classes.get(tree) or classes[_last_cycle(tree, classes)]
            raise RootFileError(f"{tree!r} of {path!r} is a {kind}, not a tree")
        has = f"its trees are{in_parentheses(known)}" if known else "it has no tree at all"
        near = nearest(tree, known) if len(known) > 1 else ""
        message = f"no tree {tree!r} in {path!r}: {has}{near}"
        raise RootFileError(message)
    return name, trees[name] == "RNTuple"


def tree_names(path: str, state: State) -> list[str]:
    """Return the names of the trees of a ROOT file, with their directories and without cycles.

    Raises
    ------
    InputFileError
        If the file is no ROOT file, is broken, or has changed since it had the state.
    """
    with ByteSource(path) as source:
        check_state(path, source.status.state, state)
        if bytes(source.read(0, min(4, source.size))) != b"root":
            raise RootFileError(f"{path!r} is not a ROOT file: name its table, without a pattern")
        with _reader_errors(path, "cannot be opened as ROOT"), open_root(source) as file:
            classes: dict[str, str] = file.classnames(recursive=True)
    return sorted({name.rpartition(";")[0] for name, c in classes.items() if c in _TREE_CLASSES})


def _last_cycle(tree: str, names: Iterable[str]) -> str:
    cycles = [name for name in names if name.rpartition(";")[0] == tree]
    return max(cycles, key=lambda name: int(name.rpartition(";")[2]), default=tree)
