"""Tests of `Store.head`: a few events."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import awkward as ak
import numpy as np
import pytest
from rich.console import Console

import memmpy
from memmpy import RFileConfig, Store, convert
from memmpy.errors import CutError, LengthError, MissingKeyError, OptionError

MakeFile = Callable[..., Path]


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Store:
    more = {"id": np.arange(200, dtype="u8") + 2**63 + 1, "half": np.arange(200, dtype="f4") / 10}
    file = RFileConfig(make_file(num=200, **more), "tree", {"process": "ttH"})
    convert(file, tmp_path / "s", keys={"nJets", "weight", "jet_pt", "id", "half"})
    return memmpy.open(tmp_path / "s")


def printed(value: Any, width: int) -> list[str]:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(value)
    return file.getvalue().splitlines()


def test_the_first_events_are_those_of_the_columns(store: Store) -> None:
    head = store.head(3)
    assert head.entries.tolist() == [0, 1, 2]
    assert list(head.columns) == list(store)
    assert head.columns["process"] == ["ttH"] * 3
    assert [int(one) for one in head.columns["id"]] == [2**63 + 1 + i for i in range(3)]
    for i in range(3):
        assert np.array_equal(head.columns["jet_pt"][i], store["jet_pt"][i])


def test_more_events_than_there_are_is_all_of_them(store: Store) -> None:
    assert len(store.head(10**9).entries) == 200


def test_keys_may_be_patterns(store: Store) -> None:
    assert list(store.head(keys="jet_*").columns) == ["jet_pt"]
    assert list(store.head(keys=["weight", "n*"]).columns) == ["weight", "nJets"]


def test_a_cut_gives_the_first_events_that_pass(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("memmpy.dataset.event_table._STEP", 7)
    head = store.head(4, cut="nJets > least", constants={"least": 2})
    expected = np.flatnonzero(np.asarray(store["nJets"]) > 2)[:4]
    assert head.entries.tolist() == expected.tolist()
    assert store.head(cut="nJets > 1000").entries.tolist() == []
    assert repr(store.head(cut="nJets > 1000")).endswith("0 events, 6 keys")


def test_entries_may_be_chosen(store: Store) -> None:
    head = store.head(entries=[7, 3])
    assert head.entries.tolist() == [7, 3]
    assert [one.item() for one in head.columns["nJets"]] == np.asarray(store["nJets"])[
        [7, 3]
    ].tolist()


def test_json_has_all_items_exact_integers_and_short_floats(store: Store) -> None:
    values = json.loads(json.dumps(store.head(3).to_dict()))
    assert values["columns"]["id"] == [2**63 + 1 + i for i in range(3)]
    assert values["columns"]["half"] == [0.0, 0.1, 0.2]
    assert values["columns"]["process"] == ["ttH"] * 3
    lists = [[float(str(item)) for item in store["jet_pt"][i]] for i in range(3)]
    assert values["columns"]["jet_pt"] == lists


def test_json_has_none_for_nan_and_infinity(tmp_path: Path) -> None:
    with memmpy.WriteJagged(tmp_path / "s", "x") as column:
        column.append(np.array([np.nan, 1.5, np.inf], "f4"))
    with memmpy.WriteNested(tmp_path / "s", "nested") as nested:
        nested.extend(ak.Array([[{"a": np.nan, "b": [1]}]]))
    with memmpy.WriteText(tmp_path / "s", "text") as texts:
        texts.extend(["é"])
    columns = memmpy.open(tmp_path / "s").head().to_dict()["columns"]
    assert columns["x"] == [[None, 1.5, None]]
    assert columns["nested"] == [[{"a": None, "b": [1]}]]
    assert columns["text"] == ["é"]


def test_events_that_do_not_fit_stand_below(store: Store) -> None:
    head = store.head(5)
    for width in (60, 80, 120, 200):
        lines = printed(head, width)
        assert max(map(len, lines)) <= width
        words = " ".join(lines).split()
        assert words.count("process") == sum(line.split()[:1] == ["key"] for line in lines)
        for i in range(5):
            assert str(2**63 + 1 + i) in words
    assert sum(line.split()[:1] == ["key"] for line in printed(head, 60)) > 1
    assert sum(line.split()[:1] == ["key"] for line in printed(head, 200)) == 1


def test_a_wide_store_is_cut_and_says_so_unless_keys_are_named(tmp_path: Path) -> None:
    with memmpy.Transaction(tmp_path / "s") as transaction:
        for i in range(100):
            with memmpy.WriteVector(tmp_path / "s", f"x{i}", transaction=transaction) as column:
                column.extend(np.arange(3))
    store = memmpy.open(tmp_path / "s")
    assert "and 60 more rows: choose some, such as 'jet_*'" in repr(store.head())
    assert "more rows" not in repr(store.head(keys="x*"))
    assert ">x99</th>" in store.head()._repr_html_()


def test_columns_of_another_length_are_left_out_unless_named(tmp_path: Path) -> None:
    for key, num in (("x", 10), ("short", 3)):
        with memmpy.WriteVector(tmp_path / "s", key) as column:
            column.extend(np.arange(num))
    store = memmpy.open(tmp_path / "s")
    head = store.head()
    assert list(head.columns) == ["x"]
    assert "without columns of another length: short" in repr(head)
    with pytest.raises(LengthError, match="'short' has 3 entries"):
        store.head(keys="short")


def test_mistakes_are_named(store: Store) -> None:
    with pytest.raises(OptionError, match="n must be an integer of at least 1, got 0"):
        store.head(0)
    with pytest.raises(MissingKeyError, match="no column 'njets'; nearest: 'nJets'"):
        store.head(keys="njets")
    with pytest.raises(CutError, match="njets"):
        store.head(cut="njets > 2")
    with pytest.raises(OptionError, match="cut= or entries="):
        store.head(cut="nJets > 2", entries=[1])
    with pytest.raises(OptionError, match="200 is out of range"):
        store.head(entries=[200])


@pytest.mark.real
def test_nested_events_of_a_real_file_are_shown(real_data: Path, tmp_path: Path) -> None:
    config = RFileConfig(real_data / "PHYSLITE_example.root", "CollectionTree")
    convert(config, tmp_path / "s", keys={"*"})
    head = memmpy.open(tmp_path / "s").head(2)
    assert len(head.columns) > 500
    json.dumps(head.to_dict())
    assert "more rows" in repr(head)
