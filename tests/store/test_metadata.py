"""Tests of the records in the metadata of a store."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memmpy.errors import OptionError
from memmpy.store import (
    ArrayRecord,
    ColumnRecord,
    Computed,
    Metadata,
    Origin,
    SourceRecord,
    array_file,
    events_of,
    hash64,
    hash_text,
)


@given(st.sets(st.text(), max_size=5))
def test_texts_are_found_by_their_hashes(texts: set[str]) -> None:
    hashes = Metadata().with_texts(texts).hashes
    assert {hashes[hash64(text)] for text in texts} == texts
    assert len(hashes) == len(texts)


def test_two_texts_of_one_hash_are_an_error() -> None:
    metadata = Metadata(hashes={hash64("ttH"): "other"})
    with pytest.raises(OptionError, match="the texts 'other' and 'ttH' have the same 64-bit hash"):
        metadata.with_texts({"ttH"})


def test_the_hash_is_the_last_64_bits_of_sha256() -> None:
    assert hash_text(hash64("")) == "a495991b7852b855"
    assert hash_text(1) == "0000000000000001"


def test_a_source_is_the_same_at_another_path() -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    moved = SourceRecord("/b.root", "0" * 32, 1, 2, "t;1", "t", 3, 100, 3)
    touched = SourceRecord("/a.root", "0" * 32, 1, 3, "t;1", None, 3, 0, 3)
    assert source.id == moved.id != touched.id


def test_a_column_is_current_while_its_parts_are_those_of_the_store() -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    columns = {
        "user": ColumnRecord("vector", 3, {}),
        "new": ColumnRecord("vector", 3, {}, {}, Origin({}, ((source.id, 3),))),
        "old": ColumnRecord("vector", 3, {}, {}, Origin({}, (("0" * 16, 3),))),
    }
    metadata = Metadata(columns=columns, sources=(source,))
    assert metadata.current_keys() == ["user", "new"]


def test_events_are_the_same_in_a_file_that_is_moved_touched_or_has_another_cycle() -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    moved = SourceRecord("/b.root", "0" * 32, 1, 5, "t;2", "t", 3, 100, 3, tag="etag")
    assert events_of([source]) == events_of([moved])


@pytest.mark.parametrize(
    "change",
    [
        {"uuid": "1" * 32},
        {"size": 7},
        {"tree": "u;1"},
        {"tree_start": 1},
        {"num_entries": 2},
    ],
    ids=str,
)
def test_events_of_another_content_tree_or_range_are_others(change: dict[str, Any]) -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 4)
    assert events_of([source]) != events_of([dataclasses.replace(source, **change)])


def test_files_that_share_a_uuid_are_told_apart_by_all_that_is_known_of_them() -> None:
    one = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    other = SourceRecord("/b.root", "0" * 32, 1, 5, "t;1", None, 3, 3, 3)
    assert events_of([one, other]) != events_of([other, one])


def test_sources_without_entries_hold_no_events() -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    empty = SourceRecord("/b.root", "1" * 32, 1, 2, "t;1", None, 0, 3, 0)
    assert events_of([empty, source, empty]) == events_of([source])


def test_a_column_of_the_user_is_current_while_its_events_are_those_of_the_store() -> None:
    source = SourceRecord("/a.root", "0" * 32, 1, 2, "t;1", None, 3, 0, 3)
    columns = {
        "new": ColumnRecord("vector", 3, {}, events=events_of([source])),
        "old": ColumnRecord("vector", 3, {}, events=(("0" * 16, 3),)),
        "free": ColumnRecord("vector", 3, {}),
    }
    assert Metadata(columns=columns, sources=(source,)).current_keys() == ["new", "free"]


def computed_from(**made_of: str) -> ColumnRecord:
    details = Computed("x", "x", 1, made_of).to_details()
    return ColumnRecord("vector", 3, {}, details)


def test_a_computed_column_is_current_while_what_it_was_made_of_is_as_it_was() -> None:
    x = ColumnRecord("vector", 3, {})
    columns = {
        "x": x,
        "fresh": computed_from(x=x.fingerprint),
        "old": computed_from(x="before"),
        "lost": computed_from(y="gone"),
    }
    assert Metadata(columns=columns).current_keys() == ["x", "fresh"]


def test_what_is_computed_from_a_stale_column_is_stale() -> None:
    stale = computed_from(x="before")
    columns = {
        "last": computed_from(stale=stale.fingerprint),
        "stale": stale,
        "x": ColumnRecord("vector", 3, {}),
    }
    assert Metadata(columns=columns).current_keys() == ["x"]


def test_a_fingerprint_changes_when_the_column_is_written_again() -> None:
    arrays = [ArrayRecord(array_file("x", i), np.dtype("<i8"), (3,), "crc32:0") for i in (1, 2)]
    first, second = (ColumnRecord("vector", 3, {"values": array}) for array in arrays)
    assert first.fingerprint != second.fingerprint
