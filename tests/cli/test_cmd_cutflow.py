"""Tests of `memmpy cutflow`, as a user types it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from memmpy import RFileConfig, convert, cutflow
from memmpy.cli import main

MakeFile = Callable[..., Path]


def memmpy(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture
def store(make_file: MakeFile, tmp_path: Path) -> Path:
    files = [
        RFileConfig(make_file(f"{name}.root", num), "tree", {"process": name, "year": "mc16a"})
        for name, num in (("ttH", 800), ("ttbb", 400))
    ]
    convert(files, tmp_path / "s", keys={"nJets", "nBTags_77", "weight"})
    return tmp_path / "s"


def test_each_cut_is_a_step(store: Path) -> None:
    done = memmpy("cutflow", store, "nJets >= 2", "nBTags_77 >= 1", "--by", "process")
    assert done.exit_code == 0, done.output
    assert re.search(r"step\s+ttH\s+ttbb", done.output)
    assert re.search(r"all\s+800\s+400", done.output)
    assert re.search(r"nJets >= 2\s+400\s+200", done.output)
    assert re.search(r"cumulative efficiency\s+nJets >= 2\s+50.0 ± 1.8 %\s+50.0 ± 2", done.output)


def test_one_cut_is_split(store: Path) -> None:
    one = memmpy("cutflow", store, "nJets >= 2 && nBTags_77 >= 1")
    two = memmpy("cutflow", store, "nJets >= 2", "nBTags_77 >= 1")
    assert one.output == two.output
    assert "nBTags_77 >= 1" in one.output


def test_names_in_a_cut_can_be_typed(store: Path) -> None:
    words = ["is_hard", "process == wanted", "--alias", "is_hard=nJets >= least"]
    done = memmpy("cutflow", store, *words, "--constant", "least=2", "--constant", "wanted=ttH")
    assert done.exit_code == 0, done.output
    assert re.search(r"is_hard\s+600 ", done.output)
    assert re.search(r"process == wanted\s+400 ", done.output)


def test_json_equals_the_cutflow_of_python(store: Path) -> None:
    options = ["--by", "process,year", "--weight", "weight / 2", "--json"]
    done = memmpy("cutflow", store, "nJets >= 2", *options)
    flow = cutflow(store, ["nJets >= 2"], by=("process", "year"), weight="weight / 2")
    assert json.loads(done.output) == flow.to_dict()
    assert flow.groups == ("ttH, mc16a", "ttbb, mc16a")


def test_a_signal_adds_its_ratio_to_the_background(store: Path) -> None:
    done = memmpy("cutflow", store, "nJets >= 2", "--by", "process", "--signal", "ttH")
    assert done.exit_code == 0, done.output
    assert re.search(r"step\s+ttH\s+ttbb\s+S/B\s+S/√B", done.output)
    assert re.search(r"nJets >= 2\s+400\s+200\s+2\s+28.3", done.output)


def test_latex_is_that_of_python(store: Path) -> None:
    words = ["nJets >= 2", "--by", "process", "--signal", "ttH", "--weight", "weight", "--latex"]
    flow = cutflow(store, ["nJets >= 2"], by="process", weight="weight", signal="ttH")
    assert memmpy("cutflow", store, *words).output == flow.to_latex()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nJets >>"], "^"),
        (["njets > 1"], "nearest: 'nJets'"),
        (["nJets > 1", "--by", "proces"], "nearest: 'process'"),
        (["nJets > 1", "--by", "process", "--signal", "ttB"], "nearest: 'ttH'"),
        (["nJets > 1", "--by", "weight"], "group by text, integers or booleans"),
        ([], "name a CUT, such as"),
    ],
)
def test_errors_are_printed_without_a_traceback(
    words: list[str], message: str, store: Path
) -> None:
    done = memmpy("cutflow", store, *words)
    assert done.exit_code in {1, 2}
    assert message in done.output
    assert "Traceback" not in done.output


def test_a_warning_shows_no_line_of_python(store: Path) -> None:
    done = memmpy("cutflow", store, "nJets >= 2 & nBTags_77")
    assert done.exit_code == 0
    assert done.stderr.startswith("memmpy: warning: & of a condition and a number takes")
    assert ".py" not in done.stderr
