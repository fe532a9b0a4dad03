"""Tests of `memmpy bench`, as a user types it."""

import re
import sys
from collections.abc import Iterator
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


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Yield a script whose functions are steps, and some no steps."""
    pytest.importorskip("torch")
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "waiting_times.py").write_text("SECONDS = 0.02\n", encoding="utf-8")
    text = """
import sys
import time

import torch
from waiting_times import SECONDS

def step(batch):
    assert all(isinstance(values, torch.Tensor) for values in batch.values()), batch
    assert len(batch["property_of_a_jet_7"]) == 16
    time.sleep(SECONDS)

def fail(batch):
    return batch["property_of_a_jet_77"]

def leave(batch):
    sys.exit("bye")

number = 7

if __name__ == "__main__":
    raise RuntimeError("this is no call of the script")
"""
    (tmp_path / "fit_jets.py").write_text(text, encoding="utf-8")
    yield tmp_path / "fit_jets.py"
    for name in ("fit_jets", "waiting_times"):
        sys.modules.pop(name, None)


@pytest.mark.slow
def test_the_columns_of_a_store_are_batches_for_a_step(store: Path, script: Path) -> None:
    done = bench(store, "--batch-size", 16, "--torch", f"{script}:step")
    assert done.exit_code == 0, done.output
    text = " ".join(done.output.split())
    assert "of training: loading is not your bottleneck" in text
    assert "SplitLoader(all entries: 500 entries, 32 batches of 16)" in text
    assert max(map(len, done.output.splitlines())) <= 80


@pytest.mark.slow
def test_a_skim_is_batches_for_a_step(skimmed: Skim, script: Path) -> None:
    words = ("--batch-size", 16, "--threads", 0, "--torch", f"{script}:step", "--device", "cpu")
    done = bench(skimmed.path, *words)
    assert done.exit_code == 0, done.output
    assert "loading is not your bottleneck" in " ".join(done.output.split())


@pytest.mark.slow
def test_an_error_of_a_step_is_shown_with_its_line(store: Path, script: Path) -> None:
    done = bench(store, "--torch", f"{script}:fail")
    assert done.exit_code == 1
    first, *_, error, empty, last = done.stderr.splitlines()
    assert first == "Traceback (most recent call last):"
    assert f'  File "{script}", line 14, in fail\n    return batch[' in done.stderr
    assert done.stderr.count("  File ") == 1
    assert error == "KeyError: 'property_of_a_jet_77'"
    assert (empty, last) == ("", "memmpy: fit_jets.py failed: KeyError: 'property_of_a_jet_77'")


@pytest.mark.slow
def test_a_step_that_exits_is_an_error(store: Path, script: Path) -> None:
    done = bench(store, "--torch", f"{script}:leave")
    assert done.exit_code == 1
    assert "line 17, in leave" in done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith("memmpy: fit_jets.py ended itself: move what shall not run here under")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("x = 1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import no_such_package\n", "ModuleNotFoundError: No module named 'no_such_package'"),
        ("def step(:\n", "SyntaxError: invalid syntax (fit_jets.py, line 1)"),
    ],
)
def test_an_error_of_a_script_is_shown(text: str, error: str, store: Path, script: Path) -> None:
    script.write_text(text, encoding="utf-8")
    done = bench(store, "--torch", f"{script}:step")
    assert done.exit_code == 1
    assert f'File "{script}", line 1' in done.stderr
    assert "importlib" not in done.stderr
    assert done.stderr.splitlines()[-1] == f"memmpy: fit_jets.py failed: {error}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "status", "message"),
    [
        ("fit_jets.py:stepp", 2, "no function 'stepp' in '{0}/fit_jets.py'; nearest: 'step'"),
        ("fit_jets.py:number", 2, "no function 'number' in '{0}/fit_jets.py'"),
        ("fit_jet.py:step", 1, "no such file: '{0}/fit_jet.py'"),
        ("s:step", 1, "no such file: '{0}/s'"),
        ("fit_jets.py:", 2, "takes a script and a function, such as train.py:step, got"),
        ("fit_jets.py", 2, "takes a script and a function, such as train.py:step, got"),
        ("notes.txt:step", 2, "the name of a Python script ends in .py, got '{0}/notes.txt'"),
        ("click.py:step", 2, "'{0}/click.py' has the name of a module that is in use: give"),
    ],
)
def test_a_wrong_name_of_a_step_is_an_error(
    step: str, status: int, message: str, store: Path, script: Path
) -> None:
    folder = script.parent
    (folder / "notes.txt").touch()
    (folder / "click.py").touch()
    done = bench(store, "--torch", f"{folder}/{step}")
    assert done.exit_code == status, done.output
    assert message.format(folder) in done.stderr
    assert done.stderr.startswith("memmpy: ")


def test_a_device_without_torch_is_an_error(store: Path) -> None:
    done = bench(store, "--device", "cuda")
    assert done.exit_code == 2
    assert "--device needs --torch" in done.stderr


@pytest.mark.slow
def test_one_of_several_skims_must_be_named(tmp_path: Path, script: Path) -> None:
    path = tmp_path / "s"
    for num, key in [(500, "property_of_a_jet_7"), (500, "HT"), (4, "testdata")]:
        with WriteVector(path=path, key=key) as column:
            column.extend(np.arange(num))
    first = skim(path, keys=["property_of_a_jet_7"], progress=False)
    words = ("--batch-size", 16, "--torch", f"{script}:step")
    assert bench(path, *words).exit_code == 0
    second = skim(path, keys=["HT"], progress=False)
    done = bench(path, *words)
    assert done.exit_code == 2
    assert "columns left out: they differ in length" in done.stderr
    for one in (first, second):
        assert str(one.path) in done.stderr


@pytest.mark.slow
def test_bench_without_torch_says_what_to_install(
    store: Path, script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = bench(store, "--torch", f"{script}:step")
    assert done.exit_code == 2
    assert "needs the package 'torch': pip install 'memmpy[torch]'" in done.stderr
