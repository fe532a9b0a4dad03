"""Which branch, leaf or field of a tree a name means."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from memmpy.sources.root.leaves import Leaf, leaves_of, only_leaf_of

__all__ = ["BranchNames", "Place", "names_of_ntuple", "names_of_tree"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where values lie: in a branch of a TTree, in one leaf of it, or in a field of an RNTuple.

    Parameters
    ----------
    branch : uproot.TBranch or uproot.RField
        The branch or field.
    leaves : tuple of Leaf
        The leaves of the branch; empty where it has one at most.
    leaf : int or None
        Which of them; None for the whole branch.
    """

    branch: Any
    leaves: tuple[Leaf, ...] = ()
    leaf: int | None = None

    def leaf_names(self) -> list[str]:
        """Return the names of the leaves of the branch, as they are asked for: ``p.x``."""
        stem = self.branch.name.removesuffix(".")
        return [f"{stem}.{leaf.name}" for leaf in self.leaves]


@dataclass(frozen=True, slots=True)
class BranchNames:
    """The names of a tree.

    Parameters
    ----------
    places : mapping of str to Place
        By whole names, in the order of the file: a branch of a branch is ``parent/child``. Of
        several with one name the first counts, as in ROOT.
    others : mapping of str to tuple of str
        Other names of them, each with the whole names that it may mean: the last names of
        branches of branches, and leaves that are the whole of their branch.
    """

    places: Mapping[str, Place]
    others: Mapping[str, tuple[str, ...]]

    def find(self, name: str) -> tuple[str, ...]:
        """Return the whole names that a name may mean: one if it is a whole name itself."""
        return (name,) if name in self.places else self.others.get(name, ())


def names_of_tree(tree: Any) -> BranchNames:
    """Return the names of an uproot TTree: of branches, and of leaves where they have several.

    The leaf ``x`` of a branch ``p`` is ``p.x``, and so is that of a branch ``p.``.
    """
    branches = list(_branches_in(tree, ""))
    wholes = {prefix + branch.name for prefix, branch in branches}
    places: dict[str, Place] = {}
    others: dict[str, dict[str, None]] = {}
    for prefix, branch in branches:
        leaves = leaves_of(branch)
        whole, stem = prefix + branch.name, branch.name.removesuffix(".")
        places.setdefault(whole, Place(branch, leaves))
        found = {branch.name: whole}
        if not leaves and (only := only_leaf_of(branch)) is not None:
            others.setdefault(f"{prefix}{stem}.{only}", {})[whole] = None
        for i, leaf in enumerate(leaves):
            name = f"{stem}.{leaf.name}"
            # A branch of that very name comes before a leaf.
            if prefix + name not in wholes:
                places.setdefault(prefix + name, Place(branch, leaves, i))
                found[name] = prefix + name
        if prefix:
            for name, known in found.items():
                others.setdefault(name, {})[known] = None
    return BranchNames(places, {name: tuple(known) for name, known in others.items()})


def names_of_ntuple(ntuple: Any) -> BranchNames:
    """Return the names of the fields of an uproot RNTuple, which may hold dots and slashes.

    A field of a field is not a column of its own.
    """
    return BranchNames({field.name: Place(field) for field in ntuple.fields}, {})


def _branches_in(parent: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """Yield branches, each before its own, with the names of those that it is in."""
    for branch in parent.branches:
        yield prefix, branch
        yield from _branches_in(branch, f"{prefix}{branch.name}/")
