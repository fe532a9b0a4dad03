"""Tests of `Store.info`: what is in a store."""

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import memmpy
from memmpy import RFileConfig, Splits, Store, convert
from memmpy.errors import ColumnError, CutError, OptionError

MakeFile = Callable[..., Path]
STORES = Path(__file__).parents[1] / "stores"
KEYS = {"nJets", "weight", "jet_pt", "eventNumber"}


@pytest.fixture
def files(make_file: MakeFile) -> list[Path]:
    return [make_file(f"{i}.root", num, first=100 * i) for i, num in enumerate([60, 40, 50])]


@pytest.fixture
def store(files: list[Path], tmp_path: Path) -> Store:
    names = ["ttH", "ttH", "ttbb"]
    configs = [
        RFileConfig(file, "tree", {"process": name, "year": f"{i}", "xsec": 1.5 + i // 2})
        for i, (file, name) in enumerate(zip(files, names, strict=True))
    ]
    convert(configs, tmp_path / "s", keys=KEYS)
    return memmpy.open(tmp_path / "s")


def test_processes_have_their_files_entries_and_numbers(store: Store) -> None:
    info = store.info()
    first, second = info.processes
    assert (first.name, first.num_files, first.num_entries) == ("ttH", 2, 100)
    assert (second.name, second.num_files, second.num_entries) == ("ttbb", 1, 50)
    assert (first.numbers, second.numbers) == ({"xsec": (1.5,)}, {"xsec": (2.5,)})
    assert first.sum_of_weights is None
    assert (info.num_entries, info.num_columns) == (150, len(store))
    assert info.kinds == {"vector": 4, "text": 2, "jagged": 1}


def test_weights_are_summed_by_process(store: Store) -> None:
    info = store.info(weight="weight * xsec")
    weights = np.asarray(store["weight"]) * np.asarray(store["xsec"])
    for one, part in zip(info.processes, (weights[:100], weights[100:]), strict=True):
        assert one.sum_of_weights == pytest.approx(part.sum(), rel=1e-12)
        assert one.error == pytest.approx(np.sqrt((part**2).sum()), rel=1e-12)
    assert "weight: weight * xsec" in repr(info)


def test_the_weight_of_a_training_set_is_known(store: Store) -> None:
    store.training_set(
        inputs={"event": ["nJets"]},
        labels={"background": "process == 'ttbb'", "signal": "process == 'ttH'"},
        weight="weight",
        splits=Splits(by=("eventNumber",)),
    )
    info = store.info()
    assert info.weight == "weight"
    total = sum(one.sum_of_weights or 0 for one in info.processes)
    assert total == pytest.approx(np.asarray(store["weight"]).sum(), rel=1e-12)
    (skim,) = info.skims
    assert (skim.num_rows, skim.num_classes, skim.weight, skim.is_current) == (
        150,
        2,
        "weight",
        True,
    )
    assert info.splits == "Splits(by=('eventNumber',))"
    assert "training set" in repr(info)


def test_a_weight_that_some_entries_lack_is_not_summed_unless_asked_for(store: Store) -> None:
    options: Any = {"weight": "jet_pt[0]", "cut": "nJets > 0", "splits": Splits(by="file")}
    store.training_set(inputs={"event": ["nJets"]}, **options)
    info = store.info()
    assert info.weight is None
    assert info.skims[0].weight is not None
    with pytest.raises(CutError, match="has no weight"):
        store.info(weight="jet_pt[0]")


def test_large_weights_are_summed_only_if_asked_for(store: Store, monkeypatch: Any) -> None:
    options: Any = {"weight": "weight", "splits": Splits(by="file")}
    store.training_set(inputs={"event": ["nJets"]}, **options)
    monkeypatch.setattr("memmpy.dataset.store_contents._BYTES", 100)
    assert store.info().weight is None
    assert store.info(weight="weight").processes[0].sum_of_weights is not None


def test_all_texts_tell_the_process_if_none_has_this_name(
    files: list[Path], tmp_path: Path
) -> None:
    configs = [
        RFileConfig(file, "tree", {"sample": "A", "year": f"{i % 2}", "variation": f"{i}"})
        for i, file in enumerate(files)
    ]
    convert(configs, tmp_path / "s", keys=KEYS)
    processes = memmpy.open(tmp_path / "s").info(weight="weight").processes
    assert [(one.name, one.num_entries) for one in processes] == [("A, 0", 110), ("A, 1", 40)]


def test_a_store_without_files_has_one_process(tmp_path: Path) -> None:
    with memmpy.WriteVector(tmp_path / "s", "w") as column:
        column.extend(np.full(10, 0.5))
    info = memmpy.open(tmp_path / "s").info(weight="w")
    assert [(one.name, one.num_entries, one.sum_of_weights) for one in info.processes] == [
        ("all", 10, 5.0)
    ]
    assert "none: the columns were written" in repr(info)


def test_an_empty_store_is_shown(tmp_path: Path) -> None:
    with memmpy.Transaction(tmp_path / "s"):
        pass
    info = memmpy.open(tmp_path / "s").info()
    assert (info.num_entries, info.num_columns) == (0, 0)
    assert "0 columns" in repr(info)


def test_files_that_changed_or_are_missing_are_named(store: Store, files: list[Path]) -> None:
    assert (store.info().files.num, store.info().files.changed) == (3, ())
    assert store.info().files.num_bytes == sum(file.stat().st_size for file in files)
    os.utime(files[0], ns=(0, 0))
    files[1].unlink()
    info = store.info(check_files=True).files
    assert (info.changed, info.missing) == ((str(files[0]),), (str(files[1]),))
    assert "1 changed since, 1 missing now" in repr(store.info())
    assert store.info(check_files=False).files.num_unchecked == 3


def test_no_more_time_than_promised_goes_into_files(store: Store, monkeypatch: Any) -> None:
    monkeypatch.setattr("memmpy.dataset.store_contents._SECONDS", -1.0)
    assert store.info().files.num_unchecked == 3
    assert "3 not checked" in repr(store.info())
    assert store.info(check_files=True).files.num_unchecked == 0


def test_damaged_and_stale_columns_are_problems(store: Store, files: list[Path]) -> None:
    store.add("twice", "2 * weight")
    assert store.info().problems == ()
    record = store.snapshot.metadata.columns["nJets"]
    array = store.path / record.arrays["values"].file
    array.write_bytes(array.read_bytes()[:-1])
    with memmpy.WriteVector(store.path, "weight") as column:
        column.extend(np.arange(150.0))
    problems = memmpy.open(store.path).info().problems
    assert len(problems) == 2
    assert "'nJets'" in problems[0]
    assert "column 'twice' is stale" in problems[1]
    assert "problems" in repr(memmpy.open(store.path).info())


def test_all_views_tell_why_a_column_is_stale(store: Store, tmp_path: Path) -> None:
    store.add("twice", "2 * weight")
    with memmpy.WriteVector(store.path, "weight") as column:
        column.extend(np.arange(150.0))
    store = memmpy.open(store.path)
    views = (store.head, store.describe, store.columns)
    calls = [partial(view, keys=["weight", "twice"]) for view in views]
    for call in [*calls, partial(store.export, tmp_path / "x.parquet", keys=["twice"])]:
        with pytest.raises(ColumnError, match=r"column 'twice' of .* is stale: of 'weight'"):
            call()


def test_sizes_are_those_on_disk(store: Store) -> None:
    store.cut("nJets > 1")
    sizes = store.info().num_bytes
    arrays = {a.file for c in store.snapshot.metadata.columns.values() for a in c.arrays.values()}
    on_disk = sum((store.path / name).stat().st_size - 128 for name in arrays)  # headers
    assert sizes["columns"] == on_disk
    assert sizes["cuts"] == store.cuts.num_bytes
    assert sizes["leftovers"] == 0
    (store.path / "0123456789abcdef.7.npy").write_bytes(b"x" * 1000)
    assert store.info().num_bytes["leftovers"] == 1000


def test_json_has_all_of_it(store: Store) -> None:
    store.cut("nJets > 1")
    values = json.loads(json.dumps(store.info(weight="weight").to_dict()))
    assert values["processes"][0]["name"] == "ttH"
    assert values["processes"][0]["numbers"] == {"xsec": [1.5]}
    assert values["cuts"][0]["expression"] == "nJets > 1"
    assert values["files"]["num"] == 3
    assert values["format_version"] >= 5


@pytest.mark.parametrize("name", ["format-1", "format-4", "format-5", "memmpy-0.1.2"])
def test_stores_of_old_formats_are_shown(name: str, tmp_path: Path) -> None:
    shutil.copytree(STORES / name, tmp_path / name)
    store = memmpy.open(tmp_path / name)
    info = store.info()
    version = int(name[-1]) if name.startswith("format") else 0
    assert info.format_version == version
    assert (f"version {version}," if version else "of memmpy 0.1.2, read-only") in repr(info)
    assert [one.key for one in store.columns()] == list(store)
    assert {row.key for row in store.describe()} == set(store)
    assert len(store.head(1).entries) == 1


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_word_is_broken(store: Store, width: int) -> None:
    store.cut("nJets > 1")
    info = store.info(weight="weight")
    console = Console(width=width, color_system=None, no_color=True)
    with console.capture() as capture:
        console.print(info)
    lines = capture.get().splitlines()
    assert max(map(len, lines)) <= width
    known = {*repr(info).split(), "no", "room", "for:", "effective,"}
    path = str(store.path)
    for word in capture.get().replace(path, "").split():
        assert word in known or word.strip("':") in path or set(word) <= {"─"}, word


def test_mistakes_are_named(store: Store) -> None:
    with pytest.raises(CutError, match="wieght"):
        store.info(weight="wieght")
    with pytest.raises(OptionError, match="check_files must be True or False"):
        store.info(check_files="yes")  # type: ignore[arg-type]
