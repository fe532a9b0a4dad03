"""Tests of the output of the demo."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from memmpy.demo import file_setup, run, toy_setup
from tests.conftest import MakeFile

CUT = "nJets >= 6 & nBTags_77 >= 2"


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What a terminal of 80 characters gets of two runs, with colours as escapes."""
    monkeypatch.chdir(tmp_path)
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard")
    for _ in range(2):
        setup = toy_setup(Path("[b]"), num_events=2000, seed=1, cut=CUT, console=console)
        run(setup, batch_size=128, console=console)
    return file.getvalue()


@pytest.mark.slow
def test_sentences_are_broken_at_their_ends_alone(output: str) -> None:
    lines = output.splitlines()
    assert "Wrote 4 ROOT files of 2,000 toy events each to [b]/toy_2000_1:" in lines
    assert "Converted 7 branches of 4 files to [b]/data.mmpy:" in lines
    assert "8,000 events in [b]/data.mmpy." in lines
    assert any(re.fullmatch(r"\d+\.\d MB in \d+\.\d s\.", line) for line in lines)
    assert any(re.fullmatch(r"8,000 events in [\d.]+ s, [\d,]+ events/s\.", line) for line in lines)


@pytest.mark.slow
def test_no_part_of_a_sentence_stands_out(output: str) -> None:
    sentences = [line for line in output.splitlines() if " events" in line and " in " in line]
    assert len(sentences) >= 6
    assert not any("\x1b" in line for line in sentences)


@pytest.mark.slow
def test_the_steps_of_the_cut_are_whole(output: str) -> None:
    assert "nBTags_77 >= 2" in output


def test_one_file_is_no_files(make_file: MakeFile, tmp_path: Path) -> None:
    file = io.StringIO()
    setup = file_setup(tmp_path / "d", [str(make_file())], tree=None, keys=["met"], cut=None)
    run(setup, batch_size=128, console=Console(file=file, width=80))
    assert "Converted 1 branch of 1 file to " in file.getvalue()
    assert re.search(r"train: \d+ events? in 1 batch of 128", file.getvalue())


def test_a_split_without_events_is_said(make_file: MakeFile, tmp_path: Path) -> None:
    file = io.StringIO()
    setup = file_setup(tmp_path / "d", [str(make_file(num=1))], tree=None, keys=["met"], cut=None)
    run(setup, batch_size=128, console=Console(file=file, width=80))
    assert re.search(r"^(train|val): no events$", file.getvalue(), re.MULTILINE)
