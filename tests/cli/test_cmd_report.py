"""Tests of `memmpy report`, as a user types it."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from memmpy import RFileConfig, convert
from memmpy.cli import main
from tests.conftest import CLIPS
from tests.pipeline.toy_recipe import EXAMPLE, write_toy_files
from tests.report.page_reader import PageReader

pytest.importorskip("jinja2")


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_toy_files(tmp_path)
    return tmp_path


def test_report_writes_a_page(folder: Path) -> None:
    config = RFileConfig(folder / "DY" / "a.root", "Events", {"process": "DY"})
    convert(config, "data.mmpy", keys=["*"])
    cut = ("--cut", "met > x && npv > 3", "--constant", "x=20", "--signal", "DY")
    done = memmpy("report", "data.mmpy", *cut)
    assert done.exit_code == 0, done.output
    assert done.stdout == "wrote report.html\n"
    page = PageReader(Path("report.html"))
    assert "met > x" in page.text
    assert "Signal: DY." in page.text
    assert "constants={'x': 20}" in page.code()


def test_report_draws_the_keys_that_are_named(folder: Path) -> None:
    convert(RFileConfig(folder / "DY" / "a.root", "Events"), "data.mmpy", keys=["*"])
    done = memmpy("report", "data.mmpy", "-o", "p.html", "--keys", "met,pt_*", "--no-check", "-q")
    assert (done.exit_code, done.stdout) == (0, "")
    page = PageReader(Path("p.html"))
    assert page.cards() == ["met", "pt_1", "pt_2"]
    assert "Not checked." in page.text


@CLIPS
def test_report_of_a_recipe_shows_its_training_set(folder: Path) -> None:
    Path("data.toml").write_text(EXAMPLE)
    done = memmpy("report", "data.toml", "-q")
    assert done.exit_code == 0, done.output
    page = PageReader(Path("report.html"))
    assert "Balance of classes and splits of fold 0" in page.text
    assert "Inputs after scaling" in page.text


def test_a_page_of_another_suffix_is_refused_before_any_work(folder: Path) -> None:
    Path("data.toml").write_text(EXAMPLE)
    done = memmpy("report", "data.toml", "-o", "page.txt")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("memmpy: a report is a file that ends in .html or .htm, got")
    assert not Path("data.mmpy").exists()


def test_a_missing_store_is_one_line(folder: Path) -> None:
    done = memmpy("report", "nothing.mmpy")
    assert done.exit_code == 1
    assert done.stderr.startswith("memmpy: no store at 'nothing.mmpy'")
    assert len(done.stderr.splitlines()) == 1
    assert not Path("report.html").exists()
