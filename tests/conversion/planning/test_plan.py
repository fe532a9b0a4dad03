"""Tests of the plan: what must be read, without any data."""

import dataclasses
from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.columns import ColumnType
from memmpy.conversion.planning.column_spec import ColumnSpec
from memmpy.conversion.planning.inspection import FileInspection
from memmpy.conversion.planning.inventory import Inventory, Target
from memmpy.conversion.planning.partition import TreeRange
from memmpy.conversion.planning.plan import make_plan
from memmpy.conversion.planning.skips import SkippedBranches
from memmpy.errors import OptionError
from memmpy.store import ArrayRecord, ColumnRecord, Metadata, Origin, SourceRecord

RECIPE = {"branch": "x"}


def source(name: str, num_entries: int = 10) -> SourceRecord:
    return SourceRecord(
        path=name,
        uuid=f"{name:0>32}",
        size=1,
        mtime_ns=2,
        tree="t;1",
        asked="t",
        num_entries=num_entries,
        entry_start=0,
        tree_entries=num_entries,
    )


def store_of(*sources: SourceRecord) -> Metadata:
    parts = tuple((s.id, s.num_entries) for s in sources)
    num_entries = sum(n for _, n in parts)
    array = ArrayRecord("x.npy", np.dtype("<f4"), (num_entries,))
    column = ColumnRecord("vector", num_entries, {"values": array}, {}, Origin(RECIPE, parts))
    return Metadata(columns={"x": column}, sources=sources)


def facts_of(source: SourceRecord) -> FileInspection:
    ranges = (TreeRange(("x",), 0, source.num_entries, 1, 1, 1),)
    types = {"x": ColumnType("vector", np.dtype("<f4"))}
    return FileInspection(
        source.uuid,
        source.tree,
        source.num_entries,
        {},
        {},
        (),
        SkippedBranches(),
        types,
        {},
        ranges,
    )


def plan(
    metadata: Metadata, *sources: SourceRecord, recreate: bool = False, branch: str = "x"
) -> object:
    starts = accumulate([0, *(s.num_entries for s in sources[:-1])])
    placed = [dataclasses.replace(s, entry_start=n) for s, n in zip(sources, starts, strict=True)]
    target = Target((ColumnSpec("x", (branch,)),), tuple(placed))
    facts, inventory = [facts_of(s) for s in placed], Inventory(metadata)
    made = make_plan(target, facts, metadata, inventory=inventory, recreate=recreate)
    reusable = {column.key: column.reusable for column in made.columns}
    if "x" not in reusable:
        return None
    # What is not reusable is read, each entry once.
    assert [read.source for read in made.reads] == [
        i for i, piece in enumerate(reusable["x"]) if piece is None
    ]
    return tuple(None if piece is None else piece.entries for piece in reusable["x"])


def test_nothing_is_to_do_where_nothing_changed() -> None:
    assert plan(store_of(source("a"), source("b")), source("a"), source("b")) is None


def test_a_moved_file_is_not_read_again() -> None:
    moved = dataclasses.replace(source("a"), path="elsewhere")
    assert plan(store_of(source("a")), moved) is None


def test_a_new_key_is_read_from_all_files() -> None:
    assert plan(Metadata(), source("a"), source("b")) == (None, None)


def test_only_an_added_file_is_read() -> None:
    target = plan(store_of(source("a")), source("a"), source("b"))
    assert target == (range(10), None)


def test_only_a_changed_file_is_read() -> None:
    changed = dataclasses.replace(source("a", 12), mtime_ns=3)
    store = store_of(source("a"), source("b"))
    assert plan(store, changed, source("b")) == (None, range(10, 20))


def test_a_removed_file_leaves_the_others_unread() -> None:
    store = store_of(source("a"), source("b"), source("c"))
    assert plan(store, source("a"), source("c")) == (range(10), range(20, 30))


def test_files_in_another_order_are_not_read_again() -> None:
    store = store_of(source("a", 3), source("b", 4))
    assert plan(store, source("b", 4), source("a", 3)) == (range(3, 7), range(3))


def test_another_recipe_is_another_column() -> None:
    store = store_of(source("a"))
    assert plan(store, source("a"), branch="y") == (None,)


def test_recreating_reads_everything() -> None:
    assert plan(store_of(source("a")), source("a"), recreate=True) == (None,)


def test_a_column_that_the_user_wrote_is_not_replaced() -> None:
    metadata = Metadata(columns={"x": ColumnRecord("vector", 10, {})})
    with pytest.raises(OptionError, match="'x' of the store was not made by convert"):
        plan(metadata, source("a"))
    assert plan(metadata, source("a"), recreate=True) == (None,)


NAMES = st.lists(st.sampled_from("abcdef"), unique=True, min_size=1)


@given(before=NAMES, after=NAMES)
def test_what_is_kept_are_the_entries_of_the_same_file(before: list[str], after: list[str]) -> None:
    lengths = {name: ord(name) - ord("a") for name in "abcdef"}  # a file may be empty
    old = [source(name, lengths[name]) for name in before]
    pieces = plan(store_of(*old), *(source(name, lengths[name]) for name in after))
    filled = [[name for name in names if lengths[name]] for names in (before, after)]
    if before == after or filled[0] == filled[1] != []:
        assert pieces is None
        return
    starts = {name: sum(lengths[n] for n in before[: before.index(name)]) for name in before}
    assert pieces == tuple(
        range(starts[name], starts[name] + lengths[name]) if name in starts else None
        for name in after
    )
