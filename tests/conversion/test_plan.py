"""Tests of the plan: what must be read, without any data."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.conversion.plan import plan_columns
from memmpy.store import ColumnRecord, Metadata, Origin, SourceRecord

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
    )


def store_of(*sources: SourceRecord) -> Metadata:
    parts = tuple((s.id, s.num_entries) for s in sources)
    column = ColumnRecord("vector", sum(n for _, n in parts), {}, {}, Origin(RECIPE, parts))
    return Metadata(columns={"x": column}, sources=sources)


def plan(metadata: Metadata, *sources: SourceRecord, recreate: bool = False) -> object:
    return plan_columns(metadata, sources, {"x": RECIPE}, recreate=recreate).get("x")


def test_nothing_is_to_do_where_nothing_changed() -> None:
    assert plan(store_of(source("a"), source("b")), source("a"), source("b")) is None


def test_a_moved_file_is_not_read_again() -> None:
    moved = dataclasses.replace(source("a"), path="elsewhere")
    assert plan(store_of(source("a")), moved) is None


def test_a_new_key_is_read_from_all_files() -> None:
    assert plan(Metadata(), source("a"), source("b")) == (None, None)


def test_only_an_added_file_is_read() -> None:
    wanted = plan(store_of(source("a")), source("a"), source("b"))
    assert wanted == (range(10), None)


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
    wanted = plan_columns(store, [source("a")], {"x": {"branch": "y"}}, recreate=False)
    assert wanted == {"x": (None,)}


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
    if before == after:
        assert pieces is None
        return
    starts = {name: sum(lengths[n] for n in before[: before.index(name)]) for name in before}
    assert pieces == tuple(
        range(starts[name], starts[name] + lengths[name]) if name in starts else None
        for name in after
    )
