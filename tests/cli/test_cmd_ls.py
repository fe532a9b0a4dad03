"""Tests of `memmpy ls`, as a user types it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import uproot
from click.testing import CliRunner, Result

from memmpy.cli import main
from memmpy.sources import list_files
from tests.conftest import MakeFile

NAMES = [f"{name}_{i}" for name in ("Jet", "Muon") for i in range(40)]


def memmpy(*words: object, columns: int | None = None) -> Result:
    env = {"COLUMNS": None if columns is None else str(columns)}
    return CliRunner(env=env).invoke(main, [str(word) for word in words])


@pytest.fixture
def wide_file(tmp_path: Path) -> Path:
    with uproot.recreate(tmp_path / "wide.root") as file:
        file.mktree("Events", dict.fromkeys(NAMES, "f4")).extend(
            dict.fromkeys(NAMES, np.zeros(3, "f4"))
        )
    return tmp_path / "wide.root"


def test_a_tree_is_listed_with_entries_types_and_sizes(make_file: MakeFile) -> None:
    done = memmpy("ls", make_file("a.root", 50))
    assert done.exit_code == 0, done.output
    assert re.search(
        r"tree \(TTree\): 50 entries, \d+ branches, .* in file, .* decoded", done.output
    )
    assert re.search(r"nJets +int32 +\d+ B +\d+ B", done.output)
    assert re.search(r"jet_pt +list of float32 ", done.output)


def test_groups_are_expanded_by_like_and_all(wide_file: Path) -> None:
    assert re.search(r"Jet_\* +float32 +40 ", memmpy("ls", wide_file).output)
    like = memmpy("ls", wide_file, "--like", "Jet_*").output
    assert "Jet_39" in like
    assert "Muon_0" not in like
    assert all(name in memmpy("ls", wide_file, "--all").output for name in NAMES)


def test_json_equals_the_listing_of_python(wide_file: Path) -> None:
    done = memmpy("ls", wide_file, "--json")
    assert json.loads(done.output) == list_files([str(wide_file)]).to_dict()


def test_a_file_that_cannot_be_read_has_status_1(wide_file: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.root").write_bytes(b"root")
    done = memmpy("ls", tmp_path / "*.root")
    assert done.exit_code == 1
    assert "is truncated or has changed" in done.output
    assert "Jet_*" in done.output


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
def test_no_line_is_longer_than_the_terminal(wide_file: Path, columns: int) -> None:
    done = memmpy("ls", wide_file, columns=columns)
    assert max(map(len, done.output.splitlines())) <= columns


def test_without_a_terminal_names_stay_whole(tmp_path: Path) -> None:
    name = "a" * 150
    with uproot.recreate(tmp_path / "a.root") as file:
        file.mktree("t", {name: "f4"})
    assert re.search(rf"{name} +float32", memmpy("ls", tmp_path / "a.root").output)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.root"], "no such file: 'missing.root'"),
        (["."], "is a directory, not a file"),
        (["wide.root", "--tree", "Evnts"], "no tree 'Evnts' in"),
        (["wide.root", "--like", "Jt_*"], "nearest: 'Jet_*'"),
        (["text.root"], "is not a ROOT, Parquet or HDF5 file"),
    ],
)
def test_errors_are_one_line(
    words: list[str],
    message: str,
    wide_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.root").write_text("hello")
    done = memmpy("ls", *words)
    assert done.exit_code == 1
    assert message in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")
@pytest.mark.parametrize("rows", [20, 200])
def test_a_long_listing_on_a_terminal_is_paged(wide_file: Path, rows: int) -> None:
    code = f"""
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", {rows}, 80, 0, 0))
    os.environ.pop("LINES", None)  # readline sets it in the tests
    os.environ |= {{"PAGER": "sed 's/^/paged: /'", "TERM": "xterm"}}
    os.execv(sys.executable, [sys.executable, "-m", "memmpy", "ls", {str(wide_file)!r}, "--all"])
text = b""
try:
    while part := os.read(terminal, 65536):
        text += part
except OSError:  # the end, on Linux
    pass
os.waitpid(child, 0)
sys.stdout.buffer.write(text)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Muon_39" in done.stdout
    assert ("paged: " in done.stdout) == (rows == 20)
