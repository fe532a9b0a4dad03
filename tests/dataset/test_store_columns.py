"""Tests of the table of columns of a store."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import memmpy
from memmpy import RFileConfig, Store, convert
from memmpy.errors import MissingKeyError, OptionError

MakeFile = Callable[..., Path]


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Store:
    config = RFileConfig(make_file(num=50), "tree", {"process": "ttH", "xsec": 1.5})
    convert(
        config,
        tmp_path / "s",
        keys={"weight", "njets", "w2"},
        keys_padded={"jet_pt": (3, 0.0)},
        aliases={"w2": "weight * 2", "njets": "nJets"},
    )
    store = memmpy.open(tmp_path / "s")
    store.add("heavy", "weight > 1")
    with memmpy.WriteJagged(tmp_path / "s", "mine") as column:
        column.extend([np.arange(2.0)] * 50)
    return memmpy.open(tmp_path / "s")


def test_each_column_tells_its_origin_type_and_size(store: Store) -> None:
    columns = {one.key: one for one in store.columns()}
    assert list(columns) == list(store)
    origins = {key: one.origin for key, one in columns.items()}
    assert origins == {
        "weight": "branch",
        "njets": "branch nJets",
        "w2": "(weight * 2)",
        "jet_pt": "branch, padded to 3",
        "process": "metadata",
        "xsec": "metadata",
        "heavy": "added: weight > 1",
        "mine": "written",
    }
    assert columns["jet_pt"].type == "3 x float32"
    assert columns["process"].type == "text"
    assert columns["mine"].type == "list of float64"
    assert columns["mine"].num_bytes == 50 * 2 * 8 + 51 * 8
    assert columns["weight"].num_entries == 50


def test_columns_are_selected_by_names_and_patterns(store: Store) -> None:
    assert [one.key for one in store.columns("w*")] == [key for key in store if key[0] == "w"]
    assert [one.key for one in store.columns(["mine", "w2"])] == ["mine", "w2"]
    assert [one.key for one in store.columns()[1:3]] == list(store)[1:3]
    assert store.columns()[0].key == next(iter(store))


def test_a_key_that_looks_like_a_pattern_is_a_key(tmp_path: Path) -> None:
    for key in ("p[3]", "p3"):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(3))
    store = memmpy.open(tmp_path / "s")
    assert [one.key for one in store.columns("p[3]")] == ["p[3]"]
    assert [one.key for one in store.columns("p[1-9]")] == ["p3"]


def test_a_name_or_pattern_that_selects_nothing_is_an_error(store: Store) -> None:
    with pytest.raises(MissingKeyError, match="no column 'wieght'; nearest: 'weight'"):
        store.columns("wieght")
    with pytest.raises(MissingKeyError, match=r"no column matches 'el_\*'"):
        store.columns(["w*", "el_*"])
    with pytest.raises(OptionError, match="keys is empty"):
        store.columns([])
    with pytest.raises(OptionError, match="keys is a set or a list of keys, got 3"):
        store.columns(3)  # type: ignore[arg-type]


def test_the_repr_of_a_wide_store_is_cut_and_says_so(tmp_path: Path) -> None:
    with memmpy.Transaction(tmp_path / "s") as transaction:
        for i in range(300):
            with memmpy.WriteVector(tmp_path / "s", f"x{i}", transaction=transaction) as column:
                column.extend(np.arange(3))
    store = memmpy.open(tmp_path / "s")
    lines = repr(store).splitlines()
    assert len(lines) < 50
    assert lines[0].endswith("300 columns, 0 files")
    assert lines[-1] == "and 260 more rows: columns() or `memmpy keys` lists all columns"
    assert len(repr(store.columns()).splitlines()) > 300


def test_a_damaged_column_is_listed_with_its_problem(store: Store) -> None:
    record = store.snapshot.metadata.columns["weight"]
    file = store.path / record.arrays["values"].file
    file.write_bytes(file.read_bytes()[:-1])
    columns = {one.key: one for one in memmpy.open(store.path).columns()}
    assert "damaged" in columns["weight"].problem
    assert columns["njets"].problem == ""
    assert "weight" in repr(memmpy.open(store.path))


def test_the_table_is_for_json_too(store: Store) -> None:
    values = store.columns("mine").to_dict()
    assert values["columns"][0]["key"] == "mine"
    assert values["columns"][0]["num_entries"] == 50
