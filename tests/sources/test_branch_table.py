"""Tests of the table of the branches of a tree, on terminals of any width."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from memmpy.columns import ColumnType
from memmpy.sources import BranchListing, TreeListing
from memmpy.sources.branch_table import branch_table, title_of


def tree_of(*names: str, num_entries: int = 5) -> TreeListing:
    one = ColumnType("jagged", np.dtype("f4"))
    branches = tuple(BranchListing(name, one, "", (1000, 2000)) for name in names)
    return TreeListing("t", "TTree", num_entries, names, (10_000, 20_000), branches)


def lines_of(tree: TreeListing, width: int) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, color_system=None)
    console.print(branch_table(tree, is_whole=True))
    return file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("width", "headings", "left_out"),
    [
        (90, ["branch", "type", "in", "file", "decoded"], ""),
        (70, ["branch", "type", "in", "file"], "no room for: decoded"),
        (62, ["branch", "type"], "no room for: in file, decoded"),
    ],
)
def test_a_narrow_terminal_has_no_sizes(width: int, headings: list[str], left_out: str) -> None:
    lines = lines_of(tree_of("x" * 44), width)
    assert next(line.split() for line in lines if "branch" in line and "type" in line) == headings
    assert any("x" * 44 + " " in line for line in lines)
    assert left_out in "\n".join(lines)


def test_types_are_cut_where_names_need_the_room() -> None:
    one = ColumnType("nested", type="var * {alpha: float32, beta: float32, gamma: float32}")
    tree = TreeListing(
        "t", "TTree", 1, ("n" * 30,), (1, 1), (BranchListing("n" * 30, one, "", None),)
    )
    assert "n" * 30 + "  list of {alpha: float32, …" in lines_of(tree, 64)
    assert "n" * 30 + "  list of {alpha: float32, beta: floa…" in lines_of(tree, 83)


@given(
    st.lists(st.text("abc_", min_size=1, max_size=70), min_size=1, max_size=8, unique=True),
    st.integers(60, 200),
)
def test_no_line_is_longer_than_the_terminal_and_names_stay_whole(
    names: list[str], width: int
) -> None:
    lines = lines_of(tree_of(*names), width)
    assert max(map(len, lines)) <= width
    for name in names:
        if max(map(len, names)) + 2 + len("list of float32") <= width:
            assert any(line.split()[:1] == [name] for line in lines)


def test_the_title_counts_entries_branches_and_bytes() -> None:
    words = "t (TTree): 1 entry, 2 branches, 10.0 kB in file, 20.0 kB decoded"
    assert title_of(tree_of("a", "b", num_entries=1)) == words


def test_html_has_all_columns() -> None:
    html = branch_table(tree_of("x" * 90), is_whole=True).to_html()
    assert "x" * 90 in html
    assert "decoded" in html
