"""The table of the branches of a tree, one line each, or one line for each group."""

from collections.abc import Sequence

from memmpy.display import Table, format_count, format_size
from memmpy.sources.branch_groups import (
    BranchGroup,
    group_branches,
    type_in_words,
    types_in_words,
)
from memmpy.sources.file_listing import TreeListing

__all__ = ["branch_table", "title_of"]

#: Branches of a tree that are listed one by one, at most.
_MAX_ROWS = 40


def branch_table(tree: TreeListing, *, is_whole: bool) -> Table:
    """Return the table of the branches of a tree, in groups if they are many.

    Parameters
    ----------
    tree : TreeListing
        The tree.
    is_whole : bool
        Whether to list each branch, also if there are many.
    """
    groups = group_branches(branch for branch in tree.branches if branch.type is not None)
    if is_whole or len(tree.branches) <= _MAX_ROWS or len(groups) == len(tree.branches):
        rows = [[one.name, type_in_words(one), *_cells(one.sizes)] for one in tree.branches]
        headings = ("branch", "type", "in file", "decoded")
        return Table(headings, 2, [rows], title=title_of(tree), optional=(3, 2), cut=(1,))
    return _group_table(tree, groups)


def title_of(tree: TreeListing) -> str:
    """Return the name of a tree, its entries, branches and sizes."""
    name = f"{tree.name} ({tree.kind})" if tree.name else tree.kind
    stored, decoded = tree.sizes
    parts = [
        format_count(tree.num_entries, "entry", "entries"),
        format_count(len(tree.names), "branch", "branches"),
        *([f"{format_size(stored)} in file"] if stored else []),
        *([f"{format_size(decoded)} decoded"] if decoded else []),
    ]
    return f"{name}: {', '.join(parts)}"


def _group_table(tree: TreeListing, groups: Sequence[BranchGroup]) -> Table:
    sections: tuple[list[list[str]], list[list[str]]] = ([], [])
    for group in groups:
        num = len(group.branches)
        names, types = group.pattern, ""
        if num == 1:
            types = type_in_words(group.branches[0])
        else:
            names = f"{group.counter}, {names}" if group.counter else names
            types = types_in_words(b for b in group.branches if b.name != group.counter)
        row = [names, types, f"{num:,}" if num > 1 else "", *_cells(group.sizes)]
        sections[num > 1].append(row)
    example = max(groups, key=lambda group: (group.counter != "", len(group.branches)))
    lines = [f"one group: --like {example.pattern!r}; all branches: --all"]
    if num_others := len(tree.branches) - sum(len(group.branches) for group in groups):
        words = format_count(num_others, "branch", "branches")
        lines.insert(0, f"{words} not shown, which memmpy cannot read: --all says why")
    headings = ("branch", "type", "branches", "in file", "decoded")
    caption = "\n".join(lines)
    return Table(headings, 2, sections, caption, title_of(tree), optional=(4, 3, 2), cut=(1,))


def _cells(sizes: tuple[int, int] | None) -> list[str]:
    return [format_size(size) if size else "" for size in sizes or (0, 0)]
