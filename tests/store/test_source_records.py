"""Tests of finding the file, tree and entry that an entry of a store came from."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import ColumnError, OptionError
from memmpy.store import (
    ColumnRecord,
    Computed,
    Metadata,
    Origin,
    SourceEntries,
    SourceEntry,
    SourceRecord,
    lineage_of,
    locate,
    parts_of,
    source_of,
    tree_name,
)


def make_sources(*nums: int, tree_start: int = 0, **more: Any) -> list[SourceRecord]:
    """Return sources of so many entries each, of files a.root, b.root, ..."""
    starts = np.cumsum([0, *nums]).tolist()
    return [
        SourceRecord(
            path=f"/data/{letter}.root",
            uuid=letter * 32,
            size=1,
            mtime_ns=1,
            tree="dir/tree;3",
            asked=None,
            num_entries=num,
            entry_start=start,
            tree_start=tree_start,
            tree_entries=tree_start + num + 5,
            **more,
        )
        for letter, num, start in zip("abcdef", nums, starts, strict=False)
    ]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.integers(0, 3))
def test_every_entry_is_found_in_the_source_that_fills_it(nums: list[int], tree_start: int) -> None:
    sources = make_sources(*nums, tree_start=tree_start)
    expected = [(i, tree_start + entry) for i, num in enumerate(nums) for entry in range(num)]
    owners, local = locate(sources, np.arange(sum(nums)))
    assert list(zip(owners.tolist(), local.tolist(), strict=True)) == expected
    assert owners.dtype == local.dtype == np.int64


def test_entries_are_found_in_any_order() -> None:
    owners, local = locate(make_sources(3, 0, 4), np.array([6, 0, 3, 0]))
    assert owners.tolist() == [2, 0, 2, 0]
    assert local.tolist() == [3, 0, 0, 0]


def test_an_entry_has_a_file_a_tree_without_cycle_and_an_entry_of_the_whole_tree() -> None:
    found = source_of(make_sources(3, 4, tree_start=10), 4)
    assert found == SourceEntry("/data/b.root", "dir/tree", 11)
    assert source_of(make_sources(3), np.uint8(2)) == ("/data/a.root", "dir/tree", 2)


def test_an_array_of_entries_has_arrays() -> None:
    found = source_of(make_sources(3, 4), np.array([4, 0], np.uint64))
    assert isinstance(found, SourceEntries)
    file, tree, entry = found
    assert file.tolist() == ["/data/b.root", "/data/a.root"]
    assert tree.tolist() == ["dir/tree", "dir/tree"]
    assert entry.tolist() == [1, 0]
    assert entry.dtype == np.int64


@pytest.mark.parametrize("entries", [[3], np.array([3]), (3,)])
def test_one_entry_in_a_list_is_a_list(entries: Any) -> None:
    assert isinstance(source_of(make_sources(4), entries), SourceEntries)


@pytest.mark.parametrize("entries", [[], np.empty(0, np.int64)])
def test_no_entries_have_empty_arrays(entries: Any) -> None:
    assert [len(part) for part in source_of(make_sources(4), entries)] == [0, 0, 0]


@pytest.mark.parametrize("entries", [-1, 7, [0, 7], np.array([2**64 - 1], np.uint64)])
def test_an_entry_that_is_not_there_is_named(entries: Any) -> None:
    with pytest.raises(OptionError, match=r"\S+ is out of range: there are 7 entries from files"):
        source_of(make_sources(3, 4), entries)


@pytest.mark.parametrize("entries", [0.5, [0.5], "a", None, [[1]], slice(3)])
def test_entries_are_integers(entries: Any) -> None:
    with pytest.raises(OptionError, match="entries from files must be a one-dimensional array"):
        source_of(make_sources(7), entries)


def test_a_mask_is_no_list_of_entries() -> None:
    with pytest.raises(OptionError, match=r"give np\.flatnonzero\(mask\)"):
        source_of(make_sources(3), np.ones(3, bool))
    with pytest.raises(OptionError, match="an entry must be an integer, got True"):
        source_of(make_sources(3), True)


def test_a_store_that_no_file_fills_has_no_sources() -> None:
    with pytest.raises(OptionError, match="no files fill this store: its columns were written"):
        source_of([], 0)


@pytest.mark.parametrize(
    ("tree", "name"), [("a/b;12", "a/b"), ("group", "group"), ("", ""), ("a;b;1", "a;b")]
)
def test_a_tree_loses_its_cycle_alone(tree: str, name: str) -> None:
    assert tree_name(SourceRecord("p", "", 0, 0, tree, None, 0, 0, 0)) == name


def metadata_of(recipe: dict[str, Any], made_by: tuple[str, ...] = ()) -> Metadata:
    sources = tuple(make_sources(3, 4, tree_start=10))
    origin = Origin(recipe, parts_of(sources), made_by)
    return Metadata(columns={"x": ColumnRecord("vector", 7, {}, {}, origin)}, sources=sources)


def test_the_lineage_of_a_column_tells_what_each_file_gave() -> None:
    first, second = lineage_of(metadata_of({"branch": "met"}, ("0.2.0", "0.3.0")), "x")
    assert (first.file, first.uuid, first.tree) == ("/data/a.root", "a" * 32, "dir/tree;3")
    assert (first.tree_start, first.tree_stop) == (10, 13)
    assert (second.tree_start, second.tree_stop) == (10, 14)
    assert (second.entry_start, second.entry_stop) == (3, 7)
    assert (second.expression, second.padding, second.made_by) == ("met", None, "0.3.0")
    assert first.made_by == "0.2.0"


def test_the_lineage_has_the_expression_and_the_padding() -> None:
    recipe = {"expression": "met * 2", "language": 1, "padding": [8, "nan"]}
    first, _ = lineage_of(metadata_of(recipe), "x")
    assert (first.expression, first.padding, first.made_by) == ("met * 2", (8, "nan"), "")


def test_the_lineage_of_metadata_has_the_text_of_each_file() -> None:
    lineage = lineage_of(metadata_of({"metadata": ["ttH", 'a "b" ü']}), "x")
    assert [part.expression for part in lineage] == ['"ttH"', r'"a \"b\" ü"']


def test_what_the_user_wrote_has_no_lineage() -> None:
    assert lineage_of(Metadata(columns={"x": ColumnRecord("vector", 7, {})}), "x") == []


def test_what_was_computed_names_what_it_was_computed_from() -> None:
    computed = Computed("Sum$(jet_pt) / met", "...", 1, {"jet_pt": "", "met": ""})
    column = ColumnRecord("vector", 7, {}, computed.to_details())
    message = (
        r"'x' was computed in the store: 'Sum\$\(jet_pt\) / met'; "
        "ask for the lineage of 'jet_pt', 'met'"
    )
    with pytest.raises(ColumnError, match=message):
        lineage_of(Metadata(columns={"x": column}), "x")
