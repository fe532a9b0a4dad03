"""Tests of `memmpy init`, as a user types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from memmpy.cli import main
from memmpy.demo import write_demo_files
from memmpy.pipeline import draft_recipe


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_demo_files(".", num_events=100, seed=1)
    return tmp_path


def test_the_recipe_goes_to_stdout() -> None:
    done = memmpy("init", "ttH_*.root", "ttbb_*.root")
    assert done.exit_code == 0, done.output
    assert done.stdout == draft_recipe(["ttH_*.root", "ttbb_*.root"])[0]
    assert 'path = "ttH_mc16a.root"' in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["missing.root"], "no such file: 'missing.root'"),
        (["ttH_mc16a.root", "--tree", "tre2"], "no tree 'tre2' in"),
    ],
)
def test_errors_are_one_line_on_stderr(words: list[str], message: str) -> None:
    done = memmpy("init", *words)
    assert (done.exit_code, done.stdout) == (1, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_broken_file_does_not_hide_the_others(folder: Path) -> None:
    (folder / "bad.root").write_bytes(b"root")
    done = memmpy("init", "bad.root", "ttH_*.root")
    assert done.exit_code == 1
    assert "bad.root" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert 'path = "ttH_' in done.stdout
