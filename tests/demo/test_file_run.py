"""Tests of the demo of files of the user: branches, batches, and the code it prints."""

import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uproot
from rich.console import Console

from memmpy.demo import run_files
from tests.conftest import MakeFile
from tests.conversion.everything import of_tuple, write_file


def output_of(directory: Path, *paths: Path, **options: Any) -> str:
    """Return what the demo prints of files."""
    file = io.StringIO()
    defaults = {"tree": None, "keys": None, "cut": None, "batch_size": 128}
    console = Console(file=file, width=80)
    run_files(directory, [str(path) for path in paths], console=console, **{**defaults, **options})
    return file.getvalue()


def run_code(output: str) -> None:
    """Run the Python that the demo prints, as it is."""
    code = output.partition("The same in Python:\n")[2].partition("To train on them")[0]
    code += "assert len(loader) and batch\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_one_file_is_no_files(make_file: MakeFile, tmp_path: Path) -> None:
    output = output_of(tmp_path / "d", make_file(), keys=["met"])
    assert "Converted 1 branch of 1 file to " in output
    assert re.search(r"train: \d+ events? in 1 batch of 128", output)


def test_a_split_without_events_is_said(make_file: MakeFile, tmp_path: Path) -> None:
    output = output_of(tmp_path / "d", make_file(num=1), keys=["met"])
    assert re.search(r"^(train|val): no events$", output, re.MULTILINE)


def test_branches_that_are_left_out_are_counted(tmp_path: Path) -> None:
    with uproot.recreate(tmp_path / "wide.root") as file:
        file["tree"] = {f"x{i:02}": np.arange(50.0) for i in range(40)}
    output = output_of(tmp_path / "d", tmp_path / "wide.root")
    assert f"Takes the first 30 of 40 branches of {tmp_path}/wide.root that hold numbers." in output
    assert "--keys 'met,jet_*'" in output
    assert "Takes the first" not in output_of(tmp_path / "d", tmp_path / "wide.root", keys=["x*"])


def test_all_branches_are_taken_without_a_word(make_file: MakeFile, tmp_path: Path) -> None:
    assert "Takes the first" not in output_of(tmp_path / "d", make_file())


@pytest.mark.slow
def test_the_code_runs_as_printed(make_file: MakeFile, tmp_path: Path) -> None:
    files = [make_file("a 1.root", 500), make_file("b.root", 500, first=500)]
    cut = 'nJets >= 2 && process in ("a 1", "b")'
    run_code(output_of(tmp_path / "a folder", *files, tree="tree", cut=cut))


@pytest.mark.slow
def test_the_code_runs_for_columns_that_no_skim_holds(tmp_path: Path) -> None:
    write_file(tmp_path / "a.root", "tuple", [of_tuple(0, 40)])
    output = output_of(tmp_path / "d", tmp_path / "a.root", keys=["number", "name"])
    assert "skim=False" in output
    run_code(output)


@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("name", ["PHYSLITE_example.root", "uproot-HZZ.root", "nano_dy_empty.root"])
def test_real_files_are_loaded(name: str, real_data: Path, tmp_path: Path) -> None:
    tree = "Events" if name.startswith("nano") else None
    output = output_of(tmp_path / "d", real_data / name, tree=tree)
    assert "Takes the first 30 of " in output
    if not name.startswith("nano"):
        run_code(output)
