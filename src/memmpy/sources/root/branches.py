"""Finds the branch, leaf or field of a tree that a name means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memmpy.sources.root.leaves import Leaf, leaves_of, only_leaf_of

__all__ = ["BranchNames", "Place", "names_of_ntuple", "names_of_tree"]


@dataclass(frozen=True, slots=True)
class Place:
    """The place of values: a branch of a TTree, one of its leaves, or a field of an RNTuple.

    Parameters
    ----------
    branch : uproot.TBranch or uproot.RField
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
    places : mapping of str to Place
        Full name to place, in the order of the file. A branch of a branch is ``parent/child``. Of
        several places with the same name, the first counts, as in ROOT.
    others : mapping of str to tuple of str
        Short name to the full names that it may mean: last names of nested branches, and leaves
        that are the only one of their branch.
    """

    places: Mapping[str, Place]
    others: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> tuple[str, ...]:
        """Return the full names that a name may mean; a full name means only itself."""
        return (name,) if name in self.places else self.others.get(name, ())


def names_of_tree(tree: Any) -> BranchNames:
    """Return the names of the branches of an uproot TTree, and of leaves if a branch has several.

    The leaf ``x`` of a branch ``p`` or ``p.`` is ``p.x``.
    """
    branches = list(_branches_in(tree, ""))
    wholes = {prefix + branch.name for prefix, branch in branches}
    places: dict[str, Place] = {}
    others: dict[str, dict[str, None]] = {}
    for prefix, branch in branches:
        leaves = leaves_of(branch)
        whole, stem = prefix + branch.name, branch.name.removesuffix(".")
        places.setdefault(whole, Place(branch, leaves))
        full_names = {branch.name: whole}
        if not leaves and (only := only_leaf_of(branch)) is not None:
            others.setdefault(f"{prefix}{stem}.{only}", {})[whole] = None
        for i, leaf in enumerate(leaves):
            name = f"{stem}.{leaf.name}"
            # A branch of the same name comes before a leaf.
            if prefix + name not in wholes:
                places.setdefault(prefix + name, Place(branch, leaves, i))
                full_names[name] = prefix + name
        if prefix:
            for name, full in full_names.items():
                others.setdefault(name, {})[full] = None
    return BranchNames(places, {name: tuple(known) for name, known in others.items()})


def names_of_ntuple(ntuple: Any) -> BranchNames:
    """Return the names of the top fields of an uproot RNTuple, which may have dots and slashes."""
    return BranchNames({field.name: Place(field) for field in ntuple.fields}, {})


def _branches_in(parent: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield all nested branches, parents first, each with the names of its parents."""
    for branch in parent.branches:
        yield prefix, branch
        yield from _branches_in(branch, f"{prefix}{branch.name}/")
