"""The table of the branches of a tree, one line each, or one line for each group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from memmpy.display import WIDTH, Table, format_count, format_size
from memmpy.sources.branch_groups import (
    BranchGroup,
    group_branches,
    type_in_words,
    types_in_words,
)
from memmpy.sources.file_listing import TreeListing

if TYPE_CHECKING:
    import rich.console

__all__ = ["BranchTable", "branch_table", "title_of"]

#: Branches of a tree that are listed one by one, at most.
_MAX_ROWS = 40
#: Characters of a type for which a narrow terminal leaves out sizes.
_MIN_TYPE = 20
#: Characters between columns, at least.
_GAP = 2


@final
@dataclass(frozen=True, slots=True)
class BranchTable:
    """A table of branches whose names stay whole: a narrow terminal has no sizes, and cuts types.

    Parameters
    ----------
    headings : tuple of str
        Headings: those of the names, of the types, and of numbers.
    sections : sequence of sequences of rows
        Rows, with a cell for each heading.
    title, caption : str
        Lines above and below.
    """

    headings: tuple[str, ...]
    sections: Sequence[Sequence[Sequence[str]]]
    title: str
    caption: str = ""

    def __rich_console__(
        self, console: "rich.console.Console", options: "rich.console.ConsoleOptions"
    ) -> "rich.console.RenderResult":
        yield self._fitted(options.max_width)

    def to_text(self) -> str:
        """Return the table as plain text of lines of 100 characters at most."""
        return self._fitted(WIDTH).to_text()

    def to_html(self) -> str:
        """Return the table as an HTML element."""
        return Table(self.headings, 2, self.sections, self.caption, self.title).to_html()

    def _fitted(self, width: int) -> Table:
        """Return the table without the columns that do not fit, the last ones first."""
        rows = [self.headings, *(row for section in self.sections for row in section)]
        widths = [max(len(row[i]) for row in rows) for i in range(len(self.headings))]
        num_columns, room = len(widths), 0
        while True:
            room = width - widths[0] - sum(widths[2:num_columns]) - _GAP * (num_columns - 1)
            if room >= min(_MIN_TYPE, widths[1]) or self.headings[num_columns - 1] == "type":
                break
            num_columns -= 1
        sections = [
            [[row[0], _cut(row[1], room), *row[2:num_columns]] for row in section]
            for section in self.sections
        ]
        lines = [self.caption] if self.caption else []
        if left_out := self.headings[num_columns:]:
            lines.insert(0, f"no room for: {', '.join(left_out)}")
        return Table(self.headings[:num_columns], 2, sections, "\n".join(lines), self.title)


def branch_table(tree: TreeListing, *, is_whole: bool) -> BranchTable:
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
        return BranchTable(("branch", "type", "in file", "decoded"), [rows], title_of(tree))
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


def _group_table(tree: TreeListing, groups: Sequence[BranchGroup]) -> BranchTable:
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
    return BranchTable(headings, sections, title_of(tree), "\n".join(lines))


def _cells(sizes: tuple[int, int] | None) -> list[str]:
    return [format_size(size) if size else "" for size in sizes or (0, 0)]


def _cut(text: str, width: int) -> str:
    width = max(width, _MIN_TYPE)
    return text if len(text) <= width else f"{text[: width - 3].rstrip(' ,;')}..."
