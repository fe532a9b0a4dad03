"""Tests of opening columns of a store."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from memmpy.columns import (
    ReadJagged,
    WriteJagged,
    WriteVector,
    load_memmaps,
    open_columns,
    open_undamaged,
    read_vector,
)
from memmpy.errors import ColumnError, CorruptStoreError, MissingKeyError, OptionError
from memmpy.store import METADATA, Origin, read_metadata
from tests.documents import rewrite


@pytest.fixture
def filled(store: Path) -> Path:
    for key in ("b", "a", "c"):
        with WriteVector(store, key) as column:
            column.extend(np.arange(3))
    with WriteJagged(store, "j") as jagged:
        jagged.extend([np.arange(2), np.arange(1)])
    return store


def edit(store: Path, *path: Any, value: Any) -> None:
    """Change one place of the metadata."""

    def change(place: Any) -> None:
        for name in path[:-1]:
            place = place[name]
        place[path[-1]] = value

    rewrite(store / METADATA, change)


def test_all_columns_come_in_the_order_first_written(filled: Path) -> None:
    with WriteVector(filled, "a") as column:
        column.append(1)
    assert list(load_memmaps(filled)) == ["b", "a", "c", "j"]


def test_chosen_columns_come_in_the_order_asked(filled: Path) -> None:
    assert list(load_memmaps(filled, ["c", "b"])) == ["c", "b"]


def test_a_set_of_keys_is_fine(filled: Path) -> None:
    assert set(load_memmaps(filled, {"a", "b"})) == {"a", "b"}


def test_one_text_is_no_set_of_keys(filled: Path) -> None:
    with pytest.raises(OptionError, match=r"keys is a set of keys, got the text 'a'; write {'a'}"):
        load_memmaps(filled, "a")


def test_an_array_of_no_axes_is_no_set_of_keys(filled: Path) -> None:
    with pytest.raises(OptionError, match=r"keys is a set or a list of keys, got array\('a'"):
        load_memmaps(filled, np.array("a"))


def test_a_missing_key_is_named(filled: Path) -> None:
    with pytest.raises(MissingKeyError, match="no column 'd' in "):
        load_memmaps(filled, ["a", "d"])


def test_a_stale_column_is_left_out_and_refused_by_name(filled: Path) -> None:
    with WriteVector(filled, "old") as column:
        column.origin = Origin({"branch": "old"}, (("0" * 16, 3),))
        column.extend(np.arange(3))
    assert "old" not in load_memmaps(filled)
    with pytest.raises(ColumnError, match=r"column 'old' of .* is stale: the store has since been"):
        read_vector(filled, "old")


def test_a_stale_column_of_metadata_is_to_be_given_again_with_the_files(filled: Path) -> None:
    with WriteVector(filled, "process") as column:
        column.origin = Origin({"metadata": ["ttH"]}, (("0" * 16, 3),))
        column.extend(np.arange(3, dtype=np.uint64))
    message = r"it is metadata: convert again with metadata=\{'process': \.\.\.\} for each file"
    with pytest.raises(ColumnError, match=message):
        read_vector(filled, "process")


def test_a_snapshot_stays_as_one_commit_left_it(filled: Path) -> None:
    snapshot = open_columns(filled, ["a", "j"])
    committed = read_metadata(filled)
    with WriteVector(filled, "a") as column:
        column.append(1)
    assert (snapshot.path, snapshot.metadata) == (filled, committed)
    assert list(snapshot.columns) == ["a", "j"]
    assert len(snapshot.columns["a"]) == 3


def test_a_deleted_file_is_an_error_in_plain_words(filled: Path) -> None:
    file = filled / read_metadata(filled).columns["a"].arrays["values"].file
    file.unlink()
    with pytest.raises(
        CorruptStoreError, match=f"a file of column 'a' is missing: .*{file.name}'; run"
    ):
        read_vector(filled, "a")
    _, damage = open_undamaged(filled)
    assert list(damage) == ["a"]
    assert damage["a"].startswith("a file of column 'a' is missing: ")


def test_columns_with_whole_files_open_beside_a_damaged_one(filled: Path) -> None:
    (filled / read_metadata(filled).columns["a"].arrays["values"].file).unlink()
    assert list(load_memmaps(filled, ["b", "j"])) == ["b", "j"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("a", "num_entries"), 4),
        (("j", "num_entries"), 1),
        (("a", "kind"), "jagged"),
        (("j", "kind"), "text!"),
        (("a", "arrays"), {}),
    ],
)
def test_arrays_that_make_no_column_are_an_error(filled: Path, place: Any, value: Any) -> None:
    edit(filled, "columns", *place, value=value)
    with pytest.raises(CorruptStoreError, match=r"its arrays make no|columns.j.kind: invalid enum"):
        load_memmaps(filled)


def test_offsets_of_another_dtype_are_an_error(filled: Path) -> None:
    edit(filled, "columns", "j", "arrays", "offsets", "dtype", value="<f8")
    with pytest.raises(CorruptStoreError, match="its arrays make no jagged column"):
        ReadJagged(filled, "j")
