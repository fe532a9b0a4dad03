"""Finds the branch, leaf or field of a tree that a name means."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memmpy.sources.root.leaves import Leaf, leaves_of

__all__ = [
    "BranchNames",
    "Outline",
    "Place",
    "Position",
    "names_of_tree",
    "outline_of",
    "place_at",
]


@dataclass(frozen=True, slots=True)
class Outline:
    """The names in a branch.

    Parameters
    ----------
    name : str
        The name of the branch.
    classname : str
        Its C++ class.
    leaves : tuple of str
        The names of its leaves.
    branches : tuple of Outline
        The branches inside of it.
    """

    name: str
    classname: str
    leaves: tuple[str, ...]
    branches: tuple["Outline", ...]


@dataclass(frozen=True, slots=True)
class Position:
    """The position of values in a tree.

    Parameters
    ----------
    path : tuple of int
        The index of the branch or field in the tree, then the index in that branch, and so on.
    leaf : int or None
        Index of the leaf; None for the whole branch.
    """

    path: tuple[int, ...]
    leaf: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """The place of values: a branch of a TTree, one of its leaves, or a field of an RNTuple.

    Parameters
    ----------
    branch : uproot.TBranch, uproot.RField or FieldDescription
        The branch or field.
    leaves : tuple of Leaf
        The leaves of the branch; empty if it has one at most.
    leaf : int or None
        Index of the leaf; None for the whole branch.
    """

    branch: Any
    leaves: tuple[Leaf, ...] = ()
    leaf: int | None = None

    def leaf_names(self) -> list[str]:
        """Return the names of the leaves, as users write them: ``p.x``."""
        stem = self.branch.name.removesuffix(".")
        return [f"{stem}.{leaf.name}" for leaf in self.leaves]


@dataclass(frozen=True, slots=True)
class BranchNames:
    """The names of a tree.

    Parameters
    ----------
    positions : mapping of str to Position
        Full name to position, in the order of the file. A branch of a branch is ``parent/child``.
        Of several branches with the same name, the first counts, as in ROOT.
    others : mapping of str to tuple of str
        Short name to the full names that it may mean: last names of nested branches, and leaves
        that are the only one of their branch.
    """

    positions: Mapping[str, Position]
    others: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> tuple[str, ...]:
        """Return the full names that a name may mean; a full name means only itself."""
        return (name,) if name in self.positions else self.others.get(name, ())


def names_of_tree(outlines: Iterable[tuple[int, Outline]]) -> BranchNames:
    """Return the names of branches of a tree, and of leaves if a branch has several.

    Each outline follows the index of the branch in the tree. The leaf ``x`` of a branch ``p`` or
    ``p.`` is ``p.x``.
    """
    branches = list(_nested(outlines, "", ()))
    wholes = {prefix + branch.name for prefix, _, branch in branches}
    positions: dict[str, Position] = {}
    others: dict[str, dict[str, None]] = {}
    for prefix, path, branch in branches:
        whole, stem = prefix + branch.name, branch.name.removesuffix(".")
        positions.setdefault(whole, Position(path))
        full_names = {branch.name: whole}
        if len(branch.leaves) == 1 and branch.classname == "TBranch":
            [only] = branch.leaves
            if only != branch.name:
                others.setdefault(f"{prefix}{stem}.{only}", {})[whole] = None
        for i, leaf in enumerate(branch.leaves if len(branch.leaves) > 1 else ()):
            name = f"{stem}.{leaf}"
            # A branch of the same name comes before a leaf.
            if prefix + name not in wholes:
                positions.setdefault(prefix + name, Position(path, i))
                full_names[name] = prefix + name
        if prefix:
            for name, full in full_names.items():
                others.setdefault(name, {})[full] = None
    return BranchNames(positions, {name: tuple(known) for name, known in others.items()})


def outline_of(branch: Any) -> Outline:
    """Return the outline of an uproot branch."""
    leaves = tuple(leaf.member("fName") for leaf in branch.member("fLeaves"))
    return Outline(branch.name, branch.classname, leaves, tuple(map(outline_of, branch.branches)))


def place_at(position: Position, branch: Any) -> Place:
    """Return the place at a position in an uproot branch of a tree, the first of its path."""
    for index in position.path[1:]:
        branch = branch.branches[index]
    return Place(branch, leaves_of(branch), position.leaf)


def _nested(
    outlines: Iterable[tuple[int, Outline]], prefix: str, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...], Outline]]:
    """Yield all nested branches, parents first, each with the names of its parents and its path."""
    for i, branch in outlines:
        yield prefix, (*path, i), branch
        yield from _nested(enumerate(branch.branches), f"{prefix}{branch.name}/", (*path, i))
