"""Groups branches by the first part of their names, such as ``Jet_*``, for a short listing."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from memmpy.display import shorten
from memmpy.sources.file_listing import BranchListing

__all__ = ["BranchGroup", "first_part", "group_branches", "type_in_words", "types_in_words"]

#: The first part of a name, with the character that ends it.
_FIRST_PART = re.compile(r"[^_./]+[_./]")
#: Types of numbers that the words for a group name for each kind of entry.
_MAX_TYPES = 4
#: Characters of a type.
_MAX_TYPE = 70
#: C++ types that say more than the type of the column: of fewer bits, or with other rules.
_TELLING = re.compile(
    r"\b(?:Double32_t|Float16_t|bitset|map|multimap|set|multiset|pair|optional|variant)\b"
)


@dataclass(frozen=True, slots=True)
class BranchGroup:
    """Branches whose names begin alike.

    Parameters
    ----------
    pattern : str
        The pattern that matches them, such as ``Jet_*``; the name of a branch that is alone.
    counter : str
        The branch with the length of their lists, such as ``nJet``; empty without one.
    branches : tuple of BranchListing
        The branches, with the counter.
    """

    pattern: str
    counter: str
    branches: tuple[BranchListing, ...]

    @property
    def sizes(self) -> tuple[int, int]:
        """The bytes of the branches in the file, and about those after decoding."""
        sizes = [branch.sizes or (0, 0) for branch in self.branches]
        return sum(stored for stored, _ in sizes), sum(decoded for _, decoded in sizes)


def group_branches(branches: Iterable[BranchListing]) -> list[BranchGroup]:
    """Return branches in groups: first those that are alone, in their order, then by pattern."""
    groups: dict[str, list[BranchListing]] = {}
    for branch in branches:
        groups.setdefault(first_part(branch.name), []).append(branch)
    alone = {own[0].name: own[0] for own in groups.values() if len(own) == 1}
    several = []
    for pattern, own in groups.items():
        if len(own) > 1:
            counter = _counter_of(pattern, own, alone)
            own = [alone.pop(counter), *own] if counter else own  # noqa: PLW2901
            several.append(BranchGroup(pattern, counter, tuple(own)))
    several.sort(key=lambda group: group.pattern.casefold())
    return [*(BranchGroup(name, "", (branch,)) for name, branch in alone.items()), *several]


def first_part(name: str) -> str:
    """Return the pattern for the first part of a name: ``Jet_*``; the name itself if it has one."""
    part = _FIRST_PART.match(name)
    return f"{part[0]}*" if part else name


def type_in_words(branch: BranchListing) -> str:
    """Return the type of a branch, with the type in the file where it says more."""
    if branch.type is None:
        # Short, since a narrow terminal cuts the end.
        problem = branch.problem.removeprefix("holds ").removesuffix(" that no column can hold")
        return f"unreadable: {problem}"
    words = branch.type.in_words()
    if _TELLING.search(branch.stored_type):
        words = f"{words} ({branch.stored_type})"
    return shorten(words, _MAX_TYPE)


def types_in_words(branches: Iterable[BranchListing]) -> str:
    """Return the types of branches in a few words: ``float32, bool; lists of float32, int32``."""
    kinds: dict[str, Counter[str]] = {}
    for one in (branch.type for branch in branches if branch.type is not None):
        lists, words = "", one.in_words().replace("list of", "lists of")
        while words.startswith("lists of "):
            lists, words = f"{lists}lists of ", words.removeprefix("lists of ")
        kinds.setdefault(lists, Counter())[words] += 1
    parts = []
    for lists, counts in sorted(kinds.items(), key=lambda kind: -kind[1].total()):
        names = [words for words, _ in counts.most_common(_MAX_TYPES)]
        more = ", ..." if len(counts) > _MAX_TYPES else ""
        parts.append(f"{lists}{', '.join(names)}{more}")
    return "; ".join(parts)


def _counter_of(pattern: str, branches: Sequence[BranchListing], alone: Iterable[str]) -> str:
    """Return the name of the branch that counts the items of lists, or an empty text."""
    if not any(branch.type is not None and branch.type.kind == "jagged" for branch in branches):
        return ""
    stem = pattern[:-2]
    return next((name for name in (f"n{stem}", f"N{stem}") if name in alone), "")
