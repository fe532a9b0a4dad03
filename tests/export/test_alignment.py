"""Tests of the alignment of rows with entries of friend trees."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.export.alignment import align, friend_files, plan_friends
from memmpy.store import SourceRecord

SOURCE = SourceRecord("/data/a.root", "0" * 32, 1, 1, "tree;1", None, 10, 0, 10)


def change(source: SourceRecord = SOURCE, **more: Any) -> SourceRecord:
    return dataclasses.replace(source, **more)


@pytest.mark.parametrize(
    ("paths", "files"),
    [
        (["/d/ttH_mc16a.root", "/d/b.root"], ["ttH_mc16a.root", "b.root"]),
        (["/d/2016/ttH.root", "/d/2017/ttH.root"], ["2016/ttH.root", "2017/ttH.root"]),
        (
            ["/x/a/s/f.root", "/x/b/s/f.root", "/x/b/s/g.root"],
            ["a/s/f.root", "b/s/f.root", "g.root"],
        ),
        (["/f.root", "/d/f.root"], ["f.root", "d/f.root"]),
        (["https://host/d/x.root?key=1", "root://h//e/y.root"], ["x.root", "y.root"]),
        (["https://one/x.root", "https://two/x.root"], ["one/x.root", "two/x.root"]),
        (["https://host/../../x.root", "/x.root"], ["host/x.root", "x.root"]),
        (["/d/a.parquet", "/d/b.H5", "/d/c.pool.root.1"], ["a.root", "b.root", "c.pool.root.1"]),
        (["/d/a.parquet", "/e/a.root"], ["d/a.root", "e/a.root"]),
    ],
)
def test_friends_are_named_like_their_sources(paths: list[str], files: list[str]) -> None:
    assert friend_files(paths) == dict(zip(paths, files, strict=True))


def test_files_that_cannot_be_told_apart_are_an_error() -> None:
    message = r"would have one friend 'a.root': '/d/a.h5', '/d/a.root'; rename one"
    with pytest.raises(OptionError, match=message):
        friend_files(["/d/a.root", "/d/a.h5"])


@given(
    st.integers(1, 20).flatmap(
        lambda num: st.tuples(
            st.just(num),
            st.lists(st.integers(0, num - 1), unique=True),
            st.integers(0, num),
            st.integers(0, num),
        )
    )
)
def test_rows_between_entries_are_those_of_these_entries(
    case: tuple[int, list[int], int, int],
) -> None:
    num, entries, one, other = case
    start, stop = sorted((one, other))
    rows = align(np.array(entries, np.int64), num)
    which, between = rows.between(start, stop)
    assert np.array(entries, np.int64)[which].tolist() == between.tolist()
    assert between.tolist() == sorted(entry for entry in entries if start <= entry < stop)
    assert rows.count(start, stop) == len(between)


def test_ascending_entries_are_not_sorted() -> None:
    assert align([0, 3, 4], 5).order is None


def test_without_entries_there_is_a_row_for_each() -> None:
    which, entries = align(None, 10).between(3, 6)
    assert which == slice(3, 6)
    assert entries.tolist() == [3, 4, 5]


def test_an_entry_that_is_there_twice_is_named() -> None:
    with pytest.raises(OptionError, match="entry 4 is in entries more than once"):
        align([3, 4, 1, 4], 10)


def test_trees_of_one_file_share_a_friend() -> None:
    sources = [
        SOURCE,
        change(path="/data/b.root", entry_start=10),
        change(tree="dir/other;2", entry_start=20, tree_entries=30, tree_start=4),
    ]
    trees = plan_friends(sources)
    assert [(tree.file, tree.tree, tree.num_entries) for tree in trees] == [
        ("a.root", "tree", 10),
        ("a.root", "dir/other", 30),
        ("b.root", "tree", 10),
    ]


def test_a_tree_without_a_name_is_called_tree() -> None:
    (tree,) = plan_friends([change(path="/data/a.parquet", tree="")])
    assert (tree.file, tree.tree) == ("a.root", "tree")


def test_a_group_has_a_name_without_slashes_around() -> None:
    (tree,) = plan_friends([change(path="/data/a.h5", tree="/events/")])
    assert tree.tree == "events"


def test_trees_of_one_friend_name_are_refused() -> None:
    with pytest.raises(
        OptionError, match=r"two trees of '/data/a\.h5' would have the friend 'tree'"
    ):
        plan_friends([change(path="/data/a.h5", tree=""), change(path="/data/a.h5", tree="tree")])


def test_ranges_of_one_tree_make_one_friend() -> None:
    later = change(tree_start=20, tree_entries=50)
    earlier = change(tree_start=5, entry_start=10, num_entries=7, tree_entries=50)
    (tree,) = plan_friends([later, earlier])
    assert (tree.num_entries, tree.parts) == (50, (earlier, later))
    rows = align([0, 9, 10, 16], 17)
    assert tree.num_with_row(rows) == 4
    places = [where.tolist() for _, where in tree.places(rows, 3, 25)]
    assert places == [[2, 8], [17]]


def test_ranges_that_overlap_are_refused() -> None:
    with pytest.raises(OptionError, match=r"holds entry 5 of 'tree' of '/data/a\.root' twice"):
        plan_friends([SOURCE, change(tree_start=5, entry_start=10)])


def test_two_cycles_of_a_tree_are_refused() -> None:
    with pytest.raises(OptionError, match=r"holds 'tree;1' and 'tree;2' of '/data/a\.root', which"):
        plan_friends([SOURCE, change(tree="tree;2", entry_start=10)])
