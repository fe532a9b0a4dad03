"""Tests of the C++ header, which is compiled where there is a compiler."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import memmpy
from memmpy import SplitError, Splits
from memmpy.errors import OptionError

COMPILER = shutil.which("g++") or shutil.which("clang++")
needs_compiler = pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler")

PROGRAM = """
#include <cstdio>
#include "splits.h"
#include "splits.h"
int main() {{
  long long run; unsigned long long event; char process[64]; int region, fold;
  while (std::scanf("%lld %llu %63s %d %d", &run, &event, process, &region, &fold) == 5)
    std::printf("%d %d\\n", {split_of}, {fold_of});
}}
"""


def compiled(directory: Path, splits: Splits, split_of: str, fold_of: str) -> Path:
    splits.to_cpp(directory / "splits.h")
    source = directory / "main.cpp"
    source.write_text(PROGRAM.format(split_of=split_of, fold_of=fold_of))
    options = ["-std=c++11", "-Wall", "-Wextra", "-Werror", "-O1"]
    program = directory / "main"
    assert COMPILER is not None
    subprocess.run([COMPILER, *options, str(source), "-o", str(program)], check=True)
    return program


def run(program: Path, rows: Sequence[tuple[object, ...]]) -> np.ndarray:
    text = "\n".join(" ".join(map(str, row)) for row in rows)
    done = subprocess.run([str(program)], input=text, capture_output=True, text=True, check=True)
    return np.array([list(map(int, line.split())) for line in done.stdout.splitlines()])


def events(num: int = 100_000) -> tuple[np.ndarray, np.ndarray, list[str]]:
    random = np.random.default_rng(2)
    run_number = random.integers(-(2**31), 2**31, num)
    event = random.integers(0, 2**64, num, dtype=np.uint64)
    names = ["ttH", "tt+bb", "", "a-long-name-" + "x" * 50]
    return run_number, event, [names[i] or "-" for i in random.integers(0, 4, num)]


@pytest.mark.slow
@needs_compiler
def test_the_header_gives_the_same_splits_and_folds(tmp_path: Path) -> None:
    runs, numbers, processes = events()
    splits = Splits(by=("process", "run.number", "event"), num_folds=7, val=0.2, seed=11)
    program = compiled(
        tmp_path,
        splits,
        "memmpy::split_of(process, run, event, fold)",
        "memmpy::fold_of(process, (int)run, event)",
    )
    fold = 4
    rows = [(r, e, p, 0, fold) for r, e, p in zip(runs, numbers, processes, strict=True)]
    found = run(program, rows)
    arrays = {"process": processes, "run.number": runs, "event": numbers}
    assert found[:, 0].tolist() == splits.of(arrays, fold=fold).tolist()
    assert found[:, 1].tolist() == splits.fold_of(arrays).tolist()


@pytest.mark.slow
@needs_compiler
def test_the_header_of_fractions_has_no_folds(tmp_path: Path) -> None:
    runs, numbers, processes = events()
    splits = Splits(by=("run", "event"), fractions={"train": 0.7, "val": 0.1, "test": 0.2})
    program = compiled(tmp_path, splits, "memmpy::split_of((int)run, event)", "0")
    rows = [(r, e, p, 0, 0) for r, e, p in zip(runs, numbers, processes, strict=True)]
    expected = splits.of({"run": runs.astype(np.int32), "event": numbers})
    assert run(program, rows)[:, 0].tolist() == expected.tolist()


@pytest.mark.slow
@needs_compiler
def test_the_header_takes_the_value_of_a_rule_made_elsewhere(tmp_path: Path) -> None:
    runs, numbers, processes = events()
    splits = Splits(by=("event",), fold_by="event % 5", num_folds=5, val=0.25)
    program = compiled(
        tmp_path,
        splits,
        "memmpy::split_of(region, event, fold)",
        "memmpy::fold_of(region, event)",
    )
    regions, fold = (numbers % np.uint64(5)).astype(int), 3
    rows = [
        (r, e, p, region, fold)
        for r, e, p, region in zip(runs, numbers, processes, regions, strict=True)
    ]
    found = run(program, rows)
    assert found[:, 0].tolist() == splits.of({"event": numbers}, fold=fold).tolist()
    assert found[:, 1].tolist() == splits.fold_of({"event": numbers}).tolist()


@pytest.mark.slow
@needs_compiler
def test_the_header_refuses_floats_and_regions_that_there_are_not(tmp_path: Path) -> None:
    splits = Splits(by=("event",), fold_by="event % 5", num_folds=5)
    program = compiled(tmp_path, splits, "memmpy::split_of(region, event, 0)", "0")
    for region in (-1, 5):
        with pytest.raises(subprocess.CalledProcessError):
            run(program, [(0, 7, "-", region, 0)])
    with pytest.raises(subprocess.CalledProcessError):
        compiled(tmp_path, splits, "memmpy::split_of(region, 0.5 * event, 0)", "0")


@pytest.mark.parametrize("path", [None, 1.5, b"x"])
def test_what_is_no_path_is_refused(path: Any) -> None:
    with pytest.raises(OptionError, match=r"a path must be a string or a pathlib\.Path"):
        Splits(by=("event",)).to_cpp(path)


def test_a_header_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(memmpy.MemmpyError):
        Splits(by=("event",)).to_cpp(tmp_path / "missing" / "splits.h")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("by", [None, "file"])
def test_code_without_the_files_has_no_names_of_files(by: None, tmp_path: Path) -> None:
    with pytest.raises(SplitError, match="by="):
        Splits(by).to_cpp(tmp_path / "splits.h")
