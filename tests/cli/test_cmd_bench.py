"""Tests of `memmpy bench`, as a user types it."""

import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from memmpy import Skim, WriteVector, skim
from memmpy.cli import main

KEYS = [f"property_of_a_jet_{i}" for i in range(20)]


def bench(*words: object) -> Result:
    return CliRunner(env={"COLUMNS": "80"}).invoke(main, ["bench", *map(str, words)])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    for i, key in enumerate(KEYS):
        with WriteVector(path=tmp_path / "s", key=key) as column:
            column.extend(np.arange(500.0) + i)
    return tmp_path / "s"


@pytest.fixture
def skimmed(store: Path) -> Skim:
    return skim(store, keys=KEYS, progress=False)


@pytest.mark.slow
def test_columns_and_both_shuffles_of_skims_take_a_line_each(store: Path, skimmed: Skim) -> None:
    done = bench(store, "--batch-size", 16)
    assert done.exit_code == 0, done.output
    lines = [re.split(r"  +", line.strip()) for line in done.output.splitlines()]
    found = [line[:-2] for line in lines if "/s" in " ".join(line[-2:])]
    assert [line[:-1] for line in found] == [
        ["20 columns", "exact", "500", "160"],
        [f"skim {skimmed.path.name}", "blocks", "500", "168"],
        ["exact", "500", "168"],
    ]
    assert max(map(len, done.output.splitlines())) <= 80


@pytest.mark.slow
def test_keys_stand_once_below_the_table(skimmed: Skim) -> None:
    done = bench(skimmed.path, "--threads", 0)
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert text.count(f"skim {skimmed.path.name}: {', '.join(KEYS)}") == 1
    assert text.count(KEYS[7]) == 1
    assert "columns" not in text


@pytest.mark.slow
def test_one_column_is_one(tmp_path: Path) -> None:
    with WriteVector(path=tmp_path / "s", key="met") as column:
        column.extend(np.arange(500.0))
    assert "1 column " in bench(tmp_path / "s").output


@pytest.mark.slow
def test_bench_names_columns_that_it_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "s"
    for num, key in [(500, "met"), (500, "HT"), (4, "testdata"), (5, "x"), (6, "y")]:
        with WriteVector(path=path, key=key) as column:
            column.extend(np.arange(num))
    why = "columns left out: they differ in length (met: 500, testdata: 4, x: 5, ...)"
    alone = bench(path)
    assert alone.exit_code == 1
    assert alone.stderr == f"memmpy: nothing to load in '{path}': {why}, and it has no skims\n"
    skim(path, keys=["met", "HT"], progress=False)
    done = bench(path)
    assert done.exit_code == 0, done.output
    assert why in " ".join(done.output.split())


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing", "no such directory"),
        ("empty", "it holds no metadata_memmpy.json"),
        ("file", "it is a file"),
    ],
)
def test_a_path_without_a_store_is_an_error(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    done = bench(tmp_path / name)
    assert done.exit_code == 1
    assert done.stderr == f"memmpy: no store or skim at '{tmp_path / name}': {message}\n"
